"""The scores of `tickets.metrics.fast` by way of local `evaluate` modules: the audit's independent check.

Importing `evaluate` takes seconds; training jobs use `fast` instead.
"""

from pathlib import Path
from typing import Any

from tickets.data.tasks import task
from tickets.errors import TicketsError

MODULES = ("accuracy", "f1", "matthews", "pearson", "spearman", "squad")


def load(name: str) -> Any:
    """The `evaluate` module `name`, from this package, without network. Raises `TicketsError` if unknown."""
    if name not in MODULES:
        raise TicketsError(f"unknown metric module '{name}'. The modules are: {', '.join(MODULES)}.")
    import evaluate

    return evaluate.load(str(Path(__file__).parent / "modules" / name), keep_in_memory=True)


def score(task_id: str, predictions: Any, references: Any, *, split: str = "dev") -> dict[str, float]:
    """All metrics of a task in percent; arguments and keys as `tickets.metrics.fast.score`."""
    kind, metrics = task(task_id).kind, task(task_id).metrics
    if len(predictions) != len(references) or len(predictions) == 0:
        raise TicketsError(
            f"{len(predictions)} predictions for {len(references)} references of task '{task_id}'. "
            "Score a model on the split it predicted, which must not be empty."
        )
    if kind == "span":
        return _percent(load("squad").compute(predictions=predictions, references=references))
    if kind == "mlm":
        known = [index for index, reference in enumerate(references) if reference != -100]
        predictions, references = [predictions[i] for i in known], [references[i] for i in known]
    names = [name for name in metrics if name in MODULES]
    if split == "dev_mismatched":
        names = ["accuracy"]
    found: dict[str, float] = {}
    for name in names:
        found |= load(name).compute(predictions=predictions, references=references)
    if split == "dev_mismatched":
        found = {"accuracy_mismatched": found["accuracy"]}
    return _percent(found)


def _percent(found: dict[str, float]) -> dict[str, float]:
    return {name: 100 * value for name, value in found.items()}
