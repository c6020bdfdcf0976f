import pytest
import torch

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask
from tickets.pruning.overlap import from_kept_jaccard, macro_jaccard, null_jaccard, overlap
from tickets.pruning.random import random_mask


def mask(text):
    return Mask({"w": torch.tensor([char == "1" for char in text])})


def test_o23_hand_case():
    result = overlap(mask("1100"), mask("1010"))
    assert result.kept_jaccard == pytest.approx(1 / 3)
    assert result.intersection_kept == 0.25
    assert result.pruned_jaccard == pytest.approx(1 / 3)
    assert result.shared_pruned == 0.5


def test_o23_itself_and_symmetry(tiny_shapes, generator):
    a, b = (random_mask(tiny_shapes, 0.7, generator) for _ in range(2))
    assert overlap(a, b) == overlap(b, a)
    same = overlap(a, a)
    assert (same.kept_jaccard, same.pruned_jaccard, same.shared_pruned) == (1, 1, 1)
    assert same.intersection_kept == pytest.approx(0.3)


def test_o23_conversions_of_section_1():
    result = from_kept_jaccard(0.9, keep=0.3)
    assert result.pruned_jaccard == pytest.approx(0.956, abs=5e-4)
    assert result.shared_pruned == pytest.approx(0.977, abs=5e-4)
    assert [round(100 * null_jaccard(k), 1) for k in (0.3, 0.4, 0.5)] == [17.6, 25.0, 33.3]


def test_conversions_agree_with_counting(tiny_shapes, generator):
    a, b = (random_mask(tiny_shapes, 0.6, generator) for _ in range(2))
    counted = overlap(a, b)
    converted = from_kept_jaccard(counted.kept_jaccard, keep=0.4)
    for field in ("intersection_kept", "pruned_jaccard", "shared_pruned"):
        assert getattr(converted, field) == pytest.approx(getattr(counted, field), abs=1e-12)


def test_nothing_kept_or_nothing_pruned_is_agreement():
    assert overlap(mask("0000"), mask("0000")).kept_jaccard == 1.0
    dense = overlap(mask("1111"), mask("1111"))
    assert (dense.pruned_jaccard, dense.shared_pruned) == (1.0, 1.0)
    assert overlap(mask("1111"), mask("0000")).kept_jaccard == 0.0


def test_tensors_are_pooled():
    a = Mask({"x": torch.tensor([True, False]), "y": torch.ones(8, dtype=torch.bool)})
    b = Mask({"x": torch.tensor([False, True]), "y": torch.ones(8, dtype=torch.bool)})
    assert overlap(a, b).kept_jaccard == pytest.approx(8 / 10)


def test_masks_of_different_models():
    with pytest.raises(TicketsError, match="shape"):
        overlap(mask("110"), mask("1100"))


def test_tamt_o9_macro_and_micro():
    a = Mask({"x": torch.tensor([True, True]), "y": torch.tensor([True, True, False, False])})
    b = Mask({"x": torch.tensor([True, True]), "y": torch.tensor([True, False, True, False])})
    assert macro_jaccard(a, b) == pytest.approx(2 / 3)
    assert overlap(a, b).kept_jaccard == pytest.approx(3 / 5)
    assert macro_jaccard(mask("1100"), mask("1010")) == pytest.approx(1 / 3)
    assert macro_jaccard(mask("0000"), mask("0000")) == 1.0
    with pytest.raises(TicketsError, match="shape"):
        macro_jaccard(mask("110"), mask("1100"))
