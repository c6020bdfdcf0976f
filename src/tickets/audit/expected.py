"""What a paper's audit must know of its runs and masks, for checks that are the same for all papers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from tickets.audit.reading import Reading
from tickets.audit.subject import Subject
from tickets.grid import Cell, Job
from tickets.spec import MaskAddress, RunAddress

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Numbers:
    """What a run's metrics.json must say, as far as its predictions and the config determine it.

    facts         parts of metrics.json
    undetermined  how many of its numbers follow from nothing that is stored
    """

    facts: Mapping[str, Any]
    undetermined: int = 0


@dataclass(frozen=True)
class Birth:
    """What a run's run.json must say.

    mask     sha256; None where the mask was not kept
    removed  as in metrics.json; None where unknown
    start    weights that it started from, below results/<preset>
    """

    level: str
    mask: str | None
    removed: float | None
    start: Path
    seeds: Mapping[str, int]
    steps: int


@dataclass(frozen=True)
class Ticket:
    """What a mask file must be.

    digest      sha256 of the mask, where it follows from θ0, a seed or scores
    kept        kept in all, or by matrix, where a rule fixes it exactly
    nested_in   the mask that it was pruned from
    nominal     fraction removed where no rule fixes it exactly
    """

    provenance: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    digest: str | None = None
    kept: int | Counts | None = None
    nested_in: MaskAddress | None = None
    nominal: float | None = None


class Expected(Protocol):
    """Everything that follows from the config and from stored results, for one job's runs and masks."""

    reading: Reading

    def __init__(self, reading: Reading) -> None:
        """Expectations of a paper's results as `reading` finds them."""

    def spec(self, address: RunAddress | MaskAddress) -> dict[str, Any]:
        """The complete spec under the config."""
        ...

    def numbers(self, cell: Cell) -> Iterator[tuple[RunAddress, Numbers]]:
        """Scores of the runs of a cell from their predictions; `TicketsError` names what cannot be read."""
        ...

    def birth(self, cell: Cell, address: RunAddress) -> Birth:
        """What the run's certificate must say."""
        ...

    def masks(self, cell: Cell) -> Iterator[tuple[MaskAddress, Ticket]]:
        """What the cell's mask files must be."""
        ...

    def files(self, cell: Cell) -> Iterator[tuple[Path, str]]:
        """The cell's other files as far as something can be said of them, with what is wrong in a few words, or ''."""
        ...


def expected(subject: Subject, job: Job) -> Expected:
    """The paper's expectations for a job; those of equal encoding share them, so that masks and data are read once."""
    key = (job.stage.paper, job.tokenizer)

    def make() -> Expected:
        first = next(j for j in subject.jobs if (j.stage.paper, j.tokenizer) == key)
        found: type[Expected] = import_module(f"tickets.audit.of_{job.stage.paper}").Expect
        return found(Reading(subject.config, first))

    return subject.once(("expected", *key), make)
