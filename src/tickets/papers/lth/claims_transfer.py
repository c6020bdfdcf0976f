"""Claims on transfer (U1-U7), mask overlap (O1) and MLM data size (D1, D2), spec lth section 7.

D(S, T; s) = mean TRANSFER(S, T; s) - mean TRANSFER(T, T; s). Counts over targets leave the diagonal out.
"""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

import pandas as pd

from tickets.papers.lth.evidence import Baseline, Evidence, PublishedEvidence
from tickets.papers.lth.tasks import DOWNSTREAM, TASKS
from tickets.papers.verdict import Verdict, decide, not_run
from tickets.stats.comparison import spearman
from tickets.stats.criteria import SLACK, excess_gap, one_std

Matrix = Mapping[str, Mapping[str, float]]  # source -> target -> points

RARELY = 4
SLACK_POINTS = 2.5
HALF = 5
CLOSE, CLOSE_TASKS = 0.5, 3
OVERLAP = 90.0
DATA_SIZE_TASKS = ("sst-2", "cola", "squad")


def u1_mlm_universal(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The MLM mask at 70 % is at least as good as the task's own on every downstream task."""
    return _universal(evidence, 0.7)


def u2_others_rarely(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Every other source reaches the task's own mask on at most 4 other targets (70 %)."""
    return _rarely(evidence, 0.7)


def u3_with_slack(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """With 2.5 points of slack exactly the paper's seven sources reach half of the other targets (70 %)."""
    ours, theirs = (_matrix(e, 0.7, "same_task") for e in (evidence, published))
    checks: dict[str, bool | None] = {}
    figures = {}
    for source in TASKS:
        figures[source] = hits, missing = reached(ours, source, -SLACK_POINTS)
        there = reached(theirs, source, -SLACK_POINTS)[0] >= HALF
        undecided = hits < HALF <= hits + missing
        checks[source] = None if undecided or missing == len(TASKS) - 1 else (hits >= HALF) == there
    counts = {source: hits for source, (hits, _) in figures.items()}
    return decide(checks, {"targets_reached": counts}, partial=any(counts.values()))


def u4_one_shot(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """One-shot magnitude loses to the MLM mask on every target, beats any other source on most (70 %)."""
    matrix = _matrix(evidence, 0.7)
    checks: dict[str, bool | None] = {}
    for task in TASKS:
        mlm, oneshot = matrix["mlm"][task], matrix["oneshot"][task]
        checks[f"mlm>{task}"] = None if math.isnan(mlm - oneshot) else mlm > oneshot + SLACK
    better = {}
    for source in DOWNSTREAM:
        gaps = [matrix["oneshot"][task] - matrix[source][task] for task in TASKS if task != source]
        better[source] = hits = sum(gap > SLACK for gap in gaps)
        missing, half = sum(math.isnan(gap) for gap in gaps), len(gaps) / 2
        checks[f"one-shot>{source}"] = True if hits > half else (False if hits + missing <= half else None)
    margins = {task: matrix["mlm"][task] - matrix["oneshot"][task] for task in TASKS}
    return decide(checks, {"mlm_minus_one_shot": margins, "targets_one_shot_better": better})


def u5_broad_universality(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """At s*(T) the MLM mask wins on the paper's five of ten tasks and misses by at most half a point on 3
    more.

    Both parts: reproduced. One of them: inconclusive ("partly"). None: not reproduced.
    """
    wins: dict[str, bool | None] = {}
    excess = {}
    for task in DOWNSTREAM:
        full, sub = evidence.dense(task), evidence.at(task, "winning", source="mlm")
        wins[task] = None if full is None or sub is None else one_std(full, sub, evidence.ddof)
        if full is not None and sub is not None:
            excess[task] = excess_gap(full, sub, evidence.ddof)
    if not excess:
        return not_run("the MLM mask at the winning sparsity of the downstream tasks")
    winners = [task for task, win in wins.items() if win]
    close = [task for task, gap in excess.items() if not wins[task] and gap <= CLOSE + SLACK]
    figures = {"excess_gap": excess, "wins": winners, "close": close}
    listing = ", ".join(winners) or "none"
    reason = f"wins on {len(winners)} of {len(excess)} ({listing}); within {CLOSE} on {len(close)} more"
    if len(excess) < len(DOWNSTREAM):
        return Verdict("inconclusive", figures, f"{reason}; {len(DOWNSTREAM) - len(excess)} tasks not run")
    parts = (set(winners) == _published_winners(published), len(close) >= CLOSE_TASKS)
    if all(parts):
        return Verdict("reproduced", figures, reason)
    if any(parts):
        return Verdict("inconclusive", figures, f"partly: {reason}")
    return Verdict("not reproduced", figures, reason)


def u6_at_50(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """U1 and U2 hold at 50 % too."""
    universal, rarely = _universal(evidence, 0.5), _rarely(evidence, 0.5)
    figures = {"u1": dict(universal.figures), "u2": dict(rarely.figures)}
    holds = {"reproduced": True, "not reproduced": False, "inconclusive": None, "not run": None}
    checks = {"U1": holds[universal.status], "U2": holds[rarely.status]}
    partial = "inconclusive" in (universal.status, rarely.status)
    return decide(checks, figures, partial=partial, note=f"U1: {universal.reason}; U2: {rarely.reason}")


def u7_larger_sources(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Sources with more training data transfer better: rank correlation with the mean D > 0."""
    sizes = evidence.train_sizes
    if sizes is None:
        return not_run("the number of training examples of each task")
    matrix = _matrix(evidence, 0.7, "same_task")
    means, complete = {}, True
    for source in TASKS:
        row = [gap for task, gap in matrix[source].items() if task != source and not math.isnan(gap)]
        complete &= len(row) == len(TASKS) - 1
        if row:
            means[source] = sum(row) / len(row)
    if len(means) < 3:
        return not_run("transfers from at least 3 sources at 70 %")
    rho, p = spearman([sizes[source] for source in means], list(means.values()))
    figures = {"rho": rho, "p": p, "mean_D": means}
    note = f"Spearman {rho:.2f} over {len(means)} of {len(TASKS)} sources"
    if math.isnan(rho) or not complete:
        return Verdict("inconclusive", figures, note + ("" if complete else ", on part of the targets"))
    return Verdict("reproduced" if rho > 0 else "not reproduced", figures, note)


def o1_overlap(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Masks of downstream tasks share over 90 % of their kept weights; the MLM mask shares less (70 %)."""
    if evidence.overlap is None or evidence.overlap.empty:
        return not_run("the overlap of masks at 70 %")
    rows = evidence.overlap[(evidence.overlap["sparsity"].astype(float) - 0.7).abs() < 1e-6]
    kept, shared = (_pairs(rows, column) for column in ("kept_jaccard", "shared_pruned"))
    downstream = [frozenset(pair) for pair in combinations(DOWNSTREAM, 2)]
    checks: dict[str, bool | None] = {
        "-".join(sorted(pair)): None if pair not in kept else kept[pair] > OVERLAP for pair in downstream
    }
    within = [kept[pair] for pair in downstream if pair in kept]
    across = [kept[pair] for task in DOWNSTREAM if (pair := frozenset((task, "mlm"))) in kept]
    if not within and not across:
        return not_run("the overlap of masks of different tasks at 70 %")
    full = len(within) == len(downstream) and len(across) == len(DOWNSTREAM)
    figures = {
        "least_kept_jaccard": min(within, default=None),
        "least_shared_pruned": min((shared[pair] for pair in downstream if pair in shared), default=None),
        "mean_downstream": sum(within) / len(within) if within else None,
        "mean_mlm": sum(across) / len(across) if across else None,
        "same_task_other_replicate": {t: kept[frozenset((t,))] for t in TASKS if frozenset((t,)) in kept},
        "with_one_shot": {t: kept[pair] for t in TASKS if (pair := frozenset((t, "oneshot"))) in kept},
    }
    lower = bool(within and across) and sum(across) / len(across) < sum(within) / len(within)
    checks["mlm lower"] = lower if full else None
    return decide(checks, figures, partial=True)


def d1_more_data(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The MLM mask from all sequences transfers at least as well as one from fewer (Table 8, 70 %)."""
    return _data_size(evidence, "full", "matched")


def d2_size_matched(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Even the MLM mask from as many sequences as the task has examples is no worse than its own mask."""
    return _data_size(evidence, "matched", "same_task")


def reached(matrix: Matrix, source: str, least: float = 0.0) -> tuple[int, int]:
    """(targets T != S with D >= least, targets not run) of one row of a matrix relative to the same task."""
    row = [gap for task, gap in matrix[source].items() if task != source]
    return sum(gap >= least - SLACK for gap in row), sum(math.isnan(gap) for gap in row)


def _matrix(evidence: Evidence, sparsity: float, relative_to: Baseline = None) -> Matrix:
    frame = evidence.transfer_matrix(sparsity, relative_to)
    return {
        str(source): {str(task): float(gap) for task, gap in row.items()} for source, row in frame.iterrows()
    }


def _universal(evidence: Evidence, sparsity: float) -> Verdict:
    row = _matrix(evidence, sparsity, "same_task")["mlm"]
    checks = {task: None if math.isnan(row[task]) else row[task] >= -SLACK for task in DOWNSTREAM}
    return decide(checks, {"D": {task: row[task] for task in DOWNSTREAM}})


def _rarely(evidence: Evidence, sparsity: float) -> Verdict:
    matrix = _matrix(evidence, sparsity, "same_task")
    checks: dict[str, bool | None] = {}
    counts = {}
    for source in DOWNSTREAM:
        hits, missing = reached(matrix, source)
        counts[source] = hits if missing < len(TASKS) - 1 else None
        checks[source] = False if hits > RARELY else (True if hits + missing <= RARELY else None)
    return decide(checks, {"targets_reached": counts}, partial=any(c is not None for c in counts.values()))


def _published_winners(published: PublishedEvidence) -> set[str]:
    winners = set()
    for task in DOWNSTREAM:
        full, sub = published.dense(task), published.at(task, "winning", source="mlm")
        if full is not None and sub is not None and one_std(full, sub, published.ddof):
            winners.add(task)
    return winners


def _pairs(rows: pd.DataFrame, column: str) -> dict[frozenset[str], float]:
    """Mean over replicate pairs; a pair of one source is two replicates of it, never a mask with itself."""
    found: dict[frozenset[str], list[float]] = {}
    columns = ["source_a", "source_b", "replicate_a", "replicate_b", column]
    for a, b, replicate_a, replicate_b, value in rows[columns].to_numpy():
        if (a, replicate_a) != (b, replicate_b) and not math.isnan(value):
            found.setdefault(frozenset((a, b)), []).append(float(value))
    return {pair: sum(values) / len(values) for pair, values in found.items()}


def _data_size(evidence: Evidence, better: str, worse: str) -> Verdict:
    checks: dict[str, bool | None] = {}
    figures = {}
    gaps = []
    for task in DATA_SIZE_TASKS:
        stats = evidence.data_size(task)
        figures[task] = {name: None if stat is None else stat.mean for name, stat in stats.items()}
        high, low = stats[better], stats[worse]
        checks[task] = None if high is None or low is None else high.mean >= low.mean - SLACK
        if high is not None and low is not None:
            gaps.append(low.mean - high.mean)
    note = f"short by at most {max(gaps):.2f}" if max(gaps, default=0.0) > SLACK else ""
    return decide(checks, figures, note=note)


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "u1_mlm_universal": u1_mlm_universal,
    "u2_others_rarely": u2_others_rarely,
    "u3_with_slack": u3_with_slack,
    "u4_one_shot": u4_one_shot,
    "u5_broad_universality": u5_broad_universality,
    "u6_at_50": u6_at_50,
    "u7_larger_sources": u7_larger_sources,
    "o1_overlap": o1_overlap,
    "d1_more_data": d1_more_data,
    "d2_size_matched": d2_size_matched,
}
