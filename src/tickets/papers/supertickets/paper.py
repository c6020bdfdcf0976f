"""The paper `supertickets` as the command line and the workflow see it."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.grid import Stage
from tickets.papers.frame import Frame
from tickets.papers.supertickets.addresses import PAPER
from tickets.papers.supertickets.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.papers.supertickets.cell_columns import CELL_COLUMNS
from tickets.papers.supertickets.settings import supertickets_settings
from tickets.papers.supertickets.stages import Stages
from tickets.papers.supertickets.work import SuperticketsWork
from tickets.papers.trained import Trained
from tickets.planning.data import Data
from tickets.planning.work import WorkOf
from tickets.training.recipe import Recipe


def _importance_inputs(config: Config) -> list[Path]:
    return [cell.files[0] for cell in Stages(config).trials()]


class Supertickets:
    """Liang et al. 2021, Super Tickets in Pre-Trained Language Models."""

    id = PAPER
    title = "Super Tickets in Pre-Trained Language Models"
    artifacts = ARTIFACTS
    not_reproduced = NOT_REPRODUCED
    cell_columns = CELL_COLUMNS
    frames = (
        Frame(
            "importance",
            "importance scores of every head and FFN",
            _importance_inputs,
            "tickets.papers.supertickets.importance_rows:write_importance",
        ),
    )

    def stages(self, config: Config) -> tuple[Stage, ...]:
        """See `tickets.papers.registry.Paper`."""
        return _stages(config)

    def work(self, config: Config, data: Data) -> WorkOf:
        """See `tickets.papers.registry.Paper`."""
        return SuperticketsWork(config, data)

    def recipe(self, config: Config, task: str) -> Recipe:
        """See `tickets.papers.registry.Paper`."""
        return supertickets_settings(config).recipe(task)

    def trained(self, config: Config) -> dict[str, Trained]:
        """See `tickets.papers.registry.Paper`."""
        return {}

    def evidence_options(self, config: Config) -> dict[str, Any]:
        """See `tickets.papers.registry.Paper`."""
        return {"ddof": supertickets_settings(config).ddof}


@lru_cache(maxsize=2)
def _stages(config: Config) -> tuple[Stage, ...]:
    """All stages, made once for a config: the workflow asks for them at every rule."""
    return Stages(config).all()
