"""Controls: ablations of mask training, IMP with and without rewinding, and what choosing on dev adds."""

from collections.abc import Mapping

import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, POINTS, Entry, Row, comparison
from tickets.papers.tamt.ask import shown, tasks_of
from tickets.papers.tamt.evidence import TASKS7, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.wording import AVERAGE5, AVERAGE7, KIND_NAMES, TASK_NAMES, Facts, percent_text
from tickets.stats.summary import summarise

ABLATED = (
    ("tamt-mlm", "always", "thresholds after every step"),
    ("tamt-kd", "always", "thresholds after every step"),
    ("tamt-kd", "calm", "teacher without dropout"),
    ("tamt-kd", "adamw", "with the optimizer of TAMT-MLM"),
    ("tamt-kd", "unpadded", "loss without padding"),
)
SPARSITY = 0.7
"""Of the ablations and of what choosing adds."""
_COLUMNS = (*TASKS7, AVERAGE7, AVERAGE5)
_SCORED = ("full", "omp", "random", "imp", "tamt-mlm", "tamt-kd", "tamt-mlm-kd")
Scores = Mapping[str, "pd.Series[float]"]
"""Column -> scores by (mask seed, fine-tuning seed)."""
Named = list[tuple[str, Scores]]


def controls(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Scores under each control and its difference from the main setting, paired by both seeds."""
    rows = [
        Row(label, _summaries(scores, ours.ddof)) for label, scores in (*_ablations(ours), *_rewinding(ours))
    ]
    rows += _choosing(ours)
    return comparison([TASK_NAMES[column] for column in _COLUMNS], rows)


def _ablations(ours: Evidence) -> Named:
    rows: Named = []
    for kind in ("tamt-mlm", "tamt-kd"):
        main = _scores(ours, Which(kind, SPARSITY))
        rows.append((f"{KIND_NAMES[kind]}, {percent_text(SPARSITY)}", main))
        for _, ablation, what in (a for a in ABLATED if a[0] == kind):
            found = _scores(ours, Which(kind, SPARSITY, ablation=ablation))
            rows.append((f"{KIND_NAMES[kind]}, {what}", found))
            rows.append((f"{KIND_NAMES[kind]}, {what}: − main {POINTS}", _minus(found, main)))
    return rows


def _rewinding(ours: Evidence) -> Named:
    rows: Named = []
    for sparsity in ours.sparsities("imp-rewind") or (SPARSITY,):
        plain, rewound = (_scores(ours, Which(kind, sparsity)) for kind in ("imp", "imp-rewind"))
        at = percent_text(sparsity)
        rows += [(f"IMP, {at}", plain), (f"IMP, rewound, {at}", rewound)]
        rows.append((f"IMP, {at}: rewound − not {POINTS}", _minus(rewound, plain)))
    return rows


def _choosing(ours: Evidence) -> list[Row]:
    rows = []
    for kind in _SCORED:
        which = Which(kind, 0.0 if kind == "full" else SPARSITY)
        best, last, release = (_scores(ours, which, c) for c in ("score", "score_final", "score_release"))
        name = KIND_NAMES[kind] + ("" if kind == "full" else f", {percent_text(SPARSITY)}")
        gain, change = (_summaries(_minus(*pair), ours.ddof) for pair in ((best, last), (release, best)))
        for task, series in best.items():
            if len(series) and change[TASK_NAMES[task]] is None:  # run, but the released code keeps no score
                change[TASK_NAMES[task]] = NOT_APPLICABLE
        rows += [Row(f"{name}: best evaluation − last step {POINTS}", gain)]
        rows += [Row(f"{name}: as released − best evaluation {POINTS}", change)]
    return rows


def _scores(ours: Evidence, which: Which, column: str = "score") -> Scores:
    return {name: ours.values(which, tasks_of(name), column=column) for name in _COLUMNS}


def _minus(one: Scores, other: Scores) -> Scores:
    """Differences over the pairs of seeds that both have."""
    return {name: (one[name] - other[name]).dropna() for name in one}


def _summaries(scores: Scores, ddof: int) -> dict[str, Entry]:
    return {TASK_NAMES[name]: shown(summarise(series), ddof) for name, series in scores.items()}
