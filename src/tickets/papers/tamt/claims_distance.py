"""Claims on how alike the masks are (C23, C24), spec section 7."""

from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

from tickets.papers.tamt.evidence import Evidence, PublishedEvidence, Which
from tickets.papers.tamt.judging import by_flavour, more, name, overlap, rank, total, within
from tickets.papers.verdict import Verdict

APART = (0.6, 0.7, 0.8)
CURVE_LEVEL = 0.7
AT_60, BELOW_AT_80 = (0.70, 0.80), 0.60


def c23_kd_near_omp(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """TAMT-KD stays nearer to the one-shot mask than IMP and TAMT-MLM do (60 to 80 %); TAMT-MLM moves away with
    every step (rho > .9, at 70 %)."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, Any] = {}
        for s in APART:
            omp = Which("omp", s)
            near = {kind: overlap(evidence, omp, Which(kind, s)) for kind in ("tamt-kd", imp, "tamt-mlm")}
            for kind in (imp, "tamt-mlm"):
                checks[f"{name(s)} nearer than {kind}"] = more(near["tamt-kd"], near[kind])
            distances = {kind: 1 - found for kind, found in near.items() if found is not None}
            figures[name(s)] = {"distance": distances}
        omp = Which("omp", CURVE_LEVEL)
        moved = {w.step: overlap(evidence, omp, w) for w in evidence.settings("tamt-mlm", CURVE_LEVEL)}
        known = {step: 1 - found for step, found in moved.items() if step and found is not None}
        rho = rank(list(known), list(known.values()))
        checks["TAMT-MLM moves away"] = None if rho is None else rho > 0.9
        figures["TAMT-MLM"] = {"rho": rho, "distance": known}
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge)


def c24_least_alike(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Of one-shot, IMP, MLM and KD masks, IMP and MLM are the least alike; their overlap falls with sparsity, from
    .70 to .80 at 60 % to below .60 at 80 %."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, Any] = {}
        pair, pairs = (imp, "tamt-mlm"), list(combinations(("omp", imp, "tamt-mlm", "tamt-kd"), 2))
        found = {s: {p: overlap(evidence, *(Which(k, s) for k in p)) for p in pairs} for s in APART}
        for s, overlaps in found.items():
            known = {p: value for p, value in overlaps.items() if value is not None}
            least = min(known, key=known.__getitem__) if known else None
            decided = len(known) == len(pairs) or (pair in known and least != pair)
            checks[f"{name(s)} least alike"] = least == pair if decided else None
            figures[name(s)] = {" and ".join(p): value for p, value in known.items()}
        falling = [found[s][pair] for s in APART]
        steps = [more(a, b) for a, b in pairwise(falling)]
        checks["overlap falls"] = False if False in steps else None if None in steps else True
        checks["60 % in .70 to .80"] = within(falling[0], *AT_60)
        checks["80 % below .60"] = more(BELOW_AT_80, falling[-1])
        return total(evidence, checks, figures)

    return _as_stated(published) if evidence.partial else by_flavour(evidence, judge)


def _as_stated(published: PublishedEvidence) -> Verdict:
    at_60, bound = (published.text(f"similarity_imp_mlm_{part}") for part in ("60", "80_below"))
    checks = {
        "60 % in .70 to .80": within(at_60, *AT_60),
        "80 % below .60": bound <= BELOW_AT_80,
        "overlap falls": at_60 > bound,
    }
    figures = {"60 %": at_60, "80 % below": bound}
    return total(published, checks, figures, note="as the text states; of other pairs it gives no numbers")


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c23_kd_near_omp": c23_kd_near_omp,
    "c24_least_alike": c24_least_alike,
}
