"""Adamax against the spec's digits and its formula, and weight decay that spares biases and LayerNorms."""

import pytest
import torch

from tickets.models.heads import Head
from tickets.models.parameters import Parameters
from tickets.training.adamax import Adamax
from tickets.training.adamw import AdamW
from tickets.training.decay import decay_vector, is_weight
from tickets.training.optim import optimizer_for
from tickets.training.schedule import schedule_for
from tiny_engine import tiny_model, tiny_recipe

CONSTANT = [0.999890000, 0.999829952, 0.999754823, 0.999686150, 0.999623292]
SCHEDULED = [1.0, 0.999900000, 0.999647102, 0.999346291, 0.999010690]


def reference_recipe(**changes):
    facts = {"optimizer": "adamax", "eps": 1e-6, "weight_decay": 0.01, "learning_rate": 1e-3}
    return tiny_recipe(**{**facts, **changes})


def one(dtype):
    store = Parameters({"p.weight": (1,)}, 1, "cpu", dtype)
    store.flat.data.fill_(1.0)
    return store


def path(store, optimizer, grads, rates):
    values = []
    for grad, lr in zip(grads, rates, strict=True):
        store.grad.fill_(grad)
        optimizer.step(lr)
        values.append(float(store.flat.data))
    return values


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 5e-10), (torch.float32, 2e-7)])
@pytest.mark.parametrize("decay", ["all", "weights"])
def test_o12_adamax_digits(dtype, tolerance, decay):
    grads = [0.5, -0.2, 0.1, 0.0, 0.0]
    store = one(dtype)
    values = path(store, Adamax(store, reference_recipe(decay=decay)), grads, [1e-3] * 5)
    assert values == pytest.approx(CONSTANT, abs=tolerance)
    store, recipe = one(dtype), reference_recipe(schedule="jump", warmup=0.1)
    schedule = schedule_for(recipe, 20)
    values = path(store, optimizer_for(store, recipe), [0.5] * 5, [schedule(step) for step in range(5)])
    assert values == pytest.approx(SCHEDULED, abs=tolerance)


def test_o12_torch_adamax_is_another_optimizer():
    p = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    other = torch.optim.Adamax([p], lr=1e-3, eps=1e-6)
    values = []
    for grad in (0.5, -0.2, 0.1, 0.0, 0.0):
        p.grad = torch.full_like(p, grad)
        other.step()
        values.append(float(p.detach()))
    assert values[:2] == pytest.approx([0.999000000, 0.998736579], abs=5e-7)
    assert all(abs(theirs - ours) > 8e-4 for theirs, ours in zip(values, CONSTANT, strict=True))


