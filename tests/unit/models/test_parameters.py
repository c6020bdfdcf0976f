"""The flat store: layout, loading, snapshots, heads and their first values."""

import pytest
import torch

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.encoder import grid_tokens, pack, unpack
from tickets.models.heads import Head, initial_values, loss
from tickets.models.layout import encoder_shapes, prunable_shapes
from tickets.models.model import Model
from tickets.models.parameters import Parameters
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import prunable_names
from tiny_engine import tiny_config, tiny_model


def test_o1_counts_of_bert_base():
    shapes = prunable_shapes(EncoderConfig())
    count = {name: torch.Size(shape).numel() for name, shape in encoder_shapes(EncoderConfig()).items()}
    assert len(shapes) == 73
    assert sum(count[name] for name in shapes) == 85_524_480
    assert sum(count.values()) == 109_482_240
    assert sum(count[n] for n in prunable_shapes(EncoderConfig(), pooler=False)) == 84_934_656


def test_o4_prunable_matrices_lie_first_and_in_order():
    model = tiny_model()
    assert tuple(model.prunable) == prunable_names(2)
    assert tuple(model.parameters.spans)[: len(model.prunable)] == prunable_names(2)
    assert model.parameters.prunable == sum(v.numel() for v in model.prunable_values().values())
    flat = torch.cat([v.flatten() for v in model.prunable_values().values()])
    assert torch.equal(flat, model.parameters.flat.data[: model.parameters.prunable])


def test_a_fused_leaf_is_its_parts_side_by_side():
    model = tiny_model()
    names = [f"encoder.layer.0.attention.self.{part}.weight" for part in ("query", "key", "value")]
    leaf = model.parameters.leaf(*names)
    assert torch.equal(leaf, torch.cat([model.parameters.view(name) for name in names]))
    leaf.sum().backward()
    span = model.parameters.spans[names[1]]
    assert torch.equal(model.parameters.grad[span.start : span.stop], torch.ones(span.stop - span.start))
    with pytest.raises(ValueError, match="do not lie side by side"):
        model.parameters.leaf(names[0], names[2])


def test_o11_a_snapshot_is_no_view():
    model = tiny_model()
    before = model.parameters.snapshot()
    body, heads = model.body(), model.head_values()
    model.parameters.flat.data.add_(1.0)
    for copy in (before, body, heads):
        assert all(torch.equal(value + 1.0, model.parameters.view(name)) for name, value in copy.items())
    model.load_body(body)
    model.load_heads(heads)
    assert torch.equal(model.parameters.view("classifier.weight"), before["classifier.weight"])


def test_loading_refuses_what_does_not_fit():
    model = tiny_model()
    body = model.body()
    name = "encoder.layer.1.output.dense.bias"
    with pytest.raises(TicketsError, match=f"'{name}' is missing"):
        model.load_body({n: v for n, v in body.items() if n != name})
    with pytest.raises(TicketsError, match=r"'stray' is not part of this model"):
        model.load_body(body | {"stray": torch.zeros(1)})
    with pytest.raises(TicketsError, match=rf"'{name}' is \(3,\), expected \(16,\)"):
        model.load_body(body | {name: torch.zeros(3)})


def test_prediction_before_training_leaves_gradients_intact():
    model = tiny_model(Head("classification", 3))
    batch = pack(*sentences(), 9)
    with torch.inference_mode():
        model.forward(batch, model.heads[0])
    loss("classification", model.forward(batch, model.heads[0]), torch.tensor([0, 1, 2])).backward()
    for name in ("classifier.weight", "pooler.dense.weight", "embeddings.word_embeddings.weight"):
        span = model.parameters.spans[name]
        assert model.parameters.grad[span.start : span.stop].abs().max() > 0


def sentences():
    ids = torch.randint(5, 60, (3, 9), generator=torch.Generator().manual_seed(0))
    return ids, torch.zeros_like(ids), torch.tensor([9, 4, 6])


