"""Which masks of which papers are compared with magnitude pruning. Imports no torch."""

from collections.abc import Iterable, Iterator

from tickets.config import Config
from tickets.papers.lth.addresses import mask as lth_mask
from tickets.papers.lth.settings import lth_settings
from tickets.papers.supertickets.stages import Stages
from tickets.papers.tamt.addresses import main_masks
from tickets.spec import MaskAddress

MODEL = "base"
"""Role of the model: the one that all papers share."""
LEVELS = ("50", "60", "70", "80", "90")
"""Sparsities at which masks over weights are compared: those of task-agnostic mask training."""


def compared_masks(config: Config, papers: Iterable[str]) -> list[MaskAddress]:
    """Every mask file that is compared, of those papers that the preset runs."""
    return [address for paper in papers for address in _OF[paper](config)]


def _lth(config: Config) -> Iterator[MaskAddress]:
    """The IMP masks of every task."""
    settings = lth_settings(config)
    for task in settings.tasks:
        for level in LEVELS:
            for replicate in range(1, settings.replicates.imp + 1):
                yield lth_mask("imp", task, level, replicate)


def _supertickets(config: Config) -> Iterator[MaskAddress]:
    """Winning, random and losing tickets of every trial on a whole training set."""
    stages = Stages(config)
    for stage in (stages.trial(), stages.trial_source(), stages.families()):
        for job in stage.jobs():
            for cell in job.plans():
                yield from (mask for mask in cell.masks if mask.model == MODEL)


def _tamt(config: Config) -> Iterator[MaskAddress]:
    """The masks of the main setting."""
    yield from (mask for mask in main_masks(config) if mask.model == MODEL and mask.level in LEVELS)


_OF = {"lth": _lth, "supertickets": _supertickets, "tamt": _tamt}
