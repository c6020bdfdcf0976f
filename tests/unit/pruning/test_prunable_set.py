import pytest

from tickets.errors import TicketsError
from tickets.pruning.prunable import (
    POOLER,
    WORDS,
    count_layers,
    prunable_count,
    prunable_names,
    prunable_shapes,
    select_prunable,
)

BERT_BASE = (768, 3072, 12)


def test_o1_bert_base_counts():
    assert prunable_count(*BERT_BASE) == 85_524_480
    assert len(prunable_names(12)) == 73
    assert prunable_count(*BERT_BASE, pooler=False) == 84_934_656


def test_o3_tiny_model_counts():
    assert prunable_count(20, 30, 3) == 8_800
    assert len(prunable_names(3)) == 19


def test_o4_order():
    names = prunable_names(2)
    assert names[:7] == (
        "encoder.layer.0.attention.self.query.weight",
        "encoder.layer.0.attention.self.key.weight",
        "encoder.layer.0.attention.self.value.weight",
        "encoder.layer.0.attention.output.dense.weight",
        "encoder.layer.0.intermediate.dense.weight",
        "encoder.layer.0.output.dense.weight",
        "encoder.layer.1.attention.self.query.weight",
    )
    assert names[-1] == POOLER
    assert prunable_names(2, pooler=False) == names[:-1]


def test_shapes_are_those_of_transformers():
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=11, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12
    )
    state = {name: tuple(t.shape) for name, t in BertModel(config).state_dict().items()}
    selected = select_prunable(state)
    assert selected == prunable_shapes(8, 12, 2)
    assert list(selected) == list(prunable_names(2))
    matrices = {name for name, shape in state.items() if len(shape) == 2 and "embeddings" not in name}
    assert matrices == selected.keys()


def test_layers_are_counted_from_names():
    assert count_layers(prunable_names(12)) == 12
    assert count_layers(["embeddings.word_embeddings.weight"]) == 0


def test_selection_names_what_is_missing():
    tensors = dict.fromkeys(prunable_names(2), 0)
    with pytest.raises(TicketsError, match=r"missing, first pooler\.dense\.weight.*with a pooler"):
        select_prunable({n: t for n, t in tensors.items() if n != POOLER})
    assert POOLER not in select_prunable(tensors, pooler=False)
    with pytest.raises(TicketsError, match=r"1 of 13 .*layer\.0\.intermediate"):
        select_prunable(
            {n: t for n, t in tensors.items() if n != "encoder.layer.0.intermediate.dense.weight"}
        )
    with pytest.raises(TicketsError, match="no tensor is named"):
        select_prunable({f"bert.{name}": 0 for name in tensors})


def test_with_words_the_table_comes_last():
    names = prunable_names(2, words=True)
    assert names[-2:] == (POOLER, WORDS)
    assert prunable_names(2, pooler=False, words=True) == (*prunable_names(2, pooler=False), WORDS)
    shapes = prunable_shapes(8, 12, 2, vocab=11)
    assert list(shapes) == list(names)
    assert shapes[WORDS] == (11, 8)
    assert {n: s for n, s in shapes.items() if n != WORDS} == prunable_shapes(8, 12, 2)


def test_with_words_counts_of_bert_and_roberta():
    assert prunable_count(*BERT_BASE, pooler=False, vocab=30522) == 84_934_656 + 23_440_896
    assert prunable_count(*BERT_BASE, pooler=False, vocab=50265) == 84_934_656 + 38_603_520
    assert len(prunable_names(12, words=True)) == 74