def test_packing_keeps_real_tokens_in_order():
    ids, segments, lengths = sentences()
    batch = pack(ids, segments, lengths, 9, offset=2)
    assert batch.ids.tolist() == [*ids[0].tolist(), *ids[1, :4].tolist(), *ids[2, :6].tolist()]
    assert batch.positions.tolist() == [*range(2, 11), *range(2, 6), *range(2, 8)]
    assert batch.starts.tolist() == [0, 9, 13]
    chosen = torch.zeros(3, 9, dtype=torch.bool)
    chosen[1, 2] = chosen[2, 0] = chosen[0, 8] = True
    assert grid_tokens(batch, chosen).tolist() == [8, 11, 13]
    grid = unpack(batch.ids[:, None].float(), batch, -1.0)[..., 0]
    assert torch.equal(grid >= 0, torch.arange(9) < lengths[:, None])
    assert torch.equal(grid[grid >= 0], batch.ids.float())


def test_a_mask_applies_by_name_whatever_its_order():
    model = tiny_model()
    generator = torch.Generator().manual_seed(0)
    bits = {n: torch.rand(s, generator=generator) < 0.5 for n, s in model.prunable.items()}
    before = {name: value.clone() for name, value in model.prunable_values().items()}
    model.apply_mask(Mask(dict(reversed(bits.items()))))
    for name, value in model.prunable_values().items():
        assert torch.equal(value, before[name] * bits[name])
    with pytest.raises(TicketsError, match="tensors differ"):
        model.apply_mask(Mask({n: b for n, b in bits.items() if "pooler" not in n}))


def test_heads_are_told_apart_by_their_prefix():
    tasks = (
        Head("classification", 3, "mnli:"),
        Head("classification", 2, "rte:"),
        Head("mlm", prefix="mlm:"),
    )
    model = tiny_model(*tasks)
    assert {"mnli:classifier.weight", "rte:classifier.bias", "mlm:cls.predictions.bias"} <= model.head_names
    batch = pack(*sentences(), 9)
    assert model.forward(batch, tasks[0]).shape == (3, 3)
    assert model.forward(batch, tasks[1]).shape == (3, 2)
    assert model.forward(batch, tasks[2], read=torch.tensor([1, 4])).shape == (2, 60)


def test_fresh_heads_follow_the_generator_and_bert_initialisation():
    model = Model(tiny_config(hidden_size=128, heads=2), (Head("classification", 100), Head("mlm")))
    first, second = (model.fresh_heads(torch.Generator().manual_seed(s)) for s in (1, 1))
    other = model.fresh_heads(torch.Generator().manual_seed(2))
    assert first.keys() == model.head_names
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])
    assert float(first["classifier.weight"].std()) == pytest.approx(0.02, rel=0.05)
    assert first["classifier.bias"].abs().max() == 0
    assert bool((first["cls.predictions.transform.LayerNorm.weight"] == 1).all())
    roberta = initial_values(Head("mlm").shapes(tiny_config(family="roberta")), 0.02, torch.Generator())
    assert bool((roberta["lm_head.layer_norm.weight"] == 1).all())


def test_losses_of_batches_in_which_nothing_counts_are_zero_and_not_nan():
    words = torch.zeros(0, 60, requires_grad=True)
    spans = torch.zeros(2, 4, 2, requires_grad=True)
    for value in (
        loss("mlm", words, torch.zeros(0, dtype=torch.long)),
        loss("span", spans, torch.full((2, 2), -1)),
    ):
        value.backward()
        assert float(value.detach()) == 0.0
    assert spans.grad is not None
    assert spans.grad.abs().max() == 0


def test_a_span_outside_its_window_does_not_count():
    outputs = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 2], [-1, -1], [0, 4]])
    some = torch.tensor([0, 2])
    torch.testing.assert_close(loss("span", outputs, labels), loss("span", outputs[some], labels[some]))


def test_gradients_accumulate_in_the_flat_vector_over_several_losses():
    store = Parameters({"a": (2, 3), "b": (4,)}, 6)
    (store.leaf("a").sum() * 2).backward()
    (store.leaf("a").sum() + store.leaf("b").sum()).backward()
    assert store.grad.tolist() == [3.0] * 6 + [1.0] * 4
    assert store.flat.grad is store.grad
