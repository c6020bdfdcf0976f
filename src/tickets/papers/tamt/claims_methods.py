"""Claims on IMP and mask training at their main steps, BERT (C06-C08, C11, C14, C25), spec section 7."""

from collections.abc import Callable

from tickets.papers.tamt.evidence import AVG5, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.judging import (
    VARIANTS,
    averaged,
    by_flavour,
    mean,
    minus,
    more,
    name,
    settled,
    total,
    within,
)
from tickets.papers.verdict import Verdict

TRAINED = (0.5, 0.6, 0.7, 0.8, 0.9)
CLEAR = (0.6, 0.7, 0.8)
ROBERTA = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
CLOSE, CLOSER = 3.0, 1.5


def c06_imp_beats_omp(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """IMP is better than one-shot pruning at 60, 70 and 80 %."""

    def judge(imp: str) -> Verdict:
        checks, figures = {}, {}
        for s in CLEAR:
            a, b = Which(imp, s), Which("omp", s)
            scores = mean(evidence, a), mean(evidence, b)
            checks[name(s)] = more(*scores)
            z = evidence.z(a, b, evidence.main_tasks)
            figures[name(s)] = {"imp": scores[0], "omp": scores[1], "z": z}
        return total(evidence, checks, figures, note=averaged(evidence))

    return by_flavour(evidence, judge)


def c07_tamt_beats_imp(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Every variant of mask training is better than IMP at 60 to 90 %, clearly so (z > 2) up to 80 %."""

    def judge(imp: str) -> Verdict:
        checks, zs, figures = {}, {}, {}
        for s in (*CLEAR, 0.9):
            for kind in VARIANTS:
                a, b = Which(kind, s), Which(imp, s)
                case, z = f"{kind} {name(s)}", evidence.z(a, b, evidence.main_tasks)
                scores = mean(evidence, a), mean(evidence, b)
                checks[case] = more(*scores)
                figures[case] = {"tamt": scores[0], "imp": scores[1], "z": z}
                if s in CLEAR:
                    zs[case] = z
        return settled(evidence, checks, zs, figures, note=averaged(evidence))

    return by_flavour(evidence, judge)


def c08_variants_close(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The variants of mask training lie within 3 points of each other at every sparsity."""
    checks, figures = {}, {}
    for s in TRAINED:
        found = {kind: mean(evidence, Which(kind, s)) for kind in VARIANTS}
        scores = {kind: score for kind, score in found.items() if score is not None}
        needed = 2 if evidence.partial else len(VARIANTS)
        apart = max(scores.values()) - min(scores.values()) if len(scores) > 1 else None
        # two of three variants can show that the claim fails, not that it holds
        known = apart is not None and (len(scores) >= needed or apart > CLOSE)
        checks[name(s)] = within(apart, 0.0, CLOSE) if known else None
        figures[name(s)] = {**scores, "apart": apart}
    partial = any(f["apart"] is not None for f in figures.values())
    return total(evidence, checks, figures, note=averaged(evidence), partial=partial)


def c11_both_objectives(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """MLM+KD is within 1.5 points of MLM at every sparsity (BERT), and better on average over them (RoBERTa)."""
    gaps = {
        model: {
            name(s): minus(*(mean(evidence, Which(k, s, model)) for k in ("tamt-mlm-kd", "tamt-mlm")))
            for s in sparsities
        }
        for model, sparsities in (("base", TRAINED), ("roberta", ROBERTA))
    }
    checks = {f"BERT {s}": within(gap, -CLOSER, CLOSER) for s, gap in gaps["base"].items()}
    known = [gap for gap in gaps["roberta"].values() if gap is not None]
    average = sum(known) / len(known) if known else None
    checks["RoBERTa on average"] = more(average, 0.0)
    figures = {"gap": gaps, "roberta_mean": average, "roberta_sparsities": len(known)}
    return total(evidence, checks, figures)


def c14_flat_tasks(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On MRPC and RTE mask training and IMP are within two deviations of one-shot pruning at most sparsities.

    The deviation is the larger of the two kinds' over their runs.
    """

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures = {}
        for task in ("mrpc", "rte"):
            for kind in (*VARIANTS, imp):
                near = {s: _near(evidence, Which(kind, s), Which("omp", s), task) for s in TRAINED}
                known = {s: close for s, close in near.items() if close is not None}
                case = f"{kind} {task}"
                checks[case] = 2 * sum(known.values()) > len(known) if known else None
                figures[case] = {name(s): close for s, close in known.items()}
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge)


def c25_per_task(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At 60 % KD is no worse than MLM on all five tasks; at 70 and 80 % MLM is no worse on average (of five)."""
    checks: dict[str, bool | None] = {}
    figures: dict[str, object] = {}
    cases = [(0.6, task, "tamt-kd", "tamt-mlm") for task in AVG5]
    cases += [(s, "average", "tamt-mlm", "tamt-kd") for s in (0.7, 0.8)]
    for s, task, better, other in cases:
        tasks = AVG5 if task == "average" else task
        gap = minus(*(mean(evidence, Which(kind, s), tasks) for kind in (better, other)))
        case = f"{name(s)} {task}"
        checks[case] = None if gap is None else within(gap, 0.0, float("inf"))
        figures[case] = {"better": better, "gap": gap}
    return total(evidence, checks, figures)


def _near(evidence: Evidence, a: Which, b: Which, task: str) -> bool | None:
    first, second = evidence.stat(a, task), evidence.stat(b, task)
    if first is None or second is None:
        return None
    spread = max(first.spread(evidence.ddof), second.spread(evidence.ddof))
    return within(abs(first.mean - second.mean), 0.0, 2 * spread)


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c06_imp_beats_omp": c06_imp_beats_omp,
    "c07_tamt_beats_imp": c07_tamt_beats_imp,
    "c08_variants_close": c08_variants_close,
    "c11_both_objectives": c11_both_objectives,
    "c14_flat_tasks": c14_flat_tasks,
    "c25_per_task": c25_per_task,
}
