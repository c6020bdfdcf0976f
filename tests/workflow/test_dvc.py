"""Versioned results: real git, DVC and Snakemake, from the repository that made them to a clone of it and back."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from small import ROOT, environment, jobs_of, message, messages, plan, small_preset, snakemake, write_config

from tickets.config import load_config
from tickets.papers.registry import PAPERS

RESULTS = "results/small"
LARGE = ("--max-checksum-file-size", "20000")  # models and data are larger, what the papers print is not
VERSIONED = (".dvc/config", ".dvc/.gitignore", ".dvc/plots", ".dvcignore", ".gitignore", "dvc.yaml")


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Run a command in a folder, and return what it prints."""
    home = tmp_path_factory.mktemp("home")
    own = {
        "HOME": str(home), "DVC_SITE_CACHE_DIR": str(home / "dvc"), "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
    }  # fmt: skip

    def run(folder, *command):
        if command[0] in ("dvc", "tickets"):
            command = (sys.executable, "-m", *command)
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment() | own,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}"
        return done.stdout

    return run


@pytest.fixture(scope="module")
def made(built, shell):
    """The repository in which the results were made: all in git, or pushed to a remote beside it."""
    folder = built
    for part in VERSIONED:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    (folder / "src/tickets").mkdir(parents=True)
    shutil.copyfile(ROOT / "src/tickets/versions.py", folder / "src/tickets/versions.py")
    ours = (folder / "dvc.yaml").read_text()
    assert ours.count("presets: [micro]") == 1
    (folder / "dvc.yaml").write_text(ours.replace("presets: [micro]", "presets: [small]"))
    shell(folder, "git", "init", "-q", "-b", "main")
    shell(folder, "tickets", "records", "save")
    shell(folder, "dvc", "remote", "add", "--force", "-d", "storage", str(folder.parent / "storage"))
    shell(folder, "dvc", "commit", "--force", "--no-relink")
    shell(folder, "dvc", "push")
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "commit", "-q", "-m", "Results")
    return folder


@pytest.fixture(scope="module")
def clone(made, shell, tmp_path_factory):
    """A new clone of it, pulled or not."""

    def new(pulled):
        folder = tmp_path_factory.mktemp("clone") / "repository"
        shell(made, "git", "clone", "-q", str(made), str(folder))
        if pulled:
            shell(folder, "dvc", "pull", "-q")
        return folder

    return new


@pytest.fixture(scope="module")
def pulled(clone):
    """A pulled clone. Tests put back what they change."""
    return clone(pulled=True)


def files(folder):
    """Every file of the results but logs: its date and inode."""
    paths = (path for path in (folder / RESULTS).rglob("*") if path.is_file() and "logs" not in path.parts)
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}


def test_git_has_what_people_read_and_dvc_the_rest(made, shell):
    in_git = set(shell(made, "git", "ls-files", RESULTS).split())
    kinds = {re.sub(rf"{RESULTS}/\w+/", "", path).partition("/")[0] for path in in_git}
    for paper in PAPERS:
        own = ("cells.csv", "costs.csv", "facts.json", "claims.json", "claims.md", "headline.json")
        assert {f"{RESULTS}/{paper}/{name}" for name in own} <= in_git
    assert f"{RESULTS}/cross/overlap.csv" in in_git
    frames = {"overlap.csv", "importance.csv", "pretraining.csv", "training.csv", "distances.csv"}
    assert kinds == {"cells", "tables", "figures", *own, *frames}
    assert not list(made.glob("results/**/.gitignore")), "DVC finds its files ignored already"
    outs = set(re.findall(rf"path: ({RESULTS}\S+)", (made / "dvc.lock").read_text()))
    heavy = {path for path in files(made) if path not in in_git}
    assert [
        path for path in heavy if not any(path == out or path.startswith(f"{out}/") for out in outs)
    ] == []


def test_a_clone_draws_a_figure_without_a_pull_and_trains_for_nothing(clone, shell):
    folder = clone(pulled=False)
    done = snakemake(folder, "-f", "lth_fig11")
    assert done.returncode == 0, done.stdout
    assert messages(done.stdout) == {"render lth_fig11"}
    assert shell(folder, "git", "status", "--porcelain") == "", "the same bytes as committed"
    assert plan(folder).jobs >= {message(job) for job in jobs_of(load_config(folder / "config.yaml"))}


def test_after_a_pull_nothing_is_to_be_done(pulled, shell):
    first = plan(pulled)
    assert first.rules == {}
    assert re.search(r"Snakemake's records of pulled results: \d{3,} restored\n", first.output)
    again = plan(pulled)
    assert again.rules == {}
    assert "records of pulled" not in again.output
    assert shell(pulled, "git", "status", "--porcelain") == ""
    assert "up to date" in shell(pulled, "dvc", "status")


def test_files_too_large_for_a_checksum_are_as_old_as_they_were(pulled, shell):
    assert plan(pulled, *LARGE).rules == {}
    model = pulled / RESULTS / "models/small-bert/model.safetensors"
    os.utime(model)
    assert "lth_imp" in plan(pulled, *LARGE).rules, "what a pull alone would lead to"
    shell(pulled, "tickets", "records", "restore")
    assert plan(pulled, *LARGE).rules == {}


def more_words(preset):
    preset["lth"]["recipes"]["mlm"]["steps"] += 1


