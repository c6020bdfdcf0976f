"""What of a preset is to be compared: all of it, some papers, or single tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tickets.config import Config
from tickets.errors import TicketsError
from tickets.figures.artifact import Artifact
from tickets.papers.registry import artifact, chapters


@dataclass(frozen=True)
class Selection:
    """Artifacts, and the stages of each paper whose runs count; None stands for all of a paper's, with its claims."""

    artifacts: tuple[Artifact, ...]
    stages: Mapping[str, frozenset[str] | None]
    whole: tuple[str, ...]

    @property
    def papers(self) -> tuple[str, ...]:
        """Papers of which any run counts."""
        return tuple(self.stages)


def select(config: Config, names: Sequence[str]) -> Selection:
    """What `names` (chapters and artifacts; none: everything) mean under a config."""
    known = chapters(config)
    items: dict[str, Artifact] = {}
    stages: dict[str, frozenset[str] | None] = {}
    whole = [name for name in names or known if name in known]
    for id in whole:
        items |= {item.id: item for item in known[id].artifacts}
        if hasattr(known[id], "stages"):
            stages[id] = None
    for name in names:
        if name in known:
            continue
        item = artifact(name)
        if item.paper not in known:
            raise TicketsError(f"{name}: preset '{config.preset}' leaves out the paper '{item.paper}'.")
        items[item.id] = item
        for paper, wanted in item.reads.items():
            before = stages.get(paper, frozenset())
            if paper in known and before is not None:
                stages[paper] = before | frozenset(wanted)
    return Selection(tuple(items.values()), stages, tuple(whole))
