"""overlap.csv: how alike every method's masks and magnitude pruning of θ₀ are.

A mask over weights is compared with the masks of equal sparsity that magnitude pruning makes of θ₀: the one ranked over
all matrices together (one-shot pruning of `lth`), and the one ranked matrix by matrix (OMP of `tamt`), on the matrices
that both prune: those of the layers and the pooler, not the word embeddings that `tamt` prunes too. A structured ticket
is compared as the weights that its heads and FFNs hold in the matrices of the layers, with the masks that keep as many.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tickets.config import Config
from tickets.models.config import EncoderConfig
from tickets.models.hf import load_folder
from tickets.models.layout import encoder_shapes
from tickets.models.removal import cut, restore
from tickets.papers.cross.masks import LEVELS, MODEL, compared_masks
from tickets.papers.lth.settings import lth_settings
from tickets.papers.lth.subnetworks import drawn_mask
from tickets.papers.registry import papers
from tickets.provenance.collect import write_csv
from tickets.pruning.local import local_magnitude
from tickets.pruning.magnitude import one_shot
from tickets.pruning.mask import Mask
from tickets.pruning.overlap import macro_jaccard, null_jaccard, overlap
from tickets.pruning.prunable import POOLER, select_prunable
from tickets.pruning.structured import StructuredMask

COLUMNS = (
    "paper", "method", "source", "level", "replicate", "reference", "keep", "shared", "micro", "macro", "null",
)  # fmt: skip
"""level: sparsity in percent; of structured tickets their share of heads removed. keep: share of the compared weights
that the mask keeps. shared: share of the reference's kept weights that the mask keeps; `keep` if they were independent.
micro, macro: kept in both over kept in either, over all weights and as the mean over matrices; null: what independent
masks would have."""
GLOBAL, LOCAL = "global", "local"
Row = dict[str, Any]


def write_overlaps(config: Config, out: Path) -> None:
    """Compare the masks of all papers that the preset runs."""
    write_csv(out, COLUMNS, _rows(config))


def _rows(config: Config) -> Iterator[Row]:
    base = load_folder(config.root / config.settings.model_folder(MODEL))
    pruned = Magnitude(select_prunable(base.body))
    # by level, so that the masks of one sparsity meet the same references
    for address in sorted(
        compared_masks(config, papers(config)), key=lambda m: (m.paper == "supertickets", m.level)
    ):
        mask = Mask.load(config.root / address.file)
        where = _where(address.paper, address.method, address.source, address.level, address.replicate)
        if StructuredMask.describes(mask):
            yield from pruned.compare(where, kept_weights(base.config, StructuredMask.from_mask(mask)))
        else:
            yield from pruned.compare(where, mask, int(address.level) / 100)
    if config.settings.lth is not None:
        yield from _unstored(config, pruned)


def _unstored(config: Config, pruned: "Magnitude") -> Iterator[Row]:
    """The masks of `lth` that are made again wherever they are needed: one-shot, and random ones."""
    settings = lth_settings(config)
    shapes = {name: weight.shape for name, weight in pruned.weights.items()}
    for level in LEVELS:
        sparsity = int(level) / 100
        where = _where("lth", "oneshot", "any", level, 1)
        yield from pruned.compare(where, pruned.reference(GLOBAL, sparsity), sparsity)
        for task in settings.grid.strict_baselines[:1]:  # they know nothing of their task
            for replicate in range(1, settings.replicates.baselines + 1):
                drawn = drawn_mask(config.settings.seed, task, level, replicate, shapes)
                yield from pruned.compare(_where("lth", "random", task, level, replicate), drawn, sparsity)


def _where(paper: str, method: str, source: str, level: str, replicate: int) -> Row:
    return {"paper": paper, "method": method, "source": source, "level": level, "replicate": replicate}


class Magnitude:
    """Magnitude pruning of θ₀, and how much a mask agrees with it."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.weights = dict(weights)
        self.reference = lru_cache(maxsize=4)(self._reference)  # 85 million weights each

    def _reference(self, kind: str, sparsity: float, pooler: bool = True) -> Mask:
        weights = {name: w for name, w in self.weights.items() if pooler or name != POOLER}
        return one_shot(weights, sparsity) if kind == GLOBAL else local_magnitude(weights, sparsity)

    def compare(self, where: Row, mask: Mask, sparsity: float | None = None) -> Iterator[Row]:
        """Rows of a mask, one a reference; a mask without a nominal sparsity has one of as many weights made for it."""
        common = Mask({name: mask[name] for name in self.weights if name in mask})
        for kind in (GLOBAL, LOCAL):
            # A mask over weights is judged against pruning as its paper does it: the pooler takes part in the ranking.
            whole = (
                self.reference(kind, sparsity) if sparsity else self.reference(kind, common.sparsity, False)
            )
            other = whole if len(whole) == len(common) else Mask({name: whole[name] for name in common})
            found, keep = overlap(common, other), common.kept / common.total
            yield where | {
                "reference": kind,
                "keep": keep,
                "shared": found.intersection_kept * common.total / other.kept,
                "micro": found.kept_jaccard,
                "macro": macro_jaccard(common, other),
                "null": null_jaccard(keep),
            }


def kept_weights(config: EncoderConfig, structure: StructuredMask) -> Mask:
    """The weights of kept heads and FFNs as a mask over the matrices of the layers.

    A head holds its rows of query, key and value and its columns of the output matrix, an FFN its two matrices.
    """
    shapes = encoder_shapes(config)
    ones = {name: torch.ones(shape) for name, shape in shapes.items()}
    zeros = {name: torch.zeros(shape) for name, shape in shapes.items()}
    whole = restore(cut(ones, config, structure), zeros, config, structure)
    return Mask({name: whole[name] > 0 for name in select_prunable(shapes, pooler=False)})
