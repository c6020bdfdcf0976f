"""Evaluations of a run on its way, kept on disk so that a resumed run still has those it passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tickets.data.tasks import task as lookup
from tickets.jobs.lab import Lab
from tickets.jobs.scoring import Evaluation
from tickets.models.model import Model
from tickets.papers.tamt.selection import best
from tickets.training.checkpoint import Checkpoint

Found = list[tuple[int, dict[str, float]]]
"""Evaluations in order: step, dev scores."""


@dataclass(frozen=True)
class Point:
    """An evaluation after a step."""

    step: int
    evaluation: Evaluation


class Evaluations:
    """Judges a model after the steps of `candidates` and after the last; keeps the outputs of the best and of the last.

    The test split, where there is one, is looked at after the last step only.

    The best is that of `selection.best`. What was found is written before the loop may save a later checkpoint.
    """

    def __init__(
        self, lab: Lab, task: str, model: Model, candidates: Sequence[int], last: int, identity: str
    ) -> None:
        self.lab, self.task, self.model, self.steps, self.last = lab, task, model, candidates, last
        self.metric = lookup(task).metrics[0]
        self.scores: dict[int, dict[str, float]] = {}
        self._best: Point | None = None
        self._final: Point | None = None
        self._store = Checkpoint(lab.context.staging / "evaluations", identity, identity[:16])
        self._load()

    @property
    def best(self) -> Point:
        """The evaluation that gives the run its score."""
        assert self._best is not None
        return self._best

    @property
    def final(self) -> Point:
        """The evaluation after the last step."""
        assert self._final is not None
        return self._final

    @property
    def sequence(self) -> Found:
        """All evaluations."""
        return sorted(self.scores.items())

    @property
    def candidates(self) -> Found:
        """Those that the score is chosen from."""
        return [(step, scores) for step, scores in self.sequence if step in self.steps]

    @property
    def both(self) -> Evaluation:
        """The best evaluation, and the last as further splits 'final.dev', ..."""
        at_best, last = self.best.evaluation, self.final.evaluation
        # Where the last is the best, no two names may stand for one tensor in a file.
        outputs = {split: values.clone() for split, values in last.outputs.items()}
        return Evaluation(
            {**at_best.scores, **_final(last.scores)},
            {**at_best.outputs, **_final(outputs)},
            {**at_best.answers, **_final(last.answers)},
        )

    def after(self, step: int) -> None:
        """The hook for the training loop."""
        if step not in self.steps and step != self.last:
            return
        point = Point(step, self.lab.judge(self.task, self.model, held_out=step == self.last))
        self.scores[step] = point.evaluation.dev
        if step in self.steps and best(self.task, self.candidates)[0] == step:
            self._best = point
        if step == self.last:
            self._final = point
        else:
            self._save()

    def clear(self) -> None:
        """Forget what is on disk."""
        self._store.clear()

    def _save(self) -> None:
        facts: dict[str, Any] = {"scores": self.sequence, "best": None}
        tensors = {}
        if self._best is not None:
            found = self._best.evaluation
            answers = {split: dict(texts) for split, texts in found.answers.items()}
            facts["best"] = {
                "step": self._best.step,
                "scores": {split: dict(values) for split, values in found.scores.items()},
                "answers": answers,
            }
            tensors = dict(found.outputs)
        self._store.save(tensors or {"none": torch.zeros(1)}, facts)

    def _load(self) -> None:
        saved = self._store.load()
        if saved is None:
            return
        tensors, facts = saved
        self.scores = dict(facts["scores"])
        if (found := facts["best"]) is not None:
            outputs = {} if found["answers"] else tensors
            self._best = Point(found["step"], Evaluation(found["scores"], outputs, found["answers"]))


def _final(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"final.{split}": value for split, value in values.items()}
