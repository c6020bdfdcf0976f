"""The papers' metrics in numpy alone, for use inside training jobs.

`tickets.metrics.reference` computes the same numbers with scikit-learn and scipy; the audit uses that one, so
keep the two free of common code.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tickets.data.tasks import task
from tickets.errors import TicketsError

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


def accuracy(predictions: ArrayLike, references: ArrayLike) -> float:
    """Share of equal entries, 0..1."""
    predicted, expected = _paired(predictions, references)
    return float(np.mean(predicted == expected))


def f1(predictions: ArrayLike, references: ArrayLike) -> float:
    """F1 of class 1, 0..1; 0 where precision and recall are both undefined (spec lth, O20)."""
    predicted, expected = (side == 1 for side in _paired(predictions, references))
    denominator = int(predicted.sum()) + int(expected.sum())
    return 2 * int((predicted & expected).sum()) / denominator if denominator else 0.0


def matthews(predictions: ArrayLike, references: ArrayLike) -> float:
    """Matthews correlation, -1..1, any number of classes; 0 for a constant predictor (spec lth, O20)."""
    predicted, expected = _paired(predictions, references)
    classes, codes = np.unique(np.concatenate([predicted, expected]), return_inverse=True)
    width = len(classes)
    table = np.bincount(codes[: len(predicted)] * width + codes[len(predicted) :], minlength=width * width)
    table = table.reshape(width, width)
    # Python integers: products of counts overflow int64 on no real data set, but cost nothing here.
    total, hits = int(table.sum()), int(np.trace(table))
    rows, columns = ([int(n) for n in table.sum(axis=axis)] for axis in (1, 0))
    covariance = total * hits - sum(r * c for r, c in zip(rows, columns, strict=True))
    spread = (total**2 - sum(r * r for r in rows)) * (total**2 - sum(c * c for c in columns))
    return float(covariance / spread**0.5) if spread else 0.0


def pearson(predictions: ArrayLike, references: ArrayLike) -> float:
    """Pearson correlation, -1..1; 0 where one side is constant, nan on non-finite input."""
    x, y = (np.asarray(side, dtype=np.float64) for side in _paired(predictions, references))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    x, y = (side - side.mean() for side in (x, y))
    # Scaled first, so that the squares of very small or large deviations neither vanish nor overflow.
    x, y = (side / np.abs(side).max() for side in (x, y))
    x, y = (side / np.linalg.norm(side) for side in (x, y))
    return float(np.clip(x @ y, -1.0, 1.0))


def spearman(predictions: ArrayLike, references: ArrayLike) -> float:
    """Pearson correlation of the ranks, ties given their average rank."""
    x, y = _paired(predictions, references)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    return pearson(average_ranks(x), average_ranks(y))


def average_ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of the ranks they span."""
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(ranks[inverse], dtype=np.float64)


def normalize_answer(text: str) -> str:
    """SQuAD 1.1 form of an answer: lower case, no ASCII punctuation, no articles, single spaces."""
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Share of predictions whose normal form equals that of any of their reference answers, 0..1."""
    return _mean_best(predictions, references, lambda mine, theirs: float(mine == theirs))


def token_f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean over questions of the best bag-of-words F1 against any reference answer, 0..1."""
    return _mean_best(predictions, references, _overlap)


def score(task_id: str, predictions: Any, references: Any, *, split: str = "dev") -> dict[str, float]:
    """All metrics of a task in percent, keyed as in `Task.metrics`.

    Classification takes class ids; regression raw outputs; squad one answer string and one list of accepted
    answers a question; mlm predicted and true ids, positions with reference -100 left out (its loss is the
    caller's). Only `Task.metrics` that follow from predictions are returned.
    `split="dev_mismatched"` gives MNLI's second accuracy under a key of its own; merge the two dicts.
    Raises `TicketsError` for an unknown task, sides of different length, or no rows.
    """
    kind, metrics = task(task_id).kind, task(task_id).metrics
    if kind == "span":
        words, exact = token_f1(predictions, references), exact_match(predictions, references)
        return {"f1": 100 * words, "exact_match": 100 * exact}
    if split == "dev_mismatched":
        return {"accuracy_mismatched": 100 * accuracy(predictions, references)}
    if kind == "mlm":
        predicted, expected = _paired(predictions, references)
        return {"accuracy": 100 * accuracy(predicted[expected != -100], expected[expected != -100])}
    functions = {
        "accuracy": accuracy,
        "f1": f1,
        "matthews": matthews,
        "pearson": pearson,
        "spearman": spearman,
    }
    return {name: 100 * functions[name](predictions, references) for name in metrics if name in functions}


def _paired(predictions: ArrayLike, references: ArrayLike) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    predicted, expected = np.asarray(predictions).ravel(), np.asarray(references).ravel()
    _check_rows(len(predicted), len(expected))
    return predicted, expected


def _check_rows(predictions: int, references: int) -> None:
    if predictions != references:
        raise TicketsError(
            f"{predictions} predictions for {references} references. Score a model on the split it predicted."
        )
    if predictions == 0:
        raise TicketsError("no predictions to score. The split is empty; check its data file.")


def _mean_best(
    predictions: Sequence[str], references: Sequence[Sequence[str]], compare: Callable[[str, str], float]
) -> float:
    _check_rows(len(predictions), len(references))
    best = []
    for predicted, answers in zip(predictions, references, strict=True):
        mine = normalize_answer(predicted)
        best.append(max(compare(mine, normalize_answer(answer)) for answer in answers))
    return float(np.mean(best))


def _overlap(mine: str, theirs: str) -> float:
    bags = Counter(mine.split()), Counter(theirs.split())
    shared = (bags[0] & bags[1]).total()
    return 2 * shared / (bags[0].total() + bags[1].total()) if shared else 0.0