def longer_sharing(preset):
    preset["supertickets"]["multitask_recipe"]["steps"] += 1


def few_examples(preset):
    preset["tamt"]["grid"]["few"]["cola"]["10"]["steps"] = 2


def test_changed_parameters_plan_what_they_would_where_the_results_were_made(made, pulled):
    preset = small_preset()
    for change in (more_words, longer_sharing, few_examples):
        change(preset)
    plans = []
    for folder in (made, pulled):
        write_config(folder, preset)
        plans.append(plan(folder))
        write_config(folder, small_preset())
    assert plans[0].rules == plans[1].rules
    assert plans[0].jobs == plans[1].jobs
    trained = [job for job in jobs_of(load_config(made / "config.yaml")) if message(job) in plans[0].jobs]
    assert {job.stage.paper for job in trained} == set(PAPERS)
    assert {message(job) for job in trained if job.stage.paper == "tamt"} == {"tamt few"}
    assert len(trained) < len(jobs_of(load_config(made / "config.yaml"))) / 2


def test_a_changed_published_number_is_seen_although_its_folder_is_as_old(pulled):
    table = pulled / "paper/lth/table2.csv"
    before = table.read_text()
    table.write_text(before + "\n")
    try:
        assert {"lth_table2", "lth_claims"} <= set(plan(pulled).rules)
    finally:
        table.write_text(before)
    assert plan(pulled).rules == {}


def test_a_part_may_be_pulled(clone, shell):
    folder = clone(pulled=False)
    shell(folder, "dvc", "pull", "-q", "prepare@small", "lth@small", "report@small")
    assert plan(folder, "lth_runs", "lth").rules == {}
    papers = {text.split()[0] for text in plan(folder).jobs} & set(PAPERS)
    assert papers == {"supertickets", "tamt"}
    shell(folder, "dvc", "pull", "-q")
    assert plan(folder).rules == {}


def test_a_tampered_file_is_named(pulled, shell):
    victim = next(path for path in sorted(files(pulled)) if path.endswith("mask.safetensors"))
    whole = (pulled / victim).read_bytes()
    (pulled / victim).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    out = shell(pulled, "dvc", "status")
    assert re.search(rf"lth@small:\n\s+changed outs:\n\s+modified: +{RESULTS}/lth/masks\n", out)
    assert victim in shell(pulled, "dvc", "data", "status", "--granular")
    shell(pulled, "dvc", "checkout", "--force", "-q")
    assert (pulled / victim).read_bytes() == whole
    shell(pulled, "tickets", "records", "restore")
    assert plan(pulled).rules == {}


def test_repro_of_what_is_there_does_nothing(pulled, shell):
    before = files(pulled)
    out = shell(pulled, "dvc", "repro")
    assert out.count("didn't change, skipping") == 5
    assert "Running stage" not in out
    assert files(pulled) == before


def test_repro_after_a_change_does_what_snakemake_would(pulled, shell, tmp_path):
    folder = shutil.copytree(pulled, tmp_path / "repository", symlinks=True)
    preset = small_preset()
    few_examples(preset)
    write_config(folder, preset)
    planned, before = plan(folder), files(folder)
    status = shell(folder, "dvc", "status")
    assert re.search(
        r"tamt@small:\n\s+changed deps:\n\s+config.yaml:\n\s+modified: +presets.small.tamt", status
    )
    assert "lth@small" not in status
    ran = messages(shell(folder, "dvc", "repro"))
    assert "tamt few" in ran
    assert ran <= planned.jobs, "equal tables are no reason to draw or write what follows from them"
    after = files(folder)
    gone_on = {path for path in before if before[path] == after.get(path)}
    assert {
        path for path in before if re.search("/(data|models|masks|weights|importance|training)/", path)
    } <= gone_on
    touched = {path for path in set(after) - gone_on if "/runs/" in path}
    assert touched
    assert [path for path in touched if "/tamt/runs/cola@n10/" not in path] == []
    assert plan(folder).rules == {}
    assert "up to date" in shell(folder, "dvc", "status")


def test_headline_numbers_show(made, shell):
    shown = json.loads(shell(made, "dvc", "metrics", "show", "--json"))
    (data,) = [part["data"] for part in shown.values()]
    for paper in PAPERS:
        numbers = data[f"{RESULTS}/{paper}/headline.json"]["data"]
        assert numbers == json.loads((made / RESULTS / paper / "headline.json").read_text())
        assert sum(value for name, value in numbers.items() if name.startswith("claims_")) > 20
        assert len(numbers) > 10
    assert json.loads(shell(made, "dvc", "metrics", "diff", "--json")) == {}
    better = made / RESULTS / "lth/headline.json"
    before = json.loads(better.read_text())
    better.write_text(json.dumps(before | {"imp_70": before["imp_70"] + 1.0}))
    changes = json.loads(shell(made, "dvc", "metrics", "diff", "--json"))
    shell(made, "git", "checkout", "-q", str(better))
    (numbers,) = changes.values()
    assert set(numbers) == {"imp_70"}
    assert numbers["imp_70"]["diff"] == pytest.approx(1.0)


def test_plots_show_the_curves(made, shell):
    shell(made, "dvc", "plots", "show", "-o", "plots")
    page = (made / "plots/index.html").read_text()
    for word in ("score by sparsity (Figure 11)", "one-shot", "losing", "tamt-kd"):
        assert word in page
    shutil.rmtree(made / "plots")
