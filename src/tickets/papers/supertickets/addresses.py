"""Addresses of this paper's runs, masks, importance scores and weights. Imports no torch."""

from pathlib import Path

from tickets.spec import MaskAddress, RunAddress

PAPER = "supertickets"
LEVELS = tuple(f"{10 * k:02d}" for k in range(9))
"""Level k removes 10 k % of the heads, and FFNs by the counting rule; level 0 is the full model."""
DRAWS = tuple(range(1, 9))
"""Reruns of the full model, as many as there are levels to choose from (control X1)."""
MULTITASK = "glue"
"""Source id of whatever multi-task learning made."""


def run(
    task: str,
    weights: str,
    method: str,
    source: str,
    level: str,
    replicate: int,
    model: str,
    variant: str = "",
) -> RunAddress:
    """Address of a run of this paper."""
    return RunAddress(PAPER, task, weights, method, source, level, replicate, model, variant)


def ticket(method: str, task: str, level: str, replicate: int, model: str, variant: str = "") -> RunAddress:
    """A ticket of a task, rewound and trained on it; level 00 of `winning` is the full model (ST-DNN)."""
    return run(task, "pretrained", method, task, level, replicate, model, variant)


def mask(method: str, task: str, level: str, replicate: int, model: str, variant: str = "") -> MaskAddress:
    """Address of a ticket's mask."""
    return MaskAddress(PAPER, method, task, level, replicate, model, variant)


def multitask(method: str, task: str, replicate: int, model: str) -> RunAddress:
    """A task's scores under a multi-task model."""
    level = "00" if method == "mt-dnn" else "super"
    return run(task, "pretrained", method, MULTITASK, level, replicate, model)


def importance_file(task: str, replicate: int, model: str, variant: str = "") -> Path:
    """Importance scores of a trial's full model."""
    source = f"{task}@{variant}" if variant else task
    return Path(PAPER, "importance", model, source, f"seed{replicate}.safetensors")


def weights_file(kind: str, replicate: int, model: str) -> Path:
    """The encoder that multi-task learning or an MNLI run (`kind`) leaves to later fine-tuning."""
    return Path(PAPER, "weights", model, kind, f"seed{replicate}", "model.safetensors")


def percent_variant(percent: float, extended: bool = False) -> str:
    """Variant of a run on part of the training data: 'data0.1', 'data10', 'data1-extended'."""
    return f"data{percent:g}" + ("-extended" if extended else "")
