"""The papers of this package, and what is made of all of them, behind one interface. Imports no torch or pandas."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from tickets.config import Config
from tickets.data.tasks import TASKS
from tickets.errors import TicketsError
from tickets.figures.artifact import Artifact
from tickets.grid import Stage, data_file
from tickets.papers.cross.paper import Cross
from tickets.papers.frame import Frame
from tickets.papers.lth.paper import Lth
from tickets.papers.supertickets.paper import Supertickets
from tickets.papers.tamt.paper import Tamt
from tickets.papers.trained import Trained
from tickets.planning.data import Data
from tickets.planning.work import WorkOf
from tickets.training.recipe import Recipe


class Chapter(Protocol):
    """Tables and figures that belong together: those of a paper, or those over all papers (`cross`)."""

    @property
    def id(self) -> str:
        """In paths, rules and targets."""
        ...

    @property
    def title(self) -> str:
        """Its title."""
        ...

    @property
    def artifacts(self) -> Sequence[Artifact]:
        """Its tables and figures."""
        ...

    @property
    def not_reproduced(self) -> Mapping[str, str]:
        """Artifact id -> why nobody can make it."""
        ...

    @property
    def frames(self) -> Sequence[Frame]:
        """Its tidy files beside cells.csv."""
        ...

    def evidence_options(self, config: Config) -> dict[str, Any]:
        """What of the config its Evidence needs."""
        ...


class Paper(Chapter, Protocol):
    """A chapter with runs of its own, and with claims on them."""

    def stages(self, config: Config) -> tuple[Stage, ...]:
        """All stages under a config."""
        ...

    def work(self, config: Config, data: Data) -> WorkOf:
        """What its jobs compute, for `tickets plan`."""
        ...

    @property
    def cell_columns(self) -> Sequence[str]:
        """Columns of its cells beside those that every paper has."""
        ...

    def recipe(self, config: Config, task: str) -> Recipe:
        """Hyper-parameters of a task."""
        ...

    def trained(self, config: Config) -> Mapping[str, Trained]:
        """What there is to say of recipes beside those of the tasks: by task, or by what else is trained."""
        ...


PAPERS: dict[str, Paper] = {paper.id: paper for paper in (Lth(), Supertickets(), Tamt())}


def papers(config: Config) -> dict[str, Paper]:
    """The papers that a preset runs: those with a section in it."""
    return {id: paper for id, paper in PAPERS.items() if getattr(config.settings, id) is not None}


CROSS = Cross(papers)


def paper(id: str) -> Paper:
    """A paper by id."""
    if id in PAPERS:
        return PAPERS[id]
    raise TicketsError(f"unknown paper '{id}'; the papers are {', '.join(PAPERS)}.")


def chapters(config: Config | None = None) -> dict[str, Chapter]:
    """Every paper (of those that a preset runs), and last what is made of all of them where they are at least two."""
    chosen: dict[str, Chapter] = {**(PAPERS if config is None else papers(config))}
    return chosen | {CROSS.id: CROSS} if len(chosen) > 1 else chosen


def chapter(id: str) -> Chapter:
    """A paper by id, or 'cross'."""
    return CROSS if id == CROSS.id else paper(id)


def artifacts(config: Config | None = None) -> dict[str, Artifact]:
    """Every table and figure of every chapter (of those of a preset), by id."""
    return {item.id: item for found in chapters(config).values() for item in found.artifacts}


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
    return tuple(name for name in _with_runs(config, paper.id) if names is None or name in names)


@lru_cache(maxsize=8)
def _with_runs(config: Config, id: str) -> tuple[str, ...]:
    stages = paper(id).stages(config)
    return tuple(stage.name for stage in stages if any(job.runs for job in stage.jobs()))


def cells_read(config: Config, item: Artifact) -> tuple[Path, ...]:
    """Parts of cells.csv that an artifact reads, below results/<preset>; none of papers that the preset leaves out."""
    running = papers(config)
    return tuple(
        Path(id, "cells", f"{name}.csv")
        for id, stages in item.reads.items()
        if id in running
        for name in cell_stages(config, running[id], stages)
    )


def frame(chapter: Chapter, name: str) -> Frame:
    """One of a chapter's frames by name."""
    for found in chapter.frames:
        if found.name == name:
            return found
    names = ", ".join(found.name for found in chapter.frames) or "none"
    raise TicketsError(f"paper '{chapter.id}' has no frame '{name}'; it has {names}.")


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
