"""Fine-tuning under masks: what stays zero, what runs share, which evaluations count, and what is recorded."""

import csv
import json
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mask_world import TASKS, TUNED
from tickets.data.encoded import EncodedTask
from tickets.errors import TicketsError
from tickets.grid import data_file, find_stage
from tickets.jobs.scoring import score_outputs
from tickets.models.hf import load_folder
from tickets.papers.tamt import finetune
from tickets.papers.tamt.addresses import run
from tickets.papers.tamt.cell_columns import CELL_COLUMNS
from tickets.papers.tamt.selection import release_score
from tickets.papers.tamt.stages import Stages
from tickets.provenance.collect import collect_stage
from tickets.pruning.prunable import POOLER, WORDS

METRIC = {"mnli": "accuracy", "rte": "accuracy", "sts-b": "pearson"}


class Tunings:
    """Notes what every fine-tuning starts from, its batches, and what it ends with."""

    def __init__(self, patch):
        self.calls = []
        train = finetune.train

        def watched(model, objective, recipe, schedule, steps, **options):
            call = {
                "body": model.body(), "heads": model.head_values(), "seed": options["seed"], "steps": steps,
                "batches": [objective.order(step).tolist() for step in range(steps)],
                "rows": objective.train.split, "rates": [schedule(0), schedule(steps - 1)], "mask": options["mask"],
                "zeros": [],
            }  # fmt: skip
            after = options["after_step"]

            def watching(step):
                after(step)
                mask = options["mask"] or {}
                call["zeros"].append(
                    all(bool((model.parameters.view(n)[~kept] == 0).all()) for n, kept in mask.items())
                )

            trained = train(model, objective, recipe, schedule, steps, **options | {"after_step": watching})
            self.calls.append(call | {"end": model.body(), "lookup": model.encoder.lookup})
            return trained

        patch.setattr(finetune, "train", watched)


@pytest.fixture
def spied(copied, monkeypatch):
    """Finished masks to fine-tune under, and a spy on it."""
    return copied, Tunings(monkeypatch)


def tune(place, task, method, level="70", mask="1", model="base"):
    stage = {"full": "full", "omp": "baselines", "random": "baselines"}.get(method, "methods")
    axes = {} if method == "full" else {"method": method, "level": level, "mask": mask}
    return place.run(place.job(stage, model=model, task=task, **axes))


@pytest.mark.parametrize(
    ("method", "model"),
    [
        ("omp", "base"),
        ("imp-rewind", "base"),
        ("tamt-mlm", "base"),
        ("random", "roberta"),
        ("tamt-kd", "roberta"),
    ],
)
def test_o17_pruned_entries_are_zero_after_every_step(spied, method, model):
    place, spy = spied
    tune(place, "rte", method, "50", model=model)
    start = load_folder(place.root / place.config.settings.model_folder(model)).body
    mask = place.mask(method, "50", 1, model)
    assert len(spy.calls) == 2
    for call in spy.calls:
        assert call["zeros"] == [True] * TUNED["steps"], "rows of the word table too"
        assert call["mask"] == mask
        assert call["lookup"] is None, "without a decoder the table itself is masked"
        assert (POOLER in mask) == (model == "base")
        gone = ~mask[WORDS]
        assert gone.any()
        assert (call["end"][WORDS][gone] == 0).all()
        for name, kept in mask.items():
            moved = (call["end"][name] != start[name]) & kept
            # Of the table only words that occur learn; RoBERTa's heads have no use for a pooler.
            assert moved.float().sum() > 0.2 * kept.sum(), name
        assert all(torch.equal(call["body"][name], start[name]) for name in start)


def test_the_full_model_trains_everything_under_no_mask(spied):
    place, spy = spied
    tune(place, "sts-b", "full")
    for call in spy.calls:
        assert call["mask"] is None
        assert all(not torch.equal(call["end"][name], value) for name, value in call["body"].items()
                   if "key.bias" not in name), "keys' biases move no score"  # fmt: skip
    metrics = place.metrics(run("sts-b", "full", "00", 1, 1))
    assert metrics["removed"] == 0.0
    assert metrics["extra"]["kind"] == "full"


def test_runs_of_one_seed_are_pairs_whatever_their_mask(spied):
    """Same head, order and dropout for every mask of a fine-tuning seed; another seed draws others."""
    place, spy = spied
    methods = ("full", "omp", "random", "imp", "tamt-mlm", "tamt-kd")
    for method in methods:
        tune(place, "rte", method)
    tune(place, "rte", "random", mask="2")
    firsts, seconds = spy.calls[::2], spy.calls[1::2]
    assert len(firsts) == len(seconds) == len(methods) + 1
    for calls in (firsts, seconds):
        for call in calls[1:]:
            assert all(torch.equal(call["heads"][n], value) for n, value in calls[0]["heads"].items())
            assert call["batches"] == calls[0]["batches"]
            assert call["seed"] == calls[0]["seed"]
    one, other = firsts[0], seconds[0]
    weights = [n for n in one["heads"] if n.endswith("weight")]
    assert all(not torch.equal(one["heads"][n], other["heads"][n]) for n in weights)
    assert one["batches"] != other["batches"]
    assert one["seed"] != other["seed"]


