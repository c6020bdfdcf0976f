"""importance.csv: the scores of every head and FFN of every trial's full model, in all variants."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.papers.supertickets.stages import Stages
from tickets.provenance.collect import write_csv
from tickets.pruning.scores import VARIANTS, Importance

COLUMNS = ("model", "task", "replicate", "kind", "layer", "index", "variant", "raw", "normalised")


def write_importance(config: Config, out: Path) -> None:
    """Collect the scores of all trials."""
    rows: list[dict[str, Any]] = []
    for cell in Stages(config).trials():
        full = cell.runs[0]
        key = {"model": full.model, "task": full.task, "replicate": full.replicate}
        found = Importance.load(config.root / cell.files[0])
        rows += [key | row for row in _rows(found)]
    write_csv(out, COLUMNS, rows)


def _rows(found: Importance) -> Iterator[dict[str, Any]]:
    for variant in VARIANTS:
        scores = found[variant]
        heads, ffns = scores.normalised("head"), scores.normalised("ffn")
        for layer in range(scores.layers):
            for index in range(scores.heads_per_layer):
                yield {
                    "kind": "head", "layer": layer, "index": index, "variant": variant,
                    "raw": float(scores.heads[layer, index]), "normalised": float(heads[layer, index]),
                }  # fmt: skip
            yield {
                "kind": "ffn", "layer": layer, "index": 0, "variant": variant,
                "raw": float(scores.ffns[layer]), "normalised": float(ffns[layer]),
            }  # fmt: skip
