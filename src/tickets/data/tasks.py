"""All tasks of the papers: names, label sets and metrics. Imports nothing heavy.

Which of them a paper uses, and in which order, stands in `papers/<id>`.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from tickets.errors import TicketsError

Kind = Literal["classification", "regression", "span", "mlm"]


@dataclass(frozen=True)
class Task:
    """One task: `metrics[0]` is the metric that tables and criteria use (spec lth section 3.1)."""

    id: str
    title: str
    kind: Kind
    labels: tuple[str, ...]
    metrics: tuple[str, ...]

    @property
    def outputs(self) -> int:
        """Width of the head: classes, 1 for a regression, 2 (start, end) for spans, 0 for MLM."""
        return {"classification": len(self.labels), "regression": 1, "span": 2, "mlm": 0}[self.kind]


_YES_NO = ("entailment", "not_entailment")
_BINARY = ("0", "1")

TASKS: dict[str, Task] = {
    task.id: task
    for task in (
        Task(
            "mnli",
            "MNLI",
            "classification",
            ("contradiction", "entailment", "neutral"),
            ("accuracy", "accuracy_mismatched"),
        ),
        Task("qqp", "QQP", "classification", _BINARY, ("accuracy", "f1")),
        Task("sts-b", "STS-B", "regression", (), ("pearson", "spearman")),
        Task("wnli", "WNLI", "classification", _BINARY, ("accuracy",)),
        Task("qnli", "QNLI", "classification", _YES_NO, ("accuracy",)),
        Task("mrpc", "MRPC", "classification", _BINARY, ("accuracy", "f1")),
        Task("rte", "RTE", "classification", _YES_NO, ("accuracy",)),
        Task("sst-2", "SST-2", "classification", _BINARY, ("accuracy",)),
        Task("cola", "CoLA", "classification", _BINARY, ("matthews", "accuracy")),
        Task("squad", "SQuAD", "span", (), ("f1", "exact_match")),
        Task("mlm", "MLM", "mlm", (), ("accuracy", "loss")),
        Task("snli", "SNLI", "classification", ("contradiction", "entailment", "neutral"), ("accuracy",)),
        Task("scitail", "SciTail", "classification", ("neutral", "entails"), ("accuracy",)),
        Task("wikitext", "WikiText", "mlm", (), ("accuracy", "loss")),
        Task("wikitext-pairs", "WikiText pairs", "mlm", (), ("accuracy", "loss")),
    )
}
STREAMS = ("wikitext", "wikitext-pairs")
"""The corpus that masks are trained on (spec tamt section 1.11): as blocks, and as documents in two parts."""


def task(id: str) -> Task:
    """Look a task up by id, or raise a `TicketsError` that suggests the nearest one."""
    if id in TASKS:
        return TASKS[id]
    near = get_close_matches(id, TASKS, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    raise TicketsError(f"unknown task '{id}'{hint} The tasks are: {', '.join(TASKS)}.")
