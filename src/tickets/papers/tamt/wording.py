"""Names of methods, tasks and models in the tables and figures of the paper. Imports nothing heavy."""

from collections.abc import Mapping
from typing import Any

from tickets.data.tasks import TASKS

Facts = Mapping[str, Mapping[str, Any]]

KIND_NAMES = {
    "full": "full model",
    "random": "random mask",
    "omp": "OMP",
    "imp": "IMP",
    "imp-rewind": "IMP, rewound",
    "tamt-mlm": "TAMT-MLM",
    "tamt-kd": "TAMT-KD",
    "tamt-mlm-kd": "TAMT-MLM+KD",
}
MODEL_NAMES = {"base": "BERT", "roberta": "RoBERTa"}
AVERAGE7, AVERAGE5 = "avg7", "avg5"
TASK_NAMES = {id: task.title for id, task in TASKS.items()} | {
    AVERAGE7: "Average of 7",
    AVERAGE5: "Average of 5",
}


def percent(sparsity: float) -> float:
    """A sparsity in percent without floating-point dust."""
    return round(100 * sparsity, 6)


def percent_text(sparsity: float) -> str:
    """'70 %' for 0.7."""
    return f"{percent(sparsity):g} %"
