"""Addresses of this paper's runs, masks and weights. Imports no torch."""

from collections.abc import Iterable
from pathlib import Path

from tickets.spec import MaskAddress, RunAddress

PAPER = "lth"
LEVELS = tuple(f"{percent:02d}" for percent in range(0, 100, 10))
SOURCE_LEVEL = "70"


def run(task: str, weights: str, method: str, source: str, level: str, replicate: int) -> RunAddress:
    """Address of a run of this paper."""
    return RunAddress(PAPER, task, weights, method, source, level, replicate)


def mask(method: str, source: str, level: str, replicate: int) -> MaskAddress:
    """Address of a mask of this paper."""
    return MaskAddress(PAPER, method, source, level, replicate)


def weights_file(variant: str, source: str, replicate: int) -> Path:
    """The body from which subnetworks of a rewound or standard-pruned chain start (Figures 4, 7, 8)."""
    return Path(PAPER, "weights", variant, f"from-{source}", f"seed{replicate}", "model.safetensors")


def multitask_source(combo: Iterable[str]) -> str:
    """Source id of a multi-task chain: 'mlm+qnli'."""
    return "+".join(combo)


def datasize_source(task: str) -> str:
    """Source id of an MLM chain with as many sequences as `task` has: 'mlm@cola'."""
    return f"mlm@{task}"
