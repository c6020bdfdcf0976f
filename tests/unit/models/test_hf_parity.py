"""Our encoder and heads against transformers': hidden states, outputs, losses and every gradient."""

import pytest
import torch
import torch.nn.functional as F
from hf_twins import CLASSES, HEADS, both_inputs, fill, hf_config, inputs, ours_of, twins
from transformers.models.bert import modeling_bert as bert
from transformers.models.roberta import modeling_roberta as roberta

from tickets.models.encoder import Gates, grid_tokens, pack
from tickets.models.heads import Head, loss

BOTH = pytest.mark.parametrize("family", ["bert", "roberta"])
KINDS = pytest.mark.parametrize("kind", list(HEADS))
CLOSE = {"rtol": 1e-4, "atol": 2e-5}


def gradients_of(model):
    """Gradients by name, taken from the flat vector that the optimizer reads."""
    spans = model.parameters.spans
    return {n: model.parameters.grad[s.start : s.stop].view(s.shape) for n, s in spans.items()}


def labels_for(kind, real):
    generator = torch.Generator().manual_seed(5)
    rows = len(real)
    if kind == "classification":
        return torch.randint(3, (rows,), generator=generator)
    if kind == "regression":
        return torch.rand(rows, generator=generator) * 5
    if kind == "span":
        last = real.sum(1) - 1
        return torch.stack([last // 2, last], 1)
    chosen = (torch.rand(real.shape, generator=generator) < 0.4) & real
    chosen[0, 1] = True
    return torch.where(chosen, torch.randint(50, real.shape, generator=generator), -100)


def their_outputs(theirs, kind, arguments, real):
    """Outputs of transformers in our form; span logits on padding are -inf, as ours are."""
    out = theirs(**arguments)
    if kind == "span":
        return torch.stack([out.start_logits, out.end_logits], -1).masked_fill(
            ~real[..., None], float("-inf")
        )
    return out.logits


def our_outputs(ours, kind, batch, labels=None):
    read = None
    if kind == "mlm":
        chosen = torch.ones(batch.rows, batch.width, dtype=torch.bool) if labels is None else labels != -100
        read = grid_tokens(batch, chosen)
    return ours.forward(batch, HEADS[kind], read=read)


@BOTH
@pytest.mark.parametrize("head_size", [8, 32])
def test_hidden_states_and_pooled_output(family, head_size):
    module = bert.BertModel if family == "bert" else roberta.RobertaModel
    theirs = fill(module(hf_config(family, head_size), add_pooling_layer=True))
    ours = ours_of(theirs, family, ())
    arguments, batch, real = both_inputs(family)
    with torch.no_grad():
        out = theirs(**arguments, output_hidden_states=True)
        states = ours.encoder.hidden_states(batch)
        pooled = ours.encoder.pool(ours.encoder(batch, "first"))
    assert len(states) == len(out.hidden_states) == 4
    for mine, other in zip(states, out.hidden_states, strict=True):
        torch.testing.assert_close(mine, other[real], **CLOSE)
    torch.testing.assert_close(pooled, out.pooler_output, **CLOSE)


@BOTH
@KINDS
@pytest.mark.parametrize("head_size", [8, 32])
def test_outputs_loss_and_every_gradient(family, kind, head_size):
    theirs, ours = twins(family, kind, head_size)
    arguments, batch, real = both_inputs(family)
    labels = labels_for(kind, real)
    expected = their_outputs(theirs, kind, arguments, real)
    outputs = our_outputs(ours, kind, batch, labels)
    if kind == "mlm":
        expected, labels = expected[labels != -100], labels[labels != -100]
    torch.testing.assert_close(outputs, expected, **CLOSE)

    mine = loss(kind, outputs, labels)
    if kind == "regression":
        other = F.mse_loss(expected.squeeze(), labels)
    elif kind == "span":
        other = (
            F.cross_entropy(expected[..., 0], labels[:, 0]) + F.cross_entropy(expected[..., 1], labels[:, 1])
        ) / 2
    else:
        other = F.cross_entropy(expected, labels)
    torch.testing.assert_close(mine, other, **CLOSE)

    mine.backward()
    other.backward()
    found, seen = gradients_of(ours), set()
    prefix = f"{family}."
    for name, parameter in theirs.named_parameters():
        short = name.removeprefix(prefix).replace("decoder.bias", "bias")
        torch.testing.assert_close(found[short], parameter.grad, msg=lambda m, n=name: f"{n}: {m}", **CLOSE)
        seen.add(short)
    rest = set(found) - seen
    assert rest <= {"pooler.dense.weight", "pooler.dense.bias"}
    assert all(found[name].abs().max() == 0 for name in rest)


@KINDS
def test_loss_is_that_of_transformers_where_nothing_is_padded(kind):
    theirs, ours = twins("bert", kind)
    arguments, batch, real = both_inputs("bert", lengths=torch.full((4,), 12))
    labels = labels_for(kind, real)
    named = (
        {"start_positions": labels[:, 0], "end_positions": labels[:, 1]}
        if kind == "span"
        else {"labels": labels}
    )
    expected = theirs(**arguments, **named).loss
    kept = labels[labels != -100] if kind == "mlm" else labels
    torch.testing.assert_close(loss(kind, our_outputs(ours, kind, batch, labels), kept), expected, **CLOSE)


def test_next_sentence_head():
    theirs = fill(bert.BertForPreTraining(hf_config("bert")))
    head = Head("nsp", 2)
    ours = ours_of(theirs, "bert", (Head("mlm"), head))
    arguments, batch, _ = both_inputs("bert")
    with torch.no_grad():
        expected = theirs(**arguments).seq_relationship_logits
        torch.testing.assert_close(ours.forward(batch, head), expected, **CLOSE)


@pytest.mark.parametrize("activation", ["relu", "gelu_new"])
def test_other_activations(activation):
    theirs = fill(CLASSES["bert", "mlm"](hf_config("bert", hidden_act=activation)))
    ours = ours_of(theirs, "bert", (Head("mlm"),))
    arguments, batch, real = both_inputs("bert")
    with torch.no_grad():
        torch.testing.assert_close(our_outputs(ours, "mlm", batch), theirs(**arguments).logits[real], **CLOSE)


@BOTH
@KINDS
def test_a_row_does_not_depend_on_its_batch(family, kind):
    _, ours = twins(family, kind)
    _, batch, real = both_inputs(family)
    with torch.no_grad():
        together = our_outputs(ours, kind, batch)
        lengths = real.sum(1)
        begin = 0
        for row, length in enumerate(lengths.tolist()):
            single = single_row(family, row, length)
            alone = our_outputs(ours, kind, single)
            if kind == "mlm":
                mine, begin = together[begin : begin + length], begin + length
            else:
                mine = together[row : row + 1, :length] if kind == "span" else together[row : row + 1]
            torch.testing.assert_close(mine, alone, rtol=1e-5, atol=1e-6)


def single_row(family, row, length):
    ids, segments, _ = inputs(family)
    one = slice(row, row + 1)
    return pack(ids[one], segments[one], torch.tensor([length]), length, 2 if family == "roberta" else 0)


@BOTH
@pytest.mark.parametrize("head_size", [8, 32])
@pytest.mark.parametrize("padded", [True, False])
def test_reading_some_tokens_equals_the_full_computation(family, head_size, padded):
    _, ours = twins(family, "mlm", head_size)
    lengths = torch.tensor([9, 4, 12, 1, 7]) if padded else torch.full((3,), 12)
    _, batch, _ = both_inputs(family, lengths=lengths)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        full = ours.encoder(batch)
        first = ours.encoder(batch, "first")
        torch.testing.assert_close(first, full[batch.starts], rtol=1e-5, atol=1e-6)
        for size in (0, 1, 5, len(full)):
            read = torch.randperm(len(full), generator=generator)[:size]
            torch.testing.assert_close(ours.encoder(batch, read), full[read], rtol=1e-5, atol=1e-6)


def test_gradients_through_a_partial_read_are_those_of_the_full_computation():
    _, ours = twins("bert", "span")
    _, batch, _ = both_inputs("bert")
    weights = torch.randn(len(batch.starts), 16, generator=torch.Generator().manual_seed(0))
    found = []
    for states in (
        ours.encoder(batch, "first"),
        ours.encoder(batch, batch.starts),
        ours.encoder(batch)[batch.starts],
    ):
        ours.parameters.grad.zero_()
        (states * weights).sum().backward()
        found.append(ours.parameters.grad.clone())
    torch.testing.assert_close(found[0], found[2], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1], found[2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("read", [None, "first"])
def test_gates_of_one_change_nothing(read):
    _, ours = twins("bert", "classification")
    _, batch, _ = both_inputs("bert")
    gates = Gates(torch.ones(3, 2), torch.ones(3))
    with torch.no_grad():
        assert torch.equal(ours.encoder(batch, read), ours.encoder(batch, read, gates=gates))


@pytest.mark.parametrize("read", [None, "first", "some"])
@pytest.mark.parametrize(("layer", "head"), [(0, 1), (2, 0)])
def test_a_head_gate_of_zero_removes_the_head(read, layer, head):
    _, ours = twins("bert", "classification")
    _, batch, _ = both_inputs("bert")
    read = torch.tensor([3, 0, 17]) if read == "some" else read
    heads = torch.ones(3, 2)
    heads[layer, head] = 0.0
    with torch.no_grad():
        dense = ours.encoder(batch, read)
        gated = ours.encoder(batch, read, gates=Gates(heads, torch.ones(3)))
        columns = slice(head * 8, head * 8 + 8)
        ours.parameters.view(f"encoder.layer.{layer}.attention.output.dense.weight")[:, columns] = 0.0
        removed = ours.encoder(batch, read)
    torch.testing.assert_close(gated, removed, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(gated, dense, atol=1e-3)


def test_an_ffn_gate_of_zero_removes_the_ffn_with_its_bias():
    _, ours = twins("bert", "classification")
    _, batch, _ = both_inputs("bert")
    with torch.no_grad():
        gated = ours.encoder(batch, gates=Gates(torch.ones(3, 2), torch.tensor([1.0, 0.0, 1.0])))
        for part in ("weight", "bias"):
            ours.parameters.view(f"encoder.layer.1.output.dense.{part}").zero_()
        torch.testing.assert_close(gated, ours.encoder(batch), rtol=1e-5, atol=1e-6)


def test_gates_receive_gradients():
    _, ours = twins("bert", "classification")
    _, batch, _ = both_inputs("bert")
    gates = Gates(torch.ones(3, 2, requires_grad=True), torch.ones(3, requires_grad=True))
    ours.encoder(batch, "first", gates=gates).square().sum().backward()
    for gate in (gates.heads, gates.ffns):
        assert gate.grad is not None
        assert bool((gate.grad != 0).all())
