"""BertAdam and AdamW against the digits of spec tamt, its learning rates, and clipping tensor by tensor."""

import pytest
import torch
from pydantic import ValidationError

from tickets.errors import TicketsError
from tickets.models.heads import Head
from tickets.models.parameters import Parameters
from tickets.training.bertadam import BertAdam
from tickets.training.clipping import clip_gradients
from tickets.training.optim import optimizer_for
from tickets.training.order import BlockOrder, EpochOrder, order_for
from tickets.training.schedule import LinearDecay
from tiny_engine import tiny_model, tiny_recipe

BOTH_TYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 5e-10), (torch.float32, 8e-9)])


def recipe_of_kd(**changes):
    facts = {"optimizer": "bertadam", "eps": 1e-6, "weight_decay": 0.01, "learning_rate": 2e-5}
    return tiny_recipe(**{**facts, **changes})


def path(recipe, grad, lr, dtype, steps=3):
    store = Parameters({"p.weight": (5,)}, 5, "cpu", dtype)
    store.flat.data.fill_(0.02)
    optimizer, values = optimizer_for(store, recipe), []
    for _ in range(steps):
        store.grad.fill_(grad)
        optimizer.step(lr)
        assert store.flat.data.unique().numel() == 1
        values.append(float(store.flat.data[0]))
    return values


@BOTH_TYPES
@pytest.mark.parametrize("decay", ["all", "weights"])
@pytest.mark.parametrize(
    ("grad", "digits"),
    [
        (0.5, [0.019936754, 0.019851762, 0.019752757]),
        (5e-7, [0.019999012, 0.019997149, 0.019994507]),
        (0.0, [0.02 * (1 - 2e-7) ** k for k in (1, 2, 3)]),
    ],
)
def test_tamt_o13_bertadam_digits(grad, digits, decay, dtype, tolerance):
    assert path(recipe_of_kd(decay=decay), grad, 2e-5, dtype) == pytest.approx(digits, abs=tolerance)
    assert digits[0] < 0.02


@BOTH_TYPES
def test_tamt_o14_adamw_digits(dtype, tolerance):
    recipe = tiny_recipe(optimizer="adamw", eps=1e-8)
    assert path(recipe, 0.5, 5e-5, dtype) == pytest.approx([0.01995, 0.01990, 0.01985], abs=2 * tolerance)


