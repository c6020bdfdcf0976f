"""Tickets that share weights: which elements a ticket has, and what a step of another task does to the rest."""

import pytest
import torch

from tickets.errors import TicketsError
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.models.removal import cut, gates
from tickets.pruning.structured import StructuredMask
from tickets.training.adamax import Adamax
from tickets.training.decay import is_weight
from tickets.training.evaluate import predict
from tickets.training.freeze import StepWithin, structure_keep
from tickets.training.loop import train
from tickets.training.multitask import UnionObjective
from tickets.training.objective import TaskObjective
from tickets.training.resident import Resident
from tiny_engine import tiny_config, tiny_model, tiny_recipe, tiny_task

HEADS = {"one": Head("classification", 2, "one:"), "two": Head("classification", 2, "two:")}
RATE, DECAY = 0.01, 0.01
ONE = StructuredMask(torch.tensor([[False, True], [True, True]]), torch.tensor([True, False]))
TWO = StructuredMask(torch.tensor([[True, True], [True, False]]), torch.tensor([False, True]))
TICKETS = {"one": ONE, "two": TWO}


class Sharing:
    """Two tasks on one body, each through its ticket; the pruned structures have no element in common."""

    def __init__(self, update, optimizer="adamax", **changes):
        self.recipe = tiny_recipe(
            optimizer=optimizer, eps=1e-6, weight_decay=DECAY, learning_rate=RATE, decay="weights", **changes
        )
        self.model = tiny_model(*HEADS.values())
        self.data = {task: tiny_task(seed=index) for index, task in enumerate(HEADS)}
        parts = {
            task: TaskObjective(self.data[task], head, self.recipe, self.model, 7, gates=gates(TICKETS[task]))
            for task, head in HEADS.items()
        }
        self.objective = UnionObjective(parts, seed=2)
        self.keeps = {task: structure_keep(self.model, ticket) for task, ticket in TICKETS.items()}
        self.keep_at = (lambda step: self.keeps[self.objective.task_of(step)]) if update == "strict" else None

    def train(self, steps, after_step=None):
        return train(
            self.model, self.objective, self.recipe, lambda step: RATE, steps,
            seed=1, keep_at=self.keep_at, after_step=after_step,
        )  # fmt: skip

    def flat(self):
        return self.model.parameters.flat.data.clone()

    def part(self, wanted):
        """Elements [total] of the parameters whose name is wanted."""
        flags = torch.zeros_like(self.flat(), dtype=torch.bool)
        for name, span in self.model.parameters.spans.items():
            flags[span.start : span.stop] = wanted(name)
        return flags


def loss_of(model, structure, head="one"):
    data = tiny_task(n_train=30)
    part = TaskObjective(data, HEADS[head], tiny_recipe(batch_size=30), model, 7, gates=gates(structure))
    return part.loss(model, 0)


@pytest.mark.parametrize("structure", [ONE, TWO])
def test_o8_pruned_structures_get_exactly_no_gradient(structure):
    """And everything else gets some, but the key biases, which cancel, and rows of tokens that do not occur."""
    model = tiny_model(*HEADS.values())
    keep = structure_keep(model, structure)
    loss_of(model, structure).backward()
    gradient = model.parameters.grad
    assert gradient[~keep].abs().max() == 0
    for name, span in model.parameters.spans.items():
        kept = keep[span.start : span.stop]
        silent = ("key.bias", "word_embeddings.weight", "position_embeddings.weight")
        if name.endswith(silent) or name.startswith("two:") or not bool(kept.any()):
            continue
        here = gradient[span.start : span.stop][kept]
        dead = 0.5 if "intermediate" in name or name.endswith("output.dense.weight") else 0.0  # gelu's tail
        assert (here == 0).float().mean() <= dead, name
    assert gradient[model.parameters.spans["one:classifier.weight"].start] != 0
    for layer in range(2):
        name = f"encoder.layer.{layer}.attention.output.dense.bias"
        span = model.parameters.spans[name]
        assert bool((gradient[span.start : span.stop] != 0).all())


