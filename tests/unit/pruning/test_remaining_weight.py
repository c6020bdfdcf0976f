"""Parameter counts and the fraction of weight that is left (spec supertickets 1.3, 1.7; oracles O1, O15)."""

import pytest

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.pruning.ranking import count_ffns, count_heads
from tickets.pruning.remaining import remaining, total_parameters

BASE = EncoderConfig()
LARGE = EncoderConfig(hidden_size=1024, layers=24, heads=16, intermediate_size=4096)
TABLE = {
    ("base", "release"): [0.9318, 0.8635, 0.7935, 0.7252, 0.6552, 0.5870, 0.5187, 0.4487],
    ("base", "floor"): [0.9318, 0.8635, 0.7935, 0.7252, 0.6121, 0.5439, 0.4756, 0.4056],
    ("large", "release"): [0.9202, 0.8404, 0.7599, 0.6801, 0.5995, 0.5197, 0.4400, 0.3594],
    ("large", "floor"): [0.9202, 0.8404, 0.7348, 0.6551, 0.5495, 0.4697, 0.3899, 0.2843],
}


def test_o1_parameter_counts():
    assert total_parameters(BASE) == 109_482_240
    assert total_parameters(LARGE) == 335_141_888


def test_o1_parameter_counts_are_those_of_transformers():
    import torch
    from transformers import BertConfig, BertModel

    with torch.device("meta"):
        theirs = BertModel(BertConfig())
    assert sum(p.numel() for p in theirs.parameters()) == total_parameters(BASE)


@pytest.mark.parametrize(("model", "rule"), list(TABLE))
def test_o1_remaining_at_every_level(model, rule):
    config = {"base": BASE, "large": LARGE}[model]
    found = [
        remaining(config, count_heads(config.layers, config.heads, k), count_ffns(config.layers, k, rule))
        for k in range(1, 9)
    ]
    assert [round(value, 4) for value in found] == TABLE[model, rule]


def test_o15_with_eight_heads_and_the_masks_in_the_denominator():
    assert total_parameters(BASE) + 12_460 == 109_494_700
    assert round(remaining(BASE, 15, 1, extra=12_460), 5) == 0.92997
    assert total_parameters(LARGE) + 16_808 == 335_158_696
    assert round(remaining(LARGE, 85, 4, extra=16_808), 5) == 0.83340


def test_nothing_and_everything_removed():
    assert remaining(BASE, 0, 0) == 1.0
    matrices = 12 * (4 * 768 * 768 + 2 * 768 * 3072)
    assert remaining(BASE, 144, 12) == pytest.approx(1 - matrices / 109_482_240, abs=1e-15)


@pytest.mark.parametrize("counts", [(145, 0), (0, 13), (-1, 0)])
def test_counts_beyond_the_model(counts):
    with pytest.raises(TicketsError, match="144 and 12"):
        remaining(BASE, *counts)
