"""Dynamic masking for masked language modelling (spec lth section 3.1, O18; spec tamt O19; Devlin et al. 2019)."""

from collections.abc import Sequence

import torch
from torch import Tensor

IGNORE = -100
_ROWS = 8192  # bounds memory


def mask_tokens(
    ids: Tensor,
    special_ids: Tensor | Sequence[int],
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose each non-special token with `probability`; corrupt the chosen, and label them with the truth.

    ids [any shape], integer; special_ids must include the pad id; `generator` lives on the device of `ids`.
    Of the chosen 80 % become `mask_id`, 10 % a uniformly random id of the vocabulary, 10 % stay.
    Returns (corrupted ids, dtype and shape of `ids`; labels int64, -100 where nothing was chosen).

    The number of random draws depends on the shape alone, so that runs with equal seeds stay in step.
    """
    special = torch.as_tensor(special_ids, dtype=ids.dtype, device=ids.device)
    choice = torch.rand(ids.shape, generator=generator, device=ids.device)
    fate = torch.rand(ids.shape, generator=generator, device=ids.device)
    noise = torch.randint(vocab_size, ids.shape, generator=generator, device=ids.device, dtype=ids.dtype)

    chosen = (choice < probability) & ~torch.isin(ids, special)
    corrupted = torch.where(chosen & (fate < 0.8), mask_id, ids)
    corrupted = torch.where(chosen & (fate >= 0.9), noise, corrupted)
    labels = torch.where(chosen, ids.long(), IGNORE)
    return corrupted, labels


def corrupt_one(
    ids: Tensor,
    lengths: Tensor,
    special_ids: Sequence[int],
    mask_id: int,
    vocab_size: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """A copy of `ids` [n, width] with one ordinary token of each row corrupted (spec tamt section 1.11b, A9).

    The token is drawn uniformly from the row's first `lengths` that are not special; it becomes `mask_id` (80 %), a
    uniformly random ordinary id of the vocabulary (10 %), or stays. Rows without an ordinary token stay as they are.
    """
    n, width = ids.shape
    special = torch.as_tensor(special_ids, dtype=ids.dtype)
    place = torch.rand(n, generator=generator, dtype=torch.float64)
    fate = torch.rand(n, generator=generator)
    words = torch.ones(vocab_size, dtype=torch.bool)
    words[special.long()] = False
    vocabulary = words.nonzero().squeeze(1).to(ids.dtype)
    noise = vocabulary[torch.randint(len(vocabulary), (n,), generator=generator)]

    corrupted = ids.clone()
    for start in range(0, n, _ROWS):
        part = slice(start, start + _ROWS)
        ordinary = (torch.arange(width) < lengths[part, None]) & ~torch.isin(ids[part], special)
        rank = (place[part] * ordinary.sum(1)).long() + 1  # the rank-th ordinary token, from 1
        rows, columns = (ordinary & (ordinary.cumsum(1) == rank[:, None])).nonzero(as_tuple=True)
        rows += start
        old = ids[rows, columns]
        new = torch.where(fate[rows] < 0.8, torch.full_like(old, mask_id), old)
        corrupted[rows, columns] = torch.where(fate[rows] >= 0.9, noise[rows], new)
    return corrupted
