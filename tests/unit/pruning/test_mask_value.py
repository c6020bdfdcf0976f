"""The mask as a value: validation, counts, set operations, torch's form."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask


def bits(text, shape=(-1,)):
    return torch.tensor([char == "1" for char in text]).view(shape)


@pytest.fixture
def mask():
    return Mask({"b": bits("110010", (2, 3)), "a": bits("01")})


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ({}, "covers no tensor"),
        ({"w": torch.ones(3)}, "w is torch.float32, expected a bool tensor"),
        ({"w": torch.ones(3, dtype=torch.uint8)}, "w is torch.uint8"),
        ({"w": [True]}, "w is list"),
        ({"w": torch.ones(0, 4, dtype=torch.bool)}, "w is empty"),
        ({3: torch.ones(2, dtype=torch.bool)}, "3 is no tensor name"),
    ],
)
def test_construction_refuses(tensors, complaint):
    with pytest.raises(TicketsError, match=complaint):
        Mask(tensors)


def test_counts_are_exact(mask):
    assert (mask.total, mask.kept, mask.sparsity) == (8, 4, 0.5)
    assert mask.kept_per_tensor() == {"b": 3, "a": 1}
    assert mask.shapes == {"b": (2, 3), "a": (2,)}


def test_neither_source_nor_access_can_change_it(mask):
    source = torch.ones(4, dtype=torch.bool)
    own = Mask({"w": source})
    source[0] = False
    own["w"][1] = False
    own.flat()[2] = False
    assert own.kept == 4
    assert bool(own["w"].all())
    with pytest.raises(TypeError):
        mask["a"] = bits("11")  # type: ignore[index]


def test_transposed_views_keep_their_logical_order():
    tensor = bits("110100", (2, 3)).t()
    assert Mask({"w": tensor}).flat().tolist() == tensor.reshape(-1).tolist()


def test_flat_has_the_mapping_order_and_comes_back(mask):
    assert mask.flat().tolist() == bits("11001001").tolist()
    assert Mask.from_flat(mask.flat(), mask.shapes) == mask
    assert list(Mask.from_flat(mask.flat(), mask.shapes)) == ["b", "a"]


def test_from_flat_refuses_a_vector_of_another_length(mask):
    with pytest.raises(TicketsError, match=r"\[7\] does not fill 2 tensors of 8"):
        Mask.from_flat(mask.flat()[:7], mask.shapes)


def test_dense_keeps_everything(mask):
    assert Mask.dense(mask.shapes).kept == 8
    assert Mask.dense(mask.shapes).sparsity == 0.0


def test_and_or_nesting(mask):
    other = Mask({"a": bits("11"), "b": bits("010011", (2, 3))})
    assert (mask & other).flat().tolist() == bits("01001001").tolist()
    assert (mask | other).flat().tolist() == bits("11001111").tolist()
    assert (mask & other).nested_in(mask)
    assert mask.nested_in(mask | other)
    assert not mask.nested_in(other)


def test_equality_and_digest_ignore_the_order_of_names(mask):
    turned = Mask({"a": mask["a"], "b": mask["b"]})
    assert turned == mask
    assert turned.digest() == mask.digest()


@pytest.mark.parametrize(
    "other",
    [
        {"b": bits("110010", (2, 3)), "a": bits("10")},
        {"b": bits("110010", (3, 2)), "a": bits("01")},
        {"b": bits("110010", (2, 3)), "c": bits("01")},
        {"b": bits("110010", (2, 3))},
    ],
)
def test_inequality_and_digest_see_bits_shapes_and_names(mask, other):
    assert Mask(other) != mask
    assert Mask(other).digest() != mask.digest()


@pytest.mark.parametrize(
    ("shapes", "complaint"),
    [({"a": (2,)}, "b, is only in the mask"), ({"a": (2,), "b": (3, 2)}, r"b has shape \[2, 3\]")],
)
def test_masks_of_other_tensors_do_not_combine(mask, shapes, complaint):
    with pytest.raises(TicketsError, match=complaint):
        mask & Mask.dense(shapes)
    with pytest.raises(TicketsError, match=complaint):
        mask.nested_in(Mask.dense(shapes))


def test_torch_state_is_what_torch_prune_stores():
    layer = nn.Linear(3, 2)
    kept = bits("110010", (2, 3))
    prune.custom_from_mask(layer, "weight", kept)
    ours = Mask({"weight": kept}).to_torch_state()
    assert ours.keys() == {"weight_mask"}
    assert ours["weight_mask"].dtype == layer.state_dict()["weight_mask"].dtype
    assert torch.equal(ours["weight_mask"], layer.state_dict()["weight_mask"])
