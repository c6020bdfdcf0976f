"""Operations of single pieces of work, against the formulas and numbers of the specs."""

import pytest

from tickets.models.config import EncoderConfig
from tickets.planning.data import Facts
from tickets.planning.flops import Flops, encoder_forward, flops_of, word_head
from tickets.planning.shapes import KNOWN, parameters, prunable_weights
from tickets.planning.work import Batch, Exam, Work

BASE, LARGE, ROBERTA = (KNOWN[name] for name in ("bert-base-uncased", "bert-large-uncased", "roberta-base"))
BLOCK = Facts({"train": 1000, "dev": 100}, 512.0, 512.0, "official")
SENTENCES = Facts({"train": 1000, "dev": 100, "test": 7}, 40.0, 84.0, "official")
WORDS = Batch("wikitext", 16, 512, 0.15)


def step(shape=BASE, batch=WORDS, **options):
    facts = {("wikitext", 512): BLOCK, ("rte", 128): SENTENCES, ("rte", 512): SENTENCES}
    return flops_of(Work("base", 1, 1, (batch,), **options), shape, facts)


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        (BASE, {}, 5.82e12),
        (ROBERTA, {}, 6.56e12),
        (BASE, {"way": "masks"}, 5.44e12),
        (ROBERTA, {"way": "masks"}, 5.93e12),
        (BASE, {"way": "masks", "teacher": True}, 6.98e12),
        (ROBERTA, {"way": "masks", "teacher": True}, 7.48e12),
    ],
)
def test_tamt_6_1_pretraining_steps(shape, options, expected):
    assert step(shape, **options).original_train == pytest.approx(expected, rel=0.002)


def test_tamt_6_1_distillation_alone_has_no_head():
    batch = Batch("wikitext", 16, 512, padded=True)
    found = step(batch=batch, way="masks", teacher=True)
    assert found.original_train == pytest.approx(6.18e12, rel=0.002)
    assert found.train == pytest.approx(found.original_train), "padding is computed with here too"


def test_tamt_6_1_head_on_15_percent_of_the_positions():
    encoder = 3 * 8192 * encoder_forward(BASE, 512.0)
    for options, expected in (({}, 4.82e12), ({"way": "masks"}, 4.76e12)):
        found = step(**options)
        saved = 3 * 8192 * (encoder_forward(BASE, 512.0) - encoder_forward(BASE, 512.0, read=0.15))
        assert found.train + saved == pytest.approx(expected, rel=0.002)
        assert found.train < encoder < found.original_train


def test_supertickets_6_3_forward_of_a_sequence():
    for shape, linear, square in ((BASE, 1.69869e8, 36_864), (LARGE, 6.0398e8, 98_304)):
        for n in (13.3, 128.0):
            assert n * encoder_forward(shape, n) == pytest.approx(linear * n + square * n * n, rel=1e-4)


def test_what_is_removed_costs_nothing():
    n = 50.0
    heads = encoder_forward(BASE, n, 0.5, 1.0) / encoder_forward(BASE, n)
    ffns = encoder_forward(BASE, n, 1.0, 0.5) / encoder_forward(BASE, n)
    assert heads + ffns == pytest.approx(1.5), "the halves of both make half of it all"
    assert encoder_forward(BASE, n, 0.0, 0.0) == 0.0


def test_padding_and_the_last_layer_are_not_computed():
    found = step(batch=Batch("rte", 32, 128))
    assert found.tokens == 32 * 40
    assert found.original_tokens == 32 * 128
    assert found.original_train == pytest.approx(2.15e12, rel=0.003), "spec tamt 6.1: GLUE 32 x 128"
    whole = 3 * 32 * 40 * encoder_forward(BASE, 40.0)
    assert 11 / 12 * whole < found.train < whole
    assert step(batch=Batch("rte", 32, 512), padding="batch").original_tokens == 32 * 84


def test_gates_need_no_gradient_of_weights():
    train, sweep = (step(batch=Batch("rte", 32, 128), way=way) for way in ("weights", "gates"))
    assert sweep.train == pytest.approx(train.train * 2 / 3)
    assert sweep.original_train == train.original_train


def test_evaluations_go_forward_over_the_dev_splits():
    facts = {
        ("rte", 128): Facts({"train": 9, "dev": 100, "dev_mismatched": 50, "test": 7}, 40.0, 84.0, "official")
    }
    exam = Exam("rte", 128, times=3, held_out=1)
    found = flops_of(Work("base", 2, 0, (), (exam,)), BASE, facts)
    rows = 2 * (3 * 150 + 7)
    assert found.original_evaluation == pytest.approx(rows * 128 * encoder_forward(BASE, 128.0))
    assert found.evaluation == pytest.approx(rows * 40 * encoder_forward(BASE, 40.0, read=1 / 40))
    assert found.train == found.tokens == 0


def test_sums():
    one = Flops(1, 2, 3, 4, 5, 6)
    assert one + one == one.times(2) == Flops(2, 4, 6, 8, 10, 12)
    assert (one.computed, one.original) == (3, 9)


def test_sizes_of_models():
    assert prunable_weights(BASE, words=False) == 85_524_480, "spec lth section 2"
    assert parameters(BASE) == 109_482_240, "spec lth section 2"
    assert word_head(BASE) == (2 * 768**2, 2 * 768 * 30_522)
    tiny = EncoderConfig(
        vocab_size=290, hidden_size=64, layers=2, heads=8, intermediate_size=256, max_positions=64
    )
    from tickets.models.layout import encoder_shapes

    assert parameters(tiny) == sum(_size(shape) for shape in encoder_shapes(tiny).values())


def _size(shape):
    size = 1
    for n in shape:
        size *= n
    return size
