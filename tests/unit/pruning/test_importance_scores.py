"""Importance of heads and FFNs: against finite differences, against scalar gates, and by hand."""

from types import SimpleNamespace

import pytest
import torch

from tickets.errors import TicketsError
from tickets.models.encoder import Gates
from tickets.models.heads import Head, loss
from tickets.models.model import Model
from tickets.pruning.importance import VARIANTS, accumulate, contributions, importance
from tickets.training.resident import Resident
from tiny_engine import randomise, tiny_config, tiny_model, tiny_split

HEAD = Head("classification", 3)
LAYERS, HEADS = 3, 4


def world(head=HEAD, rows=5, dtype=torch.float64, **changes):
    """The model of oracle O3 (3 layers, 4 heads, d 24, d_ff 32) and padded sequences."""
    shape = {"hidden_size": 24, "layers": LAYERS, "heads": HEADS, "intermediate_size": 32}
    model = Model(tiny_config(**shape, **changes), [head], dtype=dtype)
    randomise(model, std=0.3)
    kind = "classification" if head.kind == "nsp" else head.kind
    data = Resident(tiny_split(rows, kind, classes=max(head.outputs, 2)), model.config)
    assert int(data.host_lengths.min()) < int(data.host_lengths.max())
    return model, data


@pytest.fixture
def case():
    model, data = world()
    return SimpleNamespace(model=model, data=data)


def ones(*shape, **options):
    return torch.ones(*shape, dtype=torch.float64, **options)


def scalar_loss(model, data, rows, heads, ffns, head=HEAD):
    outputs = model.forward(data.batch(rows), head, gates=Gates(heads, ffns))
    return loss(head.kind, outputs, data.labels[rows])


def scalar_gradient(model, data, rows, head=HEAD):
    """d loss / d gate with one gate a structure, [layers, heads + 1]: no per-token gate is involved."""
    heads = ones(LAYERS, HEADS, requires_grad=True)
    ffns = ones(LAYERS, requires_grad=True)
    by_head, by_ffn = torch.autograd.grad(scalar_loss(model, data, rows, heads, ffns, head), (heads, ffns))
    return torch.cat([by_head, by_ffn[:, None]], 1)


def table(importance, variant):
    scores = importance[variant]
    return torch.cat([scores.heads, scores.ffns[:, None]], 1)


def test_o3_o4_signed_contributions_sum_to_the_central_difference(case):
    rows, eps = torch.arange(5), 1e-6
    found = contributions(case.model, HEAD, case.data, rows).sum((0, 1))
    with torch.no_grad():
        for layer in range(LAYERS):
            for place in range(HEADS + 1):
                values = []
                for step in (eps, -eps):
                    gates = ones(LAYERS, HEADS + 1)
                    gates[layer, place] += step
                    values.append(scalar_loss(case.model, case.data, rows, gates[:, :HEADS], gates[:, HEADS]))
                assert abs((values[0] - values[1]) / (2 * eps) - found[layer, place]) < 1e-8
    assert bool((found != 0).all())


def test_o3_one_token_of_one_head_against_the_central_difference(case):
    rows, eps = torch.arange(5), 1e-6
    batch = case.data.batch(rows)
    found = contributions(case.model, HEAD, case.data, rows)
    starts = batch.starts.tolist()
    for example, token, layer, place in [
        (0, 0, 0, 1),
        (1, 2, 0, 3),
        (3, 4, 1, 0),
        (4, 1, 1, 4),
        (2, 0, 2, 4),
    ]:
        values = []
        for step in (eps, -eps):
            sizes = [len(batch.ids)] * (LAYERS - 1) + [5]
            heads, ffns = ([ones(n, k) for n in sizes] for k in (HEADS, 1))
            at = example if layer == LAYERS - 1 else starts[example] + token
            (ffns[layer] if place == HEADS else heads[layer])[at, place % HEADS] += step
            with torch.no_grad():
                outputs = case.model.forward(batch, HEAD, gates=Gates(heads, ffns))
                values.append(loss("classification", outputs, case.data.labels[rows]))
        difference = (values[0] - values[1]) / (2 * eps)
        assert abs(difference - found[example, token, layer, place]) < 1e-8
        assert difference != 0


