"""How far two importance scores agree: in what they remove, and in their whole order."""

from dataclasses import dataclass

from torch import Tensor

from tickets.pruning.families import winning
from tickets.pruning.mask import Mask
from tickets.pruning.overlap import overlap
from tickets.pruning.scores import Scores


@dataclass(frozen=True)
class Agreement:
    """Jaccard index of the removed sets of two winning tickets, and Kendall's tau-b of the scores behind them.

    A Jaccard index of two empty sets is 1; tau is NaN where all scores of one side are equal.
    """

    heads_jaccard: float
    ffns_jaccard: float
    heads_tau: float
    ffns_tau: float


def agreement(first: Scores, second: Scores, n_heads: int, n_ffns: int) -> Agreement:
    """Compare two scores of one model: heads by layer-normalised score over all layers, FFNs by raw score."""
    a, b = winning(first, n_heads, n_ffns), winning(second, n_heads, n_ffns)
    return Agreement(
        heads_jaccard=_removed(a.heads, b.heads),
        ffns_jaccard=_removed(a.ffns, b.ffns),
        heads_tau=_tau(first.normalised("head"), second.normalised("head")),
        ffns_tau=_tau(first.ffns, second.ffns),
    )


def _removed(first: Tensor, second: Tensor) -> float:
    return overlap(Mask({"kept": first}), Mask({"kept": second})).pruned_jaccard


def _tau(first: Tensor, second: Tensor) -> float:
    from scipy.stats import kendalltau

    return float(kendalltau(first.flatten().numpy(), second.flatten().numpy()).statistic)
