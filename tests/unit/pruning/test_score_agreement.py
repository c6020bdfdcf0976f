import math

import pytest
import torch

from tickets.pruning.agreement import agreement
from tickets.pruning.scores import Scores


def test_hand_case():
    first = Scores(torch.tensor([[1.0, 2.0, 9.0], [1.5, 3.0, 8.0]]), torch.tensor([1.0, 2.0]))
    second = Scores(torch.tensor([[2.0, 1.0, 9.0], [1.5, 3.0, 8.0]]), torch.tensor([2.0, 1.0]))
    # By layer norm the first removes (0,0), (1,0), (0,1), (1,1); the second (0,1), (1,0), (0,0), (1,1).
    found = agreement(first, second, 1, 1)
    assert (found.heads_jaccard, found.ffns_jaccard, found.ffns_tau) == (0.0, 0.0, -1.0)
    assert agreement(first, second, 3, 2).heads_jaccard == 1.0
    # Of 15 pairs three are swapped: the two heads with each other, and each with (1,0), which lies between them.
    assert found.heads_tau == pytest.approx((12 - 3) / 15)


def test_the_same_scores_on_another_scale_agree_in_all():
    generator = torch.Generator().manual_seed(0)
    heads, ffns = torch.rand(4, 6, generator=generator), torch.rand(4, generator=generator)
    found = agreement(Scores(heads, ffns), Scores(heads * 8, ffns * 8), 7, 2)
    assert vars(found) == pytest.approx(
        {"heads_jaccard": 1.0, "ffns_jaccard": 1.0, "heads_tau": 1.0, "ffns_tau": 1.0}
    )


def test_heads_are_compared_by_layer_normalised_score():
    first = Scores(torch.tensor([[3.0, 4.0], [60.0, 0.0]]), torch.ones(2))
    second = Scores(torch.tensor([[30.0, 40.0], [6.0, 0.0]]), torch.ones(2))
    assert agreement(first, second, 1, 0).heads_tau == pytest.approx(1.0)


def test_nothing_removed_and_nothing_to_order():
    flat = Scores(torch.ones(2, 2), torch.ones(2))
    found = agreement(flat, flat, 0, 0)
    assert (found.heads_jaccard, found.ffns_jaccard) == (1.0, 1.0)
    assert math.isnan(found.ffns_tau)
