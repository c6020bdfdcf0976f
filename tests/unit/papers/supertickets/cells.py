"""A made-up world in which every claim of `supertickets` holds. No number here is a result.

`build()` gives complete cells (both models, all stages), `importance()` the frame of importance scores; tests
change single things with `shifted`. A plain module: `from cells import build, importance, shifted, SIZES`.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

MODELS = ("base", "large")
TASKS8 = ("rte", "mrpc", "cola", "sst-2", "sts-b", "qnli", "qqp", "mnli")
SMALL = ("rte", "mrpc", "cola", "sts-b", "sst-2")
PANELS = ("rte", "sst-2", "mnli")
METRICS = {
    "rte": ("accuracy",), "mrpc": ("accuracy", "f1"), "cola": ("matthews",), "sst-2": ("accuracy",),
    "sts-b": ("pearson", "spearman"), "qnli": ("accuracy",), "qqp": ("accuracy", "f1"),
    "mnli": ("accuracy", "accuracy_mismatched"), "snli": ("accuracy",), "scitail": ("accuracy",),
}  # fmt: skip
SIZES = {
    "rte": 2490, "mrpc": 3668, "cola": 8551, "sst-2": 67349, "sts-b": 5749, "qnli": 104743, "qqp": 363846,
    "mnli": 392702, "snli": 549367, "scitail": 23596,
}  # fmt: skip
REMAINING = {
    "base": (1.0, 0.9318, 0.8635, 0.7935, 0.7252, 0.6552, 0.5870, 0.5187, 0.4487),
    "large": (1.0, 0.9202, 0.8404, 0.7599, 0.6801, 0.5995, 0.5197, 0.4400, 0.3594),
}
LEVEL = dict(zip((*TASKS8, "snli", "scitail"), (70, 88, 58, 92, 89, 91, 89, 84, 85, 86), strict=True))
GAIN = {
    "base": dict(zip(TASKS8, (2.6, 1.4, 1.0, 0.6, 1.0, 0.4, 0.35, 0.3), strict=True)),
    "large": dict(zip(TASKS8, (2.8, 1.5, 1.1, 0.7, 0.8, 0.5, 0.45, 0.4), strict=True)),
}
PEAK = {
    "base": dict(zip(TASKS8, (4, 3, 2, 2, 2, 2, 1, 1), strict=True)),
    "large": dict(zip(TASKS8, (4, 3, 2, 2, 2, 2, 2, 1), strict=True)),
}
SUBSETS = {
    "data1": (60.0, 2.5),
    "data10": (75.0, 1.5),
    "data20": (79.0, 1.0),
}  # level of the full model, gain
SHARED = dict(zip(TASKS8, (1.7, 1.7, 1.7, 0.4, 1.7, 0.1, 0.1, 0.1), strict=True))
DOMAIN_GAIN = {"0.1": 1.2, "1": 1.0, "10": 0.7, "100": 0.5}
DOMAIN_LEVEL = {"0.1": -6.0, "1": -3.0, "10": 0.0, "100": 3.0}
LRS = {"": 0.0, "lr1": 0.5, "lr2": 1.0}
NOISE = 0.2


@dataclass(frozen=True)
class Run:
    """One run: its address and the score of its replicate."""

    stage: str
    model: str
    task: str
    method: str
    level: int | str
    replicate: int
    score: float
    variant: str = ""
    weights: str = "pretrained"
    source: str = ""
    removed: int | None = None  # level whose weights a super run has


def build(
    models: Sequence[str] = MODELS,
    tasks: Sequence[str] = TASKS8,
    replicates: int = 5,
    panels: Sequence[str] = PANELS,
    reruns: Sequence[str] = SMALL,
) -> pd.DataFrame:
    """Cells as cells.csv holds them; random and losing tickets for `panels`, X1's reruns for `reruns`."""
    rows = []
    for replicate in range(1, replicates + 1):
        # from -1 to 1, so that means over the replicates are those of the world
        z = 0.0 if replicates == 1 else 2 * (replicate - 1) / (replicates - 1) - 1
        for model in models:
            world = _World(model, replicate, z, replicate == replicates)
            for task in tasks:
                rows += [_row(run) for run in world.task(task, task in panels, task in reruns)]
            rows += [_row(run) for run in world.subsets() if "mnli" in tasks]
            rows += [_row(run) for run in world.domains()] if model == "base" else []
    return pd.DataFrame.from_records(rows)


