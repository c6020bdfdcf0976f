"""A job of `tamt`, stopped or killed anywhere and started again, publishes what an undisturbed one does."""

import json

import pytest

from killing import allowing, anything, attempt, check, in_pieces, kill, kind, stop, stopped_at, when, within
from mask_world import TEXT, TUNED
from preset_place import place_model
from tickets.data.synthetic.build import build_task
from tickets.grid import data_file
from tickets.jobs import records
from tickets.jobs.lab import Lab
from tickets.papers.tamt import lab as lab_module
from tickets.papers.tamt import training_log
from tickets.papers.tamt.addresses import run, training_file
from tickets.papers.tamt.imp import Chain
from tickets.papers.tamt.methods import Method
from tickets.pruning.mask import Mask
from tickets.training.checkpoint import Checkpoint

EVENTS = (
    (Checkpoint, "save"),
    (Checkpoint, "clear"),
    (Mask, "save"),
    (records, "save_file"),
    (records, "write_json"),
    (lab_module, "write_json"),
    (training_log, "write_json"),
    (Lab, "judge"),
    (Chain, "next_mask"),
)
"""Whatever a job does to its files, its judging, and the prunings of a chain."""
JOBS = {
    "mlm": ("mask_training", {"method": "tamt-mlm", "level": "70", "mask": "1"}),
    "kd": ("mask_training", {"method": "tamt-kd", "level": "70", "mask": "2"}),
    "both": ("mask_training", {"method": "tamt-mlm-kd", "level": "70", "mask": "1"}),
    "random": ("mask_training", {"method": "tamt-kd-random", "level": "70", "mask": "1"}),
    "imp": ("imp_masks", {"method": "imp", "mask": "1"}),
    "rewind": ("imp_masks", {"method": "imp-rewind", "mask": "2"}),
    "baselines": ("baseline_masks", {"method": "random"}),
    "tuning": ("methods", {"task": "mnli", "method": "tamt-mlm", "level": "70", "mask": "1"}),
    "regression": ("methods", {"task": "sts-b", "method": "imp", "level": "50", "mask": "2"}),
    "few": ("few", {"task": "rte", "method": "tamt-kd", "mask": "1", "size": "10"}),
}


def fresh_of(place, name):
    """A job whose outputs are not there, and what they are to be."""
    stage, axes = JOBS[name]
    job = place.job(stage, **axes)
    place.run(job)
    expected = place.published(job)
    place.remove(job)
    return job, expected


@pytest.mark.parametrize("checkpoint_steps", [1, 3])
@pytest.mark.parametrize("name", list(JOBS))
def test_a_job_is_killed_at_random_moments(copied, name, checkpoint_steps):
    job, expected = fresh_of(copied, name)
    seed = f"{name}{checkpoint_steps}"
    assert in_pieces(copied, job, EVENTS, seed, checkpoint_steps, most=8) > 1
    check(copied, job, expected)


@pytest.mark.parametrize("name", ["mlm", "kd", "imp", "rewind", "tuning"])
def test_without_checkpoints_a_job_begins_its_training_again(copied, name):
    """What was staged of the first attempt does no harm, nor does a log that is further on."""
    job, expected = fresh_of(copied, name)
    for events in (2, 5, 9):
        assert not attempt(copied, job, EVENTS, allowing(events), None)
    copied.run(job)
    check(copied, job, expected)


@pytest.mark.parametrize("name", ["mlm", "kd"])
def test_mask_training_is_stopped_at_every_delicate_moment(copied, name):
    job, expected = fresh_of(copied, name)
    moments = [
        # At a checkpoint of the curve: the mask is staged, the training's state is not.
        (when(1, "save", kind(Mask), kill), None),
        (when(1, "save", kind(Mask), stop), None),
        (when(2, "save", kind(Mask), kill), 1),
        # In the middle, between two of them.
        (when(2, "save", kind(Checkpoint), stop), 1),
        # All masks are there, the first losses are too.
        (when(2, "write_json", lambda path: getattr(path, "name", "") == "losses.json", kill), 3),
        (when(1, "clear", anything, kill), 3),
    ]
    stopped_at(copied, job, EVENTS, moments)
    copied.run(job, 1)
    check(copied, job, expected)


@pytest.mark.parametrize("name", ["imp", "rewind"])
def test_a_chain_is_stopped_in_rounds_and_between_them(copied, name):
    job, expected = fresh_of(copied, name)
    moments = [
        (when(2, "next_mask", anything, kill), 1),  # trained, not pruned
        # Pruned; the next round's training stops after its first step.
        (when(2, "save", within("chains"), stop), 1),
        (
            when(2, "save", lambda first: kind(Checkpoint)(first) and not within("chains")(first), kill),
            1,
        ),
        (when(1, "save", kind(Mask), kill), 1),  # a mask wanted, not yet staged
        (when(1, "save", within("chains"), kill), None),  # staged, but the round's end is not written
        (when(2, "write_json", lambda path: getattr(path, "name", "") == "losses.json", kill), None),
    ]
    stopped_at(copied, job, EVENTS, moments)
    copied.run(job, 1)
    check(copied, job, expected)


