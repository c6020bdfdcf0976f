"""Claims on ticket sharing, domain adaptation and learning rates (C17-C22, C26), spec section 7."""

from collections.abc import Callable
from typing import Any

from tickets.papers.supertickets.averages import task_average
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.judging import above, by_selection, direction_first, near, no_less
from tickets.papers.supertickets.settings import DOMAINS, SMALL
from tickets.papers.verdict import Verdict, decide
from tickets.stats.summary import Stat

GAIN_TOLERANCE = 0.5
ON_PAR = 0.3
BIG, BIG_TOLERANCE = ("qqp", "qnli", "mnli"), 0.5
SST_MOST = 0.6
FRACTIONS = ("0.1", "1", "10", "100")
PAIRS = (("mnli-super", "mnli-full"), ("ticket-share", "mt-dnn"))


def c17_sharing_gains(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Ticket sharing is better than MT-DNN on average, by the printed gains."""
    return by_selection(evidence, lambda sel: _sharing(evidence, published, sel, "share_gain", False))


def c18_sharing_gains_after_tuning(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The same after fine-tuning each on the single tasks."""
    return by_selection(evidence, lambda sel: _sharing(evidence, published, sel, "share_tuned_gain", True))


def c19_without_tuning(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Without fine-tuning, ticket sharing is better than or on par with fine-tuned MT-DNN on RTE and MRPC."""

    def judge(sel: Selection) -> Verdict:
        gaps = _gaps(evidence, sel, ("rte", "mrpc"), tuned_baseline=True)
        return decide({name: no_less(gap, -ON_PAR) for name, gap in gaps.items()}, {"gaps": gaps})

    return by_selection(evidence, judge)


def c20_big_tasks_unchanged(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On QQP, QNLI and MNLI ticket sharing and MT-DNN differ by at most half a point."""

    def judge(sel: Selection) -> Verdict:
        gaps = _gaps(evidence, sel, BIG)
        return decide({name: near(gap, 0.0, BIG_TOLERANCE) for name, gap in gaps.items()}, {"gaps": gaps})

    return by_selection(evidence, judge)


def c21_sst_gains_little(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On SST-2 ticket sharing gains little over MT-DNN."""

    def judge(sel: Selection) -> Verdict:
        gaps = _gaps(evidence, sel, ("sst-2",))
        checks = {name: None if gap is None else no_less(-gap, -SST_MOST) for name, gap in gaps.items()}
        return decide(checks, {"gaps": gaps})

    return by_selection(evidence, judge)


def c22_domain_adaptation(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Tickets adapt better to SNLI and SciTail than full models on every fraction, most on the smallest."""

    def judge(sel: Selection) -> Verdict:
        checks: dict[str, bool | None] = {}
        gains: dict[str, float] = {}
        for dataset in DOMAINS:
            for ticket, full in PAIRS:
                found = [_domain_gain(evidence, sel, dataset, ticket, full, f) for f in FRACTIONS]
                names = [f"{dataset} {fraction} % {ticket}" for fraction in FRACTIONS]
                checks |= {name: above(gain) for name, gain in zip(names, found, strict=True)}
                gains |= {name: gain for name, gain in zip(names, found, strict=True) if gain is not None}
                small, large = found[:2], found[3]
                falls = f"{dataset} {ticket}: gains more on .1 and 1 % than on 100 %"
                known = [gain for gain in small if gain is not None]
                checks[falls] = (
                    above(sum(known) / 2, large) if len(known) == 2 and large is not None else None
                )
        return decide(checks, {"gains": gains})

    return by_selection(evidence, judge)


def c26_matched_rate(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Tickets found at the learning rate they are trained at are no worse than those of another rate.

    On average over the small tasks for rewound tickets, over all eight for ticket sharing.
    """

    def judge(sel: Selection) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, Any] = {}
        for model in MODELS:
            rewound = _mismatch_gaps(evidence, model, sel)
            shared = _average(evidence, model, "ticket-share", sel)
            mismatched = _average(evidence, model, "ticket-share-mismatched", sel)
            if not rewound and mismatched is None:
                continue
            complete = set(SMALL) <= set(rewound)
            gap = sum(rewound.values()) / len(rewound) if complete else None
            joint = None if shared is None or mismatched is None else shared - mismatched
            checks |= {f"{model} rewound": no_less(gap), f"{model} multi-task": no_less(joint)}
            figures[model] = {"rewound": rewound, "multi-task": joint}
        return decide(checks or {"rewound": None, "multi-task": None}, figures, partial=bool(figures))

    return by_selection(evidence, judge)


def _sharing(
    evidence: Evidence, published: PublishedEvidence, sel: Selection, anchor: str, finetuned: bool
) -> Verdict:
    directions: dict[str, bool | None] = {}
    magnitudes: dict[str, bool | None] = {}
    gains: dict[str, float | None] = {}
    partial = False
    for model in MODELS:
        share = _average(evidence, model, "ticket-share", sel, finetuned)
        joint = _average(evidence, model, "mt-dnn", sel, finetuned)
        gain = gains[model] = None if share is None or joint is None else share - joint
        target = published.printed("text", f"{anchor}_{model}", "value")
        directions[f"{model} gains"] = above(gain)
        magnitudes[f"{model} within {GAIN_TOLERANCE} of {target}"] = near(gain, target, GAIN_TOLERANCE)
        partial = partial or any(_known(evidence, model, t, sel, finetuned) for t in TASKS8)
    note = ", ".join(f"{model} {gain:.2f}" for model, gain in gains.items() if gain is not None)
    return direction_first(directions, magnitudes, {"mean_gain": gains}, partial=partial, note=note)


def _known(evidence: Evidence, model: str, task: str, sel: Selection, finetuned: bool) -> bool:
    found = (
        evidence.multitask_stat(model, task, method, sel=sel, finetuned=finetuned)
        for method in ("ticket-share", "mt-dnn")
    )
    return all(stat is not None for stat in found)


def _average(
    evidence: Evidence, model: str, method: str, sel: Selection, finetuned: bool = False
) -> float | None:
    def ask(task: str) -> Stat | None:
        return evidence.multitask_stat(model, task, method, sel=sel, finetuned=finetuned)

    return task_average(ask)


def _gaps(
    evidence: Evidence, sel: Selection, tasks: tuple[str, ...], tuned_baseline: bool = False
) -> dict[str, float | None]:
    """Ticket sharing minus MT-DNN by model and task."""
    gaps: dict[str, float | None] = {}
    for model in MODELS:
        for task in tasks:
            share = evidence.multitask_stat(model, task, "ticket-share", sel=sel)
            joint = evidence.multitask_stat(model, task, "mt-dnn", sel=sel, finetuned=tuned_baseline)
            gaps[f"{model}/{task}"] = None if share is None or joint is None else share.mean - joint.mean
    return gaps


def _domain_gain(
    evidence: Evidence, sel: Selection, dataset: str, ticket: str, full: str, fraction: str
) -> float | None:
    better = evidence.domain_stat("base", dataset, ticket, fraction, sel=sel)
    worse = evidence.domain_stat("base", dataset, full, fraction, sel=sel)
    return None if better is None or worse is None else better.mean - worse.mean


def _mismatch_gaps(evidence: Evidence, model: str, sel: Selection) -> dict[str, float]:
    """SuperT of matched minus mismatched tickets by task, on the replicates that have both."""
    gaps = {}
    for task in TASKS8:
        matched = evidence.super_ticket(model, task, sel=sel, first=1)["score"]
        other = evidence.super_ticket(model, task, sel=sel, first=1, family="mismatched")["score"]
        both = (matched - other).dropna()
        if len(both):
            gaps[task] = float(both.mean())
    return gaps


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c17_sharing_gains": c17_sharing_gains,
    "c18_sharing_gains_after_tuning": c18_sharing_gains_after_tuning,
    "c19_without_tuning": c19_without_tuning,
    "c20_big_tasks_unchanged": c20_big_tasks_unchanged,
    "c21_sst_gains_little": c21_sst_gains_little,
    "c22_domain_adaptation": c22_domain_adaptation,
    "c26_matched_rate": c26_matched_rate,
}
