"""Claims on one-shot and random masks, and on what a sparsity costs (C01-C04, C12), spec section 7."""

from collections.abc import Callable, Mapping
from typing import Any

from tickets.papers.tamt.evidence import Evidence, PublishedEvidence, Which
from tickets.papers.tamt.judging import (
    FULL,
    VARIANTS,
    averaged,
    by_flavour,
    loss,
    mean,
    minus,
    more,
    name,
    rank,
    ratio,
    total,
    within,
)
from tickets.papers.verdict import Verdict

LEAD = 10.0
KEEPS = 0.9
HALF = (0.35, 0.65)


def c01_omp_beats_random(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At 50 % one-shot masks are over 10 points above random ones, and their MLM loss is lower."""
    omp, random = Which("omp", 0.5), Which("random", 0.5)
    scores = {"omp": mean(evidence, omp), "random": mean(evidence, random)}
    losses = {"omp": loss(evidence, omp), "random": loss(evidence, random)}
    checks = {
        f"over {LEAD:g} points higher": more(scores["omp"], scores["random"], LEAD),
        "lower MLM loss": more(losses["random"], losses["omp"]),
    }
    return total(evidence, checks, {"score": scores, "mlm_loss": losses}, note=averaged(evidence))


def c02_decay(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """One-shot masks get worse with sparsity (rho <= -.9), and lead random ones by less at 90 % than at 50 %."""
    found = {s: mean(evidence, Which("omp", s)) for s in evidence.sparsities("omp")}
    scores = {s: score for s, score in found.items() if score is not None}
    rho = rank(list(scores), list(scores.values()))
    gaps = {s: _gap(evidence, s) for s in (0.5, 0.9)}
    checks = {
        "score falls with sparsity": None if rho is None else rho <= -0.9,
        "lead smaller at 90 % than at 50 %": more(gaps[0.5], gaps[0.9]),
    }
    figures = {"rho": rho, "omp": _named(scores), "lead": _named(gaps)}
    return total(evidence, checks, figures, note=averaged(evidence), partial=bool(scores))


def c03_gap_widens(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On RTE, MNLI and SQuAD the lead of one-shot over random masks is somewhere up to 70 % larger than at 10 %."""
    checks: dict[str, bool | None] = {}
    figures = {}
    for task in ("rte", "mnli", "squad"):
        first = _gap(evidence, 0.1, task)
        found = {s: _gap(evidence, s, task) for s in evidence.sparsities("omp") if 0.1 < s <= 0.7}
        gaps = {s: gap for s, gap in found.items() if gap is not None}
        checks[task] = more(max(gaps.values()), first) if gaps else None
        figures[task] = {"lead at 10 %": first, "lead": _named(gaps)}
    return total(evidence, checks, figures)


def c04_half(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At 50 % all but random masks keep 90 % of the full model's score (BERT)."""
    return by_flavour(evidence, lambda imp: keeps_most(evidence, 0.5, imp, "base"))


def c12_collapse(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At 90 % every kind of mask is at 35 to 65 % of the full model's score: about half (BERT)."""
    if evidence.partial:
        stated = published.text("full_ratio_base_90")
        return Verdict(
            "reproduced", {"ratio": stated}, f"the text says about {stated:g}; no score is printed"
        )

    def judge(imp: str) -> Verdict:
        full = mean(evidence, FULL)
        kinds = ("omp", "random", imp, *VARIANTS)
        ratios = {kind: ratio(mean(evidence, Which(kind, 0.9)), full) for kind in kinds}
        checks = {kind: within(found, *HALF) for kind, found in ratios.items()}
        return total(evidence, checks, {"full": full, "ratio": ratios})

    return by_flavour(evidence, judge)


def keeps_most(evidence: Evidence, sparsity: float, imp: str, model: str) -> Verdict:
    """All but random masks reach .9 of the full model; random ones do not."""
    full = mean(evidence, Which("full", 0.0, model))
    kinds = ("omp", "random", imp, *VARIANTS)
    ratios = {kind: ratio(mean(evidence, Which(kind, sparsity, model)), full) for kind in kinds}
    checks: dict[str, bool | None] = {}
    for kind, found in ratios.items():
        reached = within(found, KEEPS, float("inf"))
        below = kind == "random" and reached is not None
        checks["random stays below" if kind == "random" else kind] = not reached if below else reached
    return total(evidence, checks, {"full": full, "ratio": ratios}, note=averaged(evidence))


def _gap(evidence: Evidence, sparsity: float, task: str | None = None) -> float | None:
    omp, random = (mean(evidence, Which(kind, sparsity), task) for kind in ("omp", "random"))
    return minus(omp, random)


def _named(values: Mapping[float, Any]) -> dict[str, Any]:
    return {name(sparsity): value for sparsity, value in values.items()}


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c01_omp_beats_random": c01_omp_beats_random,
    "c02_decay": c02_decay,
    "c03_gap_widens": c03_gap_widens,
    "c04_half": c04_half,
    "c12_collapse": c12_collapse,
}
