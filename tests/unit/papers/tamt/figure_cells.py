"""A made-up world for the drawing of figures: a full grid and a sparse one. No number here is a result.

`world("paper")` has all runs, `world("micro")` what a small preset leaves (BERT, few seeds, step curves at one
sparsity), `world("")` nothing: each is (cells, frames, options) for `Evidence.from_frames`.
"""

import itertools
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd

from tickets.papers.tamt.evidence import Evidence

TASKS7 = ("mnli", "sst-2", "cola", "sts-b", "mrpc", "rte", "squad")
AVG5 = ("cola", "sst-2", "mnli", "sts-b", "squad")
TOP = dict(zip(TASKS7, (84, 92, 58, 88, 86, 68, 88), strict=True))
FLOOR = dict(zip(TASKS7, (35, 50, 0, 10, 68, 53, 10), strict=True))
SIZES = dict(zip(TASKS7, (392702, 67349, 8551, 5749, 3668, 2490, 88500), strict=True))
TAMT = ("tamt-mlm", "tamt-kd", "tamt-mlm-kd")
COST = {
    "random": -1.8,
    "omp": 0.0,
    "imp": 0.6,
    "imp-rewind": 0.3,
    "tamt-mlm": 1.3,
    "tamt-kd": 1.2,
    "tamt-mlm-kd": 1.35,
}
ABLATIONS = (("tamt-mlm", "always"), *(("tamt-kd", a) for a in ("always", "calm", "adamw", "unpadded")))


BERT_LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
ALL_LEVELS = tuple(s / 10 for s in range(1, 10))
FEW = {
    "cola": (1000, 2000, 5000),
    "sst-2": (1000, 5000, 10000, 30000),
    "mnli": (1000, 5000, 10000, 50000, 100000),
    "squad": (1000, 5000, 10000, 20000, 40000),
}
MAIN = dict(zip(range(20, 100, 10), (3000, 6000, 8000, 11000, 14000, 17000, 20000, 22000), strict=True))


@dataclass(frozen=True)
class World:
    """What was run."""

    models: tuple = ("base", "roberta")
    baseline: tuple = ALL_LEVELS
    trained: dict = field(default_factory=lambda: {"base": BERT_LEVELS, "roberta": ALL_LEVELS[1:]})
    objectives: tuple = TAMT
    step_levels: tuple = BERT_LEVELS[:4]
    interval_levels: tuple = BERT_LEVELS[1:4]
    scale: float = 1.0
    masks: int = 3
    seeds: int = 3
    few: dict = field(default_factory=lambda: FEW)
    few_seeds: int = 5
    steps: tuple = (1000, 2000, 3000, 5000, 10000, 20000, 25000)
    main: dict = field(default_factory=lambda: {str(level): step for level, step in MAIN.items()})
    interval: int = 2792
    intervals: tuple = (200, 300, 500, 900)
    ablations: tuple = ABLATIONS


MICRO = World(
    models=("base",),
    baseline=(0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9),
    trained={"base": BERT_LEVELS},
    step_levels=(0.7,),
    interval_levels=(0.7,),
    scale=0.015,
    masks=2,
    seeds=1,
    few={},
    steps=(15, 30, 45, 75, 150, 300, 375),
    main={"50": 165, "60": 210, "70": 255, "80": 300, "90": 330},
    interval=42,
    intervals=(3, 5, 8, 14),
)


def evidence(name):
    """Our runs in a world; one without any run has no sizes either."""
    cells, frames, options = world(name)
    return Evidence.from_frames(cells, frames, SIZES if name else None, **options)


def world(name="paper"):
    """(cells, frames, options)."""
    cells, frames, options = _world(name)
    return cells.copy(), {name: frame.copy() for name, frame in frames.items()}, dict(options)


@cache
def _world(name):
    plan = {"paper": World(), "micro": MICRO}.get(name)
    if plan is None:
        return pd.DataFrame(), {}, {}
    build = _Build(plan)
    options = {"main_steps": plan.main, "steps": plan.steps, "interval": plan.interval, "intervals": plan.intervals,
               "horizon": round(27920 * plan.scale)}  # fmt: skip
    return build.cells(), build.frames(), options


