"""Claims on fine-tuning with few examples at 70 % sparsity (C27-C29), spec sections 5.1 and 7."""

from collections.abc import Callable
from typing import Any

from tickets.papers.tamt.evidence import Evidence, PublishedEvidence, Which
from tickets.papers.tamt.judging import FULL, by_flavour, minus, more, rank, total, within
from tickets.papers.verdict import Verdict

LEVEL = 0.7
TRAINED = ("tamt-mlm", "tamt-kd")
MOST_BETWEEN = (5_000, 50_000)  # examples, of the paper's training sets
FEW = 10_000
NEAR = 3.0
"""Factor within which a size that was run stands in for `FEW`."""
MONOTONE = -0.8


def c27_middle(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On MNLI and SQuAD TAMT's lead over IMP is largest at a middle size, between 5K and 50K examples; all methods
    lose more from 10K to the smallest size than from all data to 10K.

    Sizes are those of the paper's training sets; for another training set the same fractions of it.
    """

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, Any] = {}
        for task in ("mnli", "squad"):
            scale = _scale(evidence, published, task)
            low, high = (n * scale for n in MOST_BETWEEN)
            figures[task] = {"between": (low, high)}
            for kind in TRAINED:
                leads = _leads(evidence, kind, imp, task)
                best = max(leads, key=leads.__getitem__) if len(leads) > 2 else None
                ends = (min(leads, default=0), max(leads, default=0))
                middle = None if best is None else best not in ends and within(best, low, high)
                checks[f"{task} {kind}"] = middle if _whole(evidence, task) in leads else None
                figures[task][kind] = leads
            for which in (FULL, *(Which(kind, LEVEL) for kind in ("omp", imp, *TRAINED))):
                drops = _drops(_scores(evidence, which, task), FEW * scale)
                checks[f"{task} {which.kind} drops"] = None if drops is None else more(*drops)
                figures[task][f"{which.kind} loses below and above"] = drops
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge)


def c28_sst(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On SST-2 TAMT's lead over IMP grows as data get fewer: rho of size and lead <= -.8, largest at the smallest."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, Any] = {}
        for kind in TRAINED:
            leads = _leads(evidence, kind, imp, "sst-2")
            rho = rank(list(leads), list(leads.values()))
            most = max(leads, key=leads.__getitem__) if leads else None
            checks[kind] = None if rho is None else rho <= MONOTONE and most == min(leads)
            figures[kind] = {"rho": rho, "lead": leads}
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge)


def c29_cola(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On CoLA TAMT's lead over IMP is smaller with the fewest examples than with all."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, Any] = {}
        for kind in TRAINED:
            leads, whole = _leads(evidence, kind, imp, "cola"), _whole(evidence, "cola")
            known = len(leads) > 1 and whole in leads
            checks[kind] = more(leads[whole or 0], leads[min(leads)]) if known else None
            figures[kind] = {"lead": leads}
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge)


def _scores(evidence: Evidence, which: Which, task: str) -> dict[int, float]:
    """Mean score by number of training examples; the last is the whole training set (main runs)."""
    asked: list[tuple[int, int | None]] = [(n, n) for n in evidence.sizes_run(task)]
    if (whole := _whole(evidence, task)) is not None:
        asked.append((whole, None))
    found = {n: evidence.stat(which, task, n_train=size) for n, size in asked}
    return {n: stat.mean for n, stat in found.items() if stat is not None}


def _leads(evidence: Evidence, kind: str, imp: str, task: str) -> dict[int, float]:
    ours, other = (_scores(evidence, Which(k, LEVEL), task) for k in (kind, imp))
    leads = {n: minus(score, other.get(n)) for n, score in ours.items()}
    return {n: lead for n, lead in leads.items() if lead is not None}


def _drops(scores: dict[int, float], few: float) -> tuple[float, float] | None:
    """Points lost below and above the size nearest to `few`; None without sizes on either side of one near it."""
    sizes = sorted(scores)
    middle = min(sizes[1:-1], key=lambda n: abs(n - few), default=0)
    if not few / NEAR <= middle <= few * NEAR:
        return None
    return scores[middle] - scores[sizes[0]], scores[sizes[-1]] - scores[middle]


def _whole(evidence: Evidence, task: str) -> int | None:
    return evidence.whole_size(task)


def _scale(evidence: Evidence, published: PublishedEvidence, task: str) -> float:
    """Size of our training set over the paper's; 1 where they are the same but for Table 1's rounding."""
    whole, theirs = evidence.whole_size(task), (published.sizes or {})[task]
    found = 1.0 if whole is None else whole / theirs
    return 1.0 if abs(found - 1) < 0.05 else found


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c27_middle": c27_middle,
    "c28_sst": c28_sst,
    "c29_cola": c29_cola,
}
