"""Controls that the paper lacks: selection among equal models (X1), and among random tickets (X2)."""

from collections.abc import Callable

from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.claims_phases import PANELS
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.judging import (
    above,
    by_selection,
    null_control,
)
from tickets.papers.supertickets.settings import SMALL
from tickets.papers.verdict import Verdict, decide
from tickets.stats.criteria import SLACK
from tickets.stats.extremes import maximum_of_normals

RERUNS = 8


def x1_selection_alone(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Super tickets are better than the best of eight reruns of the full model, on average over small tasks."""
    if isinstance(evidence, PublishedEvidence):
        return _x1_in_theory(evidence)

    def judge(sel: Selection) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures = {}
        for model in MODELS:
            found = {task: evidence.gain(model, task, sel=sel) for task in TASKS8}
            known = {task: g for task, g in found.items() if g is not None and g.excess is not None}
            stats = {task: evidence.stat(model, task, sel=sel) for task in known}
            figures[model] = {
                task: {
                    "gain": g.mean,
                    "null_gain": g.null,
                    "excess": g.excess,
                    "theory": maximum_of_normals(RERUNS)[0] * stat.spread(evidence.ddof)
                    if (stat := stats[task])
                    else None,
                }
                for task, g in known.items()
            }
            excess = [g.excess for g in known.values() if g.excess is not None]
            complete = set(SMALL) <= set(known)
            checks[model] = sum(excess) / len(excess) > SLACK if complete else None
        _, note = null_control(evidence, sel)
        return decide(checks, figures, note=note, partial=any(figures.values()))

    return by_selection(evidence, judge)


def x2_same_budget(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Super tickets are better than random tickets chosen in the same way from as many levels."""

    def judge(sel: Selection) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures = {}
        for model in MODELS:
            for task in PANELS:
                ticket = evidence.super_ticket_stat(model, task, sel=sel)
                random = evidence.super_ticket_stat(model, task, sel=sel, family="random")
                checks[f"{model}/{task}"] = None
                if ticket is not None and random is not None:
                    figures[f"{model}/{task}"] = {"winning": ticket.mean, "random": random.mean}
                    checks[f"{model}/{task}"] = above(ticket.mean, random.mean)
        return decide(checks, figures)

    return by_selection(evidence, judge)


def _x1_in_theory(published: PublishedEvidence) -> Verdict:
    """The null gain that the printed deviations of Table 6 imply, if they are those of runs or of maxima."""
    mean, std = maximum_of_normals(RERUNS)
    figures = {}
    for row in ("SuperT_base", "SuperT_large"):
        stds = [
            published.printed("table6", row, column) for column in published.tables.frames["table6"].columns
        ]
        average = sum(stds) / len(stds)
        figures[row] = {"stds_of_runs": mean * average, "stds_of_maxima": mean * average / std}
    low = min(f["stds_of_runs"] for f in figures.values())
    high = max(f["stds_of_maxima"] for f in figures.values())
    reason = f"needs the reruns; the deviations of Table 6 let selection alone gain {low:.2f} to {high:.2f}"
    return Verdict("not run", figures, reason)


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "x1_selection_alone": x1_selection_alone,
    "x2_same_budget": x2_same_budget,
}
