from itertools import pairwise

import pytest
import torch

from tickets.errors import TicketsError
from tickets.pruning.death import NEVER, decode_round, encode_chain
from tickets.pruning.magnitude import imp_fraction, prune_global
from tickets.pruning.mask import Mask


@pytest.fixture
def chain(tiny_weights):
    masks, mask = [], None
    for round in range(9):
        mask = prune_global(tiny_weights, mask, imp_fraction(round))
        masks.append(mask)
    return masks


def test_o9_nesting_and_death_array(chain, tiny_shapes):
    for denser, sparser in pairwise(chain):
        assert sparser.nested_in(denser)
    death = encode_chain(chain)
    assert {name: (t.dtype, t.shape) for name, t in death.items()} == {
        name: (torch.uint8, shape) for name, shape in tiny_shapes.items()
    }
    for round, mask in enumerate(chain, start=1):
        assert decode_round(death, round) == mask
    assert decode_round(death, 0) == Mask.dense(tiny_shapes)


def test_each_weight_has_the_round_of_its_death():
    def mask(text):
        return Mask({"w": torch.tensor([char == "1" for char in text])})

    death = encode_chain([mask("1011"), mask("1001"), mask("1001"), mask("0001")])
    assert death["w"].tolist() == [4, 1, 2, NEVER]


def test_a_weight_that_revives_is_refused(chain):
    with pytest.raises(TicketsError, match="round 2 keeps weights that round 1 had removed"):
        encode_chain([chain[1], chain[0]])


def test_lengths(chain):
    with pytest.raises(TicketsError, match="0 rounds"):
        encode_chain([])
    with pytest.raises(TicketsError, match="255 rounds"):
        encode_chain([chain[0]] * 255)
    for round in (-1, 255):
        with pytest.raises(TicketsError, match=f"no round {round}"):
            decode_round({"w": torch.zeros(2, dtype=torch.uint8)}, round)