def importance(
    models: Sequence[str] = MODELS, layers: int = 4, heads: int = 6, replicates: int = 2
) -> pd.DataFrame:
    """Importance of every structure: all tasks alike, SST-2 less, and one head in 24 that is CoLA's."""
    rows = []
    for model in models:
        for task in TASKS8:
            for replicate in range(1, replicates + 1):
                for variant in ("token", "example"):
                    for layer in range(layers):
                        for kind, count in (("head", heads), ("ffn", 1)):
                            for index in range(count):
                                score = 0.5 - 0.1 * (task == "sst-2") + 0.01 * layer
                                if (kind, layer, index) == ("head", 1, 2):
                                    score = {"cola": 6.0, "sts-b": 1.0}.get(task, 0.3)
                                rows.append(
                                    (model, task, replicate, kind, layer, index, variant, 3 * score, score)
                                )
    names = ["model", "task", "replicate", "kind", "layer", "index", "variant", "raw", "normalised"]
    return pd.DataFrame(rows, columns=names)


def shifted(cells: pd.DataFrame, points: float, sel: str = "", **address: object) -> pd.DataFrame:
    """The world with all scores (or those of one selection) at an address moved by some points."""
    chosen = pd.Series(True, index=cells.index)
    for name, value in address.items():
        values = value if isinstance(value, tuple) else (value,)
        chosen &= cells[name].isin(values)
    assert chosen.any(), address
    moved = [
        c for c in cells.columns if _is_score(c) and (not sel or c.removeprefix("select_").startswith(sel))
    ]
    if sel == "full":
        moved += ["score", *sorted({m for names in METRICS.values() for m in names})]
    out = cells.copy()
    out.loc[chosen, moved] += points
    return out


@dataclass(frozen=True)
class _World:
    model: str
    replicate: int
    z: float
    last: bool

    def task(self, task: str, panel: bool, rerun: bool) -> Iterator[Run]:
        level, gain, peak = LEVEL[task] + (2 if self.model == "large" else 0), GAIN[self.model][task], 0
        peak = PEAK[self.model][task]
        yield from self._tickets("trial", task, "", level, gain, peak, panel)
        full = self._run("trial", task, "winning", 0, level + NOISE * self.z)
        if rerun:
            for draw in range(1, 9):
                score = full.score + 0.05 * (draw - 5)
                yield replace(full, stage="reruns", method="rerun", variant=f"draw{draw}", score=score)
        yield replace(full, stage="mismatch", variant="lr2", score=full.score - 0.4)
        for k in range(1, 9):
            score = self._winning(level, gain, peak, k) - 0.3 + NOISE / 2 * self.z
            yield self._run("mismatch", task, "mismatched", k, score)
        yield from self._multitask(task, level, peak)

    def subsets(self) -> Iterator[Run]:
        if self.model == "base":
            for variant, (level, gain) in SUBSETS.items():
                yield from self._tickets("subsets", "mnli", variant, level, gain, 2, True)

    def domains(self) -> Iterator[Run]:
        for task in ("snli", "scitail"):
            for fraction, gain in DOMAIN_GAIN.items():
                for init, level, plus in (
                    ("mnli-full", 0, 0.0), ("mnli-super", "super", gain),
                    ("mt-dnn", 0, -0.2), ("ticket-share", "super", gain),
                ):  # fmt: skip
                    score = LEVEL[task] + DOMAIN_LEVEL[fraction] + plus + NOISE * self.z
                    source = "mnli" if init.startswith("mnli") else "glue"
                    run = self._run(
                        "domain", task, init, level, score, weights=init, source=source, removed=1
                    )
                    yield replace(run, variant=f"data{fraction}")
                    yield replace(run, variant=f"data{fraction}-extended", score=score + 1)

    def _tickets(
        self, stage: str, task: str, variant: str, level: float, gain: float, peak: int, families: bool
    ) -> Iterator[Run]:
        # sts-b base: a single lucky replicate gains, so that its gain is not significant (C4)
        unsure = (self.model, task) == ("base", "sts-b")
        for k in range(9):
            noise = NOISE * self.z / (2 if k else 1)
            winning = self._winning(level, gain, peak, k)
            if unsure:
                noise = NOISE * self.z - (0.0 if self.last or k == 0 else gain + 0.1)
            yield self._run(stage, task, "winning", k, winning + noise, variant=variant)
            if families and k:
                stage_of = "subset_families" if variant else "families"
                random = level - 0.8 * k + noise
                yield self._run(stage_of, task, "random", k, random, variant=variant)
                yield self._run(stage_of, task, "losing", k, random - 3, variant=variant)

    def _winning(self, level: float, gain: float, peak: int, k: int) -> float:
        if k <= peak:
            return level + gain * k / peak
        if k >= 7:
            return level - 0.8 * k - 0.01
        return level + 0.3 * gain if k == peak + 1 else level - 0.5 * (k - peak - 1)

    def _multitask(self, task: str, level: float, peak: int) -> Iterator[Run]:
        joint, gain = level - 1.0, SHARED[task]
        methods = {"mt-dnn": (0, 0.0, 1.0), "ticket-share": ("super", gain, 0.5)}
        more = {"ticket-share-strict": gain - 0.1, "ticket-share-mismatched": gain - 0.5}
        for method, (at, plus, noise) in (methods | {m: ("super", p, 0.5) for m, p in more.items()}).items():
            score = joint + plus + NOISE * noise * self.z
            yield self._run("multitask", task, method, at, score, source="glue", removed=peak)
        for method, (at, _, noise) in methods.items():
            tuned = level + (0.5 if method == "mt-dnn" else 1.4) + NOISE * noise * self.z
            for lr, effect in LRS.items():
                run = self._run(
                    "finetune", task, method, at, tuned + noise**2 * effect, source="glue", removed=peak
                )
                yield replace(run, variant=lr, weights=method)

    def _run(self, stage: str, task: str, method: str, level: int | str, score: float, **more: object) -> Run:
        run = Run(stage, self.model, task, method, level, self.replicate, score)
        return replace(run, **({"source": task} | more))  # type: ignore[arg-type]