def test_the_elements_of_a_ticket():
    model = tiny_model(*HEADS.values())
    keep, spans = structure_keep(model, ONE), model.parameters.spans

    def of(name):
        span = spans[name]
        return keep[span.start : span.stop].view(span.shape)

    at = "encoder.layer.0.attention."
    for part in ("query", "key", "value"):
        assert not of(f"{at}self.{part}.weight")[:8].any()
        assert of(f"{at}self.{part}.weight")[8:].all()
        assert of(f"{at}self.{part}.bias").tolist() == [False] * 8 + [True] * 8
    assert not of(f"{at}output.dense.weight")[:, :8].any()
    assert of(f"{at}output.dense.weight")[:, 8:].all()
    ffn = [f"encoder.layer.1.{x}.dense.{k}" for x in ("intermediate", "output") for k in ("weight", "bias")]
    assert not any(bool(of(name).any()) for name in ffn)
    # per head 4 d d_h weights and 3 d_h biases; per FFN 2 d d_ff weights and d_ff + d biases
    assert int((~keep).sum()) == (4 * 16 * 8 + 3 * 8) + (2 * 16 * 24 + 24 + 16)
    assert bool(structure_keep(model, StructuredMask.full(2, 2)).all())


def test_the_elements_of_a_ticket_in_a_model_reduced_to_a_union():
    both = StructuredMask(torch.tensor([[True, True], [True, False]]), torch.tensor([True, False]))
    own = StructuredMask(torch.tensor([[False, True], [True, False]]), torch.tensor([True, False]))
    full = tiny_model(*HEADS.values())
    small = Model(tiny_config(), tuple(HEADS.values()), structure=both)
    small.load_body(cut(full.body(), full.config, both))
    small.load_heads(full.head_values())
    keep = structure_keep(small, own)
    assert int((~keep).sum()) == 4 * 16 * 8 + 3 * 8
    data = tiny_task(n_train=30)
    inside = gates(own, within=both)
    TaskObjective(data, HEADS["one"], tiny_recipe(batch_size=30), small, 7, gates=inside).loss(
        small, 0
    ).backward()
    assert small.parameters.grad[~keep].abs().max() == 0
    loss_of(full, own).backward()

    def gradients(model, names):
        spans = {name: model.parameters.spans[name] for name in names}
        return {n: model.parameters.grad[s.start : s.stop].view(s.shape) for n, s in spans.items()}

    expected = cut(gradients(full, full.body_names), full.config, both)
    for name, gradient in gradients(small, small.body_names).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-7)


def test_a_ticket_of_another_model_is_an_error():
    with pytest.raises(TicketsError, match="Use a mask that was made for this model"):
        structure_keep(tiny_model(), StructuredMask.full(3, 2))


@pytest.mark.parametrize("update", ["ref", "strict"])
@pytest.mark.parametrize("optimizer", ["adamax", "adamw"])
def test_o18_first_step_from_a_fresh_optimizer(update, optimizer):
    sharing = Sharing(update, optimizer)
    task = sharing.objective.task_of(0)
    pruned = ~sharing.keeps[task]
    before = sharing.flat()
    moments = sharing.train(1).moments
    after = sharing.flat()
    weights = sharing.part(is_weight)
    if update == "strict":
        assert torch.equal(after[pruned], before[pruned])
        assert all(value[pruned].abs().max() == 0 for name, value in moments.items() if name != "steps")
    else:
        shrunk = (before.double() * (1 - RATE * DECAY)).float()
        torch.testing.assert_close(after[pruned & weights], shrunk[pruned & weights], rtol=2e-7, atol=0)
        assert not torch.equal(after[pruned & weights], before[pruned & weights])
        assert torch.equal(after[pruned & ~weights], before[pruned & ~weights])
    # what the task uses has learnt, beyond decay
    kept = sharing.part(lambda name: name.endswith("value.weight")) & ~pruned
    assert ((after - before)[kept].abs() > 1.5 * RATE * DECAY * before[kept].abs()).float().mean() > 0.9


def test_o18_momentum_drift_in_ref_and_none_in_strict():
    """Steps of alternating tasks: in ref, what a task has pruned moves by the other task's momentum."""
    for update in ("ref", "strict"):
        sharing, drifts = Sharing(update), []
        flats = [sharing.flat()]
        sharing.train(6, lambda n, s=sharing, f=flats: f.append(s.flat()))
        tasks = [sharing.objective.task_of(step) for step in range(6)]
        assert len(set(tasks)) == 2
        for step, task in enumerate(tasks):
            pruned = ~sharing.keeps[task]
            moved = flats[step + 1][pruned] - flats[step][pruned] * (1 - RATE * DECAY)
            if update == "strict":
                assert torch.equal(flats[step + 1][pruned], flats[step][pruned])
            elif len(set(tasks[: step + 1])) == 2:  # the other task has left momentum behind
                drifts.append(float(moved.abs().max()))
        if update == "ref":
            assert drifts
            assert min(drifts) > 0.01 * RATE


