"""Pearson correlation as a local `evaluate` module; needs no network."""

from typing import Any

import datasets
import evaluate
import numpy as np
from scipy.stats import pearsonr


class Pearson(evaluate.Metric):  # type: ignore[misc]
    """Pearson correlation, -1..1; 0 where one side is constant, nan on non-finite input."""

    def _info(self) -> Any:
        value = datasets.Value("float64")
        return evaluate.MetricInfo(
            description="Linear correlation of predictions and references.",
            citation="",
            inputs_description="predictions, references: raw regression outputs and gold values.",
            features=datasets.Features({"predictions": value, "references": value}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        if not np.isfinite([predictions, references]).all():
            return {"pearson": float("nan")}
        if len(set(predictions)) == 1 or len(set(references)) == 1:
            return {"pearson": 0.0}
        return {"pearson": float(pearsonr(predictions, references).statistic)}
