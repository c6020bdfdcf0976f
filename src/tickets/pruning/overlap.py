"""How much two masks agree (spec lth section 1, "Relative overlap"). All values are fractions in [0, 1]."""

from dataclasses import dataclass

from tickets.pruning.mask import Mask


@dataclass(frozen=True)
class Overlap:
    """Agreement of two masks over N weights.

    kept_jaccard       kept in both / kept in either, the "relative overlap"
    intersection_kept  kept in both / N; all else follows from it and the two sparsities
    pruned_jaccard     removed in both / removed in either
    shared_pruned      removed in both / removed in one (mean of the two counts, should they differ)

    A ratio of nothing to nothing is 1: two masks that both keep (or both remove) nothing agree.
    """

    kept_jaccard: float
    intersection_kept: float
    pruned_jaccard: float
    shared_pruned: float


def overlap(a: Mask, b: Mask) -> Overlap:
    """Compare two masks of the same tensors (`TicketsError` otherwise), all tensors pooled (oracle O23)."""
    total, kept = a.total, (a & b).kept
    union = a.kept + b.kept - kept
    removed = total - union
    return Overlap(
        kept_jaccard=_ratio(kept, union),
        intersection_kept=kept / total,
        pruned_jaccard=_ratio(removed, total - kept),
        shared_pruned=_ratio(2 * removed, 2 * total - a.kept - b.kept),
    )


def macro_jaccard(a: Mask, b: Mask) -> float:
    """Mean over the tensors of kept in both / kept in either: each tensor counts alike (spec tamt A20, O9).

    `Overlap.kept_jaccard` is its micro twin, all tensors pooled.
    """
    both, kept_a, kept_b = (a & b).kept_per_tensor(), a.kept_per_tensor(), b.kept_per_tensor()
    values = [_ratio(both[name], kept_a[name] + kept_b[name] - both[name]) for name in both]
    return sum(values) / len(values)


def from_kept_jaccard(jaccard: float, keep: float) -> Overlap:
    """All measures of two masks that both keep the fraction `keep` < 1, from their kept-Jaccard alone."""
    both = 2 * keep * jaccard / (1 + jaccard)
    neither = 1 - 2 * keep + both
    return Overlap(jaccard, both, neither / (1 - both), neither / (1 - keep))


def null_jaccard(keep: float) -> float:
    """The kept-Jaccard expected of two independent masks that both keep the fraction `keep`: k / (2 - k)."""
    return keep / (2 - keep)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
