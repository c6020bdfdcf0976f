"""The paper's tables: each function asks our runs and the printed numbers the same questions.

All take (ours, published, facts) and return the frame of `tickets.figures.tableio`. `facts` maps a task id to
the recipe of the preset, by the column names of `paper/lth/table1.csv`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.lth.evidence import Evidence, PublishedEvidence
from tickets.papers.lth.tasks import DOWNSTREAM, TASKS
from tickets.stats.criteria import Rule
from tickets.stats.summary import Stat

Facts = Mapping[str, Mapping[str, Any]]
Question = Callable[[Evidence, str], Entry]

TITLES = {id: task.title for id, task in TASKS.items()}
FULL, TICKET = "Full model", "IMP mask ⊙ θ₀"
VARIANTS = {"rewind05": 5, "rewind10": 10, "rewind20": 20, "rewind50": 50}
_RECIPE = {
    "train_examples": "Training examples",
    "iterations_per_epoch": "Iterations per epoch",
    "epochs": "Epochs",
    "steps": "Steps",
    "batch": "Batch size",
    "max_length": "Longest input (tokens)",
    "learning_rate": "Learning rate",
    "metric": "Metric",
    "dev_examples": "Dev examples",
}
_BOTH_METRICS = (
    ("MNLI-m", "mnli", "accuracy"),
    ("MNLI-mm", "mnli", "accuracy_mismatched"),
    ("QQP acc.", "qqp", "accuracy"),
    ("QQP F1", "qqp", "f1"),
    ("STS-B Pearson", "sts-b", "pearson"),
    ("STS-B Spearman", "sts-b", "spearman"),
    ("MRPC F1", "mrpc", "f1"),
    ("MRPC acc.", "mrpc", "accuracy"),
)


def percent(sparsity: float | None) -> float | None:
    """A sparsity as a percentage without floating-point dust."""
    return None if sparsity is None else round(100 * sparsity, 6)


def at_s_star(evidence: Evidence, task: str, rule: Rule = "winning", **address: Any) -> Stat | None:
    """A run at s*(task); at s* = 0 a mask removes nothing, so that on θ₀ the answer is the full model."""
    stat = evidence.at(task, rule, **address)
    if (
        stat is None
        and evidence.s_star(task, rule) == 0.0
        and address.get("weights", "pretrained") == "pretrained"
    ):
        return evidence.dense(task)
    return stat


def row_of(
    label: str, ask: Question, ours: Evidence, published: Evidence | None, tasks: tuple[str, ...]
) -> Row:
    """The same question to our runs and to the paper."""
    printed = None if published is None else {TITLES[t]: ask(published, t) for t in tasks}
    return Row(label, {TITLES[t]: ask(ours, t) for t in tasks}, printed)


def columns_of(tasks: tuple[str, ...] = tuple(TASKS)) -> list[str]:
    """Column headings of the tasks."""
    return [TITLES[t] for t in tasks]


def table1(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Recipe: ours from the preset's facts, steps and dev examples else from the runs themselves."""
    measured = {"steps": "steps", "dev_examples": "n_dev"}
    printed = published.tables.frames["table1"]
    rows = []
    for key, label in _RECIPE.items():
        mine: dict[str, Entry] = {}
        theirs: dict[str, Entry] = {}
        for task in TASKS:
            value = facts.get(task, {}).get(key)
            if value is None and key in measured:
                seen = ours.values(task, sparsity=0.0, metric=measured[key])
                value = float(seen[0]) if len(seen) else None
            unknown = None if key in measured else NOT_APPLICABLE
            mine[TITLES[task]] = _fact(key, value) or unknown
            theirs[TITLES[task]] = _fact(key, printed.at[task, key] if task in printed.index else None)
        rows.append(Row(label, mine, theirs))
    return comparison(columns_of(), rows)


def _fact(key: str, value: Any) -> Entry:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return str(value) if key == "metric" else float(value)


