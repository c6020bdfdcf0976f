"""Global magnitude pruning against the oracles of spec lth section 8, without torch's own pruning."""

from itertools import pairwise

import pytest
import torch

from tickets.errors import TicketsError
from tickets.pruning.magnitude import imp_fraction, one_shot, prune_count, prune_global, removals
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import prunable_shapes

N_BASE = 85_524_480


def fill(shapes, values):
    """Cut a float vector into tensors of these shapes."""
    sizes = [rows * columns for rows, columns in shapes.values()]
    parts = torch.split(values, sizes)
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def pruned_positions(mask):
    return (~mask.flat()).nonzero().view(-1).tolist()


def kept_counts(alive, fractions):
    counts = []
    for fraction in fractions:
        alive -= removals(fraction, alive)
        counts.append(alive)
    return counts


@pytest.mark.slow
def test_o1_ten_rounds_on_bert_base():
    shapes = prunable_shapes(768, 3072, 12)
    distinct = (
        torch.arange(N_BASE, dtype=torch.int32) + 0x30000000
    )  # distinct positive floats by construction
    weights = fill(shapes, distinct.view(torch.float32))
    mask = None
    for round in range(10):
        mask = prune_global(weights, mask, imp_fraction(round))
        assert mask.kept == N_BASE - 8_552_448 * (round + 1)
    assert len(mask) == 73


def test_o1_counts_without_pooler_give_it_away():
    assert kept_counts(N_BASE, map(imp_fraction, range(10))) == [N_BASE - 8_552_448 * k for k in range(1, 11)]
    kept = [84_934_656, *kept_counts(84_934_656, map(imp_fraction, range(7)))]
    removed = [before - after for before, after in pairwise(kept)]
    assert removed == [8_493_466] * 3 + [8_493_465, 8_493_466, 8_493_465, 8_493_466]


def test_o2_ten_percent_of_the_remaining_is_another_schedule():
    kept = kept_counts(N_BASE, [0.1] * 12)
    assert kept[:4] == [76_972_032, 69_274_829, 62_347_346, 56_112_611]
    sparsities = [1 - count / N_BASE for count in kept]
    assert [round(100 * sparsities[k], 1) for k in (2, 6, 10, 11)] == [27.1, 52.2, 68.6, 71.8]


def test_o3_tiny_model_rounds_and_nesting(tiny_weights, generator):
    mask, counts = Mask.dense({name: w.shape for name, w in tiny_weights.items()}), []
    for round in range(10):
        trained = {name: w + torch.randn(w.shape, generator=generator) for name, w in tiny_weights.items()}
        smaller = prune_global(trained, mask, imp_fraction(round))
        assert smaller.nested_in(mask)
        counts.append(smaller.kept)
        mask = smaller
    assert counts == [7920, 7040, 6160, 5280, 4400, 3520, 2640, 1760, 880, 0]


def test_o4_order_exact_selection(tiny_shapes):
    j = torch.arange(8800)
    first = prune_global(fill(tiny_shapes, (-1.0) ** j * (j + 1)), None, imp_fraction(0))
    assert pruned_positions(first) == list(range(880))
    second = prune_global(fill(tiny_shapes, (8800.0 - j) * (-1.0) ** j), first, imp_fraction(1))
    assert pruned_positions(second) == [*range(880), *range(7920, 8800)]


def test_o4_dead_weights_are_never_looked_at(tiny_shapes):
    j = torch.arange(8800)
    first = prune_global(fill(tiny_shapes, j + 1.0), None, imp_fraction(0))
    for stored in (0.0, 1e9, float("nan"), float("inf")):
        values = torch.where(j < 880, torch.tensor(stored), 8800.0 - j)
        second = prune_global(fill(tiny_shapes, values), first, imp_fraction(1))
        assert pruned_positions(second) == [*range(880), *range(7920, 8800)]


def test_o6_rounding_half_to_even():
    weights = {"A": torch.tensor([0.1, -0.5, 0.3, -0.2]), "B": torch.tensor([0.4, -0.05, 0.25, 0.6])}
    mask, masks = None, []
    for round in range(10):
        mask = prune_global(weights, mask, imp_fraction(round))
        masks.append(mask)
    assert [8 - mask.kept for mask in masks] == [1, 2, 3, 4, 5, 6, 6, 7, 7, 8]
    texts = ["".join(str(int(bit)) for bit in mask.flat()) for mask in masks[:3]]
    assert texts == ["11111011", "01111011", "01101011"]


