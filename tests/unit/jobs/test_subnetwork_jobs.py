"""Every other stage at the smallest scale: what is trained, from which weights, and what is shared."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from job_world import Spy, equal
from tickets.errors import TicketsError
from tickets.jobs.context import Context
from tickets.models.hf import load_folder
from tickets.papers.lth import subnetworks
from tickets.papers.lth.addresses import mask, run, weights_file
from tickets.papers.lth.levels import chain_stat, resolve
from tickets.pruning.mask import Mask
from tickets.stats.criteria import s_star
from tiny_engine import tiny_preset


def metrics(place, address):
    return json.loads((place.root / address.metrics).read_text())


def theta0(place):
    return load_folder(place.root / "models" / "tiny-bert").body


def levels(monkeypatch, **chosen):
    """Fix what the criteria choose."""

    def fixed(context, address):
        return replace(address, level=chosen[address.rule]) if address.rule else address

    monkeypatch.setattr(subnetworks, "resolve", fixed)


def test_transfer_trains_the_sources_mask_on_the_target(finished, monkeypatch):
    spy = Spy(monkeypatch)
    finished.run("transfer", source="mlm", task="rte")
    assert len(spy.calls) == 2
    for call, level in zip(spy.calls, ("70", "50"), strict=True):
        assert call["mask"] == Mask.load(finished.root / mask("imp", "mlm", level, 1).file)
        assert equal(call["body"], theta0(finished))
        assert call["moments"] is None
    dense = metrics(finished, run("rte", "pretrained", "imp", "rte", "00", 1))
    assert metrics(finished, run("rte", "pretrained", "imp", "mlm", "70", 1))["n_dev"] == dense["n_dev"]


def test_o17_one_shot_masks_are_nested_and_do_not_depend_on_the_task(finished, monkeypatch):
    found = {}
    for task in ("rte", "mlm"):
        spy = Spy(monkeypatch)
        finished.run("oneshot", task=task)
        found[task] = [call["mask"] for call in spy.calls]
    assert found["rte"] == found["mlm"]
    assert found["rte"][0].nested_in(found["rte"][1])
    assert [round(m.sparsity, 3) for m in found["rte"]] == [0.7, 0.5]


def test_baselines_start_from_the_weights_they_are_named_after(finished, monkeypatch):
    spy = Spy(monkeypatch)
    levels(monkeypatch, winning="50", strict="30")
    job = finished.run("baselines", task="rte")
    calls = dict(zip(job.runs, spy.calls, strict=True))
    start = theta0(finished)
    for address, call in calls.items():
        level = {"winning": "50", "strict": "30"}[address.level]
        assert metrics(finished, address)["resolved"] == level
        assert call["mask"].sparsity == pytest.approx(int(level) / 100, abs=1e-3)
        imp = Mask.load(finished.root / mask("imp", "rte", level, address.replicate).file)
        assert (call["mask"] == imp) == (address.method == "imp")
        same = {name for name in start if torch.equal(call["body"][name], start[name])}
        if address.weights == "pretrained":
            assert same == set(start)
        elif address.weights == "reinit":
            assert not any(name.endswith("dense.weight") for name in same)
            assert "embeddings.word_embeddings.weight" not in same
        else:
            assert {name for name in start if "encoder" not in name} <= same
    one, two = (run("rte", "pretrained", "random", "any", "winning", r) for r in (1, 2))
    assert calls[one]["mask"] != calls[two]["mask"]
    assert not equal(calls[one]["heads"], calls[two]["heads"])


def test_o24_equal_runs_are_made_once_and_shared(fresh, monkeypatch):
    place = fresh(tiny_preset(steps=2))
    for task in ("rte", "mlm"):
        place.run("imp", task=task)
    spy = Spy(monkeypatch)
    levels(monkeypatch, winning="50", strict="50", own="70")
    job = place.run("baselines", task="rte")
    assert len(spy.calls) == 8
    assert len(job.runs) == 14
    for address in job.runs:
        found = metrics(place, address)
        twin = found.get("shared_with")
        assert (twin is not None) == (address.level == "strict")
        if twin:
            assert twin == address.at("winning").folder.as_posix()
            assert found["scores"] == metrics(place, address.at("winning"))["scores"]
            assert found["fingerprint"] != metrics(place, address.at("winning"))["fingerprint"]
            one, two = (
                place.root / a.folder / "predictions.safetensors" for a in (address, address.at("winning"))
            )
            assert one.read_bytes() == two.read_bytes()
    assert list(place.folder.rglob("*.part")) == []

    place.run("transfer", source="mlm", task="rte")
    spy.calls.clear()
    place.run("transfer_winning", source="mlm", task="rte")
    place.run("mlm_ticket", task="rte")
    assert spy.calls == []
    given = run("rte", "pretrained", "imp", "mlm", "70", 1)
    for rule, level in (("own", "70"), ("winning", "50")):
        found = metrics(place, given.at(rule))
        assert found["shared_with"] == given.at(level).folder.as_posix()
        assert found["scores"] == metrics(place, given.at(level))["scores"]


def test_a_shared_run_is_the_run_it_would_have_been(finished, monkeypatch):
    """The strict baseline trained on its own gives the bits that it is given when shared."""
    levels(monkeypatch, winning="50", strict="50")
    finished.run("baselines", task="rte")
    shared = metrics(finished, run("rte", "shuffled", "imp", "rte", "strict", 1))
    levels(monkeypatch, winning="30", strict="50")
    finished.run("baselines", task="rte")
    alone = metrics(finished, run("rte", "shuffled", "imp", "rte", "strict", 1))
    assert "shared_with" in shared
    assert "shared_with" not in alone
    assert shared["scores"] == alone["scores"]


def test_rules_choose_by_the_scores_on_disk(finished):
    context = Context(finished.config, finished.job("baselines", task="rte"))
    stats = [chain_stat(context, "rte", f"{k}0" if k else "00") for k in range(10)]
    expected = s_star(stats[0], {k / 10: stats[k] for k in range(1, 10)}, "winning", 1)
    resolved = resolve(context, run("rte", "pretrained", "imp", "mlm", "winning", 1))
    assert resolved.mask.sparsity == expected
    own = resolve(context, run("mlm", "pretrained", "imp", "rte", "own", 1))
    assert own.level == resolved.level
    fixed = run("rte", "pretrained", "imp", "mlm", "40", 1)
    assert resolve(context, fixed) is fixed


def rewound(**changes):
    raw = tiny_preset(steps=6, **changes)
    raw["presets"]["tiny"]["lth"]["replicates"]["imp"] = 1
    for name in ("baselines", "transfer", "mlm_ticket"):
        raw["presets"]["tiny"]["lth"]["replicates"][name] = 1
    return raw


@pytest.mark.parametrize("method", ["chain", "shortcut"])
def test_rewinding_starts_every_round_from_theta_i(fresh, monkeypatch, method):
    place = fresh(rewound(rewind_method=method))
    place.run("imp", task="mlm")
    spy = Spy(monkeypatch)
    place.run("rewind_source", variant="rewind50", task="mlm")
    lr0 = place.config.settings.lth.recipe("mlm").learning_rate
    points = [call for call in spy.calls if call["first_step"] == 0]
    rounds = [call for call in spy.calls if call["first_step"] == 3]
    assert len(points) + len(rounds) == len(spy.calls)
    for point in points:
        assert equal(point["body"], theta0(place))
        assert point["rates"][::2] == pytest.approx([lr0, lr0 / 2])
        assert int(point["updates"]) == 3
    for call in rounds:
        origin = points[0] if method == "chain" else next(p for p in points if p["mask"] == call["mask"])
        assert equal(call["body"], origin["end_body"])
        assert equal(call["heads"], origin["end_heads"])
        assert call["moments"] is None
        assert int(call["updates"]) == 3
        assert call["rates"][::2] == pytest.approx([lr0 / 2, 0.0])
    saved = load_file(place.root / weights_file("rewind50", "mlm", 1))
    last = next(call for call in reversed(rounds) if round(call["mask"].sparsity, 2) == 0.7)
    assert equal(saved, last["body"])
    found = Mask.load(place.root / mask("imp-rewind50", "mlm", "70", 1).file)
    assert found == last["mask"]
    if method == "shortcut":
        assert found == Mask.load(place.root / mask("imp", "mlm", "70", 1).file)

    spy.calls.clear()
    place.run("rewind_transfer", variant="rewind50", source="mlm", task="rte")
    assert len(spy.calls) == 1
    assert equal(spy.calls[0]["body"], saved)
    assert spy.calls[0]["mask"] == found


def test_standard_pruning_never_goes_back(fresh, monkeypatch):
    place = fresh(rewound())
    place.run("imp", task="mlm")
    spy = Spy(monkeypatch)
    place.run("rewind_source", variant="standard", task="mlm")
    assert equal(spy.calls[0]["body"], theta0(place))
    for before, after in zip(spy.calls, spy.calls[1:], strict=False):
        assert equal(after["body"], before["end_body"])
        assert equal(after["heads"], before["end_heads"])
        assert int(after["updates"]) == 6
    spy.calls.clear()
    place.run("norewind_transfer", task="rte")
    assert equal(spy.calls[0]["body"], theta0(place))
    assert spy.calls[0]["mask"] == Mask.load(place.root / mask("imp-standard", "mlm", "70", 1).file)


def test_multitask_and_datasize_masks_transfer(fresh, monkeypatch):
    place = fresh(tiny_preset(steps=2))
    spy = Spy(monkeypatch)
    place.run("multitask", combo="mlm+rte")
    assert len(spy.calls) == 7
    mlm_head = load_folder(place.root / "models" / "tiny-bert").heads
    for call in spy.calls:
        assert equal(call["body"], theta0(place))
        assert {"rte:classifier.weight", "mlm:cls.predictions.bias"} <= call["heads"].keys()
        name = "cls.predictions.transform.dense.weight"
        assert torch.equal(call["heads"][f"mlm:{name}"], mlm_head[name])
    spy.calls.clear()
    place.run("datasize", task="rte")
    assert len(spy.calls) == 7
    for stage, axes, source in (
        ("multitask_transfer", {"combo": "mlm+rte", "task": "rte"}, "mlm+rte"),
        ("datasize_transfer", {"task": "rte"}, "mlm@rte"),
    ):
        spy.calls.clear()
        place.run(stage, **axes)
        assert len(spy.calls) == 1
        assert spy.calls[0]["mask"].sparsity == pytest.approx(0.7, abs=1e-3)
        assert spy.calls[0]["mask"] == Mask.load(place.root / mask("imp", source, "70", 1).file)


def test_a_missing_chain_is_an_error_that_names_the_file(fresh):
    place = fresh()
    with pytest.raises(
        TicketsError, match=r"rte/pretrained/imp/from-rte/sparsity00/seed1/metrics.json: not found"
    ):
        place.run("baselines", task="rte")
    with pytest.raises(TicketsError, match=r"mask.safetensors: mask not found"):
        place.run("transfer", source="mlm", task="rte")
