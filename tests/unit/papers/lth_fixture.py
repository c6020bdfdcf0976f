"""Made-up cells for tests of tables, figures and the report. No number here is a result."""

import zlib

import numpy as np
import pandas as pd

from tickets.papers.lth.tasks import DOWNSTREAM, TASKS

FALL = {"mnli": 9, "qqp": 5, "sts-b": 14, "wnli": 1, "qnli": 8, "mrpc": 12, "rte": 10, "sst-2": 6, "cola": 25}
LEVEL = dict(zip(TASKS, (85, 90, 82, 50, 92, 90, 89, 83, 80, 98, 46), strict=True))
REWINDS = ("rewind05", "rewind10", "rewind20", "rewind50")
COMBINED = ("mlm+qnli", "mlm+qnli+cola", "mlm+mnli+qnli+sst-2", "mlm+squad+qnli+sst-2")
METRICS = ("accuracy", "accuracy_mismatched", "f1", "matthews", "pearson", "spearman", "exact_match", "loss")


def _score(key: tuple[object, ...], level: float) -> float:
    seed = zlib.crc32(repr(key).encode())
    return round(float(np.clip(level + np.random.default_rng(seed).normal(0, 0.6), -5, 100)), 4)


class _Cells:
    def __init__(self, replicates: int) -> None:
        self.replicates = replicates
        self.rows: list[dict[str, object]] = []

    def add(self, stage, task, source, sparsity, weights="pretrained", method="imp", rule="", loss=0.0):
        level = LEVEL[task] - FALL.get(task, 8) * sparsity**3 - loss
        for replicate in range(self.replicates):
            key = (task, weights, method, source, sparsity, replicate)
            score = _score(key, level)
            metrics = {m: round(score - 0.7 * i, 4) for i, m in enumerate(TASKS[task].metrics)}
            self.rows.append(
                {
                    "paper": "lth", "stage": stage, "task": task, "weights": weights, "method": method,
                    "source": source, "rule": rule, "sparsity": sparsity, "replicate": replicate,
                    "fingerprint": f"{zlib.crc32(repr(key).encode()):08x}", "metric": TASKS[task].metrics[0],
                    "score": score, "test_score": round(score - 0.5, 4),
                    **{m: metrics.get(m, np.nan) for m in METRICS},
                    "n_dev": 400, "steps": 150, "seconds": 1.7, "path": f"runs/{task}/{replicate}",
                }
            )  # fmt: skip


def full_cells(replicates: int = 3) -> pd.DataFrame:
    """Every stage, every task."""
    cells = _Cells(replicates)
    for task in TASKS:
        for k in range(10):
            cells.add("imp", task, task, k / 10)
            cells.add("code_profile", task, task, k / 10, method="imp-code", loss=0.4)
        for sparsity in (0.5, 0.7):
            cells.add("oneshot", task, "any", sparsity, method="oneshot", loss=2)
    stars = _stars(cells)
    for task in TASKS:
        _at_star(cells, task, stars)
        _transfers(cells, task, stars)
    for task in ("sst-2", "cola", "squad"):
        cells.add("datasize_transfer", task, f"mlm@{task}", 0.7, loss=0.3)
    return pd.DataFrame.from_records(cells.rows)


def _stars(cells: _Cells) -> dict[str, dict[str, float]]:
    from tickets.papers.lth.evidence import Evidence

    evidence = Evidence.from_frames(pd.DataFrame.from_records(cells.rows))
    return {rule: {t: evidence.s_star(t, rule) or 0.0 for t in TASKS} for rule in ("winning", "strict")}


def _at_star(cells: _Cells, task: str, stars: dict[str, dict[str, float]]) -> None:
    for rule in ("winning", "strict"):
        s = stars[rule][task]
        cells.add("baselines", task, "any", s, method="random", rule=rule, loss=20)
        for weights, loss in (("reinit", 35), ("shuffled", 30), ("shuffled-elements", 32)):
            cells.add("baselines", task, task, s, weights=weights, rule=rule, loss=loss)
    s = stars["winning"][task]
    for i, weights in enumerate(REWINDS):
        cells.add("rewind", task, task, s, weights, f"imp-{weights}", "winning", loss=0.2 * i)
    cells.add("rewind", task, task, s, "standard", "imp-standard", "winning", loss=1)
    if task != "mlm":
        cells.add("mlm_ticket", task, "mlm", s, rule="winning", loss=0.3)


def _transfers(cells: _Cells, task: str, stars: dict[str, dict[str, float]]) -> None:
    for source in TASKS:
        if source != task:
            loss = 0.2 if source == "mlm" else 3 + 2 * (len(source) % 3)
            for sparsity in (0.5, 0.7):
                cells.add("transfer", task, source, sparsity, loss=loss * sparsity)
            cells.add("transfer_winning", task, source, stars["winning"][source], rule="winning", loss=loss)
    for source in ("squad", "mlm", "mnli"):
        for i, weights in enumerate(REWINDS):
            cells.add("rewind_transfer", task, source, 0.7, weights, f"imp-{weights}", loss=i - 1)
        cells.add("rewind_transfer", task, source, 0.7, "standard", "imp-standard", loss=3)
    cells.add("norewind_transfer", task, "mlm", 0.7, method="imp-standard", loss=0.5)
    for i, source in enumerate(COMBINED):
        cells.add("multitask_transfer", task, source, 0.7, loss=0.2 - 0.2 * i)


def part_cells() -> pd.DataFrame:
    """Three tasks with IMP up to 70 % and some transfers, one replicate: what a small preset leaves."""
    whole = full_cells(replicates=1)
    few = whole["task"].isin(["rte", "sst-2", "cola"]) & whole["source"].isin(["rte", "sst-2", "mlm", "any"])
    stages = whole["stage"].isin(["imp", "transfer", "oneshot", "baselines"])
    return whole[few & stages & (whole["sparsity"] < 0.75)].reset_index(drop=True)


def overlap_frame(replicates: int = 2) -> pd.DataFrame:
    """Every pair of masks at 60 and 70 %, each once, without a mask against itself."""
    names = [(s, r) for s in TASKS for r in range(replicates)] + [("oneshot", 0)]
    rows = []
    for sparsity in (0.6, 0.7):
        keep = 1 - sparsity
        for i, (a, ra) in enumerate(names):
            for b, rb in names[i + 1 :]:
                alike = 96 if a == b else 92 if {a, b} <= set(DOWNSTREAM) else 84
                j = min(_score((a, ra, b, rb, sparsity), alike), 99.9) / 100
                both = 2 * keep * j / (1 + j)
                neither = 1 - 2 * keep + both
                rows.append(
                    (
                        a,
                        b,
                        ra,
                        rb,
                        sparsity,
                        100 * j,
                        both,
                        100 * neither / (1 - both),
                        100 * neither / sparsity,
                    )
                )
    columns = ["source_a", "source_b", "replicate_a", "replicate_b", "sparsity"]
    columns += ["kept_jaccard", "intersection_kept", "pruned_jaccard", "shared_pruned"]
    return pd.DataFrame(rows, columns=columns)