def test_o18_moments_are_frozen_too():
    """Strict: u and m of pruned places neither decay nor grow."""
    store = tiny_model(*HEADS.values())
    keep = structure_keep(store, ONE)
    optimizer = Adamax(store.parameters, tiny_recipe(optimizer="adamax", eps=1e-6, weight_decay=0.1))
    generator = torch.Generator().manual_seed(0)
    store.parameters.grad.copy_(torch.randn(store.parameters.grad.shape, generator=generator))
    optimizer.step(0.1)
    free = tiny_model(*HEADS.values())
    free.parameters.flat.data.copy_(store.parameters.flat.data)
    free.parameters.grad.copy_(store.parameters.grad)
    other = Adamax(free.parameters, optimizer.recipe)
    other.restore({k: v.clone() for k, v in optimizer.state().items()}, 1)
    before = [t.clone() for t in (store.parameters.flat.data, *optimizer.moments)]
    store.parameters.grad.zero_()
    free.parameters.grad.zero_()
    StepWithin(optimizer).step(0.1, keep)
    other.step(0.1)
    for then, now, freely in zip(
        before,
        (store.parameters.flat.data, *optimizer.moments),
        (free.parameters.flat.data, *other.moments),
        strict=True,
    ):
        assert torch.equal(now[~keep], then[~keep])
        assert torch.equal(now[keep], freely[keep])
        assert not torch.equal(now[~keep], freely[~keep])
    assert optimizer.steps == 2


def test_o18_a_task_is_judged_through_its_own_ticket():
    sharing = Sharing("ref")
    sharing.train(6)
    resident = Resident(sharing.data["one"].splits["dev"], sharing.model.config)
    own, swapped, full = (
        predict(sharing.model, HEADS["one"], resident, gates=None if ticket is None else gates(ticket))
        for ticket in (ONE, TWO, None)
    )
    assert not torch.allclose(own, swapped)
    assert not torch.allclose(own, full)
    reduced = Model(sharing.model.config, tuple(HEADS.values()), structure=ONE)
    reduced.load_body(cut(sharing.model.body(), sharing.model.config, ONE))
    reduced.load_heads(sharing.model.head_values())
    torch.testing.assert_close(own, predict(reduced, HEADS["one"], resident), rtol=1e-4, atol=1e-5)


def test_b10_gradients_of_what_a_step_does_not_reach_are_zero_not_absent():
    """Another task's head and a skipped FFN take part in every step: decay and the common step counter reach them."""
    sharing = Sharing("ref")
    task = sharing.objective.task_of(0)
    other = next(name for name in HEADS if name != task)
    before = sharing.flat()
    moments = sharing.train(1).moments
    assert int(moments["steps"]) == 1
    idle = sharing.part(lambda name: name == f"{other}:classifier.weight")
    idle_bias = sharing.part(lambda name: name == f"{other}:classifier.bias")
    expected = (before.double() * (1 - RATE * DECAY)).float()
    torch.testing.assert_close(sharing.flat()[idle], expected[idle], rtol=2e-7, atol=0)
    assert torch.equal(sharing.flat()[idle_bias], before[idle_bias])
    assert torch.equal(moments["u"][idle], torch.full_like(moments["u"][idle], 1e-6))


def test_b10_one_counter_of_steps_serves_all_tasks():
    """Per-parameter counters would leave the head of a small task in its warm-up for the whole run."""
    sharing, asked = Sharing("ref"), []
    train(
        sharing.model, sharing.objective, sharing.recipe, lambda step: asked.append(step) or RATE, 12, seed=1
    )
    assert asked == list(range(12))


def test_clipping_uses_the_norm_of_all_tasks_parameters_under_a_strict_update():
    """The strict update changes what is written, not the gradient: kept elements move as in ref on a first step."""
    strict, ref = Sharing("strict", clip=0.01), Sharing("ref", clip=0.01)
    strict.train(1)
    ref.train(1)
    keep = strict.keeps[strict.objective.task_of(0)]
    assert torch.equal(strict.flat()[keep], ref.flat()[keep])
    assert not torch.equal(strict.flat()[~keep], ref.flat()[~keep])
