"""Training on a part of the training data.

A share of it (spec supertickets sections 4.1 and 5: domain adaptation, Figure 5), or so many examples (spec tamt
section 5.1: few data).
"""

import torch
from torch import Tensor

from tickets.data.amounts import subset_size
from tickets.data.encoded import Split
from tickets.errors import TicketsError
from tickets.training.seeds import derive_seed

SEED = 13


def subset_rows(n: int, percent: float, task: str, seed: int = SEED) -> Tensor:
    """int64 row numbers, ascending, of a uniform sample without replacement of `percent` of `n` rows.

    The sample depends on n, percent, task and seed alone, and a smaller one lies within every larger one.
    Its size is rounded down, but never to 0. Raises `TicketsError` unless 0 < percent <= 100.
    """
    size = subset_size(n, percent)
    return _draw(n, size, derive_seed("subset", seed, task))


def training_subset(split: Split, percent: float, task: str, seed: int = SEED) -> Split:
    """`percent` of a split's rows in their order (see `subset_rows`); at 100 the split itself."""
    return split if percent == 100 else split.rows(subset_rows(len(split), percent, task, seed))


def few_rows(n_total: int, n: int, task: str, seed: int) -> Tensor:
    """int64 row numbers, ascending, of a uniform sample without replacement of `n` of `n_total` training examples.

    A function of its arguments, the fine-tuning seed among them: all methods train on the same examples, each seed on
    others, and fewer lie within more. SQuAD's rows are features, so features are drawn, as in the reference, but by a
    generator of their own (A17). Raises `TicketsError` unless 0 < n <= n_total.
    """
    if not 0 < n <= n_total:
        raise TicketsError(
            f"{task}: {n} training examples are asked for, there are {n_total}; give a number from 1 to {n_total}."
        )
    return _draw(n_total, n, derive_seed("few", seed, task))


def _draw(n: int, size: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(n, generator=generator)[:size].sort().values
