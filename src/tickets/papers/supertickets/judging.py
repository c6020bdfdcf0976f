"""How claims of this paper are judged: under each selection, direction before magnitude, beside control X1."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence
from tickets.papers.verdict import Checks, Status, Verdict, decide
from tickets.stats.comparison import spearman
from tickets.stats.criteria import SLACK

WHERE = {"p10": "chosen on 10 % of dev", "full": "on all of dev", "half": "on one half, scored on the other"}


def by_selection(evidence: Evidence, judge: Callable[[Selection], Verdict]) -> Verdict:
    """Judge under every selection. The paper's own (10 % of dev) decides; the reason names what the others say.

    Figures are those of each selection under its name; plain where there is only one (published numbers).
    """
    first, *others = evidence.selections
    verdict = judge(first)
    if not others or verdict.status == "not run":
        return verdict
    verdicts = {first: verdict} | {sel: judge(sel) for sel in others}
    also = "; ".join(f"{WHERE[sel]}: {verdicts[sel].status}" for sel in others)
    figures: dict[str, Any] = {
        sel: {"status": v.status, "reason": v.reason, **v.figures} for sel, v in verdicts.items()
    }
    return Verdict(verdict.status, figures, f"{WHERE[first]}: {verdict.reason}; {also}")


def direction_first(
    directions: Checks,
    magnitudes: Checks,
    figures: Mapping[str, Any],
    *,
    partial: bool = False,
    note: str = "",
) -> Verdict:
    """Judge the direction; where it holds, the magnitude too. Only the direction right is inconclusive."""
    verdict = decide(directions, figures, partial=partial, note=note)
    if verdict.status != "reproduced":
        return verdict
    both = decide({**directions, **magnitudes}, figures, partial=partial, note=note)
    if both.status != "not reproduced":
        return both
    status: Status = "inconclusive"
    return Verdict(status, figures, f"the direction holds, not the magnitude: {both.reason}")


def near(value: float | None, target: float, tolerance: float) -> bool | None:
    """Whether a value is within `tolerance` of a printed one; None if it was not run."""
    return None if value is None else abs(value - target) <= tolerance + SLACK


def above(value: float | None, least: float = 0.0) -> bool | None:
    """Whether a value is larger than `least`; None if it was not run."""
    return None if value is None else value > least + SLACK


def no_less(value: float | None, least: float = 0.0) -> bool | None:
    """Whether a value is at least `least`; None if it was not run."""
    return None if value is None else value >= least - SLACK


def null_control(
    evidence: Evidence, sel: Selection, models: Sequence[str] = MODELS
) -> tuple[dict[str, Any], str]:
    """Control X1 beside a gain: figures by model, and a sentence; empty where there are no gains at all.

    Per model over the tasks that have reruns: mean gain, what the best of eight full-model reruns gains, and
    whether the super tickets are better than that.
    """
    figures: dict[str, Any] = {}
    parts = []
    for model in models:
        gains = {task: gain for task in TASKS8 if (gain := evidence.gain(model, task, sel=sel)) is not None}
        if not gains:
            continue
        known = {task: g for task, g in gains.items() if g.null is not None and g.excess is not None}
        if not known:
            figures[model] = {"tasks": [], "survives": None}
            parts.append(f"{model} without control")
            continue
        null = sum(g.null or 0.0 for g in known.values()) / len(known)
        excess = sum(g.excess or 0.0 for g in known.values()) / len(known)
        beaten = [task for task, g in known.items() if g.survives]
        figures[model] = {
            "tasks": list(known),
            "null_gain": null,
            "gain": null + excess,
            "survives": excess > SLACK,
            "survives_on": beaten,
        }
        word = "survives" if excess > SLACK else "does not survive"
        parts.append(
            f"{model} gain {null + excess:.2f} against {null:.2f} of the best of eight full-model reruns "
            f"({len(known)} tasks): {word}, by task on {len(beaten)} of {len(known)}"
        )
    if not parts or evidence.selections == ("p10",):
        return {}, ""
    return {"null": figures}, "control X1: " + "; ".join(parts)


def rank_with_size(sizes: dict[str, int], values: dict[str, float]) -> tuple[float, float]:
    """Spearman of the size of the training set and a value of all eight tasks, with its p; NaN if undefined."""
    if not set(TASKS8) <= set(sizes):
        return math.nan, math.nan
    # printed values differ in the last bits where they should tie
    return spearman([sizes[task] for task in TASKS8], [round(values[task], 9) for task in TASKS8])
