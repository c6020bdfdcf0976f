"""The whole pipeline on a small preset, run by Snakemake: what it makes, and what it makes again after a change."""

import csv
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from small import (
    checkout,
    involves,
    message,
    messages,
    plan,
    read_json,
    readers,
    snakemake,
)

from tickets.papers.registry import PAPERS, artifacts, papers
from tickets.spec import fingerprint

RESULTS = Path("results/small")


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def runs_of(jobs, paper=None):
    return [run for job in jobs for run in job.runs if paper in (None, job.stage.paper)]


def rules_of(found, paper):
    """Rules of a paper in a plan."""
    return {name for name in found.rules if name.startswith(f"{paper}_")}


def test_every_declared_file_is_there_and_nothing_is_left_to_do(built, config, jobs):
    declared = [path for job in jobs for path in job.outputs]
    declared += [
        path.relative_to(config.root)
        for a in artifacts(config).values()
        for path in a.outputs(config.root / a.paper)
    ]
    for id, paper in papers(config).items():
        own = ("cells.csv", "costs.csv", "claims.json", "claims.md", "facts.json")
        declared += [Path(id, name) for name in (*own, *(f"{frame.name}.csv" for frame in paper.frames))]
    declared += [path for role in config.settings.roles for path in config.settings.model_files(role)]
    there = [built / config.root / path for path in declared]
    assert [path for path in there if not path.is_file() or not path.stat().st_size] == []
    assert (built / "results/small/report/index.html").stat().st_size > 10_000
    assert not list(built.rglob("*.part"))
    assert not list((built / ".tickets").rglob("*.safetensors")), "in-flight checkpoints are gone"
    assert plan(built).rules == {}


def test_every_stage_of_every_paper_has_a_job(config):
    """Else the tests below would say nothing of it."""
    idle = [s.name for p in papers(config).values() for s in p.stages(config) if not any(s.jobs())]
    assert idle == []


def test_every_run_has_scores_and_a_birth_certificate_that_the_config_explains(built, config, jobs):
    runs = runs_of(jobs)
    assert len(runs) == len(set(runs))
    assert min(Counter(run.paper for run in runs).values()) > 100
    for job in jobs:
        for run in job.runs:
            metrics = read_json(built / config.root / run.metrics)
            certificate = read_json(built / config.root / run.folder / "run.json")
            identity = certificate["identity"]
            assert metrics["fingerprint"] == identity["fingerprint"] == job.stage.identity(run)
            assert fingerprint(identity["spec"]) == metrics["fingerprint"]
            assert -100 <= metrics["score"] <= 100


def test_nothing_lies_on_disk_that_the_grid_does_not_know(built, config, jobs):
    declared = {path for job in jobs for path in job.outputs}
    for name in ("metrics.json", "mask.safetensors", "model.safetensors"):
        found = {path.relative_to(built / config.root) for path in (built / config.root).rglob(name)}
        found -= {path for role in config.settings.roles for path in config.settings.model_files(role)}
        assert found == {path for path in declared if path.name == name}


@pytest.mark.parametrize("paper", PAPERS)
def test_cells_hold_one_row_a_run_and_are_the_stages_one_below_the_other(built, config, jobs, paper):
    whole = rows(built / RESULTS / paper / "cells.csv")
    runs = runs_of(jobs, paper)
    assert sorted(row["path"] for row in whole) == sorted(run.folder.as_posix() for run in runs)
    stages = list(dict.fromkeys(job.stage.name for job in jobs if job.stage.paper == paper and job.runs))
    parts = [row for stage in stages for row in rows(built / RESULTS / paper / "cells" / f"{stage}.csv")]
    assert parts == whole
    by_path = {run.folder.as_posix(): run for run in runs}
    for row in whole:
        run = by_path[row["path"]]
        metrics = read_json(built / config.root / run.metrics)
        assert (row["paper"], row["model"], row["variant"]) == (paper, run.model or "base", run.variant)
        assert float(row["score"]) == metrics["score"]
        assert float(row["sparsity"]) == int(metrics["resolved"]) / 100
        own = {
            name: metrics["extra"][name] for name in PAPERS[paper].cell_columns if name in metrics["extra"]
        }
        assert {name: row[name] for name in own} == {n: "" if v is None else str(v) for n, v in own.items()}


