"""Every mask of the paper, and the files that its tidy files are made of. Imports no torch."""

from pathlib import Path

from tickets.config import Config
from tickets.grid import Cell
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.settings import tamt_settings
from tickets.papers.tamt.stages import Stages
from tickets.spec import MaskAddress


def mask_cells(config: Config) -> list[Cell]:
    """Cells that make masks."""
    stages = Stages(config)
    made = (stages.baseline_masks(), stages.imp_masks(), stages.mask_training())
    return [cell for stage in made for job in stage.jobs() for cell in job.plans()]


def all_masks(config: Config) -> list[MaskAddress]:
    """Every mask of the paper."""
    return [address for cell in mask_cells(config) for address in cell.masks]


def pretraining_inputs(config: Config) -> list[Path]:
    """The files that pretraining.csv is made of."""
    return [path for cell in mask_cells(config) for path in cell.files if path.name == "losses.json"]


def training_inputs(config: Config) -> list[Path]:
    """The files that training.csv is made of."""
    return [cell.files[-1] for cell in trainings(config)]


def trainings(config: Config) -> list[Cell]:
    """Cells whose last file is a log of training."""
    return [cell for cell in mask_cells(config) if cell.files[-1].parts[1] == "training"]


def distance_inputs(config: Config) -> list[Path]:
    """The masks that are compared."""
    return [mask.file for group in compared(config) for mask in group]


def compared(config: Config) -> list[list[MaskAddress]]:
    """Masks of one model and sparsity, at the sparsities of trained masks; one-shot first."""
    settings, groups = tamt_settings(config), []
    masks = [
        mask for mask in all_masks(config) if not method_facts(settings, mask.method, mask.level)["ablation"]
    ]
    for role in settings.models:
        for level in settings.trained_levels(role):
            group = [mask for mask in masks if (mask.model, mask.level) == (role, level)]
            groups.append(sorted(group, key=lambda mask: mask.method != "omp"))
    return groups
