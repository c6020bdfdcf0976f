"""Matthews correlation as a local `evaluate` module; needs no network."""

from typing import Any

import datasets
import evaluate
from sklearn.metrics import matthews_corrcoef


class Matthews(evaluate.Metric):  # type: ignore[misc]
    """Matthews correlation coefficient, -1..1; 0 for a constant predictor."""

    def _info(self) -> Any:
        value = datasets.Value("int64")
        return evaluate.MetricInfo(
            description="Correlation of predicted and true classes.",
            citation="",
            inputs_description="predictions, references: class ids.",
            features=datasets.Features({"predictions": value, "references": value}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return {"matthews": float(matthews_corrcoef(references, predictions))}