def table2(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Tickets and baselines at s* under the one-std criterion."""
    return _tickets(ours, published, "winning", FullAsIn(published, "table2"))


def table4(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Tickets and baselines at s* under the strict criterion."""
    return _tickets(ours, published, "strict", FullAsIn(published, "table4"))


class FullAsIn:
    """The full model's score; the paper's as the named table prints it (Tables 2 and 4 differ in the std)."""

    def __init__(self, published: PublishedEvidence, table: str) -> None:
        self._number = published.tables.number
        self._table = table

    def __call__(self, evidence: Evidence, task: str) -> Entry:
        """Answer from our runs or, for the published evidence, from the table."""
        if not isinstance(evidence, PublishedEvidence):
            return evidence.dense(task)
        mean, std = (self._number(self._table, f"full_{part}", task) for part in ("mean", "std"))
        return None if np.isnan(mean) else Stat(mean, std, std, 5, float("nan"), float("nan"))


def _tickets(ours: Evidence, published: PublishedEvidence, rule: Rule, full: Question) -> pd.DataFrame:
    masks: dict[str, dict[str, str]] = {
        TICKET: {},
        "Random mask ⊙ θ₀": {"method": "random"},
        "IMP mask ⊙ random init θ₀ʳ": {"weights": "reinit"},
        "IMP mask ⊙ θ₀ˢ (layers shuffled)": {"weights": "shuffled"},
    }
    tasks = tuple(TASKS)
    rows = [
        row_of("Sparsity s* (%)", lambda e, t: percent(e.s_star(t, rule)), ours, published, tasks),
        row_of(FULL, full, ours, published, tasks),
    ]
    for label, address in masks.items():
        rows.append(row_of(label, _asker(rule, address), ours, published, tasks))
    elements = _asker(rule, {"weights": "shuffled-elements"})
    rows.append(row_of("IMP mask ⊙ θ₀ (elements shuffled; ours)", elements, ours, None, tasks))
    return comparison(columns_of(), rows)


def _asker(rule: Rule, address: Mapping[str, str]) -> Question:
    return lambda evidence, task: at_s_star(evidence, task, rule, **address)


def table3(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Rewinding points and standard pruning at s*; the printed numbers are not available."""
    tasks = tuple(TASKS)
    rows = [
        row_of("Sparsity s* (%)", lambda e, t: percent(e.s_star(t)), ours, None, tasks),
        row_of(FULL, lambda e, t: e.dense(t), ours, None, tasks),
        row_of("Rewind 0 % (to θ₀)", _asker("winning", {}), ours, None, tasks),
    ]
    for weights, share in VARIANTS.items():
        address = {"weights": weights, "method": f"imp-{weights}"}
        rows.append(row_of(f"Rewind {share} %", _asker("winning", address), ours, None, tasks))
    standard = {"weights": "standard", "method": "imp-standard"}
    rows.append(row_of("Standard pruning", _asker("winning", standard), ours, None, tasks))
    return comparison(columns_of(), rows)


def table5(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Mean, median and best of the full model and of the ticket at s*."""
    tasks = tuple(TASKS)
    hf = {TITLES[t]: published.tables.hf_reported(t) for t in tasks}
    rows = [
        Row("Full model, as Hugging Face reports it", None, hf),
        row_of("Sparsity s* (%)", lambda e, t: percent(e.s_star(t)), ours, published, tasks),
    ]
    for label, ask in ((FULL, lambda e, t: e.dense(t)), (TICKET, _asker("winning", {}))):
        rows.append(row_of(f"{label}: mean", ask, ours, published, tasks))
        rows.append(row_of(f"{label}: median", _part(ask, "median"), ours, published, tasks))
        rows.append(row_of(f"{label}: best", _part(ask, "best"), ours, published, tasks))
    return comparison(columns_of(), rows)


def _part(ask: Callable[[Evidence, str], Any], part: str) -> Question:
    def question(evidence: Evidence, task: str) -> Entry:
        stat = ask(evidence, task)
        return None if stat is None else float(getattr(stat, part))

    return question


def table6(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Both metrics of MNLI, QQP, STS-B and MRPC, each at the s* of that metric."""

    def row(label: str, ask: Callable[[Evidence, str, str], Entry]) -> Row:
        return Row(
            label,
            {name: ask(ours, task, metric) for name, task, metric in _BOTH_METRICS},
            {name: ask(published, task, metric) for name, task, metric in _BOTH_METRICS},
        )

    def ticket(evidence: Evidence, task: str, metric: str) -> Entry:
        s = evidence.s_star(task, metric=metric)
        return None if s is None else evidence.stat(task, sparsity=s, metric=metric)

    printed = {
        label: {
            name: published.tables.number("table6", key, column)
            for (name, _, _), column in zip(
                _BOTH_METRICS, published.tables.frames["table6"].columns, strict=True
            )
        }
        for label, key in (("HF", "hf_reported"), ("best", "full_best"))
    }
    best = {
        name: None if (stat := ours.dense(task, metric)) is None else stat.best
        for name, task, metric in _BOTH_METRICS
    }
    rows = [
        Row("Full model, as Hugging Face reports it", None, printed["HF"]),
        Row(f"{FULL}: best", best, printed["best"]),
        row("Sparsity s* (%)", lambda e, t, m: percent(e.s_star(t, metric=m))),
        row(FULL, lambda e, t, m: e.dense(t, m)),
        row(TICKET, ticket),
    ]
    return comparison([name for name, _, _ in _BOTH_METRICS], rows)


def table7(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """The MLM mask and the task's own mask at s* of the task, ten downstream tasks."""
    mlm = _asker("winning", {"source": "mlm"})
    rows = [
        row_of("Sparsity s* (%)", lambda e, t: percent(e.s_star(t)), ours, published, DOWNSTREAM),
        row_of(FULL, lambda e, t: e.dense(t), ours, published, DOWNSTREAM),
        row_of("Mask found on the task", _asker("winning", {}), ours, published, DOWNSTREAM),
        row_of("Mask found on MLM", mlm, ours, published, DOWNSTREAM),
    ]
    return comparison(columns_of(DOWNSTREAM), rows)


def table8(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """MLM masks from as many sequences as the task has examples, and from all of them, at 70 %."""
    tasks = ("sst-2", "cola", "squad")

    def sizes(evidence: Evidence, task: str) -> Entry:
        known = evidence.train_sizes or {}
        size = known.get(task, facts.get(task, {}).get("train_examples") if evidence is ours else None)
        return NOT_APPLICABLE if size is None else float(size)

    rows = [
        row_of("Training examples of the task", sizes, ours, published, tasks),
        row_of("Mask found on the task", lambda e, t: e.data_size(t)["same_task"], ours, published, tasks),
        row_of("MLM, as many sequences", lambda e, t: e.data_size(t)["matched"], ours, published, tasks),
        row_of("MLM, all sequences", lambda e, t: e.data_size(t)["full"], ours, published, tasks),
    ]
    return comparison(columns_of(tasks), rows)
