"""Parts of an evaluation split: one to choose a model on, the other to judge it (spec supertickets section 1.6)."""

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.training.seeds import derive_seed

SEED = 13


def selection_parts(n: int, task: str, split: str = "dev") -> dict[str, Tensor]:
    """Row numbers (int64, ascending) by part of a split of `n` rows: two divisions of it, independently drawn.

    `p10` is a tenth (rounded to the nearest number, at least one row) and `rest` all others; `half` and
    `other_half` divide the rows equally, the latter taking the odd one. Every model and seed gets the same
    parts; tasks, and splits of one task, get their own. Raises `TicketsError` for fewer than two rows.
    """
    if n < 2:
        raise TicketsError(
            f"{task}.{split}: {n} rows cannot be divided to select on a part. Give it 2 or more."
        )
    tenth, rest = _divide(n, max(1, (n + 5) // 10), "tenth", task, split)
    half, other = _divide(n, n // 2, "half", task, split)
    return {"p10": tenth, "rest": rest, "half": half, "other_half": other}


def _divide(n: int, first: int, kind: str, task: str, split: str) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(derive_seed("selection", SEED, kind, task, split))
    order = torch.randperm(n, generator=generator)
    return order[:first].sort().values, order[first:].sort().values
