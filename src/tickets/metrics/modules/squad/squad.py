"""SQuAD 1.1 F1 and exact match as a local `evaluate` module; needs no network."""

import re
import string
from typing import Any

import datasets
import evaluate


class Squad(evaluate.Metric):  # type: ignore[misc]
    """F1 and exact match, 0..1: each prediction against the best of its reference answers."""

    def _info(self) -> Any:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="Bag-of-words F1 and exact match after SQuAD 1.1 normalisation.",
            citation="",
            inputs_description="predictions: answer strings; references: lists of accepted answers.",
            features=datasets.Features({"predictions": text, "references": datasets.Sequence(text)}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        f1, exact = [], []
        for predicted, answers in zip(predictions, references, strict=True):
            mine = words(predicted)
            f1.append(max(word_f1(mine, words(answer)) for answer in answers))
            exact.append(any(mine == words(answer) for answer in answers))
        return {"f1": sum(f1) / len(f1), "exact_match": sum(exact) / len(exact)}


def words(text: str) -> list[str]:
    """The words left after lower-casing and removing ASCII punctuation, then the articles a, an, the."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.split(r"\b(?:the|an|a)\b", bare)).split()


def word_f1(mine: list[str], theirs: list[str]) -> float:
    """Harmonic mean of precision and recall over words with repetition; 0 if none is shared."""
    left = list(theirs)
    shared = 0
    for word in mine:
        if word in left:
            left.remove(word)
            shared += 1
    if shared == 0:
        return 0.0
    precision, recall = shared / len(mine), shared / len(theirs)
    return 2 * precision * recall / (precision + recall)