def _row(run: Run) -> dict[str, object]:
    key = (run.model, run.task, run.variant, run.weights, run.method, run.source, run.level, run.replicate)
    rank = (run.removed or 0) if run.level == "super" else int(run.level)
    score, names = round(run.score, 6), METRICS[run.task]
    # two metrics lie around their mean, the task score
    metrics = {m: score + (0.5 - i if len(names) == 2 else 0.0) for i, m in enumerate(names)}
    row: dict[str, object] = {
        "paper": "supertickets", "stage": run.stage, "model": run.model, "task": run.task,
        "variant": run.variant, "weights": run.weights, "method": run.method, "source": run.source,
        "rule": "super" if run.level == "super" else "", "sparsity": rank / 10, "replicate": run.replicate,
        "fingerprint": f"{zlib.crc32(repr(key).encode()):08x}", "metric": names[0], "score": score,
        "test_score": np.nan, **dict.fromkeys(_METRICS, np.nan), **metrics,
        "exact_match": np.nan, "loss": (100 - score) / 100, "removed": 0, "n_dev": 400,
        "steps": 100, "seconds": 1.0, "path": "/".join(map(str, key)), "shared_with": "",
        "learning_rate": 5e-5, "heads_removed": rank, "ffns_removed": rank,
        "remaining": REMAINING[run.model][rank], "train_loss": 0.1,
    }  # fmt: skip
    for sel in ("full", "p10", "half"):
        row |= {f"epoch_{sel}": 3, f"select_{sel}": score, f"select_loss_{sel}": (100 - score) / 100}
    for report in ("p10", "rest", "half"):
        row |= {report: score} | {f"{report}_{m}": metrics.get(m, np.nan) for m in _METRICS}
    return row


_METRICS = ("accuracy", "accuracy_mismatched", "f1", "matthews", "pearson", "spearman")


def _is_score(column: str) -> bool:
    stem = column.removeprefix("select_")
    reports = ("full", "p10", "rest", "half")
    return stem in ("score", *reports, *_METRICS) or any(
        stem == f"{r}_{m}" for r in reports for m in _METRICS
    )
