"""What is logged while a mask is trained: one row every so many steps, kept through a kill."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from tickets.jobs.files import read_json, write_json
from tickets.models.model import Model
from tickets.training.objective import Objective


class Logged:
    """An objective that remembers the mean loss since it was last asked (after a kill: since the checkpoint)."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.steps_per_epoch = objective, objective.steps_per_epoch
        self._losses: list[Tensor] = []

    def loss(self, model: Model, step: int) -> Tensor:
        """See `Objective`."""
        loss = self.objective.loss(model, step)
        self._losses.append(loss.detach())
        return loss

    def mean(self) -> float:
        """Mean loss of the steps since the last call."""
        total = sum(float(loss) for loss in self._losses)
        found = total / len(self._losses)
        self._losses.clear()
        return found


class TrainingLog:
    """Rows by step in a JSON file of the job's staging folder; a step made again replaces its row."""

    def __init__(self, path: Path, every: int, last: int) -> None:
        self.path, self.every, self.last = path, every, last
        saved = read_json(path)["rows"] if path.exists() else []
        self.rows: dict[int, dict[str, Any]] = {row["step"]: row for row in saved}

    def due(self, step: int) -> bool:
        """Whether there is a row for a 1-based step."""
        return step % self.every == 0 or step in (1, self.last)

    def add(self, step: int, row: Callable[[], dict[str, Any]]) -> None:
        """Write a row if it is time."""
        if self.due(step):
            self.rows[step] = {"step": step, **row()}
            self.write({})

    def write(self, facts: dict[str, Any]) -> None:
        """Write all rows with `facts` of the whole training beside them."""
        rows = [self.rows[step] for step in sorted(self.rows)]
        write_json(self.path, {**facts, "rows": rows})