def test_tasks_have_seeds_of_their_own(spied):
    place, spy = spied
    for task in ("rte", "mnli"):
        tune(place, task, "full")
    assert len({call["seed"] for call in spy.calls}) == 4


def test_the_schedule_falls_over_the_run(spied):
    place, spy = spied
    tune(place, "rte", "omp")
    rate = TUNED["learning_rate"]
    assert spy.calls[0]["rates"] == pytest.approx([rate, rate / TUNED["steps"]])


# Few data


FEW = {"grid": {"few": {"rte": {"10": {"steps": 4, "every": 3}, "12": {"epochs": 2, "every": 5}}}}}


def test_few_examples_are_the_same_for_all_masks_and_others_for_each_seed(spied):
    place, spy = spied
    place = place.with_changes(**FEW)
    methods = ("full", "omp", "imp", "tamt-mlm", "tamt-kd")
    for method in methods:
        place.run(place.job("few", task="rte", method=method, mask="1", size="10"))
    place.run(place.job("few", task="rte", method="imp", mask="2", size="10"))
    whole = EncodedTask.load(place.root / data_file("rte", TUNED["max_length"])).splits["train"]
    everything = {tuple(row) for row in whole.ids.tolist()}
    drawn = {}
    for index, call in enumerate(spy.calls):
        rows = tuple(tuple(row) for row in call["rows"].ids.tolist())
        assert len(rows) == len(set(rows)) == 10
        assert set(rows) < everything
        drawn.setdefault(index % 2, set()).add(rows)
    assert [len(found) for found in drawn.values()] == [1, 1]
    assert drawn[0] != drawn[1]
    metrics = place.metrics(run("rte", "imp", "70", 2, 2, size="10"))
    assert (metrics["steps"], metrics["extra"]["n_train"], metrics["extra"]["few"]) == (4, 10, 1)


def test_the_end_counts_where_data_are_few(copied):
    """A19: steps 3 and 4; 'epochs' gives 4 steps, all before the first evaluation."""
    place = copied.with_changes(**FEW)
    for size, steps in (("10", [3, 4]), ("12", [4])):
        place.run(place.job("few", task="rte", method="omp", mask="1", size=size))
        for seed in (1, 2):
            extra = place.metrics(run("rte", "omp", "70", 1, seed, size=size))["extra"]
            assert [step for step, _ in extra["sequence"]] == steps
            assert extra["evaluations"] == len(steps)
            assert extra["best_step"] in steps


def test_other_data_are_no_smaller_for_few(copied):
    """The whole training set beside it is whole."""
    place = copied.with_changes(**FEW, pack={"default": ["task", "method", "level", "mask", "size"]})
    job = place.job("few")
    place.run(job)
    assert {r.variant for r in job.runs} == {"n10", "n12"}
    tune(copied, "rte", "full")
    extra = place.metrics(run("rte", "full", "00", 1, 1))["extra"]
    assert (extra["n_train"], extra["few"]) == (29, 0)


def test_more_examples_than_there_are_is_an_error(copied):
    place = copied.with_changes(grid={"few": {"rte": {"1000": {"steps": 4, "every": 3}}}})
    with pytest.raises(TicketsError, match="rte: 1000 training examples are asked for, there are 29"):
        place.run(place.job("few", task="rte", method="full", mask="1", size="1000"))


# Which evaluation counts


@pytest.fixture(scope="module")
def tuned(made, tmp_path_factory):
    """Two methods on every task, for tests that only read them."""
    with chdir(tmp_path_factory.mktemp("tuned")):
        place = made.copy(Path.cwd())
        for task in TASKS:
            for method in ("tamt-mlm", "random"):
                tune(place, task, method)
    return place


