"""Addresses of this paper's masks and runs, and of what is known of them. Imports no torch."""

from pathlib import Path

from tickets.config import Config
from tickets.papers.tamt.methods import Method, tamt
from tickets.papers.tamt.settings import tamt_settings
from tickets.spec import MaskAddress, RunAddress

PAPER = "tamt"
SOURCE = "pretraining"
"""Source of every mask: no downstream task takes part in its making."""
FULL = "full"


def mask(method: str, level: str, seed: int, model: str = "base") -> MaskAddress:
    """Address of a mask."""
    return MaskAddress(PAPER, method, SOURCE, level, seed, model)


def run(
    task: str, method: str, level: str, mask_seed: int, seed: int, model: str = "base", size: str = ""
) -> RunAddress:
    """Address of a fine-tuning under a mask; `size` is the number of training examples where these are few."""
    variant = f"n{size}" if size else ""
    return RunAddress(PAPER, task, "pretrained", method, f"mask{mask_seed}", level, seed, model, variant)


def mask_seed(address: RunAddress) -> int:
    """Seed of the mask that a run trains under."""
    return int(address.source.removeprefix("mask"))


def mask_of(address: RunAddress) -> MaskAddress | None:
    """The mask that a run trains under; none for the full model."""
    if address.method == FULL:
        return None
    return mask(address.method, address.level, mask_seed(address), address.model)


def start_of(address: MaskAddress) -> MaskAddress:
    """The mask that a training starts from: the one-shot mask, or the random one of the same seed."""
    init = Method.parse(address.method).init
    seed = 1 if init == "omp" else address.replicate
    return mask(init, address.level, seed, address.model)


def losses_file(address: MaskAddress) -> Path:
    """Pre-training losses of a masked model on held-out text."""
    return address.folder / "losses.json"


def full_losses_file(model: str) -> Path:
    """The same of the full model."""
    return Path(PAPER, "masks", f"{model}.{FULL}", "losses.json")


def training_file(method: Method, level: str, seed: int, model: str) -> Path:
    """What was logged while a mask was trained, or (IMP, level 'all') a chain of them."""
    return Path(PAPER, "training", f"{model}.{method.run.token}", f"sparsity{level}", f"seed{seed}.json")


def main_masks(config: Config) -> list[MaskAddress]:
    """All masks of the paper's main setting."""
    settings = tamt_settings(config)
    found = []
    for role in settings.models:
        seeds = range(1, settings.replicates.masks + 1)
        for level in settings.grid.baseline_levels:
            found += [mask("omp", level, 1, role), *(mask("random", level, s, role) for s in seeds)]
        trained = (*settings.imp.flavours, *(tamt(o).token for o in settings.grid.objectives))
        levels = settings.trained_levels(role)
        found += [mask(m, lv, s, role) for m in trained for lv in levels for s in seeds]
    return found
