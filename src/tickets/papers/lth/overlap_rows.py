"""overlap.csv: how alike the masks of all chains are, pair by pair (spec lth section 1; Figure 10)."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.models.hf import load_folder
from tickets.papers.lth.addresses import mask as address
from tickets.papers.lth.settings import lth_settings
from tickets.provenance.collect import write_csv
from tickets.pruning.magnitude import one_shot
from tickets.pruning.mask import Mask
from tickets.pruning.overlap import overlap

COLUMNS = (
    "source_a", "source_b", "replicate_a", "replicate_b", "sparsity",
    "kept_jaccard", "intersection_kept", "pruned_jaccard", "shared_pruned",
)  # fmt: skip


def write_overlaps(config: Config, out: Path) -> None:
    """Compare the IMP masks of every task and replicate, and the one-shot mask."""
    rows = [row for level in lth_settings(config).grid.overlap_levels for row in _level(config, level)]
    write_csv(out, COLUMNS, rows)


def _level(config: Config, level: str) -> Iterator[dict[str, Any]]:
    settings = lth_settings(config)
    masks: dict[tuple[str, int], Mask] = {}
    for source in settings.tasks:
        for replicate in range(1, settings.replicates.imp + 1):
            path = config.root / address("imp", source, level, replicate).file
            masks[source, replicate] = Mask.load(path)
    body = load_folder(config.root / config.settings.model_folder("base")).body
    any_mask = next(iter(masks.values()))
    masks["oneshot", 1] = one_shot({name: body[name] for name in any_mask}, int(level) / 100)
    for (a, mask_a), (b, mask_b) in combinations(masks.items(), 2):
        found = overlap(mask_a, mask_b)
        yield {
            "source_a": a[0],
            "source_b": b[0],
            "replicate_a": a[1],
            "replicate_b": b[1],
            "sparsity": int(level) / 100,
            "kept_jaccard": 100 * found.kept_jaccard,
            "intersection_kept": found.intersection_kept,
            "pruned_jaccard": 100 * found.pruned_jaccard,
            "shared_pruned": 100 * found.shared_pruned,
        }
