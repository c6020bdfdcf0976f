"""distances.csv: how alike the masks of one sparsity are (spec tamt section 5.3; Figures 8 and 17)."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.papers.tamt.made import compared
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.settings import TamtSettings, tamt_settings
from tickets.provenance.collect import write_csv
from tickets.pruning.mask import Mask
from tickets.pruning.overlap import macro_jaccard, overlap
from tickets.spec import MaskAddress

SIDE = ("method", "kind", "init", "step", "interval", "mask_seed")
COLUMNS = (
    "model", "sparsity", *(f"{name}_a" for name in SIDE), *(f"{name}_b" for name in SIDE),
    "jaccard_macro", "jaccard_micro",
)  # fmt: skip


def write_distances(config: Config, out: Path) -> None:
    """Compare the one-shot mask with every other, and the main masks with one another."""
    write_csv(out, COLUMNS, [row for group in compared(config) for row in _rows(config, group)])


def _rows(config: Config, group: list[MaskAddress]) -> Iterator[dict[str, Any]]:
    settings = tamt_settings(config)
    main = {mask: Mask.load(config.root / mask.file) for mask in group if _main(settings, mask)}
    for a, b in combinations(group, 2):
        if a.method != "omp" and not (a in main and b in main):
            continue
        row: dict[str, Any] = {"model": a.model, "sparsity": a.sparsity}
        for side, mask in (("a", a), ("b", b)):
            facts = method_facts(settings, mask.method, mask.level)
            facts |= {"method": mask.method, "mask_seed": mask.replicate}
            row |= {f"{name}_{side}": facts[name] for name in SIDE}
        other = main[b] if b in main else Mask.load(config.root / b.file)
        row["jaccard_macro"] = macro_jaccard(main[a], other)
        row["jaccard_micro"] = overlap(main[a], other).kept_jaccard
        yield row


def _main(settings: TamtSettings, mask: MaskAddress) -> bool:
    return bool(method_facts(settings, mask.method, mask.level)["main"])
