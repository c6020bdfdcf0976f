"""Re-initialised and shuffled weights, on a transformers model with every kind of tensor."""

import pytest
import torch

from tickets.errors import TicketsError
from tickets.pruning.perturb import (
    layer_order,
    permute_layers,
    reinitialise,
    shuffle_elements,
    shuffle_layers,
)
from tickets.pruning.prunable import layer_names

LAYERS = 5


@pytest.fixture
def weights():
    from transformers import BertConfig, BertModel

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=101,
        hidden_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=48,
    )
    state = {name: tensor.clone() for name, tensor in BertModel(config).state_dict().items()}
    for tensor in state.values():
        if tensor.is_floating_point():
            tensor.add_(torch.randn(tensor.shape))  # so that no two tensors, biases included, are equal
    return state


def moved_names():
    return {name for layer in range(LAYERS) for name in layer_names(layer)}


def assert_others_unmoved(changed, weights):
    assert list(changed) == list(weights)
    for name in weights.keys() - moved_names():
        assert torch.equal(changed[name], weights[name]), name


def test_o15_all_six_matrices_move_together(weights, generator):
    shuffled = shuffle_layers(weights, generator)
    sources = []
    for layer in range(LAYERS):
        found = [
            source
            for source in range(LAYERS)
            if all(
                torch.equal(shuffled[ours], weights[theirs])
                for ours, theirs in zip(layer_names(layer), layer_names(source), strict=True)
            )
        ]
        assert len(found) == 1
        sources += found
    assert sorted(sources) == list(range(LAYERS))
    assert sources != list(range(LAYERS))
    assert_others_unmoved(shuffled, weights)


def test_o15_a_given_order_is_followed(weights):
    turned = permute_layers(weights, (4, 0, 1, 2, 3))
    for ours, theirs in zip(layer_names(0), layer_names(4), strict=True):
        assert torch.equal(turned[ours], weights[theirs])
    assert torch.equal(turned[layer_names(3)[5]], weights[layer_names(2)[5]])


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 1, 2, 3, 3), (1, 2, 3, 4, 5)])
def test_an_order_that_is_no_permutation(weights, order):
    with pytest.raises(TicketsError, match="not a permutation of the model's 5 layers"):
        permute_layers(weights, order)


def test_layer_order_is_uniform_but_never_the_identity():
    generator = torch.Generator().manual_seed(0)
    orders = [layer_order(3, generator) for _ in range(600)]
    assert len(set(orders)) == 5
    assert (0, 1, 2) not in orders
    assert all(80 < orders.count(order) < 160 for order in set(orders))
    assert layer_order(2, generator) == (1, 0)
    assert layer_order(1, generator) == (0,)


def test_shuffled_elements_stay_in_their_tensor(weights, generator):
    mixed = shuffle_elements(weights, generator)
    assert_others_unmoved(mixed, weights)
    for name in moved_names():
        assert mixed[name].shape == weights[name].shape
        assert not torch.equal(mixed[name], weights[name])
        assert torch.equal(mixed[name].flatten().sort().values, weights[name].flatten().sort().values)


def test_reinitialised_as_a_fresh_model(weights, generator):
    fresh = reinitialise(weights, 0.02, generator)
    assert list(fresh) == list(weights)
    for name, tensor in fresh.items():
        if not tensor.is_floating_point():
            assert torch.equal(tensor, weights[name])
        elif "LayerNorm.weight" in name:
            assert bool((tensor == 1).all())
        elif name.endswith(".bias"):
            assert bool((tensor == 0).all())
        else:
            bound = 5 * 0.02 / (2 * tensor.numel()) ** 0.5
            assert abs(float(tensor.std()) - 0.02) < bound, name
            assert abs(float(tensor.mean())) < 5 * 0.02 / tensor.numel() ** 0.5, name
    matrices = [t.flatten()[:20] for n, t in fresh.items() if t.dim() == 2 and "token_type" not in n]
    assert len({tuple(m.tolist()) for m in matrices}) == len(matrices)


def test_reinitialisation_keeps_ties_and_ignores_order(weights):
    word = "embeddings.word_embeddings.weight"
    tied = {**weights, "cls.predictions.decoder.weight": weights[word]}
    fresh = reinitialise(tied, 0.02, torch.Generator().manual_seed(7))
    assert fresh["cls.predictions.decoder.weight"] is fresh[word]
    turned = reinitialise(dict(reversed(tied.items())), 0.02, torch.Generator().manual_seed(7))
    assert all(torch.equal(tensor, turned[name]) for name, tensor in fresh.items())


def test_inputs_are_left_alone(weights, generator):
    before = {name: tensor.clone() for name, tensor in weights.items()}
    reinitialise(weights, 0.02, generator)
    shuffle_layers(weights, generator)
    shuffle_elements(weights, generator)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights.items())


@pytest.mark.parametrize("perturb", [shuffle_layers, shuffle_elements])
def test_the_seed_decides(weights, perturb):
    first, again, other = (perturb(weights, torch.Generator().manual_seed(seed)) for seed in (1, 1, 4))
    assert all(torch.equal(tensor, again[name]) for name, tensor in first.items())
    assert any(not torch.equal(tensor, other[name]) for name, tensor in first.items())
