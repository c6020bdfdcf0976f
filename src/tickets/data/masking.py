"""Dynamic masking for masked language modelling (spec lth section 3.1 and oracle O18; Devlin et al. 2019)."""

from collections.abc import Sequence

import torch
from torch import Tensor

IGNORE = -100


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
