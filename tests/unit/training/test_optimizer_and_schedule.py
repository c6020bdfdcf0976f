"""AdamW in both readings against its formula, and the learning rate at the steps the spec names."""

import math

import pytest
import torch

from tickets.models.parameters import Parameters
from tickets.training.adamw import AdamW
from tickets.training.schedule import LinearDecay
from tiny_engine import tiny_recipe


def by_formula(start, grads, lrs, recipe):
    """Spec lth O14, in float64: `adamw` adds eps after the bias correction, the reference before it."""
    theta, m, v = start.double().clone(), torch.zeros(len(start)).double(), torch.zeros(len(start)).double()
    (b1, b2), eps, decay = recipe.betas, recipe.eps, recipe.weight_decay
    for k, (g, lr) in enumerate(zip(grads, lrs, strict=True), start=1):
        m, v = b1 * m + (1 - b1) * g.double(), b2 * v + (1 - b2) * g.double() ** 2
        if recipe.optimizer == "adamw":
            theta = theta * (1 - lr * decay)
            theta = theta - lr * (m / (1 - b1**k)) / ((v / (1 - b2**k)).sqrt() + eps)
        else:
            theta = theta - lr * math.sqrt(1 - b2**k) / (1 - b1**k) * m / (v.sqrt() + eps)
            theta = theta - lr * decay * theta
    return theta


@pytest.mark.parametrize("optimizer", ["adamw", "adamw-reference"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("eps", [1e-8, 1e-3])
def test_o14_optimizers_follow_their_formulas(optimizer, weight_decay, eps):
    recipe = tiny_recipe(optimizer=optimizer, weight_decay=weight_decay, eps=eps, betas=(0.8, 0.95))
    store = Parameters({"a": (500,)}, 500)
    generator = torch.Generator().manual_seed(0)
    store.flat.data.copy_(torch.randn(500, generator=generator))
    start, lrs = store.flat.data.clone(), [0.1, 0.05, 0.2, 0.01, 0.1, 0.03]
    grads = [torch.randn(500, generator=generator) * 10.0 ** -(k % 3) for k in range(6)]
    adam = AdamW(store, recipe)
    for grad, lr in zip(grads, lrs, strict=True):
        store.grad.copy_(grad)
        adam.step(lr)
    torch.testing.assert_close(
        store.flat.data.double(), by_formula(start, grads, lrs, recipe), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("optimizer", ["adamw", "adamw-reference"])
def test_o14_first_step_shows_where_eps_is_added(optimizer):
    """lr g / (|g| + eps) against lr g / (|g| + eps / sqrt(1 - b2)): an effective eps of 3.2e-7."""
    recipe = tiny_recipe(optimizer=optimizer)
    store = Parameters({"a": (4,)}, 4)
    g = torch.tensor([1e-7, -1e-6, 1e-4, 3.0])
    store.grad.copy_(g)
    AdamW(store, recipe).step(0.5)
    eps = 1e-8 if optimizer == "adamw" else 1e-8 / math.sqrt(1 - 0.999)
    assert eps == pytest.approx(1e-8 if optimizer == "adamw" else 3.16e-7, rel=1e-2)
    torch.testing.assert_close(store.flat.data, -0.5 * g / (g.abs() + eps), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("optimizer", ["adamw", "adamw-reference"])
def test_a_restored_optimizer_continues_bit_by_bit(optimizer):
    recipe = tiny_recipe(optimizer=optimizer)
    grads = torch.randn(6, 50, generator=torch.Generator().manual_seed(0))

    def steps(store, adam, some):
        for grad in some:
            store.grad.copy_(grad)
            adam.step(0.01)

    whole = Parameters({"a": (50,)}, 50)
    steps(whole, AdamW(whole, recipe), grads)
    first, second = Parameters({"a": (50,)}, 50), Parameters({"a": (50,)}, 50)
    before = AdamW(first, recipe)
    steps(first, before, grads[:3])
    second.flat.data.copy_(first.flat.data)
    after = AdamW(second, recipe)
    after.restore({name: value.clone() for name, value in before.state().items()}, 3)
    steps(second, after, grads[3:])
    assert torch.equal(second.flat.data, whole.flat.data)
    assert int(after.state()["steps"]) == 6


def test_o13_paper_profile_decays_to_zero_within_the_round():
    schedule = LinearDecay(2e-5, 36_816)
    assert schedule(0) == 2e-5
    assert schedule(36_815) == pytest.approx(2e-5 / 36_816, rel=1e-12)
    assert schedule(36_816) == 0.0
    assert schedule(50_000) == 0.0


@pytest.mark.parametrize(
    ("lr0", "total", "round_end", "expected"),
    [(2e-5, 368_160, 36_813, 1.80e-5), (3e-5, 221_640, 22_000, 2.70e-5), (5e-5, 100_000, 10_000, 4.5e-5)],
)
def test_o13_code_profile_is_nearly_constant_within_a_round(lr0, total, round_end, expected):
    assert LinearDecay(lr0, total)(round_end) == pytest.approx(expected, rel=2e-3)
    assert LinearDecay(lr0, total)(round_end) == pytest.approx(lr0 * (1 - round_end / total), rel=1e-12)


def test_warmup_rises_to_the_peak_and_an_offset_enters_in_the_middle():
    schedule = LinearDecay(1.0, 20, warmup=4)
    assert [schedule(j) for j in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert schedule(12) == 0.5
    late = LinearDecay(1.0, 20, warmup=4, offset=7)
    assert [late(j) for j in range(13)] == [schedule(j + 7) for j in range(13)]
