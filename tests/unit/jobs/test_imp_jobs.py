"""IMP chains as jobs: what they leave behind, what a round starts from, and that a round is its ticket's evaluation."""

import json

import pytest
import torch
from safetensors.torch import load_file

from job_world import Spy, equal
from tickets.jobs.context import Context
from tickets.models.hf import load_folder
from tickets.papers.lth.addresses import LEVELS, mask, run
from tickets.papers.lth.lab import ChainLab
from tickets.papers.lth.subnetworks import train_subnetwork
from tickets.pruning.mask import Mask
from tickets.training.checkpoint import discard
from tiny_engine import tiny_preset


def one_chain(**changes):
    raw = tiny_preset(steps=3, **changes)
    raw["presets"]["tiny"]["lth"]["replicates"] |= {"imp": 1, "baselines": 1}
    return raw


@pytest.mark.parametrize("task", ["rte", "mlm"])
def test_a_chain_leaves_exact_nested_masks_and_a_record_of_every_round(finished, task):
    root = finished.root
    for replicate in (1, 2):
        before = None
        for k, level in enumerate(LEVELS):
            address = run(task, "pretrained", "imp", task, level, replicate)
            metrics = json.loads((root / address.metrics).read_text())
            certificate = json.loads((root / address.folder / "run.json").read_text())
            assert metrics["resolved"] == level
            assert metrics["fingerprint"] == certificate["identity"]["fingerprint"]
            assert metrics["score"] == metrics["scores"]["dev"][metrics["metric"]]
            assert metrics["n_dev"] == 14
            if k == 0:
                assert not (root / address.mask.file).exists()
                continue
            found = Mask.load(root / address.mask.file)
            total = found.total
            assert found.kept == total - round(total * k / 10)
            assert found.digest() == certificate["inputs"]["mask_sha256"]
            assert before is None or found.nested_in(before)
            before = found
    assert len({Mask.load(root / mask("imp", task, "50", r).file).digest() for r in (1, 2)}) == 2


def test_scores_follow_from_the_stored_predictions(finished):
    address = run("rte", "pretrained", "imp", "rte", "40", 2)
    outputs = load_file(finished.root / address.folder / "predictions.safetensors")["dev"]
    labels = Context(finished.config, finished.job("imp", task="rte")).data("rte").splits["dev"].labels
    metrics = json.loads((finished.root / address.metrics).read_text())
    assert metrics["score"] == pytest.approx(100 * float((outputs.argmax(1) == labels).float().mean()))


def test_a_finished_job_leaves_neither_staging_nor_parts(finished):
    assert list((finished.folder / ".tickets").rglob("*.safetensors")) == []
    assert list(finished.folder.rglob("*.part")) == []


@pytest.mark.parametrize("task", ["rte", "mlm"])
@pytest.mark.parametrize("level", ["00", "30", "90"])
def test_o24_a_standalone_run_reproduces_its_round_bit_by_bit(finished, task, level):
    address = run(task, "pretrained", "imp", task, level, 2)
    context = Context(finished.config, finished.job("imp", task=task))
    try:
        train_subnetwork(ChainLab(context), address)
        alone = json.loads((context.results / address.metrics).read_text())
        in_chain = json.loads((finished.root / address.metrics).read_text())
        assert (alone.pop("seconds"), in_chain.pop("seconds")) != (0, 0)
        assert alone == in_chain
        name = address.folder / "predictions.safetensors"
        if task == "rte":
            assert (context.results / name).read_bytes() == (finished.root / name).read_bytes()
    finally:
        discard(context.staging)