@pytest.mark.parametrize("method", ["tamt-mlm", "random"])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a24_scores_are_the_best_on_the_way_and_the_last_beside_it(tuned, task, method, seed):
    metrics = tuned.metrics(run(task, method, "70", 1, seed))
    extra, metric = metrics["extra"], METRIC[task]
    sequence = [(step, scores) for step, scores in extra["sequence"]]
    assert [step for step, _ in sequence] == [2, 4, 6]
    values = {step: scores[metric] for step, scores in sequence}
    assert metrics["metric"] == metric
    assert metrics["score"] == max(values[2], values[4]), "the last step is no candidate"
    assert extra["best_step"] == (2 if values[2] >= values[4] else 4)
    assert extra["evaluations"] == 2
    assert extra["score_final"] == values[6]
    assert extra["score_first"] == values[2]
    assert metrics["scores"]["dev"][metric] == metrics["score"]
    assert metrics["scores"]["final.dev"][metric] == values[6]
    release = release_score(task, sequence[:2])
    assert extra["score_release"] == (None if np.isnan(release) else release)
    if task == "mnli":
        assert release == max(scores["accuracy_mismatched"] for _, scores in sequence[:2]), "A13"
        assert set(metrics["scores"]) == {
            "dev", "dev_mismatched", "final.dev", "final.dev_mismatched", "final.test"
        }  # fmt: skip
        assert metrics["scores"]["dev_mismatched"] == {
            "accuracy_mismatched": dict(sequence)[extra["best_step"]]["accuracy_mismatched"]
        }


@pytest.mark.parametrize("task", TASKS)
def test_predictions_are_those_of_the_best_and_of_the_last(tuned, task):
    address = run(task, "tamt-mlm", "70", 1, 2)
    outputs, scores = tuned.outputs(address), tuned.metrics(address)["scores"]
    data = EncodedTask.load(tuned.root / data_file(task, TUNED["max_length"]))
    assert set(outputs) == set(scores)
    for name, values in outputs.items():
        split = name.removeprefix("final.")
        assert score_outputs(task, values, data.splits[split], split) == pytest.approx(scores[name])


def test_columns_of_the_cells(tuned, tmp_path):
    stage = next(job.stage for job in tuned.jobs("methods"))
    one = [job for job in tuned.jobs("methods") if (tuned.root / job.runs[0].metrics).exists()]
    few = {"model": ("base",), "method": ("tamt-mlm",), "level": ("70",), "mask": ("1",)}
    rows_of = replace(stage, axes={**stage.axes, **few})
    assert {job.axes["task"] for job in one} == set(TASKS)
    assert collect_stage(tuned.root, rows_of, tmp_path / "cells.csv", CELL_COLUMNS) == 2 * len(TASKS)
    with (tmp_path / "cells.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        facts = {name: row[name] for name in ("kind", "init", "step", "interval", "main", "ablation", "few")}
        assert facts == {"kind": "tamt-mlm", "init": "omp", "step": "6", "interval": "0", "main": "1",
                         "ablation": "", "few": "0"}  # fmt: skip
        assert (row["mask_seed"], row["source"], row["sparsity"]) == ("1", "mask1", "0.7")
        assert float(row["removed"]) == tuned.mask("tamt-mlm", "70", 1).sparsity
        assert int(row["n_train"]) == {"mnli": 21, "sts-b": 25, "rte": 29}[row["task"]]
        assert float(row["score"]) >= float(row["score_first"])


def test_mrpc_style_scores_go_with_one_best_step(tuned):
    """Scores of one row are all of one evaluation."""
    metrics = tuned.metrics(run("sts-b", "random", "70", 1, 1))
    at_best = dict(map(tuple, metrics["extra"]["sequence"]))[metrics["extra"]["best_step"]]
    assert metrics["scores"]["dev"] == at_best


def test_certificates_name_mask_data_and_weights(tuned):
    address = run("rte", "tamt-mlm", "70", 1, 1)
    facts = json.loads((tuned.root / address.folder / "run.json").read_text())
    assert facts["inputs"]["mask_sha256"] == tuned.mask("tamt-mlm", "70", 1).digest()
    assert facts["identity"]["spec"]["mask"]["step"] == 6
    assert facts["seeds"].keys() == {"train"}


# Two models


def test_roberta_fine_tunes_the_same_alone_and_in_one_job_with_bert(copied):
    """Models share the text; where they put words' positions they differ."""
    packed = copied.with_changes(models=["base", "roberta"], pack={"full": ["model"]})
    alone = copied.run(copied.job("full", model="roberta", task="rte"))
    before = {r: copied.metrics(r)["extra"] for r in alone.runs}
    job = find_stage(Stages(packed.config).all(), "full").job({"task": "rte"})
    packed.run(job)
    assert {r.model for r in job.runs} == {"base", "roberta"}
    for address in alone.runs:
        assert packed.metrics(address)["extra"] == before[address]


@pytest.mark.parametrize("method", ["full", "omp", "random", "imp", "tamt-kd", "tamt-mlm-kd"])
def test_roberta_runs_all_the_way(spied, method):
    place, spy = spied
    tune(place, "mnli", method, "50", model="roberta")
    metrics = place.metrics(run("mnli", method, "00" if method == "full" else "50", 1, 1, "roberta"))
    assert 0 <= metrics["score"] <= 100
    assert not any(POOLER in (call["mask"] or {}) for call in spy.calls)
