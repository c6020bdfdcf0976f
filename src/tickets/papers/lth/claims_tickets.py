"""Claims on the existence and sparsity of winning tickets (X1-X8) and on the baselines (B1-B3), spec section
7.

Each function is one predicate. It never reads a published number except where agreement with that number *is*
the claim.
"""

import math
from collections.abc import Callable

from tickets.papers.lth.evidence import Evidence, PublishedEvidence
from tickets.papers.lth.tasks import DOWNSTREAM, TASKS
from tickets.papers.verdict import Verdict, at_least, decide, not_run
from tickets.stats.comparison import spearman
from tickets.stats.criteria import SLACK, Rule, two_points

BASELINES = {
    "random": {"method": "random"},
    "reinit": {"weights": "reinit"},
    "shuffled": {"weights": "shuffled"},
}
LEAST_SPARSITY = 0.4
SPARSITY_TOLERANCE = 0.1
HF_TOLERANCE = 2.0
SIGNIFICANCE = 0.05
# Second metrics of spec section 5, Table 6; only for STS-B does the paper's s* depend on the choice
SECOND_METRICS = {"mnli": "accuracy_mismatched", "qqp": "f1", "sts-b": "spearman", "mrpc": "f1"}
METRIC_SENSITIVE = ("sts-b",)