@pytest.mark.parametrize("paper", PAPERS)
def test_the_costs_are_those_of_the_jobs(built, jobs, paper):
    costs = {row["stage"]: row for row in rows(built / RESULTS / paper / "costs.csv")}
    own = [job for job in jobs if job.stage.paper == paper]
    for stage, row in costs.items():
        of_stage = [job for job in own if job.stage.name == stage]
        assert int(row["jobs"]) == len(of_stage)
        assert int(row["runs"]) == sum(len(job.runs) for job in of_stage)
    assert set(costs) == {job.stage.name for job in own}


def test_a_new_date_alone_repeats_nothing(built, config, jobs):
    for paper in PAPERS:
        os.utime(built / config.root / runs_of(jobs, paper)[0].metrics)
    assert plan(built).rules == {}


def shows(config, paper, stage):
    """What has to be made again when the cells of a stage change."""
    items = {item.id for item in artifacts(config).values() if stage in item.reads.get(paper, ())}
    return items | {
        f"{paper}_cells_{stage}",
        f"{paper}_cells",
        f"{paper}_claims",
        f"{paper}_headline",
        "report_page",
        "all",
    }


def test_changed_scores_redo_their_cells_and_what_shows_them_and_train_nothing(edited, config, jobs, built):
    stages = {
        ("lth", "baselines"): 3 + 1,  # one of them over all papers
        ("supertickets", "reruns"): 8,
        ("supertickets", "domain"): 1,
        ("tamt", "few"): 1,
    }
    runs = [next(job.runs[0] for job in jobs if (job.stage.paper, job.stage.name) == s) for s in stages]
    expected = {stage: shows(config, *stage) for stage in stages}
    assert {stage: len(rules) - 6 for stage, rules in expected.items()} == stages
    assert set(edited(*runs).rules) == set().union(*expected.values())
    edited.undo()
    assert plan(built).rules == {}, "the old files are back, so nothing has changed"


def test_a_changed_score_of_a_ticket_redoes_what_shares_it(edited, config, jobs):
    """Ticket sharing chooses among the levels of a trial."""
    run = next(run for job in jobs if job.stage.name == "trial" for run in job.runs if run.level == "30")
    found = edited(run)
    everything = {message(job) for job in jobs}
    choosing = [job for job in jobs if run.metrics in job.inputs]
    expected = {message(job) for job in readers(jobs, choosing)}
    assert found.jobs & everything == expected
    sharing = {"ticket-share", "ticket-share-strict", "ticket-share-mismatched"}
    assert {message(job) for job in choosing} == {f"supertickets multitask {method}" for method in sharing}
    assert {"supertickets finetune rte", "supertickets domain"} < expected
    assert shows(config, "supertickets", "trial") <= set(found.rules)
    assert rules_of(found, "lth") == set()


def test_learning_rates_redo_the_jobs_of_their_tasks_and_no_others(changed, jobs):
    def faster(preset):
        preset["lth"]["recipes"]["cola"]["learning_rate"] *= 2
        preset["supertickets"]["recipes"]["rte"]["learning_rate"] *= 2

    found = changed(faster)
    tasks = {"lth": ("cola",), "supertickets": ("rte", "glue"), "tamt": ()}
    touched = [job for job in jobs if any(involves(job, task) for task in tasks[job.stage.paper])]
    expected = {message(job) for job in readers(jobs, touched)}
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
    names = ("trial sts-b", "trial mnli", "trial_source mnli", "families mnli", "reruns mnli", "subsets 10",
             "subset_families 10")  # fmt: skip
    assert {text for text in everything - expected if text.startswith("supertickets")} == {
        f"supertickets {name}" for name in names
    }
    assert not {"encode", "pretrained_model_base", "pretrained_model_large"} & set(found.rules)
    assert {"lth_facts", "supertickets_facts", "supertickets_importance_frame"} <= set(found.rules)


def kd_rate(preset):
    preset["tamt"]["mask_training"]["kd"]["recipe"]["learning_rate"] *= 2


