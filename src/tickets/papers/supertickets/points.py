"""Evaluation points of a run, kept on disk so that a resumed run still has those it passed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from tickets.jobs.lab import Lab
from tickets.models.encoder import Gates
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.papers.supertickets.cell_columns import Selection
from tickets.papers.supertickets.selection import Point, best, judge_point, mean_choice
from tickets.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class Judged:
    """A task that a model is judged on: its head, and the gates it goes through."""

    head: Head
    gates: Gates | None = None


Found = Mapping[str, Point]
"""One evaluation: task -> its point."""


class Points:
    """Judges a model during its training, and gives it back its best weights at the end (spec section 2.1).

    Best is by the mean over the tasks of what `selection` sees. A point's outputs, and the weights of the best so
    far, are written before the loop may save a later checkpoint.
    """

    def __init__(
        self,
        lab: Lab,
        model: Model,
        tasks: Mapping[str, Judged],
        selection: Selection,
        folder: Path,
        identity: str,
    ) -> None:
        self.lab, self.model, self.tasks, self.selection = lab, model, dict(tasks), selection
        self.folder, self.identity = folder, identity
        self.steps: Sequence[int] = ()
        self.found: dict[int, Found] = {}

    def after(self, steps: Sequence[int]) -> Callable[[int], None]:
        """The hook for the training loop, which judges after these steps."""
        self.steps = steps
        for step in steps:
            saved = self._file(f"point{step}").load()
            if saved is not None:
                self.found[step] = self._points(step, saved[0])

        def hook(step: int) -> None:
            if step in steps:
                self._judge(step)

        return hook

    def finish(self) -> list[Found]:
        """All points in order; the model then has the weights of the best."""
        points = [self.found[step] for step in self.steps]
        if self._best(points) != len(points) - 1:
            saved = self._file("best").load()
            assert saved is not None
            self.model.parameters.flat.data.copy_(saved[0]["flat"])
        return points

    def _judge(self, step: int) -> None:
        outputs = {
            f"{task}/{split}": values
            for task, judged in self.tasks.items()
            for split, values in self.lab.judge(
                task, self.model, head=judged.head, gates=judged.gates
            ).outputs.items()
        }
        self.found[step] = self._points(step, outputs)
        if step == self.steps[-1]:
            return
        self._file(f"point{step}").save(outputs, {"step": step})
        before = [self.found[s] for s in self.steps if s <= step]
        if self._best(before) == len(before) - 1:
            self._file("best").save({"flat": self.model.parameters.flat}, {"step": step})

    def _points(self, step: int, outputs: Mapping[str, Tensor]) -> Found:
        found = {}
        for task in self.tasks:
            own = {name.split("/")[1]: v for name, v in outputs.items() if name.startswith(f"{task}/")}
            found[task] = judge_point(step, task, self.lab.context.data(task), own)
        return found

    def _best(self, points: Sequence[Found]) -> int:
        return best([mean_choice(point, self.selection) for point in points])

    def _file(self, name: str) -> Checkpoint:
        return Checkpoint(self.folder, self.identity, name)
