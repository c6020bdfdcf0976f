"""Bit for bit what torch.nn.utils.prune selects, and where torch's own selection goes stale."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from tickets.pruning.magnitude import imp_fraction, one_shot, prune_global
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import prunable_names


def linears(shapes, values):
    modules = {}
    start = 0
    for name, (rows, columns) in shapes.items():
        modules[name] = nn.Linear(columns, rows, bias=False)
        modules[name].weight.data = values[start : start + rows * columns].view(rows, columns).clone()
        start += rows * columns
    return modules


def torch_prune(modules, amount):
    pairs = [(module, "weight") for module in modules.values()]
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=amount)
    return Mask({name: module.weight_mask.bool() for name, module in modules.items()})


def refresh(modules):
    """What a forward pass does: torch recomputes `weight` from `weight_orig` and the mask in a pre-hook."""
    for module in modules.values():
        module(torch.zeros(1, module.in_features))


def stored(modules):
    return {name: module.weight_orig.detach() for name, module in modules.items()}


def store(modules, values):
    start = 0
    for module in modules.values():
        size = module.weight_orig.numel()
        module.weight_orig.data = values[start : start + size].view_as(module.weight_orig).clone()
        start += size


def pruned_positions(mask):
    return (~mask.flat()).nonzero().view(-1).tolist()


def test_o5_torch_ranks_stale_weights_and_we_do_not(tiny_shapes):
    j = torch.arange(8800.0)
    modules = linears(tiny_shapes, j + 1)
    first = torch_prune(modules, imp_fraction(0))
    store(modules, 8800 - j)
    ours = prune_global(stored(modules), first, imp_fraction(1))
    theirs = torch_prune(modules, imp_fraction(1))
    assert pruned_positions(theirs) == list(range(1760))
    assert pruned_positions(ours) == [*range(880), *range(7920, 8800)]


def test_o5_after_a_forward_pass_torch_agrees(tiny_shapes):
    j = torch.arange(8800.0)
    modules = linears(tiny_shapes, j + 1)
    first = torch_prune(modules, imp_fraction(0))
    store(modules, 8800 - j)
    refresh(modules)
    ours = prune_global(stored(modules), first, imp_fraction(1))
    assert torch_prune(modules, imp_fraction(1)) == ours


def test_o7_torch_reads_an_integer_as_a_count(tiny_shapes):
    assert torch_prune(linears(tiny_shapes, torch.rand(8800)), 1).kept == 8799
    assert torch_prune(linears(tiny_shapes, torch.rand(8800)), 1.0).kept == 0


@pytest.fixture
def bert():
    from transformers import BertConfig, BertModel

    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=101, hidden_size=24, num_hidden_layers=12, num_attention_heads=2, intermediate_size=48
    )
    return BertModel(config, add_pooling_layer=True)


def bert_modules(bert):
    modules = dict(bert.named_modules())
    return {name: modules[name.removesuffix(".weight")] for name in prunable_names(12)}


def test_seventy_percent_of_a_transformers_bert(bert):
    modules = bert_modules(bert)
    weights = {name: module.weight.detach().clone() for name, module in modules.items()}
    assert len(weights) == 73
    ours = one_shot(weights, 0.7)
    assert torch_prune(modules, 0.7) == ours


def test_nine_imp_rounds_of_a_transformers_bert(bert, generator):
    modules = bert_modules(bert)
    weights = {name: module.weight.detach().clone() for name, module in modules.items()}
    mask = Mask.dense({name: w.shape for name, w in weights.items()})
    for round in range(9):
        noise = {name: 0.01 * torch.randn(w.shape, generator=generator) for name, w in weights.items()}
        trained = {name: w + noise[name] for name, w in weights.items()}
        for name, module in modules.items():
            getattr(module, "weight_orig" if round else "weight").data = trained[name].clone()
        if round:
            refresh(modules)
        smaller = prune_global(trained, mask, imp_fraction(round))
        mask = smaller
        assert torch_prune(modules, imp_fraction(round)) == mask


@pytest.mark.parametrize("values", [3, 40, 1000])
def test_o8_among_equal_magnitudes_the_choice_is_torchs(tiny_shapes, generator, values):
    flat = torch.randint(-values, values + 1, (8800,), generator=generator).float()
    modules = linears(tiny_shapes, flat)
    mask = Mask.dense({name: torch.Size(shape) for name, shape in tiny_shapes.items()})
    for round in range(9):
        weights = {
            name: (m.weight_orig if round else m.weight).detach().clone() for name, m in modules.items()
        }
        if round:
            refresh(modules)
        mask = prune_global(weights, mask, imp_fraction(round))
        assert torch_prune(modules, imp_fraction(round)) == mask