def words_rate(preset):
    preset["tamt"]["mask_training"]["mlm"]["recipe"]["learning_rate"] *= 2


def cola_rate(preset):
    preset["tamt"]["recipes"]["cola"] = preset["tamt"]["recipes"]["default"] | {"learning_rate": 1e-4}


def few_examples(preset):
    preset["tamt"]["grid"]["few"]["cola"]["10"]["steps"] = 2


def longer(preset):
    preset["tamt"]["steps"] = [2, 5, 7]


KD = {"mask_training tamt-kd", "mask_training tamt-kd-random", "mask_training tamt-kd.calm"}
MLM = {"mask_training tamt-mlm", "mask_training tamt-mlm-random"}
TUNED = {"full", "baselines", "methods imp", "methods imp-rewind", "methods tamt-mlm", "methods tamt-kd", "steps",
         "few", "ablations"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # 'steps', 'few' and 'ablations' share a process here; the masks of the other objective are left alone.
        (kd_rate, KD | {"methods tamt-kd", "steps", "few", "ablations"}),
        (words_rate, MLM | {"methods tamt-mlm", "steps", "few"}),
        (cola_rate, TUNED),
        (few_examples, {"few"}),
        # A longer curve keeps more masks of the same training; nothing else is trained again.
        (
            longer,
            (KD - {"mask_training tamt-kd.calm"})
            | MLM
            | {"methods tamt-mlm", "methods tamt-kd", "steps", "few"},
        ),
    ],
)
def test_what_a_setting_of_mask_training_redoes(changed, jobs, change, expected):
    found = changed(change)
    everything = {message(job) for job in jobs}
    assert found.jobs & everything == {f"tamt {name}" for name in expected}
    assert not {"encode", "pretrained_model_base"} & set(found.rules)
    assert [name for other in ("lth", "supertickets") for name in rules_of(found, other)] == []


def test_a_changed_mask_redoes_what_is_fine_tuned_under_it(built, config, jobs):
    job = next(job for job in jobs if message(job) == "tamt imp_masks")
    mask = next(m for cell in job.plans() for m in cell.masks if (m.method, m.level) == ("imp-rewind", "70"))
    path = built / config.root / mask.file
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    try:
        found = plan(built)
    finally:
        path.write_bytes(before)
    assert found.jobs & {message(job) for job in jobs} == {"tamt methods imp-rewind"}
    assert "tamt_distances_frame" in found.rules
    assert plan(built).rules == {}


def importance(preset):
    preset["supertickets"]["tickets"] = {"importance": "example"}


def masked_words(preset):
    preset["lth"]["eval_mask_seed"] = 99


def pooler(preset):
    preset["tamt"]["scores"] = {"pooler": False}


@pytest.mark.parametrize(
    ("change", "paper"), [(importance, "supertickets"), (masked_words, "lth"), (pooler, "tamt")]
)
def test_a_key_of_one_paper_redoes_all_jobs_of_that_paper_and_nothing_of_the_other(
    changed, jobs, change, paper
):
    found = changed(change)
    assert found.jobs & {message(job) for job in jobs} == {
        message(job) for job in jobs if job.stage.paper == paper
    }
    assert [name for other in PAPERS if other != paper for name in rules_of(found, other)] == []
    assert not {"encode", "pretrained_model_base", "pretrained_model_large"} & set(found.rules)


def test_another_large_model_redoes_what_starts_from_it(changed, jobs):
    def deeper(preset):
        preset["models"]["large"]["shape"]["layers"] = 4

    found = changed(deeper)
    everything = {message(job) for job in jobs}
    expected = {message(job) for job in readers(jobs, [job for job in jobs if "large" in job.models])}
    assert found.jobs & everything == expected
    spared = {
        "supertickets trial_source mnli",
        "supertickets subsets 10",
        "supertickets mismatch rte",
        "lth imp rte",
    }
    assert spared <= everything - expected
    assert "pretrained_model_large" in found.rules
    assert "pretrained_model_base" not in found.rules


def test_how_jobs_run_is_no_reason_to_run_them_again(changed):
    def elsewhere(preset):
        preset["execution"] |= {"threads": 2, "checkpoint_seconds": 5.0, "runtime": 7, "mem_mb": 999}

    assert changed(elsewhere).rules == {}


