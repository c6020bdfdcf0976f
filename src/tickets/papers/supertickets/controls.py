"""What a careful reader wants beside the gains: the selection-bias controls and the paired tests (X1, X2, spec 7)."""

import math
from collections.abc import Callable, Sequence

import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import METRICS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.layout import CHOSEN, COLUMNS, TITLES, Facts, by_task, headings
from tickets.papers.supertickets.published import TITLES as PRINTED
from tickets.papers.supertickets.published import row_name
from tickets.stats.comparison import Difference, paired_t
from tickets.stats.criteria import SLACK
from tickets.stats.extremes import maximum_of_normals
from tickets.stats.summary import summarise

RERUNS = 8
WHERE_BOTH = "Mean where X1 ran"
Gaps = Callable[[str], pd.Series]
"""Task -> differences in points by replicate; empty where a side was not run."""


def selection(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """What super tickets gain under each selection, beside what selection gains without any ticket."""
    rows: list[Row] = []
    for model in ours.models:
        for sel, chosen in CHOSEN.items():
            rows += _gains(ours, published, model, sel, f"{model}, {chosen}")
    return comparison([*headings(), WHERE_BOTH], rows)


def _gains(ours: Evidence, published: PublishedEvidence, model: str, sel: Selection, label: str) -> list[Row]:
    ticket, null, random = (gaps(ours, model, sel, kind) for kind in ("winning", "null", "random"))
    over = gaps(ours, model, sel, "over null")
    with_null = [t for t in TASKS8 if len(over(t))]

    def row(name: str, gap: Gaps, printed: dict[str, Entry] | None = None) -> Row:
        values = by_task(lambda t: summarise(gap(t)))
        return Row(f"{label}: {name}", values | {WHERE_BOTH: _mean(gap, with_null)}, printed)

    shown = {t: published.gain(model, t) for t in TASKS8}
    rows = [row("gain of SuperT", ticket, by_task(lambda t: None if (g := shown[t]) is None else g.mean))]
    if sel == "p10":
        rows.append(row("gain on the other 90 % of dev", gaps(ours, model, sel, "rest")))
    rows += [
        row("gain of the best of 8 reruns (X1)", null),
        _theory(ours, model, sel, label, with_null),
        row("gain of the best random ticket (X2)", random),
        row("SuperT − best of 8 reruns", over),
    ]
    survives = by_task(lambda t: None if t not in with_null else _yes(float(over(t).mean()) > SLACK))
    mean = _mean(over, with_null)
    verdict = None if mean is None else _yes(mean > SLACK)
    return [*rows, Row(f"{label}: survives X1", survives | {WHERE_BOTH: verdict})]


def gaps(ours: Evidence, model: str, sel: Selection, kind: str) -> Gaps:
    """Differences by replicate: "winning" and "random" tickets (selected among levels 0 to 8), "null" reruns and
    tickets on the "rest" of dev, all minus the full model; "over null": super ticket minus null.
    """

    def ask(task: str) -> pd.Series:
        report = "rest" if kind == "rest" else None
        family = "random" if kind == "random" else "winning"
        pairs = ours.super_ticket(model, task, sel=sel, family=family, report=report)
        if kind == "null":
            pairs = pairs.assign(score=ours.null(model, task, sel=sel).reindex(pairs.index))
        if kind == "over null":
            pairs = pairs.assign(full=ours.null(model, task, sel=sel).reindex(pairs.index))
        return (pairs["score"] - pairs["full"]).astype(float).dropna()

    return ask


def _theory(ours: Evidence, model: str, sel: Selection, label: str, with_null: Sequence[str]) -> Row:
    """Expected gain of the best of eight equal runs: 1.42 s (oracle O22), s the deviation of ST-DNN over seeds."""
    factor = maximum_of_normals(RERUNS)[0]

    def expected(task: str) -> Entry:
        stat = ours.stat(model, task, sel=sel)
        if stat is None:
            return None
        return NOT_APPLICABLE if math.isnan(stat.std) else factor * stat.std

    values = by_task(expected)
    known = [v for t in with_null if isinstance(v := values[TITLES[t]], float)]
    mean: Entry = sum(known) / len(known) if known and len(known) == len(with_null) else None
    if mean is None and any(v is not None for v in values.values()):
        mean = NOT_APPLICABLE
    return Row(f"{label}: {factor:.2f} s of ST-DNN (theory)", values | {WHERE_BOTH: mean})


def _mean(gap: Gaps, tasks: Sequence[str]) -> float | None:
    means = [float(gap(t).mean()) for t in tasks if len(gap(t))]
    return sum(means) / len(means) if means and len(means) == len(tasks) else None


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def ttests(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Paired t-tests over replicates: super ticket against full model, and against the best of eight reruns."""
    metrics = {(t, m): title for (t, m), title in COLUMNS.items() if len(METRICS[t]) > 1}
    columns: dict[tuple[str, str | None], str] = {(t, None): TITLES[t] for t in TASKS8}
    columns |= {(task, metric): title for (task, metric), title in metrics.items()}
    rows: list[Row] = []
    for model in ours.models:
        printed = by_task(
            lambda t, model=model: published.tables.text(  # type: ignore[misc]
                "significance", row_name("supert", model), PRINTED[t]
            )
        )
        for sel, chosen in CHOSEN.items():
            label = f"{model}, {chosen}: SuperT"
            full = {pair: _test(ours, model, sel, *pair) for pair in columns}
            rows += _test_rows(f"{label} − ST-DNN", columns, full, printed)
            # X1 chooses and reports the task score only
            null = {pair: _null_test(ours, model, sel, pair[0]) for pair in columns if pair[1] is None}
            rows += _test_rows(f"{label} − best of 8 reruns", columns, null, None)
    return comparison(list(columns.values()), rows)


Tested = tuple[int, float, Difference | None]
"""Pairs, mean difference, and the test (None below two pairs)."""


def _test(ours: Evidence, model: str, sel: Selection, task: str, metric: str | None) -> Tested | None:
    pairs = ours.super_ticket(model, task, sel=sel, metric=metric).dropna()
    return _tested(pairs["score"], pairs["full"])


def _null_test(ours: Evidence, model: str, sel: Selection, task: str) -> Tested | None:
    best = ours.super_ticket(model, task, sel=sel)["score"]
    pairs = pd.DataFrame({"score": best, "null": ours.null(model, task, sel=sel)}).dropna()
    return _tested(pairs["score"], pairs["null"])


def _tested(first: pd.Series, second: pd.Series) -> Tested | None:
    if not len(first):
        return None
    return len(first), float((first - second).mean()), paired_t(first, second)


def _test_rows(
    label: str,
    columns: dict[tuple[str, str | None], str],
    tests: dict[tuple[str, str | None], Tested | None],
    printed: dict[str, Entry] | None,
) -> list[Row]:
    """Four rows: difference, t, p, pairs. A statistic that one pair cannot give is no missing run."""

    def values(pick: Callable[[Tested], Entry]) -> dict[str, Entry]:
        out: dict[str, Entry] = {}
        for pair, title in columns.items():
            found = tests.get(pair)
            blank = NOT_APPLICABLE if pair not in tests and any(tests.values()) else None
            out[title] = blank if found is None else pick(found)
        return out

    def statistic(name: str) -> Callable[[Tested], Entry]:
        return lambda found: NOT_APPLICABLE if found[2] is None else float(getattr(found[2], name))

    return [
        Row(f"{label} (points)", values(lambda found: found[1])),
        Row(f"{label}: t", values(statistic("t"))),
        Row(f"{label}: p", values(statistic("p")), printed),
        Row(f"{label}: pairs", values(lambda found: float(found[0]))),
    ]
