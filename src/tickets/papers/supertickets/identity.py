"""Everything in the config that a run's numbers depend on, as plain values: the run's spec."""

from functools import cache
from typing import Any

from tickets.config import Config
from tickets.data.tasks import TASKS
from tickets.jobs.identity import run_facts, task_facts
from tickets.papers.supertickets.addresses import MULTITASK
from tickets.papers.supertickets.settings import supertickets_settings
from tickets.spec import MaskAddress, RunAddress, fingerprint
from tickets.versions import PAPER_VERSIONS, VERSIONS

Facts = dict[str, Any]


class Identity:
    """Specs of runs and masks under a config; each is complete, defaults included."""

    def __init__(self, config: Config) -> None:
        self.preset, self.settings = config.settings, supertickets_settings(config)
        self.task = cache(self._task)
        self.common = cache(self._common)

    def _common(self, role: str) -> Facts:
        return run_facts(self.preset, role) | {
            "selection": self.settings.selection,
            "evaluations": self.settings.evaluations,
            "tickets": self.settings.tickets.model_dump(mode="json"),
            "versions": VERSIONS | PAPER_VERSIONS["supertickets"],
        }

    def _task(self, name: str) -> Facts:
        return {
            "task": name,
            "data": task_facts(self.preset, name),
            "recipe": self.settings.recipe(name).model_dump(mode="json"),
            "head_dropout": self.settings.dropout(name),
        }

    def _variant(self, address: RunAddress | MaskAddress) -> Facts:
        # Mismatched tickets, a task's own and shared ones, were found at the rate of this variant.
        variant = "lr2" if address.method.endswith("mismatched") else address.variant
        if variant.startswith("lr"):
            return {"rate_factors": self.settings.rate_factors}
        percent, _, extended = variant.removeprefix("data").partition("-")
        if extended:
            return {"extended": [self.settings.extended_batch, self.settings.extended_steps]}
        from_theta0 = isinstance(address, MaskAddress) or address.weights == "pretrained"
        if variant.startswith("data") and from_theta0:
            recipe = self.settings.subset_recipes.get(percent)
            return {"recipe": None if recipe is None else recipe.model_dump(mode="json")}
        return {}

    def _multitask(self) -> Facts:
        return {
            "tasks": [self.task(name) for name in self.settings.tasks],
            "recipe": self.settings.multitask_recipe.model_dump(mode="json"),
        }

    def mask(self, address: MaskAddress) -> Facts:
        """Spec of a mask."""
        facts = {
            "mask": address.facts(),
            "source": self.task(address.source),
            "variant": self._variant(address),
        }
        return self.common(address.model) | facts

    def run(self, address: RunAddress) -> Facts:
        """Spec of a run; a ticket of other tasks brings the specs of those."""
        facts: Facts = {
            "address": address.facts(),
            "target": self.task(address.task),
            "variant": self._variant(address),
        }
        if address.source == MULTITASK:
            facts["multitask"] = self._multitask()
            if address.method == "ticket-share-mismatched":
                mismatch = self.settings.grid.mismatch
                facts["mismatched"] = [name for name in self.settings.tasks if name in mismatch]
            if address.task not in self.settings.tasks:
                facts["new_task_mask"] = self.settings.new_task_mask
        elif address.source != address.task and address.source in TASKS:
            facts["source"] = self.task(address.source)
        return self.common(address.model) | facts

    def fingerprint(self, address: RunAddress | MaskAddress) -> str:
        """Hash of the spec."""
        return fingerprint(self.run(address) if isinstance(address, RunAddress) else self.mask(address))
