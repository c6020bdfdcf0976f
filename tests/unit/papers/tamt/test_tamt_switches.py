"""Disagreements of paper and code about scores: each is a setting that reaches the training and the fingerprints."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from tickets.config import parse_config
from tickets.papers.tamt.addresses import mask
from tickets.papers.tamt.identity import Identity
from tickets.papers.tamt.mask_search import policy_of
from tickets.papers.tamt.settings import Scores, tamt_settings
from tickets.training.mask_policy import MaskPolicy

SHIPPED = Path(__file__).parents[4] / "config.yaml"
PAPER = {"binarise": "at-least", "rank": "absolute", "decoder": "trained"}


def config_with(**scores):
    raw = yaml.safe_load(SHIPPED.read_text())
    raw["presets"]["micro"]["tamt"]["scores"] = scores
    return parse_config(raw, "micro")


def policy(objective="mlm", **scores):
    settings = tamt_settings(config_with(**scores))
    return policy_of(settings, settings.mask_training[objective])


def test_the_release_is_the_default():
    assert policy() == MaskPolicy(every=policy().every)
    assert (policy().binarise, policy().rank, policy().decoder) == ("above", "signed", "frozen")


def test_every_score_setting_reaches_the_policy():
    values = PAPER | {"phi": 0.02, "alpha": 3.0, "ties": "exact"}
    assert set(values) == set(Scores.model_fields) - {"pooler"}
    for key, value in values.items():
        assert policy(**{key: value}) != policy()
        assert getattr(policy(**{key: value}), key) == value
    kd = policy("kd", **PAPER)
    assert (kd.shift, kd.at_first, kd.at_epoch_end) == (1, True, True)


@pytest.mark.parametrize("key", PAPER)
def test_a_switch_changes_the_fingerprint_of_a_mask(key):
    default = Scores.model_fields[key].default
    names = [
        Identity(config_with(**scores)).fingerprint(mask("tamt-mlm", "70", 1))
        for scores in ({}, {key: default}, {key: PAPER[key]})
    ]
    assert names[0] == names[1] != names[2]


def test_a3_kept_weights_may_start_on_the_threshold_only_where_that_keeps_them():
    with pytest.raises(
        ValidationError, match="alpha: 1 puts no score above phi; use more, or 'binarise: at-least'"
    ):
        Scores(alpha=1)
    assert Scores(alpha=1, binarise="at-least").alpha == 1