def test_bertadam_follows_its_formula_elementwise():
    store = Parameters({"a.weight": (300,)}, 300, "cpu", torch.float64)
    generator = torch.Generator().manual_seed(0)
    store.flat.data.copy_(torch.randn(300, generator=generator, dtype=torch.float64))
    p, m, v = store.flat.data.clone(), torch.zeros(300).double(), torch.zeros(300).double()
    optimizer = BertAdam(store, recipe_of_kd(betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1))
    for k, lr in enumerate([0.0, 0.05, 0.2, 0.01]):
        g = torch.randn(300, generator=generator, dtype=torch.float64) * 10.0 ** -(2 * k % 3)
        store.grad.copy_(g)
        optimizer.step(lr)
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g * g
        p = p - lr * (m / (v.sqrt() + 1e-3) + 0.1 * p)
        torch.testing.assert_close(store.flat.data, p, rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(store.grad, g, rtol=0, atol=0)


def test_state_stays_in_single_precision_and_continues_bit_by_bit():
    recipe, grads = recipe_of_kd(), torch.randn(6, 50, generator=torch.Generator().manual_seed(0)) * 1e-6
    stores = [Parameters({"a.weight": (50,)}, 50) for _ in range(2)]
    for store in stores:
        store.flat.data.fill_(0.02)
    whole, first = (optimizer_for(store, recipe) for store in stores)
    for k, grad in enumerate(grads):
        if k == 3:
            state = {name: value.clone() for name, value in first.state().items()}
            assert {state["m"].dtype, state["v"].dtype} == {torch.float32}
            first = optimizer_for(stores[1], recipe)
            first.restore(state, 3)
        for store, optimizer in zip(stores, (whole, first), strict=True):
            store.grad.copy_(grad)
            optimizer.step(2e-5)
    assert torch.equal(stores[0].flat.data, stores[1].flat.data)
    assert int(first.state()["steps"]) == 6


def test_tamt_o15_rates_of_mask_training_and_of_imp():
    schedule = LinearDecay(5e-5, 27_920)
    stops = {11_000: 0.606, 14_000: 0.499, 17_000: 0.3911, 20_000: 0.284, 22_000: 0.212}
    for step, share in stops.items():
        assert schedule(step) == pytest.approx(share * 5e-5, abs=5e-4 * 5e-5)
    # Every pruning starts the schedule anew, so the last update before the next one has the rate of step 2,791.
    assert schedule(2_791) == pytest.approx(5e-5 * (1 - 2_791 / 27_920), rel=1e-12)
    assert schedule(2_791) == pytest.approx(4.5e-5, rel=2e-3)


def test_the_limit_holds_for_the_whole_gradient_or_for_each_tensor():
    store = Parameters({"a.weight": (2,), "b.weight": (1, 2), "c.weight": (3,)}, 7)
    gradient = torch.tensor([3.0, 4.0, 0.3, 0.4, 0.0, 0.0, 0.0])
    store.grad.copy_(gradient)
    clip_gradients(store, tiny_recipe(clip=2.0, clip_scope="tensor"))
    torch.testing.assert_close(store.grad, torch.tensor([1.2, 1.6, 0.3, 0.4, 0.0, 0.0, 0.0]))
    store.grad.copy_(gradient)
    clip_gradients(store, tiny_recipe(clip=2.0))
    torch.testing.assert_close(store.grad, gradient * 2.0 / 25.25**0.5)


@pytest.mark.parametrize("scope", ["all", "tensor"])
def test_clipping_is_that_of_torch(scope):
    model = tiny_model(Head("mlm"))
    store, generator = model.parameters, torch.Generator().manual_seed(3)
    store.grad.copy_(torch.randn(store.grad.shape, generator=generator) * 0.2)
    twins = []
    for span in store.spans.values():
        twins.append(torch.nn.Parameter(torch.zeros(span.shape)))
        twins[-1].grad = store.grad[span.start : span.stop].view(span.shape).clone()
    for group in [twins] if scope == "all" else [[twin] for twin in twins]:
        torch.nn.utils.clip_grad_norm_(group, 1.0)
    before = store.grad.clone()
    clip_gradients(store, tiny_recipe(clip_scope=scope))
    torch.testing.assert_close(store.grad, torch.cat([twin.grad.flatten() for twin in twins]))
    assert not torch.equal(store.grad, before)


@pytest.mark.parametrize("order", ["reshuffled", "blocks"])
def test_the_smaller_last_batch_may_be_left_out(order):
    recipe = tiny_recipe(order=order, drop_last=True)
    some = order_for(recipe, 30, 1)
    assert some.steps_per_epoch == recipe.steps_per_epoch(30) == 3
    for epoch in range(3):
        rows = torch.cat([some(3 * epoch + k) for k in range(3)])
        assert len(rows) == len(rows.unique()) == 24
    assert isinstance(some, EpochOrder if order == "reshuffled" else BlockOrder)
    assert order_for(recipe, 32, 1).steps_per_epoch == 4


def test_what_is_left_out_is_another_part_in_every_epoch():
    some = order_for(tiny_recipe(drop_last=True), 30, 1)
    epochs = [set(torch.cat([some(3 * epoch + k) for k in range(3)]).tolist()) for epoch in range(8)]
    assert set.union(*epochs) == set(range(30))
    kept = EpochOrder(30, 8, 1)
    assert [some(k).tolist() for k in range(3)] == [kept(k).tolist() for k in range(3)]


def test_too_few_examples_for_one_whole_batch_are_an_error():
    with pytest.raises(
        TicketsError, match=r"5 training examples do not fill one batch of 8.*lower batch_size"
    ):
        order_for(tiny_recipe(drop_last=True), 5, 1)


def test_fields_of_the_third_paper_do_not_change_fingerprints_of_the_others():
    old = set(tiny_recipe().model_dump())
    assert not old & {"clip_scope", "drop_last"}
    assert set(tiny_recipe(clip_scope="all", drop_last=False).model_dump(mode="json")) == old
    new = recipe_of_kd(clip_scope="tensor", drop_last=True)
    facts = new.model_dump(mode="json")
    assert {facts[name] for name in ("optimizer", "clip_scope")} == {"bertadam", "tensor"}
    assert facts["drop_last"] is True
    assert type(new)(**facts) == new
    with pytest.raises(ValidationError, match="'all' or 'tensor'"):
        tiny_recipe(clip_scope="each")
