"""Scores of stored predictions: by the implementation that the jobs use, and by the independent one."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from torch import Tensor

from tickets.audit.reading import Predicted
from tickets.data.encoded import Split
from tickets.data.tasks import task as lookup
from tickets.errors import TicketsError
from tickets.jobs.scoring import score_outputs
from tickets.metrics import fast


def score_of(
    task: str, predicted: Predicted, split: Split, name: str, scorer: Any = fast
) -> dict[str, float]:
    """All metrics of a task that follow from logits, values or answers, in percent.

    Raises `TicketsError` where they are not of this split: of other rows or another width, or not finite.
    """
    if isinstance(predicted, Mapping):
        ids = [text["id"] for text in split.texts]
        if set(ids) != predicted.keys():
            raise TicketsError(f"predictions of '{name}' answer other questions than the data ask")
        answers = [predicted[id] for id in ids]
        found: dict[str, float] = scorer.score(task, answers, [text["answers"] for text in split.texts])
        return found
    check_outputs(task, predicted, split, name)
    return score_outputs(task, predicted, split, name, scorer)


def check_outputs(task: str, outputs: Tensor, split: Split, name: str) -> None:
    """Raise `TicketsError` unless the outputs are for this split and finite."""
    wanted = (len(split), lookup(task).outputs)
    if tuple(outputs.shape) != wanted:
        raise TicketsError(
            f"predictions of '{name}' are {list(outputs.shape)}, the data ask for {list(wanted)}"
        )
    if not bool(outputs.isfinite().all()):
        raise TicketsError(f"predictions of '{name}' are not all finite")


class Reference:
    """The metrics of `tickets.metrics.reference`, loaded once a process and called without what `evaluate` wraps around
    them, which takes a hundred times as long.
    """

    @staticmethod
    def score(task: str, predictions: Any, references: Any, *, split: str = "dev") -> dict[str, float]:
        """As `tickets.metrics.fast.score`, by scikit-learn and scipy."""
        names = [name for name in lookup(task).metrics if name != "accuracy_mismatched"]
        if lookup(task).kind == "span":
            names = ["squad"]
        elif split == "dev_mismatched":
            names = ["accuracy"]
        if lookup(task).kind == "regression":  # scipy computes in the precision that it is given
            predictions, references = (
                np.asarray(side, dtype=np.float64) for side in (predictions, references)
            )
        found: dict[str, float] = {}
        for name in names:
            found |= _module(name)._compute(predictions=predictions, references=references)
        if split == "dev_mismatched":
            found = {"accuracy_mismatched": found["accuracy"]}
        return {name: 100 * value for name, value in found.items()}


@cache
def _module(name: str) -> Any:
    from tickets.metrics import reference

    return reference.load(name)
