"""What a check is: a name, what it compares, and pieces that processes do independently of each other."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tickets.audit.report import Part
from tickets.audit.subject import Source, Subject

Work = Callable[..., Part]
"""(subject, **arguments) -> what it found; a function of a module, so that another process finds it."""


@dataclass(frozen=True)
class Unit:
    """A piece of a check; `arguments` are plain values."""

    work: Work
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """What the user asked for.

    quick  leave out what takes longest: frames, the pixels of figures, encoding again, the second implementation
    """

    quick: bool = False
    rerun: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Check:
    """One step on the way from a table back to the data."""

    name: str
    compares: str
    units: Callable[[Subject, Options], Iterable[Unit]]


@dataclass(frozen=True)
class Task:
    """A unit on its way to a process."""

    source: Source
    check: str
    unit: Unit
