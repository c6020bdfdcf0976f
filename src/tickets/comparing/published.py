"""Ours against what the papers printed: every published number of a table or figure that has a counterpart of ours."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median

from tickets.comparing.drawn import read_drawn
from tickets.comparing.selection import Selection
from tickets.comparing.sides import Side
from tickets.comparing.tables import Value, numbers, read_table
from tickets.figures.artifact import Artifact
from tickets.stats.criteria import SLACK

_SCALE = 100.0  # no score, sparsity or gain is larger: a row with such numbers counts examples or steps
_PERCENT = 10.0  # a row with such numbers is in percent, where a point is a small difference
_NO_METHOD = re.compile(r"s\*|\bp$|^Learning rate")
_PARTS = re.compile(r"[,:] ")
_QUANTITY = re.compile(r"^(mean|median|best|gain|remaining|SNLI|SciTail)$|loss|ddof|chosen on|levels")
_MANY = 8


@dataclass(frozen=True)
class Number:
    """A published number and ours (None: not run); `spread` is the standard deviation of their difference, if known."""

    row: str
    column: str
    ours: float | None
    published: float
    spread: float

    @property
    def gap(self) -> float:
        """Ours minus published; 0 where there is none of ours."""
        return 0.0 if self.ours is None else self.ours - self.published

    @property
    def agrees(self) -> bool:
        """Within a point, or two standard deviations if that is more: the rule of the papers' claims."""
        return abs(self.gap) <= max(1.0, 2 * self.spread) + SLACK


@dataclass(frozen=True)
class ArtifactComparison:
    """One table or figure.

    settings             a table of sizes and recipes; of others, rows that count examples or steps are left out
    published, compared  numbers that the paper gives, and those of them that we have too
    mean, median, largest  of the absolute differences; None for settings
    agree, judged        numbers that agree, of those in percent; of settings those that are equal, of all
    order, ordered       pairs of methods in the published order, of those that have an order on both sides
    farthest             the numbers farthest apart
    """

    id: str
    title: str
    made: bool
    settings: bool = False
    published: int = 0
    compared: int = 0
    mean: float | None = None
    median: float | None = None
    largest: float | None = None
    agree: int = 0
    judged: int = 0
    order: int = 0
    ordered: int = 0
    farthest: tuple[Number, ...] = ()


@dataclass(frozen=True)
class ClaimsComparison:
    """How many claims of a paper have which pair of verdicts, and those where the pair differs.

    verdicts  (on our runs, on the published numbers) -> how many
    apart     (id, title, ours, published)
    """

    paper: str
    verdicts: Mapping[tuple[str, str], int]
    apart: tuple[tuple[str, str, str, str], ...]

    @property
    def total(self) -> int:
        """All claims."""
        return sum(self.verdicts.values())

    def count(self, place: int, status: str) -> int:
        """Claims with a status on our runs (place 0) or on the published numbers (1)."""
        return sum(n for pair, n in self.verdicts.items() if pair[place] == status)


def compare_published(selection: Selection, side: Side) -> tuple[ArtifactComparison, ...]:
    """The selected artifacts that hold a published number, and those that were not made."""
    found = (compare_artifact(item, side) for item in selection.artifacts)
    return tuple(item for item in found if item.published or not item.made)


def compare_artifact(item: Artifact, side: Side) -> ArtifactComparison:
    """One table or figure, from its csv."""
    path = next(path for path in item.outputs(side.root / item.paper) if path.suffix == ".csv")
    rows = read_table(path) if item.kind == "table" else read_drawn(path)
    if rows is None:
        return ArtifactComparison(item.id, item.title, made=False)
    printed = {label: _numbers(label, group) for label, group in rows.items()}
    with_any = {label: found for label, found in printed.items() if found}
    counts = [label for label, found in with_any.items() if any(abs(n.published) > _SCALE for n in found)]
    if item.facts and 2 * len(counts) >= len(with_any) > 0:
        return _settings(item, [n for found in with_any.values() for n in found])
    scores = {label: found for label, found in with_any.items() if label not in counts}
    return _results(item, scores)


def _numbers(label: str, group: Mapping[str, Mapping[str, Value]]) -> list[Number]:
    """The published numbers of a row with ours beside them."""
    ours, printed = numbers(group.get("ours", {})), numbers(group.get("published", {}))
    spreads = numbers(group.get("ours std", {})), numbers(group.get("published std", {}))
    return [
        Number(label, column, ours.get(column), value, math.hypot(*(s.get(column, 0.0) for s in spreads)))
        for column, value in printed.items()
    ]


def _settings(item: Artifact, found: Sequence[Number]) -> ArtifactComparison:
    both = [n for n in found if n.ours is not None]
    equal = sum(n.ours == n.published for n in both)
    return ArtifactComparison(
        item.id, item.title, True, True, len(found), len(both), agree=equal, judged=len(both)
    )


def _results(item: Artifact, rows: Mapping[str, Sequence[Number]]) -> ArtifactComparison:
    found = [n for row in rows.values() for n in row]
    both = [n for n in found if n.ours is not None]
    gaps = [abs(n.gap) for n in both]
    judged = [n for row in rows.values() if any(abs(n.published) > _PERCENT for n in row) for n in row]
    judged = [n for n in judged if n.ours is not None]
    order, ordered = _order(rows)
    return ArtifactComparison(
        item.id,
        item.title,
        made=True,
        published=len(found),
        compared=len(both),
        mean=fmean(gaps) if gaps else None,
        median=median(gaps) if gaps else None,
        largest=max(gaps, default=None),
        agree=sum(n.agrees for n in judged),
        judged=len(judged),
        order=order,
        ordered=ordered,
        farthest=tuple(sorted(both, key=lambda n: -abs(n.gap))[:_MANY]),
    )


def _order(rows: Mapping[str, Sequence[Number]]) -> tuple[int, int]:
    """Pairs of methods in the published order, of those that differ on both sides, column by column."""
    same = total = 0
    for first, second in combinations([label for label in rows if not _NO_METHOD.search(label)], 2):
        if not _alike(first, second):
            continue
        others = {n.column: n for n in rows[second]}
        for a in rows[first]:
            b = others.get(a.column)
            if b is None or a.ours is None or b.ours is None:
                continue
            ours, printed = a.ours - b.ours, a.published - b.published
            if abs(ours) > SLACK and abs(printed) > SLACK:
                total += 1
                same += (ours > 0) == (printed > 0)
    return same, total


def _alike(first: str, second: str) -> bool:
    """Whether two labels differ in one part, and in which method rather than in what is measured.

    "SuperT base, ddof 1" and "ST-DNN base, ddof 1" do, "Full model: mean" and "Full model: best" do not.
    """
    a, b = _PARTS.split(first), _PARTS.split(second)
    apart = [x for pair in zip(a, b, strict=False) if pair[0] != pair[1] for x in pair]
    return len(a) == len(b) and len(apart) == 2 and not any(_QUANTITY.search(part) for part in apart)


def compare_claims(papers: Iterable[str], side: Side) -> tuple[ClaimsComparison, ...]:
    """Verdicts on our runs beside those on the published numbers, of the papers that were judged."""
    found = []
    for paper in papers:
        claims = side.claims(paper)
        pairs = {id: (c["ours"]["status"], c["published_verdict"]["status"]) for id, c in claims.items()}
        apart = tuple((id, claims[id]["title"], *pair) for id, pair in pairs.items() if pair[0] != pair[1])
        if claims:
            found.append(ClaimsComparison(paper, Counter(pairs.values()), apart))
    return tuple(found)
