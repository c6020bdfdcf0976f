"""A made-up world in which every claim of `tamt` holds. No number here is a result.

`cells()` gives complete cells, `frames()` the tidy files beside them; tests change single things with `moved`.
Steps are those of a small preset, sizes of training sets are the paper's.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

AVG5 = ("cola", "sst-2", "mnli", "sts-b", "squad")
TASKS = ("mnli", "sst-2", "cola", "sts-b", "mrpc", "rte", "squad")
SIZES = {
    "mnli": 392702, "sst-2": 67349, "cola": 8551, "sts-b": 5749, "mrpc": 3668, "rte": 2490, "squad": 88524,
}  # fmt: skip
STEPS = (15, 30, 45, 75, 150, 300, 375)
MAIN = {"20": 45, "30": 90, "40": 120, "50": 165, "60": 210, "70": 255, "80": 300, "90": 330}
INTERVAL, INTERVALS = 42, (3, 5, 8, 14)
OPTIONS = {
    "main_steps": MAIN, "steps": STEPS, "interval": INTERVAL, "intervals": INTERVALS, "horizon": 419, "ddof": 0,
}  # fmt: skip
LEVELS = tuple(s / 10 for s in range(1, 10))
SHOWN = (0.5, 0.6, 0.7, 0.8)
_MASK = ("imp", "random", "tamt-mlm", "tamt-kd", "tamt-mlm-kd")  # kinds with several mask seeds

FULL = {"base": 82.0, "roberta": 85.0}
FLAT = dict(
    zip(LEVELS, (81.9, 81.7, 81, 80, 78, 70, 60, 50, 40), strict=True)
)  # MRPC and RTE, all but random
FLAT_RANDOM = dict(zip(LEVELS, (79, 75, 70, 65, 60, 52, 45, 38, 31), strict=True))
BASE = {
    "omp": dict(zip(LEVELS, (81.8, 81.5, 81, 80, 79, 70, 55, 40, 33), strict=True)),
    "random": dict(zip(LEVELS, (78, 65, 55, 48, 42, 37, 33, 31, 30), strict=True)),
    "imp": dict(zip(LEVELS[4:], (79.5, 74, 67, 54, 37), strict=True)),
}
ROBERTA = {
    "omp": dict(zip(LEVELS, (84.5, 83, 79, 70, 60, 50, 42, 36, 31), strict=True)),
    "random": dict(zip(LEVELS, (79, 66, 55, 47, 40, 35, 32, 31, 30), strict=True)),
    "imp": dict(zip(LEVELS[1:], (83.5, 80, 78, 74, 69, 60, 45, 34), strict=True)),
    "tamt-mlm": dict(zip(LEVELS[1:], (83.6, 81, 80, 78, 74, 70, 58, 40), strict=True)),
    "tamt-kd": dict(zip(LEVELS[1:], (83.6, 80.5, 79, 76, 71, 63, 49, 35.5), strict=True)),
}
# score after the last checkpoint, points below it at the first one
CURVES = {
    "tamt-mlm": dict(zip(SHOWN, ((79.4, 0.5), (77.5, 1.5), (75, 10), (68, 22)), strict=True)),
    "tamt-kd": dict(zip(SHOWN, ((79.8, 0.5), (78.8, 3), (74, 12), (65, 24)), strict=True)),
}
AT_90 = {"tamt-mlm": 42.0, "tamt-kd": 40.5}
RANDOM_START = (60, 20)
AT_INTERVAL = dict(zip((*INTERVALS, INTERVAL), (55, 58, 61, 64, 67), strict=True))
# loss after the last checkpoint, what it is above that at the first one: (MLM, KD)
LOSSES = {
    "tamt-mlm": dict(zip(SHOWN, (
        ((1.7, 0.3), (0.21, 0.03)), ((1.8, 0.5), (0.25, 0.06)), ((1.9, 0.9), (0.30, 0.07)), ((2.3, 3.2), (0.3, 0.17)),
    ), strict=True)),
    "tamt-kd": dict(zip(SHOWN, (
        ((2.8, 0.5), (0.07, 0.04)), ((3.2, 1.3), (0.1, 0.06)), ((4.1, 4.8), (0.13, 0.14)), ((5.7, 3.9), (0.17, 0.2)),
    ), strict=True)),
}  # fmt: skip
FIXED_LOSSES = {
    "omp": dict(zip(SHOWN, ((4.5, 0.255), (8.2, 0.435), (8.6, 0.531), (8.6, 0.629)), strict=True)),
    "imp": dict(zip(SHOWN, ((2.6, 0.186), (5.6, 0.37), (8.0, 0.53), (8.5, 0.62)), strict=True)),
    "random": dict(zip(SHOWN, ((7.8, 0.62), (7.8, 0.67), (7.7, 0.69), (7.7, 0.71)), strict=True)),
}
FEW = {
    "mnli": (
        (1000, 40, 2, 1),
        (5000, 52, 5, 4),
        (10000, 60, 8, 7),
        (50000, 64, 7.5, 6.5),
        (100000, 66, 7, 6),
    ),
    "squad": (
        (1000, 40, 2, 1),
        (5000, 52, 5, 4),
        (10000, 60, 8, 7),
        (20000, 64, 7.5, 6.5),
        (40000, 66, 7, 6),
    ),
    "sst-2": ((1000, 40, 9, 8), (5000, 52, 8, 7.5), (10000, 60, 7.5, 7), (30000, 64, 7, 6)),
    "cola": ((1000, 40, 1, 1), (2000, 52, 2, 2), (5000, 60, 4, 4)),
}
"""By task: size, score of IMP, leads of TAMT-MLM and TAMT-KD."""
PAIRS = {
    ("omp", "tamt-kd"): (0.95, 0.92, 0.88), ("omp", "imp"): (0.88, 0.80, 0.70), ("omp", "tamt-mlm"): (0.85, 0.77, 0.68),
    ("imp", "tamt-mlm"): (0.75, 0.66, 0.56), ("imp", "tamt-kd"): (0.86, 0.78, 0.69),
    ("tamt-mlm", "tamt-kd"): (0.84, 0.76, 0.67),
}  # fmt: skip
SECONDS = {
    "base": {"tamt-mlm": 0.64, "imp": 0.66, "tamt-kd": 0.78},
    "roberta": {"tamt-mlm": 0.70, "imp": 0.73, "tamt-kd": 0.8},
}  # fmt: skip


@dataclass(frozen=True)
class Mask:
    """A setting of masks with the score of its five tasks and of MRPC and RTE."""

    kind: str
    sparsity: float
    score: float
    model: str = "base"
    init: str = ""
    step: int = 0
    interval: int = 0
    main: int = 1
    ablation: str = ""
    flat: float | None = None  # None: not run on MRPC and RTE
    tasks: tuple[str, ...] = TASKS

    @property
    def seeds(self) -> tuple[int, ...]:
        return (1, 2, 3) if self.kind in _MASK else (1,)

    @property
    def method(self) -> str:
        token = self.kind + ("-random" if self.init == "random" else "")
        if self.kind == "imp" and not self.main:
            return f"{token}.every{self.interval}"
        return token if self.main or not self.step else f"{token}.step{self.step}"

    def row(self) -> dict[str, object]:
        return {
            "model": self.model, "method": self.method, "kind": self.kind, "init": self.init, "step": self.step,
            "interval": self.interval, "main": self.main, "ablation": self.ablation, "sparsity": self.sparsity,
        }  # fmt: skip


def above(step: int) -> float:
    """1 at the first checkpoint, 0 at the last, straight in the logarithm of the step."""
    return math.log(STEPS[-1] / step) / math.log(STEPS[-1] / STEPS[0])


def masks() -> Iterator[Mask]:
    """Every setting of both models."""
    yield Mask("full", 0.0, FULL["base"], flat=FULL["base"])
    yield Mask("full", 0.0, FULL["roberta"], "roberta", flat=FULL["roberta"])
    for kind, scores in BASE.items():
        for s, score in scores.items():
            steps = _imp(s) if kind == "imp" else {}
            flat = FLAT_RANDOM[s] if kind == "random" else FLAT[s]
            yield Mask(kind, s, score, flat=flat, **steps)
    for kind, scores in ROBERTA.items():
        for s, score in scores.items():
            more = _imp(s) if kind == "imp" else {}
            if kind.startswith("tamt"):
                more = {"init": "omp", "step": _main(s)}
            yield Mask(kind, s, score, "roberta", flat=score, **more)
            if kind == "tamt-mlm":
                yield Mask("tamt-mlm-kd", s, score + 0.5, "roberta", flat=score + 0.5, **more)
    yield from _trained()
    for interval in INTERVALS:
        steps = {"step": 6 * interval, "interval": interval}
        yield Mask("imp", 0.7, AT_INTERVAL[interval], main=0, tasks=AVG5, **steps)


def _trained() -> Iterator[Mask]:
    for kind, curves in CURVES.items():
        for s, (last, drop) in curves.items():
            for step in sorted({*STEPS, _main(s)}):
                main, score = step == _main(s), last - drop * above(step)
                flat, tasks = (FLAT[s], TASKS) if main else (None, AVG5)
                yield Mask(kind, s, score, init="omp", step=step, main=int(main), flat=flat, tasks=tasks)
                if main and kind == "tamt-mlm":
                    yield Mask("tamt-mlm-kd", s, score + 0.3, init="omp", step=step, flat=flat)
        yield Mask(kind, 0.9, AT_90[kind], init="omp", step=_main(0.9), flat=FLAT[0.9])
        last, drop = RANDOM_START
        for step in STEPS:
            score = last - drop * above(step)
            yield Mask(kind, 0.7, score, init="random", step=step, main=0, tasks=AVG5)
    yield Mask("tamt-mlm-kd", 0.9, AT_90["tamt-mlm"] + 0.2, init="omp", step=_main(0.9), flat=FLAT[0.9])


def cells(seeds: int = 3, few_seeds: int = 5) -> pd.DataFrame:
    """Cells as cells.csv holds them (a part of its columns), with as many mask seeds as fine-tuning seeds."""
    rows = []
    for mask in masks():
        for task in mask.tasks:
            score = mask.flat if task in ("mrpc", "rte") and mask.flat is not None else mask.score
            rows += _runs(mask, task, score, SIZES[task], seeds)
    for task, sizes in FEW.items():
        for size, score, *leads in sizes:
            scores = {"imp": score, "omp": score - 10, "full": score + 12}
            scores |= {kind: score + lead for kind, lead in zip(CURVES, leads, strict=True)}
            for kind, value in scores.items():
                more = {"imp": _imp(0.7)}.get(kind, {})
                if kind in CURVES:
                    more = {"init": "omp", "step": _main(0.7)}
                mask = Mask(kind, 0.0 if kind == "full" else 0.7, value, **more)
                rows += _runs(mask, task, value, size, seeds, few_seeds)
    return pd.DataFrame(rows)


def frames() -> dict[str, pd.DataFrame]:
    """pretraining, training and distances."""
    known = [m for m in masks() if m.model == "base"]
    losses = [_losses(mask, seed) for mask in known for seed in mask.seeds if mask.sparsity in (0.0, *SHOWN)]
    return {
        "pretraining": pd.DataFrame(losses),
        "training": pd.DataFrame(list(_training())),
        "distances": pd.DataFrame(list(_distances())),
    }


def moved(frame: pd.DataFrame, points: float, column: str = "score", **address: object) -> pd.DataFrame:
    """The world with a column moved by some points at an address."""
    chosen = pd.Series(True, index=frame.index)
    for name, value in address.items():
        chosen &= frame[name].isin(value if isinstance(value, tuple) else (value,))
    assert chosen.any(), address
    out = frame.copy()
    out.loc[chosen, column] += points
    return out


def rewound(cells: pd.DataFrame, points: float) -> pd.DataFrame:
    """The world with IMP that rewinds, some points better than the reference."""
    other = cells[(cells["kind"] == "imp") & (cells["main"] == 1)].copy()
    other = other.assign(kind="imp-rewind", method="imp-rewind", score=other["score"] + points)
    return pd.concat([cells, other], ignore_index=True)


def _runs(
    mask: Mask, task: str, score: float, n_train: int, seeds: int, few_seeds: int = 0
) -> Iterator[dict[str, object]]:
    replicates, few = few_seeds or seeds, int(few_seeds > 0)
    for seed in mask.seeds[:seeds]:
        for replicate in range(1, replicates + 1):
            several = len(mask.seeds) > 1
            # noise around 0, so that means over seeds are those of the world
            noise = 0.2 * (seed - (1 + seeds) / 2) * several + 0.1 * (replicate - (1 + replicates) / 2)
            value = score + noise
            yield {
                "paper": "tamt", "stage": "any", "task": task, "variant": f"n{n_train}" if few else "",
                "replicate": replicate, "mask_seed": seed, "score": value, "score_final": value - 0.3,
                "score_release": value - 0.2, "n_train": n_train, "few": few, **mask.row(),
            }  # fmt: skip


def _losses(mask: Mask, seed: int) -> dict[str, object]:
    if mask.kind == "full":
        mlm, kd = 2.14, 0.0
    elif mask.kind in FIXED_LOSSES:
        mlm, kd = FIXED_LOSSES[mask.kind][mask.sparsity]
    else:
        shares = LOSSES["tamt-kd" if mask.kind == "tamt-kd" else "tamt-mlm"][mask.sparsity]
        mlm, kd = (last + more * above(mask.step) for last, more in shares)
    noise = 1 + 0.001 * (seed - 2) * (len(mask.seeds) > 1)
    found = {"mlm_loss": mlm * noise, "kd_loss": kd * noise, "kd_mse": kd / 10, "mlm_accuracy": 40.0}
    return {**mask.row(), "mask_seed": seed, "removed": mask.sparsity, **found}


def _training() -> Iterator[dict[str, object]]:
    for model, kinds in SECONDS.items():
        for kind, seconds in kinds.items():
            for seed in (1, 2, 3):
                imp = kind == "imp"
                for step in (1, 100, 200, 300):
                    yield {
                        "model": model, "method": kind, "kind": kind, "init": "" if imp else "omp",
                        "interval": INTERVAL if imp else 0, "ablation": "", "main": 1,
                        "sparsity": min(0.1 * (1 + step // INTERVAL), 0.9) if imp else 0.7, "mask_seed": seed,
                        "step": step, "loss": 10 / step + 0.01 * seed, "removed": 0.7, "grad_ratio": 1.0,
                        "seconds_per_step": seconds,
                    }  # fmt: skip


def _distances() -> Iterator[dict[str, object]]:
    settings = {
        (m.kind, m.sparsity): m for m in masks() if m.model == "base" and m.main and m.init != "random"
    }
    for (a, b), values in PAIRS.items():
        for s, value in zip((0.6, 0.7, 0.8), values, strict=True):
            if (a, b, s) != ("omp", "tamt-mlm", 0.7):
                yield from _pair(settings[a, s], settings[b, s], value)
    for mask in masks():
        if (mask.kind, mask.sparsity, mask.init, mask.model) == ("tamt-mlm", 0.7, "omp", "base"):
            yield from _pair(mask, settings["omp", 0.7], 0.75 + 0.15 * above(mask.step))
    yield from _pair(settings["imp", 0.7], settings["imp", 0.7], 0.7)


def _pair(a: Mask, b: Mask, value: float) -> Iterator[dict[str, object]]:
    for first in a.seeds:
        for second in b.seeds:
            if a is b and second <= first:
                continue
            sides = {}
            for side, mask, seed in (("a", a, first), ("b", b, second)):
                row = {**mask.row(), "mask_seed": seed}
                names = ("method", "kind", "init", "step", "interval", "mask_seed")
                sides |= {f"{name}_{side}": row[name] for name in names}
            jaccard = {"jaccard_macro": value, "jaccard_micro": value - 0.01}
            yield {"model": "base", "sparsity": a.sparsity, **sides, **jaccard}


def _main(sparsity: float) -> int:
    return MAIN[f"{100 * sparsity:.0f}"]


def _imp(sparsity: float, interval: int = INTERVAL) -> dict[str, int]:
    return {"interval": interval, "step": interval * (round(10 * sparsity) - 1)}


def without(frame: pd.DataFrame, kinds: Sequence[str]) -> pd.DataFrame:
    """The frame without some kinds, as CSV would read it: empty text is NaN."""
    return frame[~frame["kind"].isin(kinds)].replace({"": np.nan})
