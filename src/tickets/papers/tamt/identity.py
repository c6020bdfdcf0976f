"""Everything in the config that a mask's or a run's numbers depend on, as plain values: its spec."""

from functools import cache
from typing import Any

from tickets.config import Config
from tickets.jobs.identity import run_facts, task_facts
from tickets.papers.tamt.addresses import mask_of
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.settings import PAIRS, WORDS, MaskTraining, tamt_settings
from tickets.spec import MaskAddress, RunAddress, fingerprint
from tickets.versions import PAPER_VERSIONS, VERSIONS

Facts = dict[str, Any]


class Identity:
    """Specs of runs and masks under a config; each is complete, defaults included."""

    def __init__(self, config: Config) -> None:
        self.preset, self.settings = config.settings, tamt_settings(config)
        self.common = cache(self._common)
        self.data = cache(self._data)
        self.method = cache(self._method)

    def _common(self, role: str) -> Facts:
        return run_facts(self.preset, role) | {
            "world_seed": self.preset.data.world_seed,
            "pooler": self.settings.scores.pooler,
            "versions": VERSIONS | PAPER_VERSIONS["tamt"],
        }

    def _data(self, name: str) -> Facts:
        facts = task_facts(self.preset, name)
        if name in (WORDS, PAIRS):
            facts["sequences"] = self.preset.data.wikitext_sequences
        return facts

    def _method(self, token: str, level: str) -> Facts:
        """What decides a mask. Steps that it was not trained for do not: a run's checkpoints are its prefixes."""
        method = Method.parse(token)
        if method.kind.startswith("imp"):
            imp = self.settings.imp
            return {
                "recipe": imp.recipe.model_dump(mode="json"),
                "interval": method.interval or imp.interval,
                "data": self.data(WORDS),
            }
        if not method.trained:
            return {}
        return {
            "scores": self.settings.scores.model_dump(mode="json"),
            "training": training_of(self.settings.mask_training, method).model_dump(mode="json"),
            "step": method.step or self.settings.main_steps[level],
            "data": self.data(PAIRS if method.objective == "kd" else WORDS),
        }

    def mask(self, address: MaskAddress) -> Facts:
        """Spec of a mask, and of the losses that are written beside it."""
        facts: Facts = {"mask": address.facts(), "method": self.method(address.method, address.level)}
        facts["mlm_probability"] = self.settings.recipe(WORDS).mlm_probability
        return self.common(address.model) | facts

    def run(self, address: RunAddress) -> Facts:
        """Spec of a run."""
        task, mask = address.task, mask_of(address)
        facts: Facts = {
            "address": address.facts(),
            "task": task,
            "data": self.data(task),
            "recipe": self.settings.recipe(task).model_dump(mode="json"),
            "mask": None if mask is None else self.method(mask.method, mask.level),
        }
        if address.variant:
            facts["few"] = self.settings.grid.few[task][address.variant[1:]].model_dump(mode="json")
        else:
            facts["every"] = self.settings.every(task)
        return self.common(address.model) | facts

    def fingerprint(self, address: RunAddress | MaskAddress) -> str:
        """Hash of the spec."""
        return fingerprint(self.run(address) if isinstance(address, RunAddress) else self.mask(address))


def training_of(training: dict[Any, MaskTraining], method: Method) -> MaskTraining:
    """How a method trains its masks: as its objective says, but for what its ablation changes."""
    own = training[method.objective]
    if method.ablation == "always":
        every = own.threshold.model_copy(update={"every": 1})
        return own.model_copy(update={"threshold": every})
    if method.ablation == "calm":
        return own.model_copy(update={"teacher_dropout": False})
    if method.ablation == "unpadded":
        return own.model_copy(update={"pads": "exclude"})
    if method.ablation == "adamw":
        words = training["mlm"].recipe
        update = {"max_length": own.recipe.max_length, "drop_last": own.recipe.drop_last}
        return own.model_copy(update={"recipe": words.model_copy(update=update)})
    return own