def test_adamax_follows_its_formula_elementwise():
    store = Parameters({"a.weight": (300,)}, 300, "cpu", torch.float64)
    generator = torch.Generator().manual_seed(0)
    store.flat.data.copy_(torch.randn(300, generator=generator, dtype=torch.float64))
    p, m, u = store.flat.data.clone(), torch.zeros(300).double(), torch.zeros(300).double()
    recipe = reference_recipe(betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)
    optimizer = Adamax(store, recipe)
    for k, lr in enumerate([0.0, 0.05, 0.2, 0.01]):
        g = torch.randn(300, generator=generator, dtype=torch.float64) * 10.0 ** -(k % 3)
        store.grad.copy_(g)
        optimizer.step(lr)
        m, u = 0.8 * m + 0.2 * g, torch.maximum(0.95 * u, g.abs() + 1e-3)
        p = p - lr * (m / (u + 1e-3) + 0.1 * p)
        torch.testing.assert_close(store.flat.data, p, rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(store.grad, g, rtol=0, atol=0)


@pytest.mark.parametrize("optimizer", ["adamw", "adamw-reference", "adamax"])
@pytest.mark.parametrize("decay", ["all", "weights"])
def test_a_restored_optimizer_continues_bit_by_bit(optimizer, decay):
    recipe = reference_recipe(optimizer=optimizer, decay=decay)
    grads = torch.randn(6, 50, generator=torch.Generator().manual_seed(0))

    def steps(store, chosen, some):
        for grad in some:
            store.grad.copy_(grad)
            chosen.step(0.01)

    stores = [Parameters({"a.weight": (30,), "a.bias": (20,)}, 30) for _ in range(3)]
    for store in stores:
        store.flat.data.fill_(0.5)
    steps(stores[0], optimizer_for(stores[0], recipe), grads)
    before = optimizer_for(stores[1], recipe)
    steps(stores[1], before, grads[:3])
    stores[2].flat.data.copy_(stores[1].flat.data)
    after = optimizer_for(stores[2], recipe)
    after.restore({name: value.clone() for name, value in before.state().items()}, 3)
    steps(stores[2], after, grads[3:])
    assert torch.equal(stores[2].flat.data, stores[0].flat.data)
    assert int(after.state()["steps"]) == 6


def test_what_counts_as_a_weight():
    model = tiny_model(Head("mlm"), Head("classification", 2, "rte:"))
    spared = {name for name in model.parameters.spans if not is_weight(name)}
    decayed = set(model.parameters.spans) - spared
    assert {"embeddings.LayerNorm.weight", "cls.predictions.transform.LayerNorm.weight"} <= spared
    assert {"embeddings.LayerNorm.bias", "cls.predictions.bias", "rte:classifier.bias"} <= spared
    assert {"encoder.layer.1.output.LayerNorm.weight", "pooler.dense.bias"} <= spared
    assert {"embeddings.token_type_embeddings.weight", "rte:classifier.weight"} <= decayed
    assert all(len(model.parameters.spans[name].shape) == 2 for name in decayed)
    assert all(len(model.parameters.spans[name].shape) == 1 for name in spared)
    assert not is_weight("lm_head.layer_norm.weight")


def test_a_decay_vector_is_made_only_where_one_number_does_not_serve():
    store = Parameters({"a.weight": (2, 3), "a.LayerNorm.weight": (3,), "a.bias": (2,)}, 6)
    assert decay_vector(store, reference_recipe()) is None
    assert decay_vector(store, reference_recipe(decay="weights", weight_decay=0.0)) is None
    vector = decay_vector(store, reference_recipe(decay="weights"))
    assert vector.tolist() == pytest.approx([0.01] * 6 + [0.0] * 5)


@pytest.mark.parametrize("optimizer", ["adamw", "adamw-reference", "adamax"])
def test_decay_on_weights_only_leaves_the_rest_as_without_decay(optimizer):
    """Weights move as under `decay: all`, biases and LayerNorms as with no decay at all."""
    found = {}
    for name, changes in {
        "all": {},
        "weights": {"decay": "weights"},
        "none": {"weight_decay": 0.0},
    }.items():
        model = tiny_model()
        recipe = reference_recipe(**{"optimizer": optimizer, "weight_decay": 0.1, **changes})
        chosen, generator = optimizer_for(model.parameters, recipe), torch.Generator().manual_seed(1)
        for _ in range(4):
            model.parameters.grad.copy_(torch.randn(model.parameters.grad.shape, generator=generator))
            chosen.step(0.05)
        found[name] = {n: model.parameters.view(n).clone() for n in model.parameters.spans}
    for name in found["all"]:
        expected, other = ("all", "none") if is_weight(name) else ("none", "all")
        torch.testing.assert_close(found["weights"][name], found[expected][name], rtol=1e-5, atol=1e-7)
        assert not torch.allclose(found["weights"][name], found[other][name], rtol=1e-4, atol=1e-6), name


def test_adamw_on_weights_only_is_torch_with_two_groups():
    model, recipe = tiny_model(), reference_recipe(optimizer="adamw", decay="weights", weight_decay=0.1)
    ours = AdamW(model.parameters, recipe)
    parts = {name: torch.nn.Parameter(model.parameters.view(name).clone()) for name in model.parameters.spans}
    groups = [
        {"params": [p for name, p in parts.items() if is_weight(name)], "weight_decay": 0.1},
        {"params": [p for name, p in parts.items() if not is_weight(name)], "weight_decay": 0.0},
    ]
    theirs = torch.optim.AdamW(groups, lr=0.05, betas=recipe.betas, eps=recipe.eps)
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        model.parameters.grad.copy_(torch.randn(model.parameters.grad.shape, generator=generator))
        for name, span in model.parameters.spans.items():
            parts[name].grad = model.parameters.grad[span.start : span.stop].view(span.shape).clone()
        ours.step(0.05)
        theirs.step()
    for name, part in parts.items():
        torch.testing.assert_close(model.parameters.view(name), part.detach(), rtol=1e-5, atol=1e-6)
