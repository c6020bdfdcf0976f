"""Claims on rewinding and on other ways to train tickets (R1-R3, U8, M1), spec lth section 7."""

from collections.abc import Callable

from tickets.papers.lth.evidence import Evidence, PublishedEvidence
from tickets.papers.lth.tasks import DOWNSTREAM, TASKS
from tickets.papers.verdict import Verdict, decide, not_run
from tickets.stats.criteria import SLACK, one_std
from tickets.stats.summary import Stat

REWINDS = ("rewind05", "rewind10", "rewind20", "rewind50")
NOTABLE = 1.0
# R3: where standard pruning helps (by at most 2 points) and where it hurts (by at most 3)
HELPED, HURT = ("qqp", "qnli", "mrpc", "mlm"), ("sts-b", "wnli", "rte", "sst-2")
MOST_HELP, MOST_HURT = 2.0, 3.0
MARGINAL = 1.0


def r1_rewinding_no_help(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """No rewinding point is more than 1 point better than rewinding to theta_0, on any task."""
    checks: dict[str, bool | None] = {}
    gains: dict[str, dict[str, float]] = {}
    for task in TASKS:
        start = evidence.at(task, "winning")
        found = {name: _variant(evidence, task, name) for name in REWINDS}
        gains[task] = {name: s.mean - start.mean for name, s in found.items() if s and start}
        notable = any(gain > NOTABLE + SLACK for gain in gains[task].values())
        checks[task] = False if notable else (True if len(gains[task]) == len(REWINDS) else None)
    return decide(checks, {"minus_theta0": gains}, partial=any(gains.values()))


def r2_rewinding_can_hurt(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """For RTE and STS-B some rewound ticket no longer matches the dense network."""
    checks: dict[str, bool | None] = {}
    figures: dict[str, dict[str, float]] = {}
    for task in ("rte", "sts-b"):
        full = evidence.dense(task)
        found = {name: s for name in REWINDS if (s := _variant(evidence, task, name)) is not None}
        if full is None:
            checks[task] = None
            continue
        figures[task] = {name: s.mean - full.mean for name, s in found.items()}
        loses = any(not one_std(full, s, evidence.ddof) for s in found.values())
        checks[task] = True if loses else (False if len(found) == len(REWINDS) else None)
    return decide(checks, {"minus_dense": figures}, partial=any(figures.values()))


def r3_standard_pruning(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Standard pruning helps QQP, QNLI, MRPC, MLM by up to 2, hurts STS-B, WNLI, RTE, SST-2 by up to 3."""
    checks: dict[str, bool | None] = {}
    gains = {}
    for task in (*HELPED, *HURT):
        start, standard = evidence.at(task, "winning"), _variant(evidence, task, "standard")
        if start is None or standard is None:
            checks[task] = None
            continue
        gain = gains[task] = standard.mean - start.mean
        helps = SLACK < gain <= MOST_HELP + SLACK
        checks[task] = helps if task in HELPED else -MOST_HURT - SLACK <= gain < -SLACK
    return decide(checks, {"standard_minus_theta0": gains})


def u8_rewound_weights_transfer(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Rewound or trained weights help transfer from MNLI and hurt that from MLM (70 %, mean over targets)."""
    checks: dict[str, bool | None] = {}
    figures = {}
    for source in ("mnli", "mlm"):
        gains, wanted = [], 0
        for task in TASKS:
            if task == source:
                continue
            start = evidence.transfer(source, task, 0.7)
            for name in (*REWINDS, "standard"):
                wanted += 1
                moved = evidence.stat(task, weights=name, method=f"imp-{name}", source=source, sparsity=0.7)
                if start is not None and moved is not None:
                    gains.append(moved.mean - start.mean)
        mean = sum(gains) / len(gains) if gains else None
        figures[source] = {"mean_minus_theta0": mean, "cells": len(gains), "cells_wanted": wanted}
        helps = mean is not None and (mean > SLACK if source == "mnli" else mean < -SLACK)
        checks[source] = helps if len(gains) == wanted else None
    return decide(checks, figures, partial=any(entry["cells"] for entry in figures.values()))


def m1_multi_task(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """A mask from MLM and further tasks gains 0 to 1 point over the MLM mask (70 %, mean over targets)."""
    combinations = [source for source in evidence.sources() if source.startswith("mlm+")]
    if not combinations:
        return not_run("multi-task masks and their transfers at 70 %")
    checks: dict[str, bool | None] = {}
    figures = {}
    for source in combinations:
        gains = []
        for task in DOWNSTREAM:
            alone, joint = evidence.transfer("mlm", task, 0.7), evidence.transfer(source, task, 0.7)
            if alone is not None and joint is not None:
                gains.append(joint.mean - alone.mean)
        mean = sum(gains) / len(gains) if gains else None
        figures[source] = {"mean_gain": mean, "targets": len(gains)}
        marginal = mean is not None and -SLACK <= mean <= MARGINAL + SLACK
        checks[source] = marginal if len(gains) == len(DOWNSTREAM) else None
    return decide(checks, figures, partial=any(entry["targets"] for entry in figures.values()))


def _variant(evidence: Evidence, task: str, name: str) -> Stat | None:
    return evidence.at(task, "winning", weights=name, method=f"imp-{name}")


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "r1_rewinding_no_help": r1_rewinding_no_help,
    "r2_rewinding_can_hurt": r2_rewinding_can_hurt,
    "r3_standard_pruning": r3_standard_pruning,
    "u8_rewound_weights_transfer": u8_rewound_weights_transfer,
    "m1_multi_task": m1_multi_task,
}
