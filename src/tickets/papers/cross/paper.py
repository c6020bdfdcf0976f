"""What is made of all papers together, as the command line and the workflow see it. It runs nothing of its own."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tickets.config import Config
from tickets.papers.cross.artifacts import ARTIFACTS, NOT_REPRODUCED, TITLE
from tickets.papers.cross.masks import MODEL, compared_masks
from tickets.papers.frame import Frame

if TYPE_CHECKING:
    from tickets.papers.registry import Paper


class Cross:
    """Figures and tables over all papers, there where a preset runs at least two of them.

    running: config -> the papers that a preset runs, by id
    """

    id = "cross"
    title = TITLE
    artifacts = ARTIFACTS
    not_reproduced = NOT_REPRODUCED

    def __init__(self, running: "Callable[[Config], Mapping[str, Paper]]") -> None:
        self._running = running
        self.frames = (
            Frame(
                "overlap",
                "how alike every method's masks and magnitude pruning are",
                lambda config: [mask.file for mask in compared_masks(config, running(config))],
                "tickets.papers.cross.overlap_rows:write_overlaps",
                models=(MODEL,),
            ),
        )

    def evidence_options(self, config: Config) -> dict[str, Any]:
        """What of the config the Evidence of each paper needs, by paper."""
        return {id: paper.evidence_options(config) for id, paper in self._running(config).items()}
