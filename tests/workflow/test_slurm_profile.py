"""The profile for Slurm where there is no Slurm: that it is found, what it selects, and what it would submit."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small import ROOT, checkout, environment, small_preset

from tickets.cluster import gpu_request

PROFILE = ROOT / "slurm" / "config.yaml"
ASKED = (
    "executor", "config", "jobs", "local-cores", "default-resources", "retries", "slurm-requeue", "groups",
    "group-components", "scheduler", "max-jobs-per-timespan", "slurm-init-seconds-before-status-checks",
    "slurm-status-command", "slurm-jobname-prefix", "latency-wait", "keep-going", "rerun-incomplete",
    "show-failed-logs", "max-checksum-file-size", "quiet",
)  # fmt: skip


def snakemake(folder, *arguments, path=""):
    """Snakemake with nothing but what is given: no number of cores, and Slurm's commands only from `path`."""
    own = environment()
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "slurm", *arguments],
        cwd=folder,
        env=own | {"PATH": f"{path}:{own['PATH']}"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What git has, as a user gets it."""
    folder = tmp_path_factory.mktemp("clone") / "repository"
    done = subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), folder], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("not in a git repository")
    return folder


@pytest.mark.parametrize(
    ("arguments", "preset"),
    [((), "paper"), (("--config", "preset=mini"), "mini")],
    ids=["as it is", "asked for"],
)
def test_the_command_works_in_a_clean_clone_and_selects_the_preset(clone, arguments, preset):
    target = f"results/{preset}/data/rte-128.safetensors"
    done = snakemake(clone, "--dry-run", *arguments, "--", target)
    assert done.returncode == 0, done.stdout
    assert "Using profile" in done.stdout
    assert re.search(r"^encode +1$", done.stdout, re.MULTILINE)
    assert [path.name.split("-")[0] for path in (clone / ".tickets" / "config").glob(f"{preset}-*")] == [
        preset
    ]
    other = snakemake(clone, "--dry-run", *arguments, "--", target.replace(preset, "micro"))
    assert other.returncode != 0


def test_the_link_is_relative_so_that_every_clone_has_its_own(clone):
    assert (clone / "slurm").is_symlink()
    assert (clone / "slurm").readlink() == Path("workflow/profiles/slurm")


def test_every_key_is_there_and_commented():
    profile = yaml.safe_load(PROFILE.read_text())
    assert set(profile) == set(ASKED)
    lines = PROFILE.read_text().splitlines()
    bare = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if re.match(r"[a-z]", line) and not above.startswith("# ")
    ]
    assert bare == [], "each key of the top level has its comment right above"
    for example in (
        "slurm_account: ",
        "slurm_partition: ",
        "gpu_model: ",
        'gres: "gpu:1"',
        "slurm-no-account: ",
    ):
        assert f"# {example}" in PROFILE.read_text()


def test_it_plans_the_small_preset(tmp_path):
    folder = checkout(tmp_path / "small", small_preset())
    (folder / "slurm").symlink_to((ROOT / "slurm").readlink())
    done = snakemake(folder, "--dry-run", "--config", "preset=small", "--", "lth_table1")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^lth_imp +5$", done.stdout, re.MULTILINE)
    assert "Group job data" in done.stdout


@pytest.mark.parametrize("given", [(), ("gres",), ("gpu_model",)])
def test_a_rule_without_gpus_takes_nothing_of_the_profiles(given):
    assert gpu_request(0, given) == {"gpu": 0, "gres": None, "gpu_model": None}


def test_a_rule_with_gpus_asks_in_one_way():
    assert gpu_request(2, ()) == {"gpu": 2}
    assert gpu_request(2, ("gpu_model", "slurm_partition")) == {"gpu": 2}
    assert gpu_request(2, ("gres",)) == {}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ([], ["--gpus=1"]),
        (["gpu_model=a100"], ["--gpus=a100:1"]),
        (["gres=gpu:h100:1"], ["--gres=gpu:h100:1"]),
        (["slurm_account=lottery", "slurm_partition=short"], ["--gpus=1", "-A lottery", "-p short"]),
    ],
)
def test_what_is_submitted(tmp_path, given, asked):
    """A stand-in for sbatch notes its arguments and refuses."""
    preset = small_preset()
    threads = os.cpu_count() + 3  # a login node with few cores is no reason for jobs to have few
    preset["execution"] |= {"gpus": 1, "runtime": 30, "mem_mb": 5000, "threads": threads}
    folder = checkout(tmp_path / "small", preset)
    (folder / "slurm").symlink_to((ROOT / "slurm").readlink())
    calls = stand_ins(tmp_path / "bin")
    training = "results/small/lth/jobs/imp/rte.json"
    inputs = ["data/rte-64.safetensors", *(f"models/small-bert/{name}" for name in MODEL_FILES)]
    for path in (folder / "results" / "small" / name for name in inputs):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    resources = ["--default-resources", *given] if given else []
    fast = ("--retries", "0", "--slurm-init-seconds-before-status-checks", "1", "--rerun-triggers", "mtime")
    common = (*fast, *resources, "--config", "preset=small")
    done = snakemake(
        folder, *common, "--", training, "results/small/data/cola-64.safetensors", path=tmp_path / "bin"
    )
    assert done.returncode != 0
    submitted = [path.read_text() for path in calls.iterdir()]
    trains, encodes = sorted(submitted, key=lambda call: "rule_lth_imp" not in call)
    assert all(
        option in trains for option in [*asked, "-t 30", "--mem 5000", "--requeue", f"-task={threads}"]
    )
    assert "rule_data_encode" in encodes
    assert not any(word in encodes for word in ("gpu", "gres"))
    if len(asked) == 1:
        assert len(re.findall(r"--(?:gpus|gres)", trains.partition("--wrap")[0])) == 1


MODEL_FILES = (
    "config.json",
    "model.safetensors",
    "run.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


def stand_ins(folder):
    """Slurm's commands: sbatch notes what it is asked and says no; the others know nothing."""
    calls = folder / "calls"
    calls.mkdir(parents=True)
    for name in ("sacct", "sacctmgr", "scancel", "scontrol", "squeue", "sshare", "sinfo", "sbatch"):
        command = folder / name
        note = f'echo "$*" > {calls}/$$; exit 1' if name == "sbatch" else "exit 0"
        command.write_text(f"#!/bin/sh\n{note}\n")
        command.chmod(0o755)
    return calls
