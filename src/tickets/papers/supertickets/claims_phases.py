"""Claims on the phases of the compression curves (C9-C15, C27; control X3), on full dev (spec section 1.8)."""

from collections.abc import Callable
from itertools import pairwise

from tickets.papers.supertickets.evidence import LEVELS, MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.judging import above, no_less
from tickets.papers.supertickets.phases import Phases
from tickets.papers.verdict import Checks, Verdict, decide
from tickets.stats.criteria import SLACK
from tickets.stats.spread import pooled_error

PANELS = ("rte", "sst-2", "mnli")
"""The tasks that the text names for Figure 4."""
SPARSE = 0.5
SUBSETS = ("data1", "data10", "data20", "")
Panel = Callable[[Evidence, str, str, Phases], bool | None]


def c9_phase_one_exists(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Every panel of Figure 4 has a Phase I: some winning ticket is better than the full model."""
    return _panels(evidence, lambda e, model, task, found: found.exists)


def c10_better_than_random_and_full(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Through Phase I and early Phase II winning tickets beat random ones and match the full model."""

    def holds(evidence: Evidence, model: str, task: str, found: Phases) -> bool | None:
        if not found.exists:
            return False  # the claim is about tickets that are at least as good as the full model
        if found.gap is None:
            return None
        levels = [k for k in (*found.first, *found.early_second) if k >= 1]
        return all(found.gap[k] > 0 and found.winning[k] >= found.winning[0] - SLACK for k in levels)

    return _panels(evidence, holds)


def c11_random_falls(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Random tickets only get worse with more pruning (one rise within a standard error is allowed)."""

    def holds(evidence: Evidence, model: str, task: str, found: Phases) -> bool | None:
        if found.random is None:
            return None
        rises = [k for k in LEVELS[1:] if found.random[k] > found.random[k - 1] + SLACK]
        if len(rises) != 1:
            return not rises
        k = rises[0]
        error = _error(evidence, model, task, ("random", k), ("random", k - 1))
        return None if error is None else found.random[k] - found.random[k - 1] <= error + SLACK

    return _panels(evidence, holds)


def c12_losing_drops_early(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Losing tickets fall below the full model at the first level, and are never better than random ones."""

    def holds(evidence: Evidence, model: str, task: str, found: Phases) -> bool | None:
        if found.losing is None or found.random is None:
            return None
        if any(found.losing[k] > found.random[k] + SLACK for k in LEVELS[1:]):
            return False
        error = _error(evidence, model, task, ("losing", 1), ("winning", 0))
        return None if error is None else found.losing[1] < found.winning[0] - 2 * error - SLACK

    return _panels(evidence, holds)


def c13_phase_three(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Phase III is reached: winning tickets are in the end no better than random ones."""

    def holds(evidence: Evidence, model: str, task: str, found: Phases) -> bool | None:
        if found.gap is None:
            return None
        if found.crossing is None:
            return False
        error = _error(evidence, model, task, ("winning", 8), ("random", 8))
        return None if error is None else found.gap[8] <= 2 * error + SLACK

    return _panels(evidence, holds)


def c14_pronounced(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Phase I is more pronounced in the large model and for small tasks (RTE > SST-2 >= MNLI)."""
    gains = {
        (model, task): found.pronounced
        for model in MODELS
        for task in PANELS
        if (found := evidence.phases(model, task)) is not None
    }

    def more(larger: tuple[str, str], smaller: tuple[str, str], strict: bool = True) -> bool | None:
        if larger not in gains or smaller not in gains:
            return None
        return (above if strict else no_less)(gains[larger], gains[smaller])

    checks = {f"{task}: large > base": more(("large", task), ("base", task)) for task in PANELS}
    for model in MODELS:
        checks[f"{model}: rte > sst-2"] = more((model, "rte"), (model, "sst-2"))
        checks[f"{model}: sst-2 >= mnli"] = more((model, "sst-2"), (model, "mnli"), strict=False)
    return decide(
        checks, {f"{model}/{task}": gain for (model, task), gain in gains.items()}, partial=bool(gains)
    )


def c15_less_data(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """On MNLI (base) Phase I is the more pronounced, the smaller the training subset: 1, 10, 20, 100 %."""
    found = {variant: evidence.phases("base", "mnli", variant) for variant in SUBSETS}
    gains = {variant: phases.pronounced for variant, phases in found.items() if phases is not None}
    checks: dict[str, bool | None] = {}
    for less, more in pairwise(SUBSETS):
        compare = no_less if less == "data10" else above
        known = less in gains and more in gains
        name = f"{less.removeprefix('data')} % against {more.removeprefix('data') or '100'} %"
        checks[name] = compare(gains[less], gains[more]) if known else None
    figures = {variant or "data100": _figures(phases) for variant, phases in found.items() if phases}
    # without subsets, the curve on all data is no part of this claim
    return decide(checks, figures, partial=any(variant for variant in gains))


def c27_random_as_good_when_sparse(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """With half of the weights or less, random tickets are as good as winning ones (within 2 standard errors)."""

    def holds(evidence: Evidence, model: str, task: str, found: Phases) -> bool | None:
        if found.gap is None:
            return None
        outcomes = []
        for k in (k for k in LEVELS if found.remaining[k] <= SPARSE):
            error = _error(evidence, model, task, ("winning", k), ("random", k))
            outcomes.append(None if error is None else abs(found.gap[k]) <= 2 * error + SLACK)
        if False in outcomes:
            return False
        return True if outcomes and None not in outcomes else None

    return _panels(evidence, holds, note=f"levels that keep at most {SPARSE:.0%} of the weights")


def x3_cross_fit(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Phase I remains when its level is chosen on some seeds and evaluated on the others."""
    return _panels(evidence, lambda e, model, task, found: above(found.cross_fit))


def _panels(evidence: Evidence, holds: Panel, note: str = "") -> Verdict:
    checks: dict[str, bool | None] = {}
    figures = {}
    for model in MODELS:
        for task in PANELS:
            found = evidence.phases(model, task)
            checks[f"{model}/{task}"] = None if found is None else holds(evidence, model, task, found)
            if found is not None:
                figures[f"{model}/{task}"] = _figures(found)
    more = [(m, t) for m in MODELS for t in TASKS8 if t not in PANELS]
    others = {f"{m}/{t}": f for m, t in more if (f := evidence.phases(m, t)) is not None}
    if others:
        figures["not in Figure 4"] = {name: _figures(found) for name, found in others.items()}
    known: Checks = checks
    return decide(known, figures, note=note, partial=bool(figures))


def _figures(found: Phases) -> dict[str, object]:
    return {
        "peak": found.peak,
        "threshold": found.threshold,
        "crossing": found.crossing,
        "boundary": found.boundary,
        "pronounced": found.pronounced,
        "interval": found.interval,
        "share_exists": found.share_exists,
        "cross_fit": found.cross_fit,
        "winning": found.winning,
        "random": found.random,
        "losing": found.losing,
    }


def _error(
    evidence: Evidence, model: str, task: str, first: tuple[str, int], second: tuple[str, int]
) -> float | None:
    sets = [evidence.scores(model, task, family=family, level=k) for family, k in (first, second)]
    return pooled_error(sets[0], sets[1])


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c9_phase_one_exists": c9_phase_one_exists,
    "c10_better_than_random_and_full": c10_better_than_random_and_full,
    "c11_random_falls": c11_random_falls,
    "c12_losing_drops_early": c12_losing_drops_early,
    "c13_phase_three": c13_phase_three,
    "c14_pronounced": c14_pronounced,
    "c15_less_data": c15_less_data,
    "c27_random_as_good_when_sparse": c27_random_as_good_when_sparse,
    "x3_cross_fit": x3_cross_fit,
}
