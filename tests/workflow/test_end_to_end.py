"""The whole pipeline on a small preset, run by Snakemake: what it makes, and what it makes again after a change."""

import copy
import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from small import checkout, jobs_of, message, messages, plan, read_json, small_preset, snakemake, write_config

from tickets.config import load_config
from tickets.data.tasks import TASKS
from tickets.papers.lth.identity import Identity
from tickets.papers.registry import artifacts, papers
from tickets.spec import fingerprint

LTH = "results/small/lth"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A finished pipeline. Tests put back what they change."""
    folder = checkout(tmp_path_factory.mktemp("built"))
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


@pytest.fixture(scope="module")
def config(built):
    return load_config(built / "config.yaml")


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_declared_file_is_there_and_nothing_is_left_to_do(built, config):
    declared = [path for job in jobs_of(config) for path in job.outputs]
    declared += [
        path.relative_to(config.root)
        for a in artifacts(config).values()
        for path in a.outputs(config.root / a.paper)
    ]
    declared += [Path(id, f"{frame.name}.csv") for id, p in papers(config).items() for frame in p.frames]
    declared += [path for role in config.settings.roles for path in config.settings.model_files(role)]
    assert [path for path in declared if not (built / config.root / path).is_file()] == []
    assert (built / "results/small/report/index.html").stat().st_size > 10_000
    assert not list(built.rglob("*.part"))
    assert not list((built / ".tickets").rglob("*.safetensors")), "in-flight checkpoints are gone"
    assert plan(built).rules == {}


def test_every_run_has_scores_and_a_birth_certificate_that_the_config_explains(built, config):
    identity = Identity(config)
    runs = [run for job in jobs_of(config) for run in job.runs]
    assert len(runs) == len(set(runs)) > 100
    for run in runs:
        metrics = read_json(built / config.root / run.metrics)
        certificate = read_json(built / config.root / run.folder / "run.json")
        assert metrics["fingerprint"] == certificate["identity"]["fingerprint"] == identity.fingerprint(run)
        assert fingerprint(certificate["identity"]["spec"]) == metrics["fingerprint"]
        assert -100 <= metrics["score"] <= 100


def test_no_run_lies_on_disk_that_the_grid_does_not_know(built, config):
    found = {path.relative_to(built / config.root) for path in (built / LTH / "runs").rglob("metrics.json")}
    assert found == {run.metrics for job in jobs_of(config) for run in job.runs}


def test_cells_hold_one_row_a_run_and_are_the_stages_one_below_the_other(built, config):
    whole = rows(built / LTH / "cells.csv")
    runs = [run for job in jobs_of(config) for run in job.runs]
    assert sorted(row["path"] for row in whole) == sorted(run.folder.as_posix() for run in runs)
    stages = list(dict.fromkeys(job.stage.name for job in jobs_of(config) if job.runs))
    parts = [row for stage in stages for row in rows(built / LTH / "cells" / f"{stage}.csv")]
    assert parts == whole
    by_path = {run.folder.as_posix(): run for run in runs}
    for row in whole:
        metrics = read_json(built / config.root / by_path[row["path"]].metrics)
        assert float(row["score"]) == metrics["score"]
        assert float(row["sparsity"]) == int(metrics["resolved"]) / 100


def test_the_costs_are_those_of_the_jobs(built, config):
    costs = {row["stage"]: row for row in rows(built / LTH / "costs.csv")}
    for stage, row in costs.items():
        jobs = [job for job in jobs_of(config) if job.stage.name == stage]
        assert int(row["jobs"]) == len(jobs)
        assert int(row["runs"]) == sum(len(job.runs) for job in jobs)
    assert set(costs) == {job.stage.name for job in jobs_of(config)}


def test_a_new_date_alone_repeats_nothing(built, config):
    metrics = built / config.root / jobs_of(config)[0].runs[0].metrics
    os.utime(metrics)
    assert plan(built).rules == {}


def test_a_changed_score_redoes_its_cells_and_what_shows_them_and_trains_nothing(built, config):
    run = next(job.runs[0] for job in jobs_of(config) if job.stage.name == "baselines")
    metrics = built / config.root / run.metrics
    before = metrics.read_text()
    metrics.write_text(before.replace('"score": ', '"score": 1'))
    try:
        found = plan(built)
    finally:
        metrics.write_text(before)
    shown = {item.id for item in artifacts(config).values() if "baselines" in item.stages}
    assert len(shown) == 3
    assert (
        set(found.rules) == {"lth_cells_baselines", "lth_cells", "lth_claims", "report_page", "all"} | shown
    )
    assert plan(built).rules == {}, "the old file is back, so nothing has changed"


def involves(job, task):
    """Whether the task is a target of the job or one of those whose chain made or chose a mask of it.

    An MLM chain with as many sequences as the task has ('mlm@cola') reads nothing of the task but that number.
    """
    addresses = [address for cell in job.plans() for address in (*cell.runs, *cell.masks)]
    return any(task in (getattr(a, "task", ""), *re.split(r"\+", a.source.split("@")[0])) for a in addresses)


def readers(jobs, changed):
    """The changed jobs and all that read what they write, directly or not."""
    found = list(changed)
    while True:
        written = {path for job in found for path in job.outputs}
        more = [job for job in jobs if job not in found and written & set(job.inputs)]
        if not more:
            return found
        found += more


def test_a_learning_rate_redoes_the_jobs_of_its_task_and_no_others(built, config):
    jobs = jobs_of(config)
    preset = small_preset()
    preset["lth"]["recipes"]["cola"]["learning_rate"] *= 2
    write_config(built, preset)
    try:
        found = plan(built)
    finally:
        write_config(built, small_preset())
    expected = {message(job) for job in readers(jobs, [job for job in jobs if involves(job, "cola")])}
    everything = {message(job) for job in jobs}
    assert found.jobs & everything == expected
    spared = {
        "lth imp rte",
        "lth baselines rte",
        "lth transfer squad rte",
        "lth datasize",
        "lth code_profile",
    }
    assert spared <= everything - expected
    assert not {"encode", "pretrained_model_base"} & set(found.rules)
    assert "lth_facts" in found.rules


def test_how_jobs_run_is_no_reason_to_run_them_again(built):
    preset = copy.deepcopy(small_preset())
    preset["execution"] |= {"threads": 2, "checkpoint_seconds": 5.0, "runtime": 7, "mem_mb": 999}
    write_config(built, preset)
    try:
        assert plan(built).rules == {}
    finally:
        write_config(built, small_preset())


def test_a_deleted_figure_comes_back_alone_and_the_same(built):
    figure = built / LTH / "figures" / "fig2.png"
    before = {path: path.read_bytes() for path in figure.parent.glob("fig2.*")}
    assert len(before) == 3
    figure.unlink()
    assert set(plan(built).rules) == {"lth_fig2", "report_page", "all"}
    done = snakemake(built, "lth_fig2")
    assert done.returncode == 0, done.stdout
    assert messages(done.stdout) == {"render lth_fig2"}
    assert {path: path.read_bytes() for path in before} == before
    assert plan(built).rules == {}, "an equal figure is no reason for a new report"


def test_one_figure_from_scratch_needs_its_own_stages_only(tmp_path):
    folder = checkout(tmp_path)
    found = plan(folder, "lth_fig2a")
    trained = {"lth_imp", "lth_oneshot", "lth_transfer_rte", "lth_transfer_mlm"}
    collected = {f"lth_cells_{stage}" for stage in ("imp", "oneshot", "transfer")}
    assert set(found.rules) == trained | collected | {"encode", "pretrained_model_base", "lth_fig2a"}
    assert found.rules["encode"] == 5, "only the tasks whose data some run reads"
    assert found.rules["encode"] < len(TASKS)


VOLATILE = ("seconds",)


def stable(path):
    """A file's content without what differs from run to run: wall times."""
    if path.suffix == ".csv":
        return [{k: v for k, v in row.items() if k not in VOLATILE} for row in rows(path)]
    if path.name == "metrics.json":
        return {k: v for k, v in read_json(path).items() if k not in VOLATILE}
    return path.read_bytes()


