"""Claims on how much of the model super tickets keep (C6, C7, I1, I2), spec section 7."""

import math
from collections.abc import Callable

from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.judging import (
    above,
    by_selection,
    near,
    rank_with_size,
)
from tickets.papers.verdict import Verdict, decide, not_run

COMPRESSION_TOLERANCE = 0.005


def c6_large_tasks_keep_more(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The larger the training set, the more weights the super ticket keeps (base)."""
    sizes = evidence.sizes
    if sizes is None:
        return not_run("the number of training examples of each task")

    def judge(sel: Selection) -> Verdict:
        kept = _kept(evidence, "base", sel)
        rho, p = rank_with_size(sizes, kept) if len(kept) == len(TASKS8) else (None, None)
        known = rho is not None and not math.isnan(rho)
        checks = {
            "remaining weight rises with size": above(rho) if known else None,
            "RTE keeps less than QQP": above(kept["qqp"], kept["rte"])
            if {"qqp", "rte"} <= set(kept)
            else None,
        }
        note = f"Spearman {rho:.2f}, p {p:.2f}" if known else ""
        return decide(checks, {"remaining": kept, "rho": rho, "p": p}, note=note, partial=bool(kept))

    return by_selection(evidence, judge)


def c7_large_model_keeps_less(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On every task the super ticket of the large model keeps a smaller fraction than that of the base model."""

    def judge(sel: Selection) -> Verdict:
        kept = {model: _kept(evidence, model, sel) for model in MODELS}
        checks: dict[str, bool | None] = {
            task: above(kept["base"][task], kept["large"][task])
            if all(task in found for found in kept.values())
            else None
            for task in TASKS8
        }
        return decide(checks, kept)

    return by_selection(evidence, judge)


def i1_compression_base(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The super tickets of the base model keep on average what Table 1 prints (86.8 %)."""
    return _compression(evidence, published, "base")


def i2_compression_large(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The super tickets of the large model keep on average what Table 1 prints (81.7 %)."""
    return _compression(evidence, published, "large")


def _kept(evidence: Evidence, model: str, sel: Selection) -> dict[str, float]:
    found = {task: evidence.remaining_stat(model, task, sel=sel) for task in TASKS8}
    return {task: stat.mean for task, stat in found.items() if stat is not None}


def _compression(evidence: Evidence, published: PublishedEvidence, model: str) -> Verdict:
    target = published.printed("table1", f"SuperT_{model}", "compr") / 100

    def judge(sel: Selection) -> Verdict:
        kept = evidence.compression(model, sel=sel)
        figures = {"remaining": kept, "printed": target, "by_task": _kept(evidence, model, sel)}
        checks = {
            f"within {COMPRESSION_TOLERANCE} of {target:.3f}": near(kept, target, COMPRESSION_TOLERANCE)
        }
        note = "" if kept is None else f"mean {kept:.4f}"
        return decide(checks, figures, note=note, partial=bool(figures["by_task"]))

    return by_selection(evidence, judge)


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c6_large_tasks_keep_more": c6_large_tasks_keep_more,
    "c7_large_model_keeps_less": c7_large_model_keeps_less,
    "i1_compression_base": i1_compression_base,
    "i2_compression_large": i2_compression_large,
}