def test_o10_rewinding_restores_theta0_and_gamma0_bit_by_bit(fresh, monkeypatch):
    place, spy = fresh(one_chain()), Spy(monkeypatch)
    place.run("imp", task="rte")
    theta0 = load_folder(place.root / "models" / "tiny-bert").body
    lr0 = place.config.settings.lth.recipe("rte").learning_rate
    assert len(spy.calls) == 10
    for k, call in enumerate(spy.calls):
        assert equal(call["body"], theta0)
        assert equal(call["heads"], spy.calls[0]["heads"])
        assert not equal(call["end_body"], theta0)
        assert not equal(call["end_heads"], call["heads"])
        assert call["moments"] is None
        assert int(call["updates"]) == 3
        assert call["rates"] == pytest.approx([lr0, lr0 / 3, 0.0])
        assert call["mask"].sparsity == pytest.approx(k / 10, abs=1e-3)
    assert len({call["seed"] for call in spy.calls}) == 10


def test_o10_masks_rank_the_trained_weights_of_survivors(fresh, monkeypatch):
    place, spy = fresh(one_chain()), Spy(monkeypatch)
    place.run("imp", task="rte")
    for before, after in zip(spy.calls, spy.calls[1:], strict=False):
        alive = before["mask"].flat()
        flat = torch.cat([before["end_body"][name].flatten() for name in before["mask"]]).abs()
        gone = alive & ~after["mask"].flat()
        assert flat[gone].max() <= flat[after["mask"].flat()].min()
        assert flat[~alive].max() == 0 if bool((~alive).any()) else True


def test_o10_release_profile_carries_the_head_and_resets_the_body(fresh, monkeypatch):
    place, spy = fresh(one_chain()), Spy(monkeypatch)
    place.run("code_profile", task="rte")
    theta0 = load_folder(place.root / "models" / "tiny-bert").body
    lr0 = place.config.settings.lth.recipe("rte").learning_rate
    rounds = spy.calls[:7]
    assert len(spy.calls) == 7 + 2
    for k, call in enumerate(rounds):
        assert equal(call["body"], theta0)
        assert call["moments"] is None
        assert call["rates"] == pytest.approx([lr0, lr0 * (1 - 2 / 30), 0.9 * lr0])
        assert call["mask"].sparsity == pytest.approx(k / 10, abs=1e-3)
        if k:
            assert equal(call["heads"], rounds[k - 1]["end_heads"])
    assert [round(call["mask"].sparsity, 2) for call in spy.calls[7:]] == [0.7, 0.5]
    assert equal(spy.calls[7]["heads"], spy.calls[8]["heads"])


def test_o10_release_profile_of_mlm_prunes_first_and_never_rewinds(fresh, monkeypatch):
    place, spy = fresh(one_chain()), Spy(monkeypatch)
    place.run("code_profile", task="mlm")
    theta0 = load_folder(place.root / "models" / "tiny-bert").body
    rounds = spy.calls[:6]
    assert len(spy.calls) == 6 + 2
    assert equal(rounds[0]["body"], theta0)
    for k, call in enumerate(rounds):
        assert call["mask"].sparsity == pytest.approx((k + 1) / 10, abs=1e-3)
        if k:
            assert equal(call["body"], rounds[k - 1]["end_body"])
            assert equal(call["heads"], rounds[k - 1]["end_heads"])
    for level in ("50", "70"):
        found = Mask.load(place.root / mask("imp-code", "mlm", level, 1).file)
        assert found.sparsity == pytest.approx(int(level) / 100, abs=1e-3)


def test_a_continued_optimizer_goes_on_counting(fresh, monkeypatch):
    policy = {
        "head": "carry",
        "schedule": "span",
        "rewind": False,
        "prune_first": True,
        "optimizer": "continued",
    }
    place, spy = fresh(one_chain(code_mlm_chain=policy)), Spy(monkeypatch)
    place.run("code_profile", task="mlm")
    lr0 = place.config.settings.lth.recipe("mlm").learning_rate
    for k, call in enumerate(spy.calls[:6]):
        assert int(call["updates"]) == 3 * (k + 1)
        assert call["rates"][0] == pytest.approx(lr0 * (1 - k / 10))
        dead = ~call["mask"].flat()
        flat = torch.cat([call["end_body"][name].flatten() for name in call["mask"]])
        assert flat[dead].abs().max() == 0