def x1_tickets_exist(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Every task has a winning ticket at 40 % or more."""
    stars = {task: evidence.s_star(task) for task in TASKS}
    checks: dict[str, bool | None] = {}
    for task, star in stars.items():
        holds = None if star is None else star >= LEAST_SPARSITY - SLACK
        # a chain that stopped early gives a lower bound: it can confirm but not refute
        checks[task] = holds or (holds if evidence.complete(task) else None)
    return decide(checks, {"s_star": stars})


def x2_sparsities(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The winning sparsities are the published ones, +-10 points each."""
    return _agreement(evidence, published, "winning", SPARSITY_TOLERANCE)


def x3_strict_sparsities(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The sparsities under the strict criterion are the published ones, +-10 points each."""
    return _agreement(evidence, published, "strict", SPARSITY_TOLERANCE)


def x4_strict_never_sparser(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Strict tickets are never sparser, and equally sparse exactly where the paper's are (MNLI, WNLI)."""
    checks: dict[str, bool | None] = {}
    figures = {}
    for task in TASKS:
        winning, strict = _star(evidence, task, "winning"), _star(evidence, task, "strict")
        figures[task] = {"winning": winning, "strict": strict}
        if winning is None or strict is None:
            checks[task] = None
            continue
        equal_there = published.s_star(task, "strict") == published.s_star(task, "winning")
        checks[task] = strict <= winning and (strict == winning) == equal_there
    return decide(checks, figures)


def x5_two_point_rule(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Against the first submission's two-point rule only STS-B and SQuAD change.

    Where two exhibits give different values of the same cell and the rule decides differently on them
    (possible only for published numbers), the claim stays inconclusive.
    """
    verdict = _agreement(evidence, published, "two_points", 0.0)
    disagree = {}
    for task in TASKS:
        full, table = evidence.dense(task), evidence.imp(task, 0.7)
        figure = evidence.transfer(task, task, 0.7)
        if full and table and figure and two_points(full, table) != two_points(full, figure):
            disagree[task] = {"table": table.mean - full.mean, "figure": figure.mean - full.mean}
    if not disagree:
        return verdict
    figures = {**verdict.figures, "minus_dense_at_0.7": disagree}
    reason = f"exhibits disagree on the rule at 70 %: {', '.join(disagree)}; {verdict.reason}"
    return Verdict("inconclusive", figures, reason)


def x6_unrelated_to_size(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The winning sparsity does not go with the size of the training set (10 downstream tasks)."""
    sizes = evidence.train_sizes
    if sizes is None:
        return not_run("the number of training examples of each task")
    stars = {task: star for task in DOWNSTREAM if (star := _star(evidence, task, "winning")) is not None}
    if len(stars) < 3:
        return not_run("s* of at least 3 downstream tasks")
    figures = {}
    for rule in ("winning", "strict"):
        found = {task: _star(evidence, task, rule) for task in stars}
        rho, p = spearman([sizes[task] for task in stars], [value or 0.0 for value in found.values()])
        figures[rule] = {"rho": rho, "p": p}
    p = figures["winning"]["p"]
    note = f"Spearman {figures['winning']['rho']:.2f}, p {p:.2f} over {len(stars)} of {len(DOWNSTREAM)} tasks"
    if math.isnan(p) or len(stars) < len(DOWNSTREAM):
        return Verdict("inconclusive", figures, note)
    return Verdict("reproduced" if p > SIGNIFICANCE else "not reproduced", figures, note)


def x7_metric_choice(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The second metric of a task gives the same s*, except for STS-B."""
    checks: dict[str, bool | None] = {}
    figures = {}
    for task, metric in SECOND_METRICS.items():
        first = _star(evidence, task, "winning")
        second = evidence.s_star(task, metric=metric) if first is not None else None
        figures[task] = {TASKS[task].metrics[0]: first, metric: second}
        missing = first is None or second is None
        checks[task] = None if missing else (first == second) == (task not in METRIC_SENSITIVE)
    return decide(checks, figures)


def x8_dense_in_line(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The best dense run is within 2 points of Hugging Face's score (not WNLI, RTE; MLM has none)."""
    checks: dict[str, bool | None] = {}
    figures = {}
    for task in DOWNSTREAM:
        if task in ("wnli", "rte"):
            continue
        full, reported = evidence.dense(task), published.tables.hf_reported(task)
        best = None if full is None else full.best
        figures[task] = {"best": best, "reported": reported}
        checks[task] = None if best is None else abs(best - reported) <= HF_TOLERANCE + SLACK
    return decide(checks, figures)


def b1_beats_baselines(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At s* the ticket beats random pruning, random weights and shuffled weights by more than its own std."""
    return _beats(evidence, "winning")


def b2_structure_matters(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The same already at the strict s*, where less is pruned."""
    return _beats(evidence, "strict")


def b3_pretrained_weights(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Under the IMP mask, shuffled pre-trained weights are no worse than random ones for 9 of 11 tasks."""
    checks: dict[str, bool | None] = {}
    figures = {}
    for task in TASKS:
        shuffled = evidence.at(task, "winning", weights="shuffled")
        random = evidence.at(task, "winning", weights="reinit")
        if shuffled is None or random is None:
            checks[task] = None
            continue
        figures[task] = {"shuffled": shuffled.mean, "reinit": random.mean}
        checks[task] = shuffled.mean >= random.mean - SLACK
    return decide(checks, figures, accept=at_least(9))


def _beats(evidence: Evidence, rule: Rule) -> Verdict:
    checks: dict[str, bool | None] = {}
    margins = {}
    for task in TASKS:
        ticket = evidence.at(task, rule)
        for name, address in BASELINES.items():
            baseline = evidence.at(task, rule, **address)
            if ticket is None or baseline is None:
                checks[f"{task}/{name}"] = None
                continue
            needed = 0.0 if task == "wnli" else ticket.spread()
            margins[f"{task}/{name}"] = {"margin": ticket.mean - baseline.mean, "needed": needed}
            checks[f"{task}/{name}"] = ticket.mean - baseline.mean > needed + SLACK
    return decide(checks, margins)


def _agreement(evidence: Evidence, published: PublishedEvidence, rule: Rule, tolerance: float) -> Verdict:
    checks: dict[str, bool | None] = {}
    figures = {}
    for task in TASKS:
        ours, theirs = _star(evidence, task, rule), published.s_star(task, rule)
        figures[task] = {"s_star": ours, "published": theirs}
        missing = ours is None or theirs is None
        checks[task] = None if missing else abs((ours or 0.0) - (theirs or 0.0)) <= tolerance + SLACK
    exact = [task for task, pair in figures.items() if pair["s_star"] == pair["published"]]
    return decide(checks, figures, note=f"exact for {len(exact)}: {', '.join(exact)}" if exact else "")


def _star(evidence: Evidence, task: str, rule: Rule) -> float | None:
    return evidence.s_star(task, rule) if evidence.complete(task) else None


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "x1_tickets_exist": x1_tickets_exist,
    "x2_sparsities": x2_sparsities,
    "x3_strict_sparsities": x3_strict_sparsities,
    "x4_strict_never_sparser": x4_strict_never_sparser,
    "x5_two_point_rule": x5_two_point_rule,
    "x6_unrelated_to_size": x6_unrelated_to_size,
    "x7_metric_choice": x7_metric_choice,
    "x8_dense_in_line": x8_dense_in_line,
    "b1_beats_baselines": b1_beats_baselines,
    "b2_structure_matters": b2_structure_matters,
    "b3_pretrained_weights": b3_pretrained_weights,
}
