"""Batches of several tasks in one run: which task comes when, and with which of its batches."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.models.encoder import Gates
from tickets.models.heads import Head
from tickets.training.loop import train
from tickets.training.multitask import UnionObjective
from tickets.training.objective import TaskObjective
from tickets.training.resident import Resident
from tickets.training.schedule import LinearDecay
from tiny_engine import tiny_model, tiny_recipe, tiny_task

HEADS = {
    "rte": Head("classification", 2, "rte:"),
    "mnli": Head("classification", 3, "mnli:"),
    "sts-b": Head("regression", 1, "sts-b:"),
}
SIZES = {"rte": 9, "mnli": 40, "sts-b": 17}  # 2, 5 and 3 batches of 8


def union(model, seed=3, **changes):
    recipe, parts = tiny_recipe(**changes), {}
    for index, (task, head) in enumerate(HEADS.items()):
        data = tiny_task(head.kind, SIZES[task], classes=head.outputs, seed=index)
        parts[task] = TaskObjective(data, head, recipe, model, seed=20 + index)
    return UnionObjective(parts, seed)


@pytest.mark.parametrize("order", ["reshuffled", "blocks"])
def test_an_epoch_holds_every_batch_of_every_task_once(order):
    model = tiny_model(*HEADS.values())
    whole = union(model, order=order)
    assert whole.steps_per_epoch == 10
    for epoch in range(3):
        seen = {task: [] for task in HEADS}
        for step in range(epoch * 10, epoch * 10 + 10):
            task, own = whole._at(step)
            assert task == whole.task_of(step)
            assert own // whole.parts[task].steps_per_epoch == epoch
            seen[task].append(whole.parts[task].order(own))
        for task, batches in seen.items():
            assert sorted(torch.cat(batches).tolist()) == list(range(SIZES[task]))


def test_blocks_stay_while_the_interleaving_is_drawn_again():
    whole = union(tiny_model(*HEADS.values()), order="blocks")
    tasks = [[whole.task_of(epoch * 10 + k) for k in range(10)] for epoch in range(4)]
    assert len({tuple(one) for one in tasks}) == 4
    assert [Counter(one) for one in tasks] == [Counter({"mnli": 5, "sts-b": 3, "rte": 2})] * 4

    def batches(epoch):
        at = [whole._at(epoch * 10 + k) for k in range(10)]
        return [whole.parts["mnli"].order(own).tolist() for task, own in at if task == "mnli"]

    assert batches(0) == batches(1) == batches(3)


def test_the_interleaving_depends_on_the_seed():
    model = tiny_model(*HEADS.values())
    first, second = union(model, seed=1), union(model, seed=2)
    assert [first.task_of(k) for k in range(10)] != [second.task_of(k) for k in range(10)]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 59), min_size=1, max_size=12))
def test_any_step_can_be_entered_directly(steps):
    model = tiny_model(*HEADS.values())
    running = union(model)
    through = [running._at(k) for k in range(60)]
    fresh = union(model)
    assert [fresh._at(k) for k in steps] == [through[k] for k in steps]


def test_a_batch_is_its_tasks_own_under_its_gates():
    model = tiny_model(*HEADS.values())
    whole = union(model)
    gates = Gates(torch.tensor([[0.0, 1.0], [1.0, 1.0]]), torch.tensor([1.0, 0.0]))
    whole.parts["mnli"].gates = gates
    for step in range(10):
        task, own = whole._at(step)
        part = whole.parts[task]
        rows = part.order(own)
        outputs = model.forward(part.train.batch(rows), HEADS[task], gates=gates if task == "mnli" else None)
        labels = part.train.labels[rows]
        if task == "sts-b":
            expected = torch.nn.functional.mse_loss(outputs.squeeze(-1), labels)
        else:
            expected = torch.nn.functional.cross_entropy(outputs, labels)
        torch.testing.assert_close(whole.loss(model, step), expected)
        without = model.forward(part.train.batch(rows), HEADS[task])
        assert torch.allclose(outputs, without) == (task != "mnli")


def test_two_calls_over_parts_of_the_steps_equal_one_over_all():
    """Step numbers alone say which batch comes: the second half of an epoch needs nothing of the first."""
    found = []
    for cuts in ((14,), (7, 7)):
        model, recipe = tiny_model(*HEADS.values(), hidden_dropout=0.1), tiny_recipe(optimizer="adamax")
        begin, moments = 0, None
        for steps in cuts:
            schedule = LinearDecay(1e-2, 14, offset=begin)
            trained = train(
                model, union(model), recipe, schedule, steps, seed=5, first_step=begin, moments=moments
            )
            begin, moments = begin + steps, {k: v.clone() for k, v in trained.moments.items()}
        found.append(model.parameters.flat.data.clone())
    assert torch.equal(*found)


def test_one_resident_serves_several_runs():
    model, data, recipe = tiny_model(), tiny_task(), tiny_recipe()
    head = model.heads[0]
    shared = Resident(data.splits["train"], model.config)
    parts = [TaskObjective(data, head, recipe, model, seed=seed, resident=shared) for seed in (1, 2)]
    assert parts[0].train is parts[1].train is shared
    own = TaskObjective(data, head, recipe, model, seed=1)
    assert float(parts[0].loss(model, 4).detach()) == float(own.loss(model, 4).detach())
    with pytest.raises(ValueError, match="a resident is cut already"):
        TaskObjective(data, head, recipe, model, seed=1, rows=3, resident=shared)