@pytest.mark.parametrize("name", ["tuning", "regression"])
def test_a_fine_tuning_is_stopped_around_its_evaluations(copied, name):
    job, expected = fresh_of(copied, name)
    moments = [
        (when(1, "judge", anything, stop), None),  # stopped at the step of an evaluation, after it
        (when(1, "save", within("evaluations"), kill), 1),  # judged, and forgotten
        (when(1, "save", kind(Checkpoint), stop), 1),
        (when(1, "save_file", anything, kill), None),  # the first run is over, but not recorded
        (when(1, "clear", anything, kill), 1),  # recorded, not cleaned up
        (when(2, "judge", anything, kill), None),  # in the second
    ]
    stopped_at(copied, job, EVENTS, moments)
    copied.run(job, 1)
    check(copied, job, expected)


def test_evaluations_passed_before_a_stop_are_not_made_again(copied):
    """Of both runs with three evaluations each: two of the first and the stop between the second and the third."""
    job, expected = fresh_of(copied, "tuning")
    assert not attempt(copied, job, EVENTS, when(2, "judge", anything, stop), None)
    judged = []
    assert attempt(
        copied, job, EVENTS, lambda name, first: judged.append(name) if name == "judge" else None, None
    )
    assert len(judged) == 1 + 3
    check(copied, job, expected)


def test_a_resumed_run_knows_that_it_was(copied):
    job, _ = fresh_of(copied, "tuning")
    assert not attempt(copied, job, EVENTS, when(1, "judge", anything, stop), None)
    copied.run(job)
    costs = [copied.log(r.folder / "run.json")["cost"] for r in job.runs]
    assert [cost["resumed"] for cost in costs] == [1, 0]
    assert [cost["steps"] for cost in costs] == [6, 6]
    assert copied.metrics(run("mnli", "tamt-mlm", "70", 1, 1))["extra"]["evaluations"] == 2


def test_a_second_cell_is_killed_after_the_first(copied):
    """Cells that share a process: the first is not made again."""
    place = copied.with_changes(pack={"mask_training": ["level", "mask"]})
    job = place.job("mask_training", method="tamt-mlm")
    place.run(job)
    expected = place.published(job)
    place.remove(job)
    assert not attempt(place, job, EVENTS, when(6, "save", kind(Mask), kill), 1)
    trained = []
    begin = lambda name, first: trained.append(first) if name == "save" and isinstance(first, Mask) else None  # noqa: E731
    assert attempt(place, job, EVENTS, begin, 1)
    masks = [m for cell in job.plans() for m in cell.masks]
    assert len(trained) < len(masks) - 3
    check(place, job, expected)


def test_the_log_goes_on_where_it_was(copied):
    """A mean over steps begins afresh at the checkpoint; all else is as it was."""
    job, _ = fresh_of(copied, "mlm")
    assert not attempt(copied, job, EVENTS, when(3, "save", kind(Checkpoint), stop), 1)
    copied.run(job)
    log = copied.log(training_file(Method("tamt-mlm"), "70", 1, "base"))
    assert [row["step"] for row in log["rows"]] == [1, 2, 4, 6, 8]
    assert all(0 < row["loss"] < 10 for row in log["rows"])
    assert TEXT["steps"] > 8


@pytest.mark.parametrize("name", ["mlm", "imp", "tuning"])
def test_checkpoints_do_not_pile_up(copied, name):
    """Each has the size of the model and the optimizer's moments."""
    job, _ = fresh_of(copied, name)
    most = set()

    def count(event, first):
        most.add(len(list((copied.folder / ".tickets").rglob("checkpoints/**/*.safetensors"))))

    assert attempt(copied, job, EVENTS, count, 1)
    assert max(most) == 1


def test_answers_of_the_best_evaluation_survive_a_stop(fresh):
    """Spans have texts, not tensors."""
    place = fresh(
        tasks=["squad"], dropout=0.0, evaluate_every={"squad": 3}, grid={"step_tasks": [], "few": {}}
    )
    data = build_task("squad", 1, {"train": 24, "dev": 16, "test": 16})
    data.save(place.root / data_file("squad", TUNED["max_length"]))
    place_model(place.config, "base", place.root, data.meta["vocab_size"])
    job = place.job("full", task="squad")
    place.run(job)
    expected = place.published(job)
    texts = [(place.root / r.folder / "predictions.json").read_bytes() for r in job.runs]
    steps = [[step for step, _ in place.metrics(r)["extra"]["sequence"]] for r in job.runs]
    assert steps == [[2, 5, 6]] * 2, "A24: the counter of the reference starts at 1"
    place.remove(job)
    assert not attempt(place, job, EVENTS, when(2, "judge", anything, stop), None)
    assert not attempt(place, job, EVENTS, when(2, "save", within("evaluations"), kill), 1)
    place.run(job)
    check(place, job, expected)
    assert [(place.root / r.folder / "predictions.json").read_bytes() for r in job.runs] == texts
    assert set(json.loads(texts[0])) == {"dev", "final.dev", "final.test"}
