"""The tidy files beside cells.csv that only gather what the jobs wrote: pretraining.csv and training.csv."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.jobs.files import read_json
from tickets.papers.tamt.addresses import full_losses_file, losses_file
from tickets.papers.tamt.cell_columns import WHICH_COLUMNS
from tickets.papers.tamt.made import all_masks, trainings
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.settings import tamt_settings
from tickets.provenance.collect import write_csv

LOSSES = ("mlm_loss", "mlm_accuracy", "kd_loss", "kd_loss_unpadded", "kd_mse")
PRETRAINING_COLUMNS = (
    "model", "method", *WHICH_COLUMNS, "sparsity", "mask_seed", "removed", "removed_with_pooler", *LOSSES,
)  # fmt: skip
TRAINING_COLUMNS = (
    "model", "method", *WHICH_COLUMNS, "sparsity", "mask_seed", "loss", "removed", "grad_ratio",
    "seconds_per_step",
)  # fmt: skip


def write_pretraining(config: Config, out: Path) -> None:
    """One row a mask: its losses on held-out text, the full model's first."""
    write_csv(out, PRETRAINING_COLUMNS, _pretraining(config))


def _pretraining(config: Config) -> Iterator[dict[str, Any]]:
    settings = tamt_settings(config)
    for role in settings.models:
        row = {"model": role, "method": "full", "sparsity": 0.0, "mask_seed": 1}
        facts = method_facts(settings, "full", "00")
        yield row | facts | read_json(config.root / full_losses_file(role))
    for mask in all_masks(config):
        row = {"model": mask.model, "method": mask.method, "sparsity": mask.sparsity}
        facts = method_facts(settings, mask.method, mask.level)
        found = read_json(config.root / losses_file(mask))
        yield row | facts | {"mask_seed": mask.replicate} | found


def write_training(config: Config, out: Path) -> None:
    """One row a logged step of mask training or IMP."""
    write_csv(out, TRAINING_COLUMNS, _training(config))


def _training(config: Config) -> Iterator[dict[str, Any]]:
    settings = tamt_settings(config)
    for cell in trainings(config):
        mask, log = cell.masks[0], read_json(config.root / cell.files[-1])
        method = Method.parse(mask.method).run
        facts = method_facts(settings, method.token, mask.level)
        row = {"model": mask.model, "method": method.token, "mask_seed": mask.replicate, **facts}
        for point in log["rows"]:
            level = int(point.pop("level", mask.level))
            whole = {"sparsity": level / 100, "seconds_per_step": log["seconds_per_step"]}
            yield row | whole | point
