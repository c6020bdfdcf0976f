"""The papers of this package: their stages, artifacts and claims behind one interface. Imports no torch or pandas."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from tickets.config import Config
from tickets.data.tasks import TASKS
from tickets.errors import TicketsError
from tickets.figures.artifact import Artifact
from tickets.grid import Stage, data_file
from tickets.papers.frame import Frame
from tickets.papers.lth.paper import Lth
from tickets.papers.supertickets.paper import Supertickets
from tickets.training.recipe import Recipe


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

    @property
    def cell_columns(self) -> Sequence[str]:
        """Columns of its cells beside those that every paper has."""
        ...

    @property
    def frames(self) -> Sequence[Frame]:
        """Its tidy files beside cells.csv."""
        ...

    def recipe(self, config: Config, task: str) -> Recipe:
        """Hyper-parameters of a task."""
        ...

    def evidence_options(self, config: Config) -> dict[str, Any]:
        """What of the config the paper's Evidence needs."""
        ...


PAPERS: dict[str, Paper] = {paper.id: paper for paper in (Lth(), Supertickets())}


def papers(config: Config) -> dict[str, Paper]:
    """The papers that a preset runs: those with a section in it."""
    return {id: paper for id, paper in PAPERS.items() if getattr(config.settings, id) is not None}


def paper(id: str) -> Paper:
    """A paper by id."""
    if id in PAPERS:
        return PAPERS[id]
    raise TicketsError(f"unknown paper '{id}'; the papers are {', '.join(PAPERS)}.")


def artifacts(config: Config | None = None) -> dict[str, Artifact]:
    """Every table and figure of every paper (of those that a preset runs), by id."""
    chosen = PAPERS if config is None else papers(config)
    return {item.id: item for paper in chosen.values() for item in paper.artifacts}


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


def cell_stages(config: Config, paper: Paper, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Stages (those of `names`) of a paper that have runs under a config."""
    wanted = (stage for stage in paper.stages(config) if names is None or stage.name in names)
    return tuple(stage.name for stage in wanted if any(job.runs for job in stage.jobs()))


def frame(paper: Paper, name: str) -> Frame:
    """One of a paper's frames by name."""
    for found in paper.frames:
        if found.name == name:
            return found
    names = ", ".join(found.name for found in paper.frames) or "none"
    raise TicketsError(f"paper '{paper.id}' has no frame '{name}'; it has {names}.")


def paper_tasks(config: Config, paper: Paper) -> tuple[str, ...]:
    """The tasks that any job of a paper trains on, in the order of the registry."""
    named = {task for stage in paper.stages(config) for job in stage.jobs() for task in job.tasks}
    return tuple(task for task in TASKS if task in named)


def preset_data(config: Config) -> dict[Path, tuple[str, int, str]]:
    """The encoded data that any job or `facts` of the preset reads, below results/<preset>.

    File -> (task, max_length, role with a tokenizer of its own or ''), the arguments of `data_file`.
    """
    keys = set()
    for paper in papers(config).values():
        for job in (job for stage in paper.stages(config) for job in stage.jobs()):
            keys |= {job.data_key(task) for task in job.tasks}
        keys |= {(task, paper.recipe(config, task).max_length, "") for task in paper_tasks(config, paper)}
    return {data_file(*key): key for key in sorted(keys)}
