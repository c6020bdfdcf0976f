"""Claims on RoBERTa (C05, C09, C10, C13), spec section 7."""

from collections.abc import Callable

from tickets.papers.tamt.claims_baselines import keeps_most
from tickets.papers.tamt.claims_methods import ROBERTA
from tickets.papers.tamt.evidence import Evidence, PublishedEvidence, Which
from tickets.papers.tamt.judging import by_flavour, mean, minus, more, name, total
from tickets.papers.verdict import Verdict

MODEL = "roberta"
TIE = 0.3  # points that MLM may be below at 40 % sparsity and less, where all methods are close


def c05_thirty(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At 30 % all but random masks keep 90 % of the full RoBERTa's score."""
    return by_flavour(evidence, lambda imp: keeps_most(evidence, 0.3, imp, MODEL), MODEL)


def c09_kd_weak(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At 70, 80 and 90 % KD is better than IMP, but by less than half of what MLM is better."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures = {}
        for s in (0.7, 0.8, 0.9):
            base = mean(evidence, Which(imp, s, MODEL))
            mlm, kd = (minus(mean(evidence, Which(k, s, MODEL)), base) for k in ("tamt-mlm", "tamt-kd"))
            better, less = more(kd, 0.0), more(None if mlm is None else 0.5 * mlm, kd)
            checks[name(s)] = None if better is None or less is None else better and less
            figures[name(s)] = {"imp": base, "mlm_gain": mlm, "kd_gain": kd}
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge, MODEL)


def c10_mlm_best(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """MLM is better than IMP and at least as good as KD at every sparsity (up to 40 %: no more than .3 worse)."""

    def judge(imp: str) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures = {}
        for s in ROBERTA:
            slack = TIE if s <= 0.4 else 0.0
            mlm, kd, other = (mean(evidence, Which(k, s, MODEL)) for k in ("tamt-mlm", "tamt-kd", imp))
            checks[f"{name(s)} above IMP"] = more(mlm, other, -slack)
            gap = minus(mlm, kd)
            checks[f"{name(s)} no worse than KD"] = None if gap is None else not more(-slack, gap)
            figures[name(s)] = {"mlm": mlm, "kd": kd, "imp": other}
        return total(evidence, checks, figures)

    return by_flavour(evidence, judge, MODEL)


def c13_fragile(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The full RoBERTa is better than BERT, but from some sparsity on one-shot pruning leaves it worse."""
    full = {model: mean(evidence, Which("full", 0.0, model)) for model in ("base", MODEL)}
    gaps = {}
    for s in evidence.sparsities("omp", MODEL):
        gap = minus(*(mean(evidence, Which("omp", s, model)) for model in ("base", MODEL)))
        if gap is not None:
            gaps[s] = gap
    start = None
    for s in sorted(gaps, reverse=True):
        if not more(gaps[s], 0.0):
            break
        start = s
    checks = {
        "full RoBERTa better": more(full[MODEL], full["base"]),
        "worse from some sparsity on": start is not None if gaps else None,
    }
    figures = {"full": full, "bert_minus_roberta": {name(s): g for s, g in gaps.items()}, "from": start}
    return total(evidence, checks, figures)


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c05_thirty": c05_thirty,
    "c09_kd_weak": c09_kd_weak,
    "c10_mlm_best": c10_mlm_best,
    "c13_fragile": c13_fragile,
}
