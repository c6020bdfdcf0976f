"""What is audited: a preset's results, and what the config says about them. Built once a process."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from tickets.audit.report import Part
from tickets.config import load_config
from tickets.errors import TicketsError
from tickets.figures.artifact import Artifact
from tickets.grid import Cell, Job, Stage
from tickets.jobs.files import file_hash
from tickets.papers.registry import Chapter, Paper, artifacts, chapters, papers

Value = TypeVar("Value")
LOCAL = (".gitignore",)
"""Files that belong to git or to the machine, wherever they are."""
HEAVY = ("data", "models", "report")
HEAVY_OF_PAPERS = ("importance", "jobs", "masks", "runs", "training", "weights")
"""Folders below results/<preset>, and below those of papers, that git does not have."""


@dataclass(frozen=True)
class Source:
    """Which results: a config, one of its presets, and some of its papers (none: all)."""

    config: Path
    preset: str | None = None
    papers: tuple[str, ...] = ()


class Subject:
    """A preset's results on disk, and the runs, masks and files that the config knows."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.config = load_config(source.config, source.preset)
        self.root = self.config.root
        known = chapters(self.config)
        if unknown := sorted(set(source.papers) - set(known)):
            raise TicketsError(
                f"preset '{self.config.preset}' has no '{unknown[0]}'; it has {', '.join(known)}."
            )
        if not self.root.is_dir():
            raise TicketsError(
                f"{self.root}: there are no results to audit. Make them: `snakemake --cores all`."
            )
        self.chapters: dict[str, Chapter] = {
            id: chapter for id, chapter in known.items() if not source.papers or id in source.papers
        }
        running = papers(self.config)
        self.papers: dict[str, Paper] = {id: running[id] for id in self.chapters if id in running}
        self._known: dict[Any, Any] = {}

    @cached_property
    def stages(self) -> dict[str, tuple[Stage, ...]]:
        """The stages of every paper."""
        return {id: paper.stages(self.config) for id, paper in self.papers.items()}

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Every job of the papers."""
        stages = chain.from_iterable(self.stages.values())
        return tuple(job for stage in stages for job in stage.jobs())

    @cached_property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Every table and figure of the chapters."""
        return tuple(item for item in artifacts(self.config).values() if item.paper in self.chapters)

    def job(self, index: int) -> Job:
        """A job by its place, which is the same in every process."""
        return self.jobs[index]

    def cells(self, paper: str) -> Iterable[Cell]:
        """The cells of all jobs of a paper."""
        return (cell for job in self.jobs if job.stage.paper == paper for cell in job.plans())

    def on_disk(self, path: Path) -> Path:
        """Where a path below results/<preset> is."""
        return self.root / path

    def pulled(self, path: Path) -> bool:
        """Whether a file below results/<preset> ought to be here: all of git, and what of DVC was pulled in part."""
        store = self.store(path)
        if store is None:
            return True
        files = (found for found in (self.root / store).rglob("*") if found.name not in LOCAL)
        return self.once(("store", store), lambda: any(found.is_file() for found in files))

    def once(self, key: Any, make: Callable[[], Value]) -> Value:
        """What is looked up or computed once a process."""
        if key not in self._known:
            self._known[key] = make()
        found: Value = self._known[key]
        return found

    def digest(self, path: Path) -> str:
        """sha256 of a file below results/<preset>."""
        return self.once(("sha256", path), lambda: file_hash(self.root / path))

    @staticmethod
    def store(path: Path) -> Path | None:
        """The folder that DVC keeps as a whole, 'data' or 'lth/runs'; None for what is in git."""
        if path.parts[0] in HEAVY:
            return Path(path.parts[0])
        return Path(*path.parts[:2]) if path.parts[1] in HEAVY_OF_PAPERS else None

    def have(self, paths: Sequence[Path], part: Part, count: int = 1) -> bool:
        """Whether all of these files are there; else say in `part` why `count` things are not checked."""
        for path in paths:
            if not (self.root / path).is_file():
                part.skip(self.why_absent(path), count)
                return False
        return True

    def why_absent(self, path: Path) -> str:
        """What to call the absence of a file."""
        if self.pulled(path):
            return "needs a file that is missing (see completeness)"
        return f"{self.root / (self.store(path) or path)} is not here: {self.fetch}"

    @cached_property
    def fetch(self) -> str:
        """How to get what is not here."""
        return "`dvc pull`" if Path("dvc.lock").exists() else "`snakemake --cores all`"


@cache
def subject_of(source: Source) -> Subject:
    """The subject; read and built once a process."""
    return Subject(source)
