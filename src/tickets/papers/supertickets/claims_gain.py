"""Claims on what single-task super tickets gain (C1-C5, C8, C16), spec section 7."""

import math
from collections.abc import Callable

from tickets.papers.supertickets.averages import column_average
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import METRICS, MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.judging import (
    above,
    by_selection,
    direction_first,
    near,
    no_less,
    null_control,
    rank_with_size,
)
from tickets.papers.verdict import Verdict, decide, not_run
from tickets.stats.criteria import SLACK

GAIN_TOLERANCE = 0.4
RTE_LEAST, QQP_MOST = 2.0, 0.8
INSIGNIFICANT = ("base", "sts-b")


def c1_gain_base(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Super tickets of the base model are better than the full model, on average by the printed gain."""
    return by_selection(evidence, lambda sel: _average_gain(evidence, published, "base", sel))


def c2_gain_large(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The same for the large model."""
    return by_selection(evidence, lambda sel: _average_gain(evidence, published, "large", sel))


def c3_never_worse(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On every task SuperT is no worse in any metric, and strictly better in the task score."""

    def judge(sel: Selection) -> Verdict:
        checks: dict[str, bool | None] = {}
        gains: dict[str, dict[str, float]] = {}
        for model in MODELS:
            for task in TASKS8:
                found = _gains_by_metric(evidence, model, task, sel)
                checks[f"{model}/{task}"] = None
                if found:
                    gains[f"{model}/{task}"] = found
                    strict = found["task score"] > SLACK
                    checks[f"{model}/{task}"] = strict and min(found.values()) >= -SLACK
        control, note = null_control(evidence, sel)
        return decide(checks, {"gains": gains, **control}, note=note)

    return by_selection(evidence, judge)


def c4_significant(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Every gain is significant (paired t-test, p < .05), except that of the base model on STS-B."""

    def judge(sel: Selection) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures = {}
        for model in MODELS:
            for task in TASKS8:
                gain = evidence.gain(model, task, sel=sel)
                found = None if gain is None else gain.significant
                checks[f"{model}/{task}"] = (
                    None if found is None else found != ((model, task) == INSIGNIFICANT)
                )
                if gain is not None:
                    figures[f"{model}/{task}"] = {"gain": gain.mean, "t": gain.t, "p": gain.p, "n": gain.n}
        control, note = null_control(evidence, sel)
        return decide(checks, figures | control, note=note, partial=bool(figures))

    return by_selection(evidence, judge)


def c5_small_tasks_gain_most(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The smaller the training set, the larger the gain; RTE gains at least 2, QQP at most .8 (base)."""
    sizes = evidence.sizes
    if sizes is None:
        return not_run("the number of training examples of each task")

    def judge(sel: Selection) -> Verdict:
        directions: dict[str, bool | None] = {}
        figures: dict[str, object] = {}
        notes = []
        for model in MODELS:
            gains = _gains(evidence, model, sel)
            directions[f"{model}: gain falls with size"] = None
            figures[model] = {"gains": gains}
            if len(gains) == len(TASKS8):
                rho, p = rank_with_size(sizes, gains)
                directions[f"{model}: gain falls with size"] = None if math.isnan(rho) else rho < -SLACK
                figures[model] = {"gains": gains, "rho": rho, "p": p}
                notes.append(f"Spearman {model} {rho:.2f}, p {p:.2f}")
        base = _gains(evidence, "base", sel)
        magnitudes = {
            "base RTE at least 2": no_less(base.get("rte"), RTE_LEAST),
            "base QQP at most .8": no_less(-base["qqp"], -QQP_MOST) if "qqp" in base else None,
        }
        control, note = null_control(evidence, sel)
        text = "; ".join([*notes, note] if note else notes)
        partial = any(_gains(evidence, model, sel) for model in MODELS)
        return direction_first(directions, magnitudes, figures | control, partial=partial, note=text)

    return by_selection(evidence, judge)


def c8_large_model_gains_more(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The average gain of the large model is at least that of the base model."""

    def judge(sel: Selection) -> Verdict:
        gains = {model: _mean(_gains(evidence, model, sel)) for model in MODELS}
        base, large = gains["base"], gains["large"]
        holds = None if base is None or large is None else no_less(large, base)
        partial = any(_gains(evidence, model, sel) for model in MODELS)
        return decide({"large at least base": holds}, {"mean_gain": gains}, partial=partial)

    return by_selection(evidence, judge)


def c16_unseen_data(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The gain of the base model holds on data without part in the choice (test server; ours: 90 % of dev)."""
    full = column_average(lambda task, metric: evidence.unseen_stat("base", task, "st-dnn", metric))
    ticket = column_average(lambda task, metric: evidence.unseen_stat("base", task, "supert", metric))
    gain = None if full is None or ticket is None else ticket - full
    partial = any(evidence.unseen_stat("base", task, "supert") is not None for task in TASKS8)
    ours = not isinstance(evidence, PublishedEvidence)
    note = "the 90 % of dev that took no part in the choice stand in for the test server" if ours else ""
    return decide({"average of nine columns": above(gain)}, {"gain": gain}, note=note, partial=partial)


def _average_gain(evidence: Evidence, published: PublishedEvidence, model: str, sel: Selection) -> Verdict:
    gains = _gains(evidence, model, sel)
    mean, target = _mean(gains), published.printed("text", f"gain_{model}", "value")
    control, note = null_control(evidence, sel, (model,))
    text = f"mean gain {mean:.2f}" if mean is not None else ""
    return direction_first(
        {"mean gain positive": above(mean)},
        {f"within {GAIN_TOLERANCE} of {target}": near(mean, target, GAIN_TOLERANCE)},
        {"mean_gain": mean, "gains": gains, **control},
        partial=bool(gains),
        note="; ".join(part for part in (text, note) if part),
    )


def _gains(evidence: Evidence, model: str, sel: Selection) -> dict[str, float]:
    found = {task: evidence.gain(model, task, sel=sel) for task in TASKS8}
    return {task: gain.mean for task, gain in found.items() if gain is not None}


def _gains_by_metric(evidence: Evidence, model: str, task: str, sel: Selection) -> dict[str, float]:
    gains = {}
    for metric in (None, *METRICS[task]):
        ticket = evidence.super_ticket_stat(model, task, metric, sel=sel)
        full = evidence.stat(model, task, sel=sel, metric=metric)
        if ticket is None or full is None:
            return {}
        gains[metric or "task score"] = ticket.mean - full.mean
    return gains


def _mean(values: dict[str, float]) -> float | None:
    return sum(values.values()) / len(values) if len(values) == len(TASKS8) else None


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c1_gain_base": c1_gain_base,
    "c2_gain_large": c2_gain_large,
    "c3_never_worse": c3_never_worse,
    "c4_significant": c4_significant,
    "c5_small_tasks_gain_most": c5_small_tasks_gain_most,
    "c8_large_model_gains_more": c8_large_model_gains_more,
    "c16_unseen_data": c16_unseen_data,
}
