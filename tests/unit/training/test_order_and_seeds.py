"""Which example comes when, and that no two uses of randomness share a stream."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tickets.training.order import BlockOrder, EpochOrder, order_for
from tickets.training.seeds import derive_seed
from tiny_engine import tiny_recipe

SIZES = {"n": st.integers(1, 60), "batch": st.integers(1, 17), "seed": st.integers(0, 2**62)}


@given(**SIZES)
def test_every_epoch_is_a_permutation_and_keeps_the_last_partial_batch(n, batch, seed):
    order = EpochOrder(n, batch, seed)
    assert order.steps_per_epoch == -(-n // batch)
    for epoch in range(3):
        steps = range(epoch * order.steps_per_epoch, (epoch + 1) * order.steps_per_epoch)
        batches = [order(step) for step in steps]
        assert sorted(torch.cat(batches).tolist()) == list(range(n))
        assert [len(rows) for rows in batches[:-1]] == [batch] * (len(batches) - 1)
        assert len(batches[-1]) == (n - 1) % batch + 1


@given(**SIZES, step=st.integers(0, 200))
def test_entering_at_a_step_equals_running_to_it(n, batch, seed, step):
    running = EpochOrder(n, batch, seed)
    for k in range(step):
        running(k)
    assert torch.equal(running(step), EpochOrder(n, batch, seed)(step))


def test_epochs_and_seeds_differ():
    first, second = EpochOrder(100, 100, 1), EpochOrder(100, 100, 2)
    draws = [first(0).tolist(), first(1).tolist(), second(0).tolist(), second(1).tolist()]
    assert len({tuple(draw) for draw in draws}) == 4


@given(**SIZES)
def test_blocks_are_those_of_the_file_in_one_order_for_all_epochs(n, batch, seed):
    order = BlockOrder(n, batch, seed)
    assert order.steps_per_epoch == -(-n // batch)
    epochs = [
        [order(epoch * order.steps_per_epoch + k).tolist() for k in range(order.steps_per_epoch)]
        for epoch in range(3)
    ]
    assert epochs[0] == epochs[1] == epochs[2]
    assert sorted(epochs[0]) == [list(range(b, min(b + batch, n))) for b in range(0, n, batch)]
    assert [BlockOrder(n, batch, seed)(k).tolist() for k in range(order.steps_per_epoch)] == epochs[0]


def test_blocks_are_shuffled_by_the_seed():
    draws = [tuple(BlockOrder(100, 5, seed).blocks) for seed in (1, 2, 3)]
    assert len(set(draws)) == 3
    assert tuple(range(20)) not in draws


def test_a_recipe_names_its_order():
    assert isinstance(order_for(tiny_recipe(), 30, 1), EpochOrder)
    blocks = order_for(tiny_recipe(order="blocks"), 30, 1)
    assert isinstance(blocks, BlockOrder)
    assert len(blocks(0)) in (8, 6)


def test_seeds_are_the_same_on_every_machine():
    assert derive_seed("train", "rte", 1) == 2564435467309839703
    assert derive_seed(1, "head", "mlm", 2) == 6093243648975413604
    assert derive_seed() == 8203414616412130826


@given(
    st.lists(
        st.one_of(st.integers(-5, 5), st.text(st.characters(categories=["L", "N"]), max_size=3)), max_size=5
    )
)
def test_a_seed_fits_torch_and_changes_with_every_part(parts):
    seed = derive_seed(*parts)
    assert 0 <= seed < 2**63
    torch.Generator().manual_seed(seed)
    assert seed == derive_seed(*parts)
    assert seed != derive_seed(*parts, "more")
    for index in range(len(parts)):
        changed = [*parts[:index], f"{parts[index]}x", *parts[index + 1 :]]
        assert derive_seed(*changed) != seed
    if parts != parts[::-1]:
        assert derive_seed(*parts[::-1]) != seed or list(map(str, parts)) == list(map(str, parts[::-1]))


def test_parts_are_not_joined_ambiguously():
    assert derive_seed("ab", "c") != derive_seed("a", "bc") != derive_seed("abc")
