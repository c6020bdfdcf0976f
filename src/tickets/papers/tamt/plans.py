"""What a fine-tuning trains on and how long (spec tamt sections 3 and 5.1). Imports no torch."""

from dataclasses import dataclass

from tickets.papers.tamt.selection import candidates
from tickets.papers.tamt.settings import Few, TamtSettings
from tickets.spec import RunAddress
from tickets.training.recipe import Recipe


@dataclass(frozen=True)
class Plan:
    """What a run trains on and how long; `few` is None on the whole training set."""

    task: str
    recipe: Recipe
    every: int
    few: Few | None
    n_train: int

    @property
    def steps(self) -> int:
        """Optimizer steps."""
        return self.recipe.total_steps(self.n_train)

    @property
    def candidates(self) -> tuple[int, ...]:
        """Steps after which the run is evaluated for selection; it is also after its last."""
        return candidates(self.steps, self.every, self.task, final=self.few is not None)


def plan_of(settings: TamtSettings, address: RunAddress, n_train: int) -> Plan:
    """Recipe and size of a run; `n_train` are the training examples that its task has."""
    task = address.task
    if not address.variant:
        return Plan(task, settings.recipe(task), settings.every(task), None, n_train)
    size = address.variant[1:]
    few = settings.grid.few[task][size]
    recipe = settings.recipe(task).model_copy(update={"epochs": few.epochs, "steps": few.steps})
    return Plan(task, recipe, few.every, few, int(size))
