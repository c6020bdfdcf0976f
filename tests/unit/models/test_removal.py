"""Models without the heads and FFNs that a structure removes: same function, same training, and back."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from structures import (
    CONFIG,
    HEAD,
    LABELS,
    LENGTHS,
    O7,
    WIDTH,
    double_gates,
    double_model,
    padded_batch,
    plain_gates,
    sentences,
    structure_of,
)

from tickets.errors import TicketsError
from tickets.models import encoder as engine
from tickets.models.config import EncoderConfig
from tickets.models.encoder import pack
from tickets.models.heads import Head, loss
from tickets.models.layout import encoder_shapes, prunable_shapes
from tickets.models.model import Model
from tickets.models.removal import cut, gates, restore
from tickets.pruning.structured import StructuredMask
from tickets.training.clipping import clip_
from tickets.training.optim import AdamW
from tickets.training.recipe import Recipe
from tiny_engine import tiny_config

NO_HEADS = structure_of({1: range(4)}, [])
ONE_HEAD = structure_of({0: [0, 1, 3], 2: [1, 2, 3]}, [0])
NO_FFNS = structure_of({0: [2]}, range(3))
NOTHING = structure_of(dict.fromkeys(range(3), range(4)), range(3))
ALL = pytest.mark.parametrize(
    "structure",
    [O7, NO_HEADS, ONE_HEAD, NO_FFNS, NOTHING],
    ids=["O7", "a layer without heads", "one head", "no FFNs", "nothing"],
)


def close(a, b, atol=1e-10):
    torch.testing.assert_close(a, b, rtol=0, atol=atol)


@ALL
@pytest.mark.parametrize("head_size", [6, 32])
def test_o7_masked_equals_removed_also_on_padding(structure, head_size):
    config = tiny_config(hidden_size=4 * head_size, heads=4, layers=3, intermediate_size=32)
    full, reduced = double_model(config), double_model(config, structure=structure)
    with torch.no_grad():
        for make in (double_gates, plain_gates):
            masked = full.encoder.hidden_states(padded_batch(), gates=make(structure))
            for mine, other in zip(reduced.encoder.hidden_states(padded_batch()), masked, strict=True):
                assert len(mine) == len(LENGTHS) * WIDTH
                close(mine, other)
        assert not torch.allclose(masked[-1], full.encoder.hidden_states(padded_batch())[-1], atol=1e-2)


@ALL
@pytest.mark.parametrize("read", [None, "first", "some"])
def test_o7_masked_equals_removed_on_packed_tokens(structure, read):
    ids, segments, _ = sentences()
    batch = pack(ids, segments, LENGTHS, WIDTH)
    read = torch.tensor([3, 0, 17]) if read == "some" else read
    with torch.no_grad():
        masked = double_model().encoder(batch, read, gates=double_gates(structure))
        close(double_model(structure=structure).encoder(batch, read), masked)


def test_o7_an_ffn_gate_of_zero_leaves_the_norm_of_the_attention_output():
    model, batch = double_model(), padded_batch()
    states = model.encoder.hidden_states(batch, gates=double_gates(NO_FFNS))
    p = model.parameters.view
    for layer, (before, after) in enumerate(itertools.pairwise(states)):
        at = f"encoder.layer.{layer}."
        heads = torch.tensor([1.0, 1, layer != 0, 1]).double().repeat_interleave(6)
        q, k, v = (
            F.linear(before, p(f"{at}attention.self.{n}.weight"), p(f"{at}attention.self.{n}.bias"))
            .view(5, WIDTH, 4, 6)
            .transpose(1, 2)
            for n in ("query", "key", "value")
        )
        weights = torch.softmax(q @ k.transpose(-1, -2) / 6**0.5 + batch.bias, -1)
        context = (weights @ v).transpose(1, 2).reshape(len(before), -1) * heads
        out = F.linear(
            context, p(f"{at}attention.output.dense.weight"), p(f"{at}attention.output.dense.bias")
        )
        norms = [
            [p(f"{at}{part}LayerNorm.{kind}") for kind in ("weight", "bias")]
            for part in ("attention.output.", "output.")
        ]
        attention_output = F.layer_norm(before + out, (24,), *norms[0], 1e-12)
        close(after, F.layer_norm(attention_output, (24,), *norms[1], 1e-12))


def test_o7_gating_the_attention_probabilities_is_the_same(monkeypatch):
    """The value bias of a removed head vanishes with it, as it is added before the probabilities are applied."""
    model, layers = double_model(), iter(O7.heads.double())

    def attend(q, k, v, bias, dropout):
        weights = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias, -1)
        return (weights * next(layers)[:, None, None]) @ v

    ffns_only = engine.Gates(torch.ones(3, 4).double(), O7.ffns.double())
    with torch.no_grad():
        expected = model.encoder(padded_batch(), gates=double_gates(O7))
        monkeypatch.setattr(engine, "attend", attend)
        close(model.encoder(padded_batch(), gates=ffns_only), expected)


@ALL
def test_removed_and_masked_models_draw_the_same_hidden_dropout(structure):
    """In a layer without heads too: its bias is dropped token by token, not once for all."""
    config = tiny_config(hidden_size=24, heads=4, layers=3, intermediate_size=32, hidden_dropout=0.4)
    states = []
    for model, gate in (
        (double_model(config), double_gates(structure)),
        (double_model(config, structure=structure), None),
    ):
        torch.manual_seed(5)
        states.append(model.encoder(padded_batch(), train=True, gates=gate))
    close(states[0], states[1])


def trained(model, gate, steps=6):
    recipe = Recipe(steps=steps, learning_rate=1e-2, weight_decay=0.0)
    optimizer, parameters = AdamW(model.parameters, recipe), model.parameters
    for step in range(steps):
        ids, segments, _ = sentences(step)
        outputs = model.forward(pack(ids, segments, LENGTHS, WIDTH), HEAD, train=True, gates=gate)
        loss("classification", outputs, LABELS).backward()
        clip_(parameters.grad, 1.0)
        optimizer.step(1e-2)
        parameters.grad.zero_()
    return model


@ALL
def test_o8_training_the_removed_model_trains_the_masked_one(structure):
    start = double_model().body()
    masked = trained(double_model(), double_gates(structure))
    reduced = trained(double_model(structure=structure), None)
    whole = restore(reduced.body(), start, CONFIG, structure)
    for name, value in masked.body().items():
        close(whole[name], value, atol=1e-6)
    for name, value in masked.head_values().items():
        close(reduced.head_values()[name], value, atol=1e-6)
    assert (whole["pooler.dense.weight"] - start["pooler.dense.weight"]).abs().max() > 1e-2


def test_what_no_task_uses_may_be_removed_from_a_model_that_tasks_share():
    union = structure_of({0: [0, 3], 1: range(4)}, [2])
    task = structure_of({0: [0, 1, 3], 1: range(4), 2: [2]}, [0, 2])
    shared = double_model(structure=union)
    with torch.no_grad():
        found = shared.encoder(padded_batch(), gates=gates(task, dtype=torch.float64, within=union))
        close(found, double_model().encoder(padded_batch(), gates=double_gates(task)))
    with pytest.raises(TicketsError, match="union of the masks"):
        gates(union, within=task)


def test_the_full_structure_is_the_full_model():
    full = StructuredMask.full(3, 4)
    assert list(encoder_shapes(CONFIG, full).items()) == list(encoder_shapes(CONFIG).items())
    model = double_model()
    with torch.no_grad():
        found = double_model(structure=full).encoder(padded_batch())
        assert torch.equal(found, model.encoder(padded_batch()))
    assert gates(full).skipped == frozenset()


def test_o1_removal_takes_the_counted_weights_of_bert_base():
    """Spec section 1.7: 196,608 matrix weights a head and 4,718,592 an FFN, and their biases."""
    config, count = EncoderConfig(), 0
    structure = StructuredMask.full(12, 12)
    structure.heads[torch.arange(12).repeat_interleave(4)[:43], torch.arange(48)[:43] % 4] = False
    structure.ffns[[2, 5, 11]] = False
    for shapes, biases in ((prunable_shapes, 0), (encoder_shapes, 43 * 3 * 64 + 3 * (3072 + 768))):
        sizes = [
            sum(torch.Size(s).numel() for s in shapes(config, structure=kept).values())
            for kept in (None, structure)
        ]
        count = sizes[0] - sizes[1]
        assert count == 43 * 196_608 + 3 * 4_718_592 + biases
    model = Model(tiny_config(layers=3, heads=4), (HEAD,), structure=O7)
    assert model.parameters.prunable == sum(value.numel() for value in model.prunable_values().values())
    assert "encoder.layer.2.attention.self.query.weight" not in model.body_names
    assert "encoder.layer.2.attention.output.dense.bias" in model.body_names
    assert "encoder.layer.1.output.dense.bias" not in model.body_names


bits = st.lists(st.booleans(), min_size=15, max_size=15).map(torch.tensor)
structures = bits.map(lambda b: StructuredMask(b[:12].view(3, 4).clone(), b[12:].clone()))


def values(seed):
    generator = torch.Generator().manual_seed(seed)
    return {n: torch.rand(s, generator=generator) + 0.5 for n, s in encoder_shapes(CONFIG).items()}


@given(structures)
def test_cut_and_restore_are_inverse(structure):
    body, other = values(0), values(1)
    reduced = cut(body, CONFIG, structure)
    assert {n: tuple(v.shape) for n, v in reduced.items()} == encoder_shapes(CONFIG, structure)
    back = restore(reduced, body, CONFIG, structure)
    assert list(back) == list(body)
    assert all(torch.equal(back[name], body[name]) for name in body)
    mixed = restore(reduced, other, CONFIG, structure)
    again = cut(mixed, CONFIG, structure)
    assert all(torch.equal(again[name], reduced[name]) for name in reduced)
    taken = sum(int((mixed[name] == body[name]).sum()) for name in body)
    assert taken == sum(value.numel() for value in reduced.values())
    assert all(bool(((mixed[n] == body[n]) | (mixed[n] == other[n])).all()) for n in body)


def test_cut_and_restore_hand_out_copies():
    body = values(0)
    reduced = cut(body, CONFIG, O7)
    whole = restore(reduced, body, CONFIG, O7)
    for tensor in [*reduced.values(), *whole.values()]:
        tensor.zero_()
    assert all(bool((value > 0).all()) for value in body.values())


def test_structures_and_weights_of_other_models_are_refused():
    body = values(0)
    wrong = StructuredMask.full(2, 4)
    for call in (
        lambda: Model(CONFIG, (HEAD,), structure=wrong),
        lambda: cut(body, CONFIG, wrong),
        lambda: restore(body, body, CONFIG, wrong),
        lambda: gates(O7, within=wrong),
    ):
        with pytest.raises(TicketsError, match="structured mask"):
            call()
    reduced = cut(body, CONFIG, O7)
    with pytest.raises(TicketsError, match="is missing"):
        cut(reduced, CONFIG, O7)
    with pytest.raises(TicketsError, match=r"is \(18, 24\), expected \(24, 24\)"):
        restore(cut(body, CONFIG, structure_of({0: [1]}, [])), body, CONFIG, structure_of({}, []))
    with pytest.raises(TicketsError, match="not part of this model"):
        restore(body, body, CONFIG, O7)
    with pytest.raises(TicketsError, match="not part of this model"):
        Model(CONFIG, (HEAD,), structure=O7).load_body(body)


def test_each_head_has_its_own_dropout():
    tasks = (Head("classification", 3, "mnli:"), Head("classification", 3, "rte:"))
    model = double_model(heads=tasks, head_dropout={tasks[0]: 0.0, tasks[1]: 1.0})
    ids, segments, _ = sentences()
    batch = pack(ids, segments, LENGTHS, WIDTH)
    assert model.random
    with torch.no_grad():
        for task in tasks:
            outputs = model.forward(batch, task, train=True)
            bias = model.parameters.view(f"{task.prefix}classifier.bias")
            assert torch.equal(outputs, bias.expand_as(outputs)) == (task.prefix == "rte:")
    assert not Model(CONFIG, tasks, head_dropout=dict.fromkeys(tasks, 0.0)).random
    with pytest.raises(TicketsError, match=r"no rate for Head.*rte:"):
        Model(CONFIG, tasks, head_dropout={tasks[0]: 0.1})
