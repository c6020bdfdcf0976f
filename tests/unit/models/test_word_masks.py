"""Masks over the word table: where it is zeroed, and where only its lookups are masked."""

import pytest
import torch
import torch.nn.functional as F
from hf_twins import both_inputs, inputs, twins
from torch import nn

from tickets.errors import TicketsError
from tickets.models.encoder import pack
from tickets.models.heads import Head
from tickets.models.layout import encoder_shapes, prunable_shapes
from tickets.models.lookup import ScoredRows
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS
from tiny_engine import tiny_config, tiny_model

MLM = Head("mlm")


def half(shapes, seed=3):
    generator = torch.Generator().manual_seed(seed)
    return Mask({name: torch.rand(tuple(s), generator=generator) < 0.5 for name, s in shapes.items()})


def mask_for(model, pooler=True):
    return half(prunable_shapes(model.config, pooler, words=True))


def test_the_word_table_lies_right_behind_the_prunable_matrices():
    model = tiny_model()
    assert model.parameters.spans[WORDS].start == model.parameters.prunable
    assert list(encoder_shapes(model.config))[: len(model.prunable) + 1] == [*model.prunable, WORDS]
    assert list(prunable_shapes(model.config, words=True)) == [*model.prunable, WORDS]


@pytest.mark.parametrize("pooler", [True, False])
def test_without_a_decoder_words_are_zeroed_like_any_matrix(pooler):
    model = tiny_model()
    before, mask = model.body(), mask_for(model, pooler)
    keep = model.apply_mask(mask)
    assert keep.shape == (model.parameters.spans[WORDS].stop,)
    for name, value in before.items():
        expected = value * mask[name] if name in mask else value
        assert torch.equal(model.parameters.view(name), expected)
        span = model.parameters.spans[name]
        if name in mask:
            assert torch.equal(keep[span.start : span.stop].bool(), mask[name].flatten())
        elif name == POOLER:
            assert keep[span.start : span.stop].min() == 1
    assert model.encoder.lookup is None


def test_with_a_decoder_the_table_stays_whole_and_lookups_are_masked():
    model = tiny_model(MLM)
    before, mask = model.body(), mask_for(model)
    keep = model.apply_mask(mask)
    assert keep.shape == (model.parameters.prunable,)
    assert torch.equal(model.parameters.view(WORDS), before[WORDS])
    ids = torch.tensor([7, 3, 7])
    assert torch.equal(model.encoder.lookup(ids), (before[WORDS] * mask[WORDS])[ids])
    model.load_body(before)
    assert model.encoder.lookup is None
    assert all(torch.equal(model.parameters.view(name), value) for name, value in before.items())


class MaskedTable(nn.Module):
    def __init__(self, table, kept, pad):
        super().__init__()
        self.table, self.kept, self.pad = table, kept, pad

    def forward(self, ids):
        return F.embedding(ids, self.table * self.kept, self.pad)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_pruned_words_learn_as_a_decoder_and_not_as_inputs(family):
    """Spec tamt 2.3: E is masked in the lookup, dense and trained as a decoder."""
    theirs, model = twins(family, "mlm")
    mask = mask_for(model, pooler=False)
    keep = model.apply_mask(mask)
    names = {name: value for name, value in theirs.base_model.named_parameters() if name in mask}
    with torch.no_grad():
        for name, value in names.items():
            if name != WORDS:
                value.mul_(mask[name])
    table = theirs.base_model.embeddings.word_embeddings.weight
    theirs.base_model.embeddings.word_embeddings = MaskedTable(table, mask[WORDS], model.config.pad_id)
    facts, batch, real = both_inputs(family)
    labels = inputs(family, seed=5)[0]
    logits = theirs(**facts).logits[real]
    F.cross_entropy(logits, labels[real]).backward()
    ours = model.forward(batch, MLM, read=torch.arange(len(batch.ids)))
    torch.testing.assert_close(ours, logits.detach(), rtol=1e-4, atol=1e-5)
    F.cross_entropy(ours, labels[real]).backward()
    model.parameters.grad[: len(keep)].mul_(keep)
    span = model.parameters.spans[WORDS]
    gradient = model.parameters.grad[span.start : span.stop].view(span.shape)
    torch.testing.assert_close(gradient, table.grad, rtol=1e-4, atol=1e-6)
    assert (gradient[~mask[WORDS]] != 0).float().mean() > 0.9
    query = "encoder.layer.0.attention.self.query.weight"
    span = model.parameters.spans[query]
    expected = names[query].grad * mask[query]
    torch.testing.assert_close(
        model.parameters.grad[span.start : span.stop].view(span.shape), expected, rtol=1e-4, atol=1e-6
    )


def test_masks_of_another_set_stay_an_error():
    model = tiny_model()
    shapes = prunable_shapes(model.config, words=True)
    with pytest.raises(TicketsError, match=r"pooler\.dense\.weight, is only in the model"):
        model.apply_mask(half(prunable_shapes(model.config, pooler=False)))
    with pytest.raises(TicketsError, match="tensors differ"):
        model.apply_mask(half({n: s for n, s in shapes.items() if "query" not in n}))
    with pytest.raises(TicketsError, match=r"word_embeddings\.weight has shape"):
        model.apply_mask(half(shapes | {WORDS: (61, 16)}))
    with pytest.raises(TicketsError, match="is only in the mask"):
        model.apply_mask(half(shapes | {"embeddings.position_embeddings.weight": (32, 16)}))


def scored(table, scores, threshold, pad):
    scores = nn.Parameter(torch.tensor(scores, dtype=torch.float32))
    scores.grad = torch.zeros_like(scores)
    lookup = ScoredRows(torch.tensor(table, dtype=torch.float32), scores, torch.tensor(threshold), pad)
    return lookup, scores


def test_o8_embedding_gradient_of_scores():
    lookup, scores = scored([[1, 2], [3, 4], [5, 6]], [[1, 1], [1, 1], [1, 1]], 0.5, 0)
    lookup(torch.tensor([1, 1, 2])).sum().backward()
    assert scores.grad.tolist() == [[0, 0], [6, 8], [5, 6]]


def test_o8_the_padding_id_learns_nothing_and_pruned_entries_do():
    lookup, scores = scored([[1, 2], [3, 4], [5, 6]], [[1, 1], [1, 0], [0, 1]], 0.5, 0)
    rows = lookup(torch.tensor([0, 1, 0, 2]))
    assert rows.tolist() == [[1, 2], [3, 0], [1, 2], [0, 6]]
    rows.sum().backward()
    assert scores.grad.tolist() == [[0, 0], [3, 4], [5, 6]]


def test_only_wanted_parameters_get_gradients():
    config = tiny_config()
    model = tiny_model(MLM)
    model.parameters.leaf(POOLER)
    model.parameters.train_only({"encoder.layer.1.output.dense.weight"})
    ids = torch.randint(5, config.vocab_size, (2, 9))
    batch = pack(ids, torch.zeros_like(ids), torch.tensor([9, 9]), 9)
    run = lambda: model.forward(batch, MLM, read=torch.arange(18)).sum().backward()  # noqa: E731
    run()
    touched = {n for n, s in model.parameters.spans.items() if model.parameters.grad[s.start : s.stop].any()}
    assert touched == {"encoder.layer.1.output.dense.weight"}
    model.parameters.train_only(None)
    run()
    touched = {n for n, s in model.parameters.spans.items() if model.parameters.grad[s.start : s.stop].any()}
    assert len(touched) > 30
