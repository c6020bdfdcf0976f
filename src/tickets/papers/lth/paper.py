"""The paper `lth` as the command line and the workflow see it."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.grid import Stage
from tickets.papers.frame import Frame
from tickets.papers.lth.addresses import PAPER, mask
from tickets.papers.lth.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.papers.lth.settings import lth_settings
from tickets.papers.lth.stages import Stages
from tickets.papers.lth.work import LthWork
from tickets.papers.trained import Trained
from tickets.planning.data import Data
from tickets.planning.work import WorkOf
from tickets.training.recipe import Recipe


def _overlap_inputs(config: Config) -> list[Path]:
    settings = lth_settings(config)
    reps = range(1, settings.replicates.imp + 1)
    levels = settings.grid.overlap_levels
    return [mask("imp", t, level, r).file for level in levels for t in settings.tasks for r in reps]


class Lth:
    """Chen et al. 2020, The Lottery Ticket Hypothesis for Pre-trained BERT Networks."""

    id = PAPER
    title = "The Lottery Ticket Hypothesis for Pre-trained BERT Networks"
    artifacts = ARTIFACTS
    not_reproduced = NOT_REPRODUCED
    cell_columns = ()
    frames = (
        Frame(
            "overlap",
            "how alike the masks are, pair by pair",
            _overlap_inputs,
            "tickets.papers.lth.overlap_rows:write_overlaps",
            models=("base",),
        ),
    )

    def stages(self, config: Config) -> tuple[Stage, ...]:
        """See `tickets.papers.registry.Paper`."""
        return _stages(config)

    def work(self, config: Config, data: Data) -> WorkOf:
        """See `tickets.papers.registry.Paper`."""
        return LthWork(config, data)

    def recipe(self, config: Config, task: str) -> Recipe:
        """See `tickets.papers.registry.Paper`."""
        return lth_settings(config).recipe(task)

    def trained(self, config: Config) -> dict[str, Trained]:
        """See `tickets.papers.registry.Paper`."""
        return {}

    def evidence_options(self, config: Config) -> dict[str, Any]:
        """See `tickets.papers.registry.Paper`."""
        return {"ddof": lth_settings(config).ddof}


@lru_cache(maxsize=2)
def _stages(config: Config) -> tuple[Stage, ...]:
    """All stages, made once for a config: the workflow asks for them at every rule."""
    return Stages(config).all()
