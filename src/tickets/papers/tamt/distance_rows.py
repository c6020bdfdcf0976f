"""distances.csv: how alike the masks of one sparsity are (spec tamt section 5.3; Figures 8 and 17)."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.rows import all_masks
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


def distance_inputs(config: Config) -> list[Path]:
    """The masks that are compared."""
    return [mask.file for group in _groups(config) for mask in group]


def _groups(config: Config) -> list[list[MaskAddress]]:
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


def write_distances(config: Config, out: Path) -> None:
    """Compare the one-shot mask with every other, and the main masks with one another."""
    write_csv(out, COLUMNS, [row for group in _groups(config) for row in _rows(config, group)])


def _rows(config: Config, group: list[MaskAddress]) -> Iterator[dict[str, Any]]:
    settings, loaded = tamt_settings(config), {}
    for a, b in combinations(group, 2):
        if a.method != "omp" and not (_main(settings, a) and _main(settings, b)):
            continue
        for mask in (a, b):
            if mask not in loaded:
                loaded[mask] = Mask.load(config.root / mask.file)
        row: dict[str, Any] = {"model": a.model, "sparsity": a.sparsity}
        for side, mask in (("a", a), ("b", b)):
            facts = method_facts(settings, mask.method, mask.level)
            facts |= {"method": mask.method, "mask_seed": mask.replicate}
            row |= {f"{name}_{side}": facts[name] for name in SIDE}
        one, other = loaded[a], loaded[b]
        row["jaccard_macro"], row["jaccard_micro"] = (
            macro_jaccard(one, other),
            overlap(one, other).kept_jaccard,
        )
        yield row


def _main(settings: TamtSettings, mask: MaskAddress) -> bool:
    return bool(method_facts(settings, mask.method, mask.level)["main"])
