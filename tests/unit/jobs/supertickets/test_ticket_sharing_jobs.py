"""Multi-task jobs: every task under its own super ticket, what no task keeps gone for good (spec section 3.3)."""

import json

import pytest
import torch

from ticket_world import (
    LEVEL,
    OTHER,
    RECIPE,
    TASKS,
    TICKETS,
    UNION,
    Trainings,
    batches,
    calm,
    equal,
    place_trials,
)  # fmt: skip
from tickets.models.body_file import load_body
from tickets.models.hf import load_folder
from tickets.models.model import Model
from tickets.models.removal import gates
from tickets.papers.supertickets.addresses import LEVELS, multitask, weights_file
from tickets.papers.supertickets.selection import judge_point
from tickets.pruning.remaining import remaining
from tickets.training.evaluate import predict
from tickets.training.freeze import structure_keep
from tickets.training.loop import train
from tickets.training.multitask import UnionObjective
from tickets.training.objective import TaskObjective
from tickets.training.resident import Resident

RATE = RECIPE["learning_rate"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """All methods, trained once under the tickets above; by method what its training started from and left."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("shared")
        patch.chdir(folder)
        place, spy, found = calm(folder), Trainings(patch), {}
        place_trials(place)
        place_trials(place, {"rte": 6}, {"rte": OTHER}, "mismatched")
        for method in ("mt-dnn", "ticket-share", "ticket-share-strict", "ticket-share-mismatched"):
            place.run(place.job("multitask", method=method, seed="1"))
            found[method] = spy.calls.pop()
        return place, found


def theta0(place):
    return load_folder(place.root / "models" / "tiny-bert").body


def full_model(place, call, body):
    """A full model with the heads of a run."""
    model = Model(load_folder(place.root / "models" / "tiny-bert").config, call["model"].heads, "cpu", 0.0)
    model.load_body(body)
    model.load_heads(call["heads"])
    return model


def data_of(place, task):
    return place.context(place.job("multitask", method="mt-dnn", seed="1")).data(task)


def test_the_super_ticket_of_every_task_is_recorded(shared):
    place, _ = shared
    config = load_folder(place.root / "models" / "tiny-bert").config
    for method in ("ticket-share", "ticket-share-strict"):
        for task, metrics in place.shared(method).items():
            own = TICKETS[task]
            extra = metrics["extra"]
            assert metrics["resolved"] == LEVELS[LEVEL[task]]
            assert (extra["heads_removed"], extra["ffns_removed"]) == (own.removed_heads, own.removed_ffns)
            assert extra["remaining"] == remaining(config, own.removed_heads, own.removed_ffns)
            path = place.root / multitask(method, task, 1, "base").folder / "run.json"
            certificate = json.loads(path.read_text())
            assert certificate["inputs"]["mask_sha256"] == own.mask().digest()
            assert certificate["resolved"] == {"level": metrics["resolved"], "sparsity": LEVEL[task] / 10}


def test_mt_dnn_has_no_ticket(shared):
    place, found = shared
    call = found["mt-dnn"]
    assert call["structure"] is None
    assert equal(call["body"], theta0(place))
    assert all(part.gates is None for part in call["objective"].parts.values())
    for metrics in place.shared("mt-dnn").values():
        assert metrics["resolved"] == "00"
        assert (metrics["extra"]["heads_removed"], metrics["extra"]["remaining"]) == (0, 1.0)


def test_methods_share_heads_and_batches_but_replicates_do_not(shared, tmp_path, monkeypatch):
    place, found = shared
    first, *others = found.values()
    for call in others:
        assert equal(call["heads"], first["heads"])
        assert call["batches"] == first["batches"]
    assert {task for task, _ in first["batches"]} == set(TASKS)
    monkeypatch.chdir(place.folder)
    spy = Trainings(monkeypatch)
    place.run(place.job("multitask", method="mt-dnn", seed="2"))
    assert not equal(spy.calls[0]["heads"], first["heads"])
    assert spy.calls[0]["batches"] != first["batches"]
    assert spy.calls[0]["seed"] != first["seed"]


def test_what_no_task_keeps_is_not_there(shared):
    place, found = shared
    for method in ("ticket-share", "ticket-share-strict"):
        call = found[method]
        assert call["structure"] == UNION
        names = set(call["body"])
        assert not [name for name in names if name.startswith("encoder.layer.2.attention.self")]
        assert not [name for name in names if name.startswith("encoder.layer.1.intermediate")]
        rows = UNION.heads[0].repeat_interleave(4)
        query = "encoder.layer.0.attention.self.query.weight"
        assert torch.equal(call["body"][query], theta0(place)[query][rows])


def by_hand(place, call, keep_at=None, steps=8):
    """The same training of the full model, by gates alone; from theta_0 and the heads of the run."""
    model = full_model(place, call, theta0(place))
    recipe = place.config.settings.supertickets.multitask_recipe
    parts = {
        task: TaskObjective(
            data_of(place, task), head, recipe, model, call["objective"].parts[task].seed,
            gates=gates(TICKETS[task]),
        )
        for task, head in zip(TASKS, model.heads, strict=True)
    }  # fmt: skip
    objective = UnionObjective(parts, call["objective"].seed)
    assert batches(objective, steps) == call["batches"][:steps]
    keeps = {task: structure_keep(model, TICKETS[task]) for task in TASKS}
    strict = (lambda step: keeps[objective.task_of(step)]) if keep_at == "strict" else None
    schedule = lambda step: RATE * (1 - step / steps)  # noqa: E731
    train(model, objective, recipe, schedule, steps, seed=call["seed"], keep_at=strict)
    return model


@pytest.mark.parametrize("method", ["ticket-share", "ticket-share-strict"])
def test_removal_equals_gating_in_training_and_evaluation(shared, method):
    place, found = shared
    call = found[method]
    model = by_hand(place, call, keep_at=method.removeprefix("ticket-share-"))
    saved = load_body(place.root / weights_file(method, 1, "base"))
    kept = structure_keep(model, UNION)
    both = Model(model.config, model.heads)
    both.load_body(saved)
    both.load_heads(model.head_values())
    assert torch.allclose(both.parameters.flat[kept], model.parameters.flat[kept], atol=2e-5)
    start = full_model(place, call, theta0(place)).parameters.flat
    assert torch.equal(both.parameters.flat[~kept], start[~kept]), "theta_0 where nothing is left"
    assert (model.parameters.flat[kept] - start[kept]).abs().max() > 0.003
    for task, head in zip(TASKS, model.heads, strict=True):
        published = place.outputs(multitask(method, task, 1, "base"))
        for split in ("dev", "dev_mismatched") if task == "mnli" else ("dev",):
            resident = Resident(data_of(place, task).splits[split], model.config)
            values = predict(model, head, resident, gates(TICKETS[task]))
            assert torch.allclose(values, published[f"{split}.1"], atol=2e-4)
            for other in TASKS:
                if other != task:
                    swapped = predict(model, head, resident, gates(TICKETS[other]))
                    assert (swapped - published[f"{split}.1"]).abs().max() > 1e-3


def test_o18_strict_steps_leave_what_the_ticket_of_their_task_lacks(tmp_path, monkeypatch):
    """By the job's own steps: bit for bit without `ref`, whose momentum and decay move it."""
    monkeypatch.chdir(tmp_path)
    place = calm(tmp_path)
    place_trials(place)
    moved = {}
    for method in ("ticket-share", "ticket-share-strict"):
        spy = Trainings(monkeypatch)
        original, moves = spy.train, []

        def watched(model, objective, *arguments, original=original, moves=moves, after_step=None, **options):
            before = model.parameters.flat.detach().clone()

            def hook(step):
                flat = model.parameters.flat.detach()
                task = objective.task_of(step - 1)
                lacking = ~structure_keep(model, TICKETS[task])
                moves.append((task, float((flat - before)[lacking].abs().max())))
                before.copy_(flat)
                after_step(step)

            return original(model, objective, *arguments, after_step=hook, **options)

        spy.train = watched
        place.run(place.job("multitask", method=method, seed="1"))
        moved[method] = moves
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
    assert [task for task, _ in moved["ticket-share"]] == [task for task, _ in moved["ticket-share-strict"]]
    assert {task for task, _ in moved["ticket-share"]} == set(TASKS)
    assert {far for _, far in moved["ticket-share-strict"]} == {0.0}
    assert max(far for _, far in moved["ticket-share"]) > RATE / 10
    bodies = [load_body(place.root / weights_file(method, 1, "base")) for method in moved]
    assert not equal(*bodies)


def test_mismatched_tickets_serve_the_tasks_that_have_them(shared):
    place, found = shared
    metrics = place.shared("ticket-share-mismatched")
    assert {task: m["resolved"] for task, m in metrics.items()} == {"rte": "60", "sts-b": "50", "mnli": "10"}
    assert {task: m["extra"]["heads_removed"] for task, m in metrics.items()} == {
        "rte": 2, "sts-b": TICKETS["sts-b"].removed_heads, "mnli": TICKETS["mnli"].removed_heads,
    }  # fmt: skip
    assert found["ticket-share-mismatched"]["structure"] == OTHER | TICKETS["sts-b"] | TICKETS["mnli"]


def test_a_full_super_ticket_keeps_the_whole_model_for_its_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place, spy = calm(tmp_path), Trainings(monkeypatch)
    place_trials(place, {**LEVEL, "mnli": 0})
    place.run(place.job("multitask", method="ticket-share", seed="1"))
    (call,) = spy.calls
    assert call["structure"] is None
    assert call["objective"].parts["mnli"].gates is None
    assert call["objective"].parts["rte"].gates is not None
    assert place.shared("ticket-share")["mnli"]["resolved"] == "00"


def test_the_selection_of_the_preset_chooses_the_tickets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = calm(tmp_path, selection="p10")
    place_trials(place)
    place.run(place.job("multitask", method="ticket-share", seed="1"))
    assert {m["resolved"] for m in place.shared("ticket-share").values()} == {"80"}


@pytest.mark.parametrize("selection", ["full", "half"])
def test_one_evaluation_point_for_all_tasks_the_best_on_average(tmp_path, monkeypatch, selection):
    monkeypatch.chdir(tmp_path)
    place, spy = calm(tmp_path, evaluations=4, selection=selection), Trainings(monkeypatch)
    place.run(place.job("multitask", method="mt-dnn", seed="1"))
    found = []
    for number in range(1, 5):
        points = []
        for task in TASKS:
            outputs = place.outputs(multitask("mt-dnn", task, 1, "base"))
            own = {name.split(".")[0]: v for name, v in outputs.items() if name.endswith(f".{number}")}
            points.append(judge_point(number, task, data_of(place, task), own).score(task, selection))
        found.append(sum(points) / 3)
    best = max(range(4), key=lambda i: found[i])
    assert {m["extra"][f"epoch_{selection}"] for m in place.shared("mt-dnn").values()} == {best + 1}
    body = load_body(place.root / weights_file("mt-dnn", 1, "base"))
    model, (call,) = full_model(place, spy.calls[0], body), spy.calls
    model.load_heads(call["model"].head_values())
    for task, head in zip(TASKS, model.heads, strict=True):
        resident = Resident(data_of(place, task).splits["dev"], model.config)
        published = place.outputs(multitask("mt-dnn", task, 1, "base"))
        assert torch.equal(predict(model, head, resident), published[f"dev.{best + 1}"])
    assert best != 3, "the last would be kept anyway"
