"""F1 of class 1 as a local `evaluate` module; needs no network."""

from typing import Any

import datasets
import evaluate
from sklearn.metrics import f1_score


class F1(evaluate.Metric):  # type: ignore[misc]
    """F1 with class 1 positive, 0..1; 0 where it is undefined."""

    def _info(self) -> Any:
        value = datasets.Value("int64")
        return evaluate.MetricInfo(
            description="Harmonic mean of precision and recall of class 1.",
            citation="",
            inputs_description="predictions, references: class ids, 1 being the positive class.",
            features=datasets.Features({"predictions": value, "references": value}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        scores = f1_score(references, predictions, labels=[1], average=None, zero_division=0.0)
        return {"f1": float(scores[0])}
