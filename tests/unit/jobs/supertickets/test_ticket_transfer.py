"""Fine-tuning from shared starting points: which weights, which ticket, which recipe, how much data."""

import json

import pytest
import torch

from ticket_world import HEADS, LAYERS, LEVEL, RECIPE, TICKETS, UNION, Trainings, calm, equal, place_trials
from tickets.data.subsets import subset_rows
from tickets.models.body_file import load_body, save_body
from tickets.models.hf import load_folder
from tickets.models.removal import cut
from tickets.papers.supertickets.addresses import LEVELS, multitask, run, weights_file
from tickets.papers.supertickets.lab import TicketLab
from tickets.papers.supertickets.transfer import _settings
from tickets.pruning.structured import StructuredMask
from tickets.training.checkpoint import discard

SMALL = {"recipes": {"default": RECIPE | {"steps": 2}}, "extended_steps": 4, "extended_batch": 5}


def varied(place, kind, scale):
    """Weights that another job would have left."""
    body = load_folder(place.root / "models" / "tiny-bert").body
    save_body(
        {name: value * scale for name, value in body.items()}, place.root / weights_file(kind, 1, "base")
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Starting points of all four kinds, and trials and multi-task scores that say which tickets they have."""
    monkeypatch.chdir(tmp_path)
    return started(tmp_path)


def started(folder, **changes):
    made = calm(folder, **{**SMALL, **changes})
    place_trials(made)
    for scale, kind in enumerate(("mnli-full", "mnli-super", "mt-dnn", "ticket-share"), 1):
        varied(made, kind, 1 + scale / 10)
    for task, level in LEVEL.items():
        path = made.root / multitask("ticket-share", task, 1, "base").metrics
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"resolved": LEVELS[level]}))
    return made


STARTS = {
    "mnli-full": ("00", None),
    "mnli-super": (LEVELS[LEVEL["mnli"]], TICKETS["mnli"]),
    "mt-dnn": ("00", None),
    "ticket-share": ("00", UNION),
}


@pytest.mark.parametrize("init", STARTS)
def test_domain_adaptation_starts_from_its_weights_under_its_ticket(place, monkeypatch, init):
    spy, (level, structure) = Trainings(monkeypatch), STARTS[init]
    job = place.run(place.job("domain", init=init, task="snli"))
    body = load_body(place.root / weights_file(init, 1, "base"))
    config = load_folder(place.root / "models" / "tiny-bert").config
    assert [address.variant for address in job.runs] == ["data0.1", "data100", "data0.1-extended"]
    for address, call in zip(job.runs, spy.calls, strict=True):
        assert call["structure"] == structure
        assert equal(call["body"], body if structure is None else cut(body, config, structure))
        metrics = place.metrics(address)
        assert metrics["resolved"] == level
        assert metrics["extra"]["heads_removed"] == (0 if structure is None else structure.removed_heads)
        assert metrics["n_dev"] == 41
    assert spy.calls[0]["heads"]["classifier.weight"].shape == (3, 16)


def test_starting_points_share_head_and_batches(place, monkeypatch):
    spy = Trainings(monkeypatch)
    for init in ("mnli-full", "ticket-share"):
        place.run(place.job("domain", init=init, task="scitail"))
    half = len(spy.calls) // 2
    for one, other in zip(spy.calls[:half], spy.calls[half:], strict=True):
        assert equal(one["heads"], other["heads"])
        assert (one["seed"], one["batches"]) == (other["seed"], other["batches"])


def test_mnlis_ticket_may_serve_a_new_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place, spy = started(tmp_path, new_task_mask="mnli"), Trainings(monkeypatch)
    job = place.run(place.job("domain", init="ticket-share", task="snli"))
    assert {place.metrics(address)["resolved"] for address in job.runs} == {LEVELS[LEVEL["mnli"]]}
    assert all(call["structure"] == TICKETS["mnli"] for call in spy.calls)


@pytest.mark.parametrize("rate", ["lr0", "lr1", "lr2"])
def test_multitask_models_are_tuned_on_a_task_under_its_own_ticket(place, monkeypatch, rate):
    spy = Trainings(monkeypatch)
    for method, structure, level in (("mt-dnn", None, "00"), ("ticket-share", TICKETS["rte"], "30")):
        job = place.run(place.job("finetune", method=method, task="rte", rate=rate))
        call, metrics = spy.calls.pop(), place.metrics(job.runs[0])
        assert call["structure"] == structure
        factor = {"lr0": 1, "lr1": 2, "lr2": 4}[rate]
        assert call["recipe"].learning_rate == pytest.approx(factor * RECIPE["learning_rate"])
        assert metrics["extra"]["learning_rate"] == call["recipe"].learning_rate
        assert (metrics["resolved"], metrics["steps"]) == (level, 2)


@pytest.mark.parametrize(
    ("variant", "percent", "batch", "steps"),
    [
        ("", 100, 8, 2),
        ("data100", 100, 8, 2),
        ("data0.1", 0.1, 8, 2),
        ("data10", 10, 8, 2),
        ("data0.1-extended", 0.1, 5, 4),
        ("data10-extended", 10, 5, 4),
        ("lr1", 100, 8, 2),
    ],
)
def test_a_variant_names_recipe_and_data(place, variant, percent, batch, steps):
    context = place.context(place.job("domain", init="mt-dnn", task="snli"))
    lab = TicketLab(context)
    address = run("snli", "mt-dnn", "mt-dnn", "glue", "00", 1, "base", variant)
    recipe, found = _settings(lab, address)
    assert (found, recipe.batch_size) == (percent, batch)
    resident = lab.resident("snli", "base", found)
    train = context.data("snli").splits["train"]
    rows = torch.arange(len(train)) if percent == 100 else subset_rows(len(train), percent, "snli")
    assert torch.equal(resident.split.ids, train.ids[rows])
    assert recipe.total_steps(len(resident)) == steps
    assert recipe.learning_rate == RECIPE["learning_rate"] * (2 if variant == "lr1" else 1)


def test_the_extended_protocol_never_shortens_a_run(tmp_path, monkeypatch):
    """Epochs that make more updates than the fewest allowed stay epochs."""
    monkeypatch.chdir(tmp_path)
    epochs = RECIPE | {"steps": None, "epochs": 3}
    place = started(tmp_path, recipes={"default": epochs}, extended_steps=4)
    lab = TicketLab(place.context(place.job("domain", init="mt-dnn", task="snli")))

    def found(variant):
        address = run("snli", "mt-dnn", "mt-dnn", "glue", "00", 1, "base", variant)
        recipe, percent = _settings(lab, address)
        return recipe.epochs, recipe.total_steps(len(lab.resident("snli", "base", percent)))

    assert found("data0.1") == (3, 3), "one example, one step an epoch"
    assert found("data0.1-extended") == (None, 4)
    assert found("data100-extended") == (3, 3 * 7), "33 examples in batches of 5"


def test_the_weights_of_the_super_ticket_serve_domain_adaptation(copied, monkeypatch):
    """The files of a real trial: the ticket cut out of the saved weights is what the winning run ended with."""
    place = copied.with_changes(extended_steps=2)
    spy = Trainings(monkeypatch)
    job = place.run(place.job("domain", init="mnli-super", task="scitail"))
    level = LEVELS.index(place.metrics(job.runs[0])["resolved"])
    own = place.mask(run("mnli", "pretrained", "winning", "mnli", LEVELS[level], 1, "base").mask)
    theta0 = load_folder(place.root / "models" / "tiny-bert")
    for call in spy.calls:
        assert call["structure"] == own
        assert own != StructuredMask.full(LAYERS, HEADS)
        assert not equal(call["body"], cut(theta0.body, theta0.config, own))


def test_a_run_that_lacks_its_start_says_so(tmp_path, monkeypatch):
    from tickets.errors import TicketsError

    monkeypatch.chdir(tmp_path)
    place = calm(tmp_path, **SMALL)
    job = place.job("domain", init="mt-dnn", task="snli")
    with pytest.raises(TicketsError, match=r"weights/base/mt-dnn/seed1/model.safetensors: not readable"):
        place.run(job)
    discard(place.context(job).staging)
