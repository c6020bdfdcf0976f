"""The paper `tamt` as the command line and the workflow see it."""

from functools import lru_cache
from typing import Any

from tickets.config import Config
from tickets.grid import Stage
from tickets.papers.frame import Frame
from tickets.papers.tamt.addresses import PAPER
from tickets.papers.tamt.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.papers.tamt.cell_columns import CELL_COLUMNS
from tickets.papers.tamt.made import distance_inputs, pretraining_inputs, training_inputs
from tickets.papers.tamt.methods import tamt
from tickets.papers.tamt.settings import PAIRS, WORDS, tamt_settings
from tickets.papers.tamt.stages import Stages
from tickets.papers.tamt.work import TamtWork
from tickets.papers.trained import Trained
from tickets.planning.data import Data
from tickets.planning.work import WorkOf
from tickets.training.recipe import Recipe

_HERE = "tickets.papers.tamt"


class Tamt:
    """Liu et al. 2022, Learning to Win Lottery Tickets in BERT Transfer via Task-agnostic Mask Training."""

    id = PAPER
    title = "Learning to Win Lottery Tickets in BERT Transfer via Task-agnostic Mask Training"
    artifacts = ARTIFACTS
    not_reproduced = NOT_REPRODUCED
    cell_columns = CELL_COLUMNS
    frames = (
        Frame(
            "pretraining",
            "losses on held-out text of every mask",
            pretraining_inputs,
            f"{_HERE}.rows:write_pretraining",
        ),
        Frame(
            "training",
            "what was logged in the training of masks",
            training_inputs,
            f"{_HERE}.rows:write_training",
        ),
        Frame(
            "distances", "how alike the masks are", distance_inputs, f"{_HERE}.distance_rows:write_distances"
        ),
    )

    def stages(self, config: Config) -> tuple[Stage, ...]:
        """See `tickets.papers.registry.Paper`."""
        return _stages(config)

    def work(self, config: Config, data: Data) -> WorkOf:
        """See `tickets.papers.registry.Paper`."""
        return TamtWork(config, data)

    def recipe(self, config: Config, task: str) -> Recipe:
        """See `tickets.papers.registry.Paper`."""
        return tamt_settings(config).recipe(task)

    def trained(self, config: Config) -> dict[str, Trained]:
        """See `tickets.papers.registry.Paper`."""
        settings, loss = tamt_settings(config), {"metric": "dev loss"}
        masks = {tamt(o).kind: t.recipe for o, t in settings.mask_training.items()} | {
            "imp": settings.imp.recipe
        }
        found = {
            kind: Trained(PAIRS if kind == "tamt-kd" else WORDS, recipe, loss)
            for kind, recipe in masks.items()
        }
        every = {task: {"evaluate_every": settings.every(task)} for task in settings.tasks}
        return found | {task: Trained(task, self.recipe(config, task), every[task]) for task in every}

    def evidence_options(self, config: Config) -> dict[str, Any]:
        """See `tickets.papers.registry.Paper`."""
        settings = tamt_settings(config)
        return {
            "ddof": settings.ddof,
            "main_steps": dict(settings.main_steps),
            "steps": settings.steps,
            "interval": settings.imp.interval,
            "intervals": settings.imp.intervals,
            "horizon": settings.imp.recipe.total_steps,
        }


@lru_cache(maxsize=2)
def _stages(config: Config) -> tuple[Stage, ...]:
    """All stages, made once for a config: the workflow asks for them at every rule."""
    return Stages(config).all()
