"""One-shot and random masks as jobs make them, and the set that all masks of the paper are over."""

from math import prod

import pytest

from tickets.models.hf import load_folder
from tickets.papers.tamt.addresses import full_losses_file, mask
from tickets.papers.tamt.identity import Identity
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS

LEVELS = ("10", "50", "70")
LAYER = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
         "intermediate.dense", "output.dense")  # fmt: skip
MATRICES = [f"encoder.layer.{layer}.{name}.weight" for layer in (0, 1) for name in LAYER]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("model", ["base", "roberta"])
@pytest.mark.parametrize(("method", "seed"), [("omp", 1), ("random", 1), ("random", 2)])
def test_every_matrix_loses_the_floor_of_its_share(finished, model, method, seed, level):
    found = finished.mask(method, level, seed, model)
    pooler = [POOLER] if model == "base" else []
    assert list(found) == [*MATRICES, *pooler, WORDS], "A1: RoBERTa's pooler is left out"
    for name, kept in found.items():
        assert int((~kept).sum()) == kept.numel() * int(level) // 100, name


@pytest.mark.parametrize("model", ["base", "roberta"])
def test_o6_one_shot_masks_keep_the_largest(finished, model):
    body = load_folder(finished.root / finished.config.settings.model_folder(model)).body
    found = finished.mask("omp", "70", 1, model)
    for name, kept in found.items():
        least = body[name].abs()[kept].min()
        assert (body[name].abs()[~kept] < least).all(), name


def test_random_masks_differ_by_seed_and_share_nothing_but_chance(finished):
    one, other = (finished.mask("random", "50", seed) for seed in (1, 2))
    both = (one & other).kept / one.total
    assert both == pytest.approx(0.25, abs=0.03)
    assert finished.mask("random", "70", 1).digest() != finished.mask("random", "50", 1).digest()
    sparser = finished.mask("random", "70", 1)
    assert (one & sparser).kept / one.total == pytest.approx(0.15, abs=0.03), "drawn anew for each sparsity"


@pytest.mark.parametrize("model", ["base", "roberta"])
def test_the_full_model_loses_nothing(finished, model):
    found = finished.log(full_losses_file(model))
    assert found.pop("mlm_loss") > 1
    assert 0 <= found.pop("mlm_accuracy") <= 100
    assert found == pytest.approx(
        {"kd_loss": 0, "kd_loss_unpadded": 0, "kd_mse": 0, "removed": 0, "removed_with_pooler": 0}, abs=1e-6
    )


def test_removed_is_told_without_and_with_the_pooler(finished):
    found = finished.mask("omp", "70", 1)
    zeros = {name: int((~kept).sum()) for name, kept in found.items()}
    without = sum(count for name, count in zeros.items() if name != POOLER)
    total = sum(prod(kept.shape) for name, kept in found.items() if name != POOLER)
    losses = finished.losses("omp", "70", 1)
    assert losses["removed"] == without / total
    assert losses["removed_with_pooler"] == sum(zeros.values()) / found.total
    assert losses["removed"] != losses["removed_with_pooler"]
    roberta = finished.losses("omp", "50", 1, "roberta")
    assert roberta["removed"] == roberta["removed_with_pooler"]


def test_the_pooler_is_left_out_where_the_config_says_so(fresh):
    place = fresh(scores={"pooler": False})
    place.make("baseline_masks", method="omp")
    found = place.mask("omp", "50", 1)
    assert POOLER not in found
    assert len(found) == len(MATRICES) + 1


def test_a_mask_file_says_what_it_is(finished):
    address = mask("omp", "70", 1)
    facts = Mask.provenance(finished.root / address.file)
    identity = Identity(finished.config)
    assert facts == {"spec": identity.mask(address), "fingerprint": identity.fingerprint(address)}
