"""What follows from the runs, on two sides: verdicts of claims, and cells of tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from tickets.comparing.selection import Selection
from tickets.comparing.sides import Side
from tickets.comparing.tables import CellChange, changes, read_table
from tickets.figures.artifact import Artifact


@dataclass(frozen=True)
class Flip:
    """A claim with another verdict on each side."""

    paper: str
    id: str
    title: str
    here: str
    there: str


@dataclass(frozen=True)
class Outputs:
    """How many claims and tables both sides have, and what of them differs (cells: the most changed first)."""

    claims: int
    flips: tuple[Flip, ...]
    tables: int
    cells: tuple[CellChange, ...]


def compare_outputs(selection: Selection, here: Side, there: Side) -> Outputs:
    """Verdicts of the papers that are selected whole, and the selected tables."""
    count, flips = 0, []
    for paper in selection.papers:
        if paper not in selection.whole:
            continue
        ours, theirs = here.claims(paper), there.claims(paper)
        for id in ours.keys() & theirs.keys():
            a, b = ours[id]["ours"]["status"], theirs[id]["ours"]["status"]
            count += 1
            if a != b:
                flips.append(Flip(paper, id, ours[id]["title"], a, b))
    tables, cells = _tables([item for item in selection.artifacts if item.kind == "table"], here, there)
    flips.sort(key=lambda flip: (flip.paper, flip.id))
    return Outputs(count, tuple(flips), tables, tuple(sorted(cells, key=lambda cell: -cell.relative)))


def _tables(items: Sequence[Artifact], here: Side, there: Side) -> tuple[int, list[CellChange]]:
    count, cells = 0, []
    for item in items:
        name = item.outputs(here.root / item.paper)[0]
        ours, theirs = read_table(name), read_table(there.root / name.relative_to(here.root))
        if ours is not None and theirs is not None:
            count += 1
            cells += changes(item.id, ours, theirs)
    return count, cells