def test_deleted_figures_come_back_alone_and_the_same(built):
    figures = [("lth", "fig2"), ("supertickets", "fig6"), ("tamt", "fig3")]
    before = {
        path: path.read_bytes()
        for paper, stem in figures
        for path in (built / RESULTS / paper / "figures").glob(f"{stem}.*")
    }
    assert len(before) == 9
    rules = {f"{paper}_{stem}" for paper, stem in figures}
    for paper, stem in figures:
        (built / RESULTS / paper / "figures" / f"{stem}.png").unlink()
    assert set(plan(built).rules) == rules | {"report_page", "all"}
    done = snakemake(built, *rules)
    assert done.returncode == 0, done.stdout
    assert messages(done.stdout) == {f"render {rule}" for rule in rules}
    assert {path: path.read_bytes() for path in before} == before
    assert plan(built).rules == {}, "an equal figure is no reason for a new report"


VOLATILE = ("seconds",)


def stable(path):
    """A file's content without what differs from run to run: wall times."""
    if path.suffix == ".csv":
        return [{k: v for k, v in row.items() if k not in VOLATILE} for row in rows(path)]
    if path.name == "metrics.json":
        return {k: v for k, v in read_json(path).items() if k not in VOLATILE}
    return path.read_bytes()


def test_a_second_run_elsewhere_makes_the_same_files(built, jobs, tmp_path):
    folder = checkout(tmp_path)
    trial = [job for job in jobs if job.stage.name == "trial_source"]
    files = ["lth/facts.json", *(path for job in trial for path in job.outputs)]
    done = snakemake(folder, "lth_fig11", "lth_overlap", *(str(RESULTS / path) for path in files), cores=3)
    assert done.returncode == 0, done.stdout[-5000:]
    kept = [
        path.relative_to(folder)
        for path in (folder / "results").rglob("*")
        if (path.is_file() and path.suffix in (".safetensors", ".csv", ".md", ".tex", ".pdf", ".png", ".txt"))
        or path.name in ("metrics.json", "facts.json", "predictions.json")
    ]  # fmt: skip
    assert {path.suffix for path in kept} > {".safetensors", ".csv", ".pdf", ".png", ".tex", ".json"}
    masks = Counter(path.parts[2] for path in kept if path.name == "mask.safetensors")
    assert masks == {"lth": 90, "supertickets": 16}
    assert len([path for path in kept if path.parent.parent.name == "mnli-super"]) == 2
    assert [str(path) for path in kept if stable(folder / path) != stable(built / path)] == []


PROBE = """
    const all = [...document.images], seen = id => document.getElementById(id)?.getBoundingClientRect();
    const whole = all.filter(i => i.complete && i.naturalWidth > 50).length;
    const shown = IDS.filter(id => seen(id)?.height > 10 && seen(id).right <= innerWidth);
    const wide = document.documentElement.scrollWidth;
    document.title = `images ${whole}/${all.length} wide ${wide} shown ${shown.join(" ")}`;
"""
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--window-size=1300,900", "--virtual-time-budget=20000", "--dump-dom")  # fmt: skip


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_report_opens_in_a_browser_with_every_image_and_without_sideways_scrolling(
    built, config, tmp_path
):
    page = tmp_path / "report.html"
    ids = [*PAPERS, *(f"{paper}-claims" for paper in PAPERS), *artifacts(config)]
    probe = PROBE.replace("IDS", str(ids))
    source = (built / RESULTS / "report" / "index.html").read_text()
    page.write_text(source.replace("</body>", f"<script>onload = () => {{ {probe} }}</script></body>"))
    done = subprocess.run(
        ["chromium", *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = re.search(r"<title>images (\d+)/(\d+) wide (\d+) shown (.*)</title>", done.stdout)
    assert found, done.stderr[-2000:]
    whole, images, wide = map(int, found.groups()[:3])
    figures = [item for item in artifacts(config).values() if item.kind == "figure"]
    assert whole == images == len(figures)
    assert wide <= 1300
    assert found[4].split() == ids
