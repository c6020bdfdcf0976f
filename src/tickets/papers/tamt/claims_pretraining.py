"""Claims on dev losses of the pre-training tasks (C15-C19, O01), spec section 7."""

from collections.abc import Callable, Sequence

from tickets.papers.tamt.evidence import AVG5, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.judging import (
    FULL,
    VARIANTS,
    by_flavour,
    loss,
    mean,
    minus,
    more,
    name,
    rank,
    total,
    within,
)
from tickets.papers.tamt.terms import LOSSES
from tickets.papers.verdict import Verdict

SHOWN = (0.5, 0.6, 0.7, 0.8)
APART = (0.6, 0.7, 0.8)
OF = {"tamt-mlm": "mlm_loss", "tamt-kd": "kd_loss"}
"""The loss that each objective minimises."""
ALONE, POOLED = -0.6, -0.3
TIE = 1.5


def c15_correlation(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The lower the loss, the higher the score (average of five): rho <= -.6 along each objective's own training,
    <= -.3 over masks of TAMT, IMP and one-shot pruning together, at 60, 70 and 80 %."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        rhos: dict[str, float | None] = {}
        for s in APART:
            trained = {kind: evidence.settings(kind, s) for kind in OF}
            for kind, column in OF.items():
                case = f"{name(s)} {kind}"
                rhos[case] = _rho(evidence, trained[kind], column)
                checks[case] = _below(rhos[case], ALONE)
            everything = [*trained["tamt-mlm"], *trained["tamt-kd"], Which(imp, s), Which("omp", s)]
            complete = all(len(evidence.losses(w)) for w in everything[-2:])
            for column in LOSSES:
                case = f"{name(s)} pooled {column}"
                rhos[case] = _rho(evidence, everything, column) if complete else None
                checks[case] = _below(rhos[case], POOLED)
        return total(evidence, checks, {"rho": rhos})

    return by_flavour(evidence, judge)


def c16_targets(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Of all pruned models TAMT-MLM has the lowest MLM loss and TAMT-KD the lowest KD loss, after their last step."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, object] = {}
        for s in SHOWN:
            masks = {kind: _last(evidence, kind, s) for kind in OF}
            masks |= {kind: Which(kind, s) for kind in (imp, "omp", "random")}
            for winner, column in OF.items():
                found = {kind: loss(evidence, which, column) for kind, which in masks.items()}
                losses = {kind: value for kind, value in found.items() if value is not None}
                lowest = min(losses, key=losses.__getitem__) if losses else None
                decided = len(losses) == len(masks) or (winner in losses and lowest != winner)
                case = f"{name(s)} {column}"
                checks[case] = lowest == winner if decided else None
                figures[case] = losses
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge)


def c17_cross_objective(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Training on one objective also lowers the loss of the other: rho of step and loss < -.5, where steps were run."""
    checks: dict[str, bool | None] = {}
    rhos: dict[str, float] = {}
    for s in SHOWN:
        for kind, column in (("tamt-mlm", "kd_loss"), ("tamt-kd", "mlm_loss")):
            steps, losses = [], []
            for which in evidence.settings(kind, s):
                found = evidence.losses(which, column)
                steps += [float(which.step or 0)] * len(found)
                losses += [float(value) for value in found]
            rho, case = rank(steps, losses) if len(set(steps)) > 2 else None, f"{name(s)} {kind}"
            if rho is not None:
                rhos[case] = rho
                checks[case] = rho < -0.5
    kinds = {case.split()[-1] for case in rhos}
    checks |= {kind: None for kind in OF if kind not in kinds}
    return total(evidence, checks, {"rho": rhos})


def c18_imp_keeps_pretraining(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """IMP has a lower MLM loss than one-shot pruning at 50, 60 and 70 %, and a lower KD loss at 50 and 60 %."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures = {}
        cases = [("mlm_loss", s) for s in (0.5, 0.6, 0.7)] + [("kd_loss", s) for s in (0.5, 0.6)]
        for column, s in cases:
            found = {kind: loss(evidence, Which(kind, s), column) for kind in (imp, "omp")}
            checks[f"{name(s)} {column}"] = more(found["omp"], found[imp])
            figures[f"{name(s)} {column}"] = found
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge)


def c19_anomalies(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Losses do not tell all: at 60 to 80 % one-shot masks have a higher MLM loss than random ones and a better
    score; at 50 % TAMT and IMP are within 1.5 points."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, object] = {}
        for s in APART:
            omp, random = Which("omp", s), Which("random", s)
            losses = loss(evidence, omp), loss(evidence, random)
            scores = mean(evidence, omp, AVG5), mean(evidence, random, AVG5)
            worse, better = more(*losses), more(*scores)
            checks[name(s)] = None if worse is None or better is None else worse and better
            figures[name(s)] = {"mlm_loss": losses, "score": scores}
        for kind in VARIANTS:
            gap = minus(*(mean(evidence, Which(k, 0.5), AVG5) for k in (kind, imp)))
            checks[f"50 % {kind}"] = within(gap, -TIE, TIE)
            figures[f"50 % {kind}"] = gap
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge)


def o01_below_full(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At 50 % TAMT-MLM has a lower MLM loss than the full model: mask training adapts to the text as well."""
    found = {"tamt-mlm": loss(evidence, Which("tamt-mlm", 0.5)), "full": loss(evidence, FULL)}
    return total(evidence, {"lower MLM loss": more(found["full"], found["tamt-mlm"])}, found)


def _rho(evidence: Evidence, settings: Sequence[Which], column: str) -> float | None:
    points = evidence.points(settings, column)
    return rank(list(points["loss"]), list(points["score"]))


def _below(rho: float | None, most: float) -> bool | None:
    return None if rho is None else rho <= most


def _last(evidence: Evidence, kind: str, sparsity: float) -> Which:
    steps = evidence.steps(kind, sparsity)
    return Which(kind, sparsity, step=steps[-1] if steps else None)


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c15_correlation": c15_correlation,
    "c16_targets": c16_targets,
    "c17_cross_objective": c17_cross_objective,
    "c18_imp_keeps_pretraining": c18_imp_keeps_pretraining,
    "c19_anomalies": c19_anomalies,
    "o01_below_full": o01_below_full,
}