def test_o4_absolute_values_taken_later_are_never_larger(case):
    signed = contributions(case.model, HEAD, case.data, torch.arange(5))
    token, example = signed.abs().sum((0, 1)), signed.sum(1).abs().sum(0)
    batch = signed.sum((0, 1)).abs()
    assert bool((token >= example - 1e-15).all())
    assert bool((example >= batch - 1e-15).all())
    assert bool((token[:-1] > example[:-1] + 1e-9).all()), "below the last layer tokens disagree in sign"


def test_o4_variants_coincide_in_the_last_layer_with_batches_of_one(case):
    found = importance(case.model, HEAD, case.data, 1)
    last = [table(found, variant)[-1] for variant in ("token", "example", "batch")]
    torch.testing.assert_close(last[0], last[1], rtol=1e-12, atol=0)
    torch.testing.assert_close(last[0], last[2], rtol=1e-12, atol=0)
    assert not torch.allclose(table(found, "token")[0], table(found, "example")[0])


def test_o4_padding_contributes_nothing_and_the_last_layer_only_at_the_first_token(case):
    signed = contributions(case.model, HEAD, case.data, torch.arange(5))
    for example, length in enumerate(case.data.host_lengths.tolist()):
        assert bool((signed[example, length:] == 0).all())
        assert bool((signed[example, 1:, -1] == 0).all())
        assert bool((signed[example, :length, :-1] != 0).all())
        alone = contributions(case.model, HEAD, case.data, torch.tensor([example]))[0]
        torch.testing.assert_close(alone / 5, signed[example, :length], rtol=1e-10, atol=1e-14)


def toy(sizes):
    """Oracle O5: gradients of ½ y² by xi1, xi2 and nu at gates of 1, in batches of these sizes (mean losses)."""
    examples = torch.tensor([[-0.5, 1.0, -0.25], [4.0, 2.0, -2.0]], dtype=torch.float64)
    return accumulate([part[:, None] / len(part) for part in examples.split(sizes)])


def test_o5_toy_gradients_come_from_the_toy_loss():
    for a, f, expected in [((1.0, -2.0), 0.5, [-0.5, 1.0, -0.25]), ((2.0, 1.0), -1.0, [4.0, 2.0, -2.0])]:
        gates = torch.ones(3, requires_grad=True)
        y = (gates * torch.tensor([*a, f])).sum()
        assert torch.autograd.grad(y.square() / 2, gates)[0].tolist() == expected


@pytest.mark.parametrize("sizes", [[1, 1], [2]])
@pytest.mark.parametrize("variant", ["token", "example"])
def test_o5_per_example_scores_do_not_depend_on_the_batches(sizes, variant):
    scores = toy(sizes)[variant]
    assert scores.tolist() == [2.25, 1.5, 1.125]
    normal = scores[:2] / scores[:2].norm()
    assert normal.tolist() == pytest.approx([0.83205, 0.55470], abs=5e-6)


def test_o5_batch_gradient():
    assert toy([2])["batch"].tolist() == [1.75, 1.5, 1.125]
    assert toy([1, 1])["batch"].tolist() == [2.25, 1.5, 1.125]


def test_o5_triangular():
    scores = toy([1, 1])["triangular"]
    assert scores[:2].tolist() == [2.5, 2.0]
    normal = scores[:2] / scores[:2].norm()
    assert normal.tolist() == pytest.approx([0.78087, 0.62470], abs=5e-6)


def test_o6_opposite_tokens():
    scores = accumulate([torch.tensor([[[1.0], [-1.0]]])])
    assert scores["token"].tolist() == [2.0]
    assert scores["example"].tolist() == [0.0]
    assert scores["batch"].tolist() == [0.0]


