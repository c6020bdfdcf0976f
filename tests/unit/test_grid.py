"""Stages, cells and jobs."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tickets.config import parse_config
from tickets.errors import TicketsError
from tickets.grid import Cell, Stage, data_file, find_stage
from tickets.papers.lth import stages as lth
from tickets.papers.registry import PAPERS
from tickets.papers.supertickets import stages as supertickets
from tickets.papers.tamt import stages as tamt
from tickets.spec import MaskAddress, RunAddress
from tiny_engine import tiny_preset

ROOT = Path(__file__).parents[2]


def run(task, source="mlm", level="70", replicate=1):
    return RunAddress("lth", task, "pretrained", "imp", source, level, replicate)


def mask(source, level="70", replicate=1):
    return MaskAddress("lth", "imp", source, level, replicate)


def cell(a):
    """Reads the source's mask, makes a run and the task's own mask."""
    return Cell(
        (run(a["task"], a["source"]),),
        (mask(a["task"]),),
        needs_tasks=(a["task"],),
        needs_masks=(mask(a["source"]),),
    )


AXES = {"source": ("rte", "mlm"), "task": ("rte", "mlm", "cola")}


def stage(**changes):
    plain = Stage("lth", "made", "", AXES, cell, lambda address: f"id of {address}", "m:f", lambda task: 64)
    return replace(plain, **changes)


def diagonal(axes):
    return axes["source"] == axes["task"]


def test_cells_are_all_combinations_but_the_skipped_ones():
    assert len(list(stage().cells())) == 6
    found = [(a["source"], a["task"]) for a in stage(skip=diagonal).cells()]
    assert found == [("rte", "mlm"), ("rte", "cola"), ("mlm", "rte"), ("mlm", "cola")]


@pytest.mark.parametrize(
    ("pack", "names"),
    [
        ((), ["made-rte-mlm", "made-rte-cola", "made-mlm-rte", "made-mlm-cola"]),
        (("source",), ["made-mlm", "made-cola", "made-rte"]),
        (("variant", "task"), ["made-rte", "made-mlm"]),
        (("source", "task"), ["made"]),
    ],
)
def test_packing_puts_every_cell_in_one_job(pack, names):
    made = stage(skip=diagonal, pack=pack)
    jobs = list(made.jobs())
    assert [job.name for job in jobs] == names
    cells = [tuple(axes.items()) for job in jobs for axes in job.cells]
    assert sorted(cells) == sorted(tuple(axes.items()) for axes in made.cells())
    runs = [run for job in jobs for run in job.runs]
    assert len(runs) == len(set(runs)) == 4


def test_a_job_does_not_wait_for_what_it_makes_itself():
    (job,) = stage(axes={"source": ("mlm",), "task": ("mlm",)}).jobs()
    assert mask("mlm").file in job.outputs
    assert job.inputs == (data_file("mlm", 64),)
    (packed,) = stage(skip=diagonal, pack=("source", "task")).jobs()
    assert not set(packed.inputs) & set(packed.outputs)
    assert len(packed.inputs) == len(set(packed.inputs))


def test_a_job_declares_its_runs_masks_files_and_record():
    job = stage().job({"source": "mlm", "task": "rte"})
    assert job.outputs == (
        run("rte").metrics,
        mask("rte").file,
        Path("lth/jobs/made/mlm/rte.json"),
    )
    assert job.inputs == (data_file("rte", 64), mask("mlm").file)


def test_a_job_names_its_models_and_the_lengths_that_it_reads():
    def twice(a):
        models = ("base",) if a["source"] == "rte" else ("large", "base")
        return replace(cell(a), needs_models=models, needs_tasks=("mlm", a["task"]))

    made = stage(cell=twice, max_length=lambda task: {"rte": 16}.get(task, 64), pack=("source",))
    (_, job, _) = sorted(made.jobs(), key=lambda job: job.name)
    assert job.axes == {"task": "mlm"}
    assert made.job({"task": "rte"}).models == ("base", "large")
    assert made.job({"task": "rte"}).tasks == ("mlm", "rte")
    assert made.job({"task": "rte"}).inputs[:2] == (data_file("mlm", 64), data_file("rte", 16))
    assert data_file("rte", 16) == Path("data/rte-16.safetensors")


def test_a_job_reads_the_data_of_its_own_tokenizer():
    def with_model(a):
        return replace(cell(a), needs_models=(a["source"],))

    made = stage(cell=with_model, own_tokenizers=("rte",))
    jobs = {job.axes["source"]: job for job in made.jobs() if job.axes["task"] == "cola"}
    assert (
        jobs["rte"].data_file("cola") == data_file("cola", 64, "rte") == Path("data/rte/cola-64.safetensors")
    )
    assert jobs["rte"].inputs[0] == jobs["rte"].data_file("cola")
    assert jobs["mlm"].data_file("cola") == data_file("cola", 64) == Path("data/cola-64.safetensors")
    assert jobs["mlm"].fingerprint == stage().job(jobs["mlm"].axes).fingerprint
    packed = replace(made, pack=("source",)).job({"task": "cola"})
    with pytest.raises(
        TicketsError, match=r"job 'made-cola' runs the models rte, mlm, but 'rte' has a tokenizer"
    ):
        _ = packed.inputs


def test_records_of_all_jobs_of_all_stages_differ():
    config = parse_config(tiny_preset())
    jobs = [job for stage in PAPERS["lth"].stages(config) for job in stage.jobs()]
    assert len({job.record for job in jobs}) == len({job.name for job in jobs}) == len(jobs)


def test_no_two_jobs_declare_the_same_file_and_every_need_has_a_maker():
    config = parse_config(tiny_preset())
    jobs = [job for stage in PAPERS["lth"].stages(config) for job in stage.jobs()]
    outputs = [path for job in jobs for path in job.outputs]
    assert len(outputs) == len(set(outputs))
    needed = {path for job in jobs for path in job.inputs if path.parts[0] != "data"}
    assert needed <= set(outputs)


def test_the_identity_of_a_job_covers_every_run_and_mask_of_it():
    job = stage().job({"source": "mlm", "task": "rte"})

    def when_changed(changed):
        def identity(address):
            return f"id of {address}{'!' if address == changed else ''}"

        return stage(identity=identity).job(job.axes).fingerprint

    assert when_changed(None) == job.fingerprint
    assert when_changed(run("rte")) != job.fingerprint
    assert when_changed(mask("rte")) != job.fingerprint
    assert when_changed(mask("mlm")) == job.fingerprint, "what is read has an identity of its own"
    others = [other.fingerprint for other in stage().jobs()]
    assert len(set(others)) == len(others) == 6


def test_a_fingerprint_is_the_same_in_another_process():
    code = (
        "import json, sys; sys.path.insert(0, 'tests');"
        "from tiny_engine import tiny_preset; from tickets.config import parse_config;"
        "from tickets.papers.registry import PAPERS; stages = PAPERS['lth'].stages(parse_config(tiny_preset()));"
        "print(json.dumps([job.fingerprint for stage in stages for job in stage.jobs()]))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, text=True, capture_output=True, check=True)
    stages = PAPERS["lth"].stages(parse_config(tiny_preset()))
    assert json.loads(done.stdout) == [job.fingerprint for stage in stages for job in stage.jobs()]


def test_a_job_or_stage_that_there_is_not_is_answered_with_those_there_are():
    with pytest.raises(
        TicketsError, match=r"no job \{'task': 'rte'\}; its axes are source: rte mlm, task: rte mlm cola"
    ):
        stage().job({"task": "rte"})
    with pytest.raises(TicketsError, match="its axes are task: rte mlm cola"):
        stage(pack=("source",)).job({"source": "mlm", "task": "rte"})
    with pytest.raises(TicketsError, match="unknown stage 'mode'; the stages are made"):
        find_stage([stage()], "mode")
    assert find_stage([stage()], "made").name == "made"


def turned(value):
    """The same config, its keys in the other order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return value


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
def test_the_order_of_keys_in_the_config_changes_no_fingerprint_and_no_order_of_jobs(preset):
    """Jobs read the config with sorted keys, the workflow as it was written."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())

    def fingerprints(raw):
        config = parse_config(raw, preset)
        stages = [stage for paper in (lth, supertickets, tamt) for stage in paper.Stages(config).all()]
        return [(stage.paper, job.name, job.fingerprint) for stage in stages for job in stage.jobs()]

    assert fingerprints(turned(raw)) == fingerprints(raw)
