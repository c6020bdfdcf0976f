"""The papers of this package: their stages, artifacts and claims behind one interface. Imports no torch or pandas."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from tickets.config import Config
from tickets.data.tasks import TASKS
from tickets.errors import TicketsError
from tickets.figures.artifact import Artifact
from tickets.grid import Stage
from tickets.papers.lth.paper import Lth


class Paper(Protocol):
    """What the command line and the workflow need to know of a paper."""

    @property
    def id(self) -> str:
        """Paper id: in paths, rules and targets."""
        ...

    @property
    def title(self) -> str:
        """The paper's title."""
        ...

    @property
    def artifacts(self) -> Sequence[Artifact]:
        """Its tables and figures."""
        ...

    @property
    def not_reproduced(self) -> Mapping[str, str]:
        """Artifact id -> why nobody can make it."""
        ...

    def stages(self, config: Config) -> tuple[Stage, ...]:
        """All stages under a config."""
        ...

    def cell_stages(self, config: Config, names: Sequence[str]) -> tuple[str, ...]:
        """Those of `names` that have runs under a config."""
        ...

    def overlap_inputs(self, config: Config) -> list[Path]:
        """Masks that overlap.csv compares, below results/<preset>."""
        ...

    def write_overlaps(self, config: Config, out: Path) -> None:
        """Write overlap.csv."""
        ...

    def evidence_options(self, config: Config) -> dict[str, Any]:
        """What of the config the paper's Evidence needs."""
        ...

    def judge(self, config: Config, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Write claims.json and claims.md from the collected cells."""
        ...


PAPERS: dict[str, Paper] = {paper.id: paper for paper in (Lth(),)}


def paper(id: str) -> Paper:
    """A paper by id."""
    if id in PAPERS:
        return PAPERS[id]
    raise TicketsError(f"unknown paper '{id}'; the papers are {', '.join(PAPERS)}.")


def artifacts() -> dict[str, Artifact]:
    """Every table and figure of every paper, by id."""
    return {item.id: item for paper in PAPERS.values() for item in paper.artifacts}


def artifact(id: str) -> Artifact:
    """An artifact by id, or a `TicketsError` that suggests the nearest or says why there is none."""
    known = artifacts()
    if id in known:
        return known[id]
    for paper in PAPERS.values():
        if id in paper.not_reproduced:
            raise TicketsError(f"{id} is not reproduced: {paper.not_reproduced[id]}")
    near = get_close_matches(id, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise TicketsError(f"unknown artifact '{id}'; {hint}`tickets list` shows them all.")


def preset_tasks(config: Config) -> tuple[str, ...]:
    """The tasks that any job of the preset trains on; only these need data."""
    cells = (
        cell for p in PAPERS.values() for s in p.stages(config) for job in s.jobs() for cell in job.plans()
    )
    named = {task for cell in cells for task in cell.needs_tasks}
    return tuple(task for task in TASKS if task in named)