def test_a_second_run_elsewhere_makes_the_same_files(built, tmp_path):
    folder = checkout(tmp_path)
    done = snakemake(folder, "lth_fig11", "lth_overlap", "results/small/lth/facts.json", cores=3)
    assert done.returncode == 0, done.stdout[-5000:]
    kept = [
        path.relative_to(folder)
        for path in (folder / "results").rglob("*")
        if (path.is_file() and path.suffix in (".safetensors", ".csv", ".md", ".tex", ".pdf", ".png", ".txt"))
        or path.name in ("metrics.json", "facts.json", "predictions.json")
    ]  # fmt: skip
    assert {path.suffix for path in kept} > {".safetensors", ".csv", ".pdf", ".png", ".tex", ".json"}
    assert len([path for path in kept if path.name == "mask.safetensors"]) == 90
    assert [str(path) for path in kept if stable(folder / path) != stable(built / path)] == []


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_report_opens_in_a_browser_with_every_image_and_without_sideways_scrolling(
    built, config, tmp_path
):
    page = tmp_path / "report.html"
    probe = (
        "const all = [...document.images]; const whole = all.filter(i => i.complete && i.naturalWidth > 50).length;"
        "document.title = `images ${whole}/${all.length} wide ${document.documentElement.scrollWidth}`;"
    )
    source = (built / "results/small/report/index.html").read_text()
    page.write_text(source.replace("</body>", f"<script>onload = () => {{ {probe} }}</script></body>"))
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]
    done = subprocess.run(
        ["chromium", *flags, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1300,900",
         "--virtual-time-budget=20000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = re.search(r"<title>images (\d+)/(\d+) wide (\d+)</title>", done.stdout)
    assert found, done.stderr[-2000:]
    whole, images, wide = map(int, found.groups())
    figures = [item for item in artifacts(config).values() if item.kind == "figure"]
    assert whole == images == len(figures)
    assert wide <= 1300