def test_triangular_weights_fall_to_one_and_a_short_last_batch_weighs_per_example():
    batches = [torch.full((2, 1, 1), 0.5), torch.full((2, 1, 1), 1.0), torch.full((1, 1, 1), 9.0)]
    scores = accumulate(batches)
    # Token sums of the batches, mean-loss scaling: 1, 2, 9.
    assert scores["triangular"].item() == pytest.approx((3 * 1 + 2 * 2 + 1 * 9) / 3)
    assert scores["batch"].item() == pytest.approx((1 + 2 + 9) / 3)
    assert scores["token"].item() == pytest.approx((2 * 1 + 2 * 2 + 1 * 9) / 5)


@pytest.mark.parametrize(
    "head", [HEAD, Head("regression", 1), Head("span"), Head("nsp", 2)], ids=lambda head: head.kind
)
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_sweep_against_gradients_of_scalar_gates(head, family):
    """Example and batch variants again, one backward pass an example or batch and no per-token gates."""
    model, data = world(head, rows=11, family=family, pad_id=0)
    found = importance(model, head, data, 4)
    singles = [torch.tensor([i]) for i in range(11)]
    example = torch.stack([scalar_gradient(model, data, rows, head).abs() for rows in singles]).mean(0)
    if head.kind != "span":  # a batch's mean leaves out spans without answer, so it is no mean over its rows
        torch.testing.assert_close(table(found, "example"), example, rtol=1e-9, atol=1e-13)
    batches = [torch.arange(i, min(i + 4, 11)) for i in (0, 4, 8)]
    batch = torch.stack([scalar_gradient(model, data, rows, head).abs() for rows in batches]).mean(0)
    torch.testing.assert_close(table(found, "batch"), batch, rtol=1e-9, atol=1e-13)


def test_sweep_is_the_accumulation_of_the_batches_in_file_order(case):
    found = importance(case.model, HEAD, case.data, 2)
    parts = [torch.tensor([0, 1]), torch.tensor([2, 3]), torch.tensor([4])]
    wanted = accumulate(contributions(case.model, HEAD, case.data, rows) for rows in parts)
    assert list(found.scores) == list(VARIANTS)
    for variant in VARIANTS:
        assert torch.equal(table(found, variant), wanted[variant])


def test_only_batch_and_triangular_depend_on_the_batch_size(case):
    one, three = (importance(case.model, HEAD, case.data, size) for size in (1, 3))
    for variant in ("token", "example"):
        torch.testing.assert_close(table(one, variant), table(three, variant), rtol=1e-10, atol=1e-14)
    for variant in ("batch", "triangular"):
        assert not torch.allclose(table(one, variant), table(three, variant), rtol=1e-3)


def test_the_model_is_left_as_it_was_and_dropout_is_off():
    model, data = world(hidden_dropout=0.5, attention_dropout=0.5)
    before = model.parameters.flat.detach().clone()
    first, second = (importance(model, HEAD, data, 2) for _ in range(2))
    assert torch.equal(model.parameters.flat, before)
    assert bool((model.parameters.grad == 0).all())
    assert all(torch.equal(table(first, v), table(second, v)) for v in VARIANTS)
    with torch.no_grad():
        assert torch.equal(table(importance(model, HEAD, data, 2), "token"), table(first, "token"))


def test_progress_is_told_after_every_batch():
    model, data = world()
    done = []
    importance(model, HEAD, data, 2, done.append)
    assert done == [1, 2, 3]


def test_heads_without_a_score_and_diverged_models_are_refused():
    model, data = world()
    with pytest.raises(TicketsError, match="batch_size"):
        importance(model, HEAD, data, 0)
    model.parameters.view("classifier.weight").fill_(float("nan"))
    with pytest.raises(TicketsError, match="NaN"):
        importance(model, HEAD, data, 2)
    mlm = tiny_model(Head("mlm"))
    with pytest.raises(TicketsError, match="mlm head"):
        importance(mlm, Head("mlm"), Resident(tiny_split(4, "mlm"), mlm.config), 2)