class _Build:
    def __init__(self, plan):
        self.plan = plan
        self.noise = np.random.default_rng(7)

    def masks(self):
        """Every mask: model, kind, init, step, interval, main, ablation, sparsity, mask_seed."""
        p = self.plan
        for model in p.models:
            yield self._mask(model, "full", 0.0, 1)
            for s in p.baseline:
                yield self._mask(model, "omp", s, 1)
                for m in range(1, p.masks + 1):
                    yield self._mask(model, "random", s, m)
            for s, m in itertools.product(p.trained[model], range(1, p.masks + 1)):
                level = f"{100 * s:.0f}"
                rounds = round(10 * s) - 1
                for kind in ("imp", "imp-rewind"):
                    yield self._mask(model, kind, s, m, step=rounds * p.interval, interval=p.interval)
                for kind in p.objectives:
                    yield self._mask(model, kind, s, m, init="omp", step=p.main[level])
                if model == "base":
                    yield from self._others(s, m, level, rounds)

    def _others(self, s, m, level, rounds):
        p = self.plan
        for kind in ("tamt-mlm", "tamt-kd"):
            for step in p.steps:
                if s in p.step_levels and step != p.main[level]:
                    yield self._mask("base", kind, s, m, init="omp", step=step, main=0)
                if s == 0.7:
                    yield self._mask("base", kind, s, m, init="random", step=step, main=0)
        for interval in p.intervals if s in p.interval_levels else ():
            yield self._mask("base", "imp", s, m, step=rounds * interval, interval=interval, main=0)
        if s == 0.7 and m == 1:
            for kind, ablation in p.ablations:
                yield self._mask(
                    "base", kind, s, m, init="omp", step=p.main[level], main=0, ablation=ablation
                )

    @staticmethod
    def _mask(model, kind, s, m, init="", step=0, interval=0, main=1, ablation=""):
        method = kind + ("-random" if init == "random" else "") + (f".{ablation}" if ablation else "")
        if not main and not ablation:
            method += f".step{step}" if kind.startswith("tamt") else f".every{interval}"
        return {"model": model, "method": method, "kind": kind, "init": init, "step": step, "interval": interval,
                "main": main, "ablation": ablation, "sparsity": s, "mask_seed": m}  # fmt: skip

    def quality(self, mask):
        """Fraction of the way from the floor to the full model."""
        if mask["kind"] == "full":
            return 1.0
        share = 1.0
        if mask["kind"].startswith("tamt") or mask["interval"]:
            share = 1 - np.exp(-mask["step"] / self.plan.scale / 3000)
        gain = COST[mask["kind"]] * share - 0.9 * (mask["init"] == "random")
        gain -= 0.4 * (mask["model"] == "roberta") + 0.2 * bool(mask["ablation"])
        return 1 / (1 + np.exp(9 * (mask["sparsity"] - 0.72) - 1.2 * gain))

    def score(self, mask, task, n=None):
        top = TOP[task] + (2 if mask["model"] == "roberta" else 0)
        share = 1.0 if n is None else min(1.0, np.log10(n) / np.log10(SIZES[task]))
        spread = 1.5 if task in ("rte", "mrpc", "cola") else 0.5
        return (
            FLOOR[task] + (top - FLOOR[task]) * self.quality(mask) * share**2 + spread * self.noise.normal()
        )

    def cells(self):
        p, rows = self.plan, []
        for mask in self.masks():
            curve = not mask["main"]
            for task in AVG5 if curve else TASKS7:
                rows += [self._run(mask, task, r) for r in range(1, p.seeds + 1)]
            few = mask["kind"] in ("full", "omp", "imp", "tamt-mlm", "tamt-kd") and mask["sparsity"] in (
                0.0,
                0.7,
            )
            if few and mask["main"] and mask["model"] == "base":
                rows += [
                    self._run(mask, t, r, n)
                    for t, sizes in p.few.items()
                    for n in sizes
                    for r in range(1, p.few_seeds + 1)
                ]
        return pd.DataFrame.from_records(rows)

    def _run(self, mask, task, replicate, n=None):
        score = self.score(mask, task, n)
        return {
            "paper": "tamt", "stage": "methods", "task": task, "variant": "" if n is None else f"n{n}",
            "weights": "pretrained", "source": f"mask{mask['mask_seed']}", "rule": "", "replicate": replicate,
            "metric": "accuracy", "score": score, "score_final": score - 0.4, "score_release": score + 0.2,
            "score_first": score - 8, "n_train": n or SIZES[task], "few": int(n is not None),
            "path": f"{mask['model']}/{mask['method']}/{mask['sparsity']}/{mask['mask_seed']}/{task}/{replicate}/{n}",
            **mask,
        }  # fmt: skip

    def frames(self):
        masks = list(self.masks())
        return {
            "pretraining": self._pretraining(masks),
            "training": self._training(),
            "distances": self._distances(masks),
        }

    def _pretraining(self, masks):
        rows = []
        for mask in masks:
            q = self.quality(mask)
            mlm = 2.1 + 7 * (1 - q) - (1.5 if "mlm" in mask["kind"] else 0) + 0.1 * self.noise.normal()
            kd = 0.0 if mask["kind"] == "full" else 0.75 * (1 - q) + 0.05 - 0.03 * ("kd" in mask["kind"])
            rows.append(mask | {"removed": mask["sparsity"], "removed_with_pooler": mask["sparsity"], "mlm_loss": mlm,
                                "mlm_accuracy": 60 * q, "kd_loss": kd + 0.005 * self.noise.normal() * (kd > 0),
                                "kd_loss_unpadded": 0.9 * kd, "kd_mse": 0.1 * kd})  # fmt: skip
        return pd.DataFrame.from_records(rows)

    def _training(self):
        p, rows = self.plan, []
        every = max(1, round(500 * p.scale))
        for model, m in itertools.product(p.models, range(1, p.masks + 1)):
            for kind, s in itertools.product(p.objectives, p.trained[model]):
                last = (
                    max(p.steps) if s in p.step_levels and kind != "tamt-mlm-kd" else p.main[f"{100 * s:.0f}"]
                )
                for step in range(every, last + 1, every):
                    loss = (2 + 3 * s) * np.exp(-step / p.scale / 4000) + 2 + s + 0.05 * self.noise.normal()
                    rows.append(self._point(model, kind, "omp", 0, s, m, step, loss, 0.64))
            for kind in ("imp", "imp-rewind"):
                for s, step in itertools.product(p.trained[model], range(0, p.interval, every)):
                    at = (round(10 * s) - 2) * p.interval + step + 1
                    loss = 2 + 3 * s * np.exp(-step / p.scale / 800) + 0.05 * self.noise.normal()
                    rows.append(self._point(model, kind, "", p.interval, s, m, at, loss, 0.66))
        return pd.DataFrame.from_records(rows)

    def _point(self, model, kind, init, interval, s, m, step, loss, pace):
        drift = 0.004 * self.noise.normal() if init else 0.0
        return {"model": model, "method": kind, "kind": kind, "init": init, "interval": interval, "ablation": "",
                "sparsity": s, "mask_seed": m, "step": step, "loss": loss, "removed": s + drift,
                "grad_ratio": 50 * np.exp(-step / self.plan.scale / 9000) * (0.01 if "kd" in kind else 1),
                "seconds_per_step": pace}  # fmt: skip

    def _distances(self, masks):
        rows, rng = [], self.noise
        near = {"omp": 0.0, "imp": 0.12, "tamt-mlm": 0.22, "tamt-kd": 0.06}
        chosen = [
            m
            for m in masks
            if m["model"] == "base" and m["kind"] in near and not m["ablation"] and m["init"] != "random"
        ]
        for a, b in itertools.combinations(chosen, 2):
            if a["sparsity"] != b["sparsity"] or (
                not (a["main"] and b["main"]) and "omp" not in (a["kind"], b["kind"])
            ):
                continue
            far = [near[x["kind"]] * (1 - np.exp(-x["step"] / self.plan.scale / 5000)) for x in (a, b)]
            jaccard = 1 - min(0.95, 1.2 * a["sparsity"] * (sum(far) + 0.02)) + 0.003 * rng.normal()
            sides = {
                f"{c}_{side}": x[c]
                for side, x in (("a", a), ("b", b))
                for c in ("method", "kind", "init", "step", "interval", "mask_seed")
            }
            rows.append(
                {
                    "model": "base",
                    "sparsity": a["sparsity"],
                    **sides,
                    "jaccard_macro": jaccard,
                    "jaccard_micro": jaccard - 0.02,
                }
            )
        return pd.DataFrame.from_records(rows)
