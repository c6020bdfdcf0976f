"""Everything in the config that a run's numbers depend on, as plain values: the run's spec."""

from functools import cache
from typing import Any

from tickets.config import Config
from tickets.jobs.identity import run_facts, task_facts
from tickets.papers.lth.settings import lth_settings
from tickets.papers.lth.tasks import TASKS
from tickets.spec import MaskAddress, RunAddress, fingerprint
from tickets.versions import PAPER_VERSIONS, VERSIONS

Facts = dict[str, Any]


class Identity:
    """Specs of runs and masks under a config; each is complete, defaults included."""

    def __init__(self, config: Config) -> None:
        self.config, self.preset, self.settings = config, config.settings, lth_settings(config)
        self.task = cache(self._task)
        self.chain = cache(self._chain)
        self.common: Facts = run_facts(self.preset, "base") | {
            "eval_mask_seed": self.settings.eval_mask_seed,
            "versions": VERSIONS | PAPER_VERSIONS["lth"],
        }

    def _task(self, name: str) -> Facts:
        facts = task_facts(self.preset, name)
        if name == "mlm":
            facts["sequences"] = self.preset.data.mlm_sequences
        return {"task": name, "data": facts, "recipe": self.settings.recipe(name).model_dump(mode="json")}

    def _chain(self, method: str, source: str) -> Facts:
        s = self.settings
        tasks = source_tasks(source)
        facts: Facts = {"method": method, "tasks": [self.task(t) for t in tasks]}
        if method in ("oneshot", "random"):
            return facts
        facts["policy"] = s.chain.model_dump(mode="json")
        if method == "imp-standard":
            facts["policy"] = s.standard_chain.model_dump(mode="json")
        elif method.startswith("imp-rewind"):
            facts["rewind_method"] = s.rewind_method
        elif method == "imp-code":
            policy = s.code_mlm_chain if source == "mlm" else s.code_chain
            facts["policy"] = policy.model_dump(mode="json")
        if len(tasks) > 1:
            facts["recipe"] = s.multitask_recipe.model_dump(mode="json")
        if "@" in source:
            facts["sequences"] = s.grid.datasize[source.split("@")[1]]
        return facts

    def mask(self, address: MaskAddress) -> Facts:
        """Spec of a mask."""
        facts = {"mask": address.facts(), "chain": self.chain(address.method, address.source)}
        return self.common | facts

    def run(self, address: RunAddress) -> Facts:
        """Spec of a run; a level chosen by a criterion brings the criterion and the chain that decides it."""
        facts: Facts = {
            "address": address.facts(),
            "target": self.task(address.task),
            "chain": self.chain(address.method, address.source),
        }
        if address.rule:
            judge = address.source if address.rule == "own" else address.task
            facts["criterion"] = {
                "rule": address.rule,
                "ddof": self.settings.ddof,
                "replicates": self.settings.replicates.imp,
                "of": self.chain("imp", judge),
            }
        return self.common | facts

    def fingerprint(self, address: RunAddress | MaskAddress) -> str:
        """Hash of the spec."""
        return fingerprint(self.run(address) if isinstance(address, RunAddress) else self.mask(address))


def source_tasks(source: str) -> tuple[str, ...]:
    """Task ids behind a source id: 'mlm+qnli' -> (mlm, qnli), 'mlm@cola' -> (mlm,), 'any' -> ()."""
    return tuple(t for t in source.split("@")[0].split("+") if t in TASKS)