def test_o7_a_fraction_is_a_float(tiny_weights):
    assert prune_global(tiny_weights, None, 1.0).kept == 0
    assert prune_global(tiny_weights, None, 0.0).sparsity == 0.0
    assert prune_count(tiny_weights, None, 1).kept == 8799
    for wrong in (1, 0, True, -0.1, 1.1, float("nan")):
        with pytest.raises(TicketsError, match="is not a float in"):
            prune_global(tiny_weights, None, wrong)


def test_o8_ties_are_count_exact():
    zeros = {"w": torch.zeros(10, 10)}
    mask = prune_global(zeros, None, 0.3)
    assert len(pruned_positions(mask)) == 30
    assert mask == prune_global(zeros, None, 0.3)
    assert mask.sparsity == 0.3
    assert int((zeros["w"] * mask["w"] == 0).sum()) == 100


def test_o8_ties_span_tensors_and_skip_the_dead():
    weights = {"a": torch.tensor([2.0, -1.0, 1.0]), "b": torch.tensor([-1.0, 0.5, 1.0, -0.0])}
    four = pruned_positions(prune_count(weights, None, 4))
    assert len(four) == 4
    assert {4, 6} < set(four) < {1, 2, 3, 4, 5, 6}
    first = prune_count(weights, None, 1)
    assert pruned_positions(first) == [6]
    rest = prune_count(weights, first, 4)
    assert rest.nested_in(first)
    assert {4, 6} < set(pruned_positions(rest)) < {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_o8_ranking_is_in_float32_only(tiny_weights, dtype):
    flat = torch.cat([w.reshape(-1) for w in tiny_weights.values()]).abs()
    assert flat.unique().numel() > 8750
    assert flat.bfloat16().unique().numel() < 1500
    with pytest.raises(TicketsError, match=f"query.weight is {dtype}, magnitudes are ranked in float32 only"):
        prune_global({name: w.to(dtype) for name, w in tiny_weights.items()}, None, 0.1)


def test_o17_one_shot_is_the_first_round_and_nests(tiny_weights):
    before = {name: w.clone() for name, w in tiny_weights.items()}
    assert one_shot(tiny_weights, 0.1) == prune_global(tiny_weights, None, imp_fraction(0))
    assert one_shot(tiny_weights, 0.7).nested_in(one_shot(tiny_weights, 0.5))
    assert one_shot(tiny_weights, 0.7) == one_shot(tiny_weights, 0.7)
    assert one_shot(tiny_weights, 0.7).kept == 2640
    assert all(torch.equal(w, before[name]) for name, w in tiny_weights.items())


def test_pruning_is_global_not_per_tensor():
    weights = {"small": torch.linspace(0.1, 0.2, 10), "large": torch.linspace(1.0, 2.0, 10)}
    assert one_shot(weights, 0.5).kept_per_tensor() == {"small": 0, "large": 10}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_diverged_run_is_named(tiny_weights, value):
    name = "encoder.layer.1.output.dense.weight"
    tiny_weights[name][3, 4] = value
    with pytest.raises(TicketsError, match=rf"{name} holds NaN or infinity.*diverged"):
        prune_global(tiny_weights, None, 0.1)


def test_what_cannot_be_done_is_refused(tiny_weights):
    with pytest.raises(TicketsError, match="cannot remove 8801 weights, 8800 are left"):
        prune_count(tiny_weights, None, 8801)
    with pytest.raises(TicketsError, match="is only in the model"):
        prune_global(tiny_weights, Mask.dense({"pooler.dense.weight": (20, 20)}), 0.1)
    for round in (-1, 10):
        with pytest.raises(TicketsError, match=r"outside 0\.\.9"):
            imp_fraction(round)


def test_non_contiguous_and_trainable_weights():
    weight = torch.nn.Parameter(torch.arange(12.0).view(3, 4).t())
    assert prune_count({"w": weight}, None, 3)["w"].tolist() == (weight > 2).tolist()
