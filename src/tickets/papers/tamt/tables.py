"""The paper's tables: recipes, stopping steps and the time of mask training.

All take (ours, published, facts) and return the frame of `tickets.figures.tableio`. `facts` maps a task, or the kind of
a mask (its pre-training), to the recipe of the preset.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.tamt.ask import imp_steps
from tickets.papers.tamt.evidence import MODELS, TASKS7, Evidence, PublishedEvidence
from tickets.papers.tamt.wording import KIND_NAMES, MODEL_NAMES, TASK_NAMES, Facts

LEVELS = (20, 30, 40, 50, 60, 70, 80, 90)
TIMED = ("imp", "tamt-mlm", "tamt-kd")
PRETRAINED = {"imp": "IMP-MLM", "tamt-mlm": "TAMT-MLM", "tamt-kd": "TAMT-KD", "tamt-mlm-kd": "TAMT-MLM+KD"}
"""Kinds of masks as Table 1 names their pre-training."""
_RECIPE = {
    "train_examples": ("Training examples", "train"),
    "dev_examples": ("Dev examples", "eval"),
    "epochs": ("Epochs", "max_epochs"),
    "evaluate_every": ("Steps between evaluations", "eval_iter"),
    "batch": ("Batch size", "batch"),
    "max_length": ("Longest input (tokens)", "max_len"),
    "learning_rate": ("Learning rate", "lr"),
    "metric": ("Metric", "metric"),
}
_LAST = 90  # percent: Table 3 is the time until this sparsity
_PRINTED_MODELS = {"base": "BERT-base", "roberta": "RoBERTa-base"}


def table1(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Recipes: mask training and fine-tuning, ours from the preset's facts."""
    columns = {kind: (KIND_NAMES[kind], PRETRAINED[kind]) for kind in PRETRAINED}
    columns |= {task: (TASK_NAMES[task], TASK_NAMES[task]) for task in TASKS7}
    rows = []
    for key, (label, column) in _RECIPE.items():
        # what a small preset leaves out has no recipe; an unknown entry of a recipe is no missing run
        mine = {title: _fact(key, facts.get(id)) for id, (title, _) in columns.items()}
        theirs = {title: _printed(published, name, column) for title, name in columns.values()}
        rows.append(Row(label, mine, theirs))
    return comparison([title for title, _ in columns.values()], rows)


def _fact(key: str, known: Mapping[str, Any] | None) -> Entry:
    if known is None:
        return None
    value = known.get(key)
    if value is None:
        return NOT_APPLICABLE
    return str(value) if key == "metric" else float(value)


def _printed(published: PublishedEvidence, row: str, column: str) -> Entry:
    text = published.tables.text("table1", row, column)
    if row in PRETRAINED.values() and column in ("train", "eval"):
        return f"{text} tokens"  # no number of examples
    number = published.printed("table1", row, column)
    return (text or NOT_APPLICABLE) if math.isnan(number) else number


def table2(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Stopping steps by sparsity; the last rows as shares of the schedule, which compare across presets."""
    grid, theirs = ours.grid, published.grid
    mine: dict[str, dict[int, float]] = {
        "imp": {level: float(imp_steps(level / 100, grid.interval)) for level in LEVELS if grid.interval},
        "tamt": {level: float(grid.main_steps[level]) for level in LEVELS if level in grid.main_steps},
    }
    printed = {
        name: {level: published.printed("table2", row, str(level)) for level in LEVELS}
        for name, row in (("imp", "IMP"), ("tamt", "TAMT"))
    }
    rows = []
    for name, label in (("imp", "IMP: optimizer steps"), ("tamt", "TAMT: optimizer steps")):
        rows.append(Row(label, _by_level(mine[name]), _by_level(printed[name])))
    for name, label in (("imp", "IMP"), ("tamt", "TAMT")):
        shares = (_shares(mine[name], grid.horizon), _shares(printed[name], theirs.horizon))
        rows.append(Row(f"{label}: share of the schedule's steps", *map(_by_level, shares)))
    return comparison([f"{level} %" for level in LEVELS], rows)


def _by_level(values: Mapping[int, float]) -> dict[str, Entry]:
    return {f"{level} %": value for level, value in values.items()}


def _shares(steps: Mapping[int, float], horizon: int) -> dict[int, float]:
    return {level: round(step / horizon, 6) for level, step in steps.items()} if horizon else {}


def table3(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Minutes until 90 % and seconds a step, ours and the paper's in rows of their own: the machines differ."""
    rows: list[Row] = []
    for model in MODELS:
        name = MODEL_NAMES[model]
        paces = {who: _paces(evidence, model) for who, evidence in (("ours", ours), ("published", published))}
        minutes = {"ours": _minutes(ours, paces["ours"]), "published": _printed_minutes(published, model)}
        for label, by_who in (("minutes until 90 %", minutes), ("seconds a step", paces)):
            rows.append(Row(f"{name}: {label}, this machine", by_who["ours"]))
            rows.append(Row(f"{name}: {label}, one V100", None, by_who["published"]))
        rows.append(Row(f"{name}: step, relative to IMP", *(_relative(paces[w]) for w in paces)))
    return comparison([KIND_NAMES[kind] for kind in TIMED], rows)


def _paces(evidence: Evidence, model: str) -> dict[str, Entry]:
    return {KIND_NAMES[kind]: evidence.seconds_per_step(kind, model) for kind in TIMED}


def _minutes(ours: Evidence, paces: Mapping[str, Entry]) -> dict[str, Entry]:
    grid, out = ours.grid, dict.fromkeys(paces)
    for kind in TIMED:
        steps = imp_steps(_LAST / 100, grid.interval) if kind == "imp" else grid.main_steps.get(_LAST)
        pace = paces[KIND_NAMES[kind]]
        out[KIND_NAMES[kind]] = pace * steps / 60 if isinstance(pace, float) and steps else None
    return out


def _printed_minutes(published: PublishedEvidence, model: str) -> dict[str, Entry]:
    row, names = _PRINTED_MODELS[model], {"imp": "IMP", "tamt-mlm": "TAMT-MLM", "tamt-kd": "TAMT-KD"}
    return {KIND_NAMES[kind]: published.printed("table3", row, names[kind]) / 60 for kind in TIMED}


def _relative(paces: Mapping[str, Entry]) -> dict[str, Entry]:
    base = paces[KIND_NAMES["imp"]]
    return {
        name: pace / base if isinstance(pace, float) and isinstance(base, float) and base else None
        for name, pace in paces.items()
    }
