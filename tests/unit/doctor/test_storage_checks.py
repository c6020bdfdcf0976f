"""Disk, git, DVC, what was left behind."""

import shutil
import subprocess
import sys
from collections import namedtuple

import pytest
import yaml

from tickets.config import load_config
from tickets.doctor import leftovers, storage, surroundings
from tickets.papers.registry import papers

Usage = namedtuple("Usage", "total used free")
REAL_GIT = shutil.which("git")


@pytest.fixture
def git(machine):
    """A commit of the made-up checkout."""
    (machine.bin / "git").symlink_to(REAL_GIT)

    def run(*words):
        who = ["-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run([REAL_GIT, *who, *words], cwd=machine.root, check=True, capture_output=True)

    (machine.root / "results").mkdir()
    (machine.root / "results" / "cells.csv").write_text("a\n")
    run("init")
    run("add", ".")
    run("commit", "-m", "first")
    return run


@pytest.mark.parametrize(("free", "preset", "state"), [
    (50e9, "micro", "ok"), (0.5e9, "micro", "warning"), (1e6, "micro", "error"),
    (500e9, "paper", "ok"), (20e9, "paper", "error"),
])  # fmt: skip
def test_free_space_against_what_is_still_to_be_written(machine, monkeypatch, free, preset, state):
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda path: Usage(0, 0, free))
    found = storage.disk(machine.surroundings(preset))
    assert found.state == state, found
    assert f"{free / 1e9:,.1f} GB free at {machine.root}" in found.found
    assert (found.advice == "") == (state == "ok")


def test_no_git(machine):
    assert storage.git(machine.surroundings()).found == "no git on the PATH"
    (machine.bin / "git").symlink_to(REAL_GIT)
    found = storage.git(machine.surroundings())
    assert (found.state, found.found) == ("warning", "not a git checkout")


def test_a_clean_checkout_a_changed_one_and_changed_results(machine, git):
    here = machine.surroundings
    assert storage.git(here()).found.endswith(", nothing changed")
    (machine.root / "results" / "cells.csv").write_text("b\n")
    found = storage.git(here())
    assert (found.state, "1 files of results changed" in found.found) == ("ok", True)
    with (machine.root / "config.yaml").open("a") as file:
        file.write("# more\n")
    found = storage.git(here())
    assert found.state == "warning"
    assert "changed: config.yaml; 1 files of results changed" in found.found
    assert "commit first" in found.advice


def write_dvc(machine, text):
    (machine.root / ".dvc").mkdir(exist_ok=True)
    (machine.root / ".dvc" / "config").write_text(text)


def test_dvc_not_installed_not_here_or_without_a_remote(machine, monkeypatch):
    assert storage.dvc(machine.surroundings()).found.endswith("but no .dvc here")
    write_dvc(machine, "[core]\n    analytics = false\n")
    found = storage.dvc(machine.surroundings())
    assert found.state == "warning"
    assert "dvc remote add --default" in found.advice
    monkeypatch.setattr(storage, "installed_version", lambda name: None)
    assert storage.dvc(machine.surroundings()).found == "not installed"


def test_a_remote_in_a_folder_is_there_or_not(machine):
    write_dvc(machine, "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n")
    found = storage.dvc(machine.surroundings())
    assert (found.state, found.found.endswith("which is not there")) == ("warning", True)
    (machine.root.parent / "store").mkdir()
    found = storage.dvc(machine.surroundings())
    assert found.state == "ok"
    assert found.found.endswith(f"remote store: {machine.root.parent / 'store'}")


def test_a_remote_on_the_network_is_tried_only_when_asked(machine, monkeypatch):
    write_dvc(machine, "[core]\n    remote = web\n['remote \"web\"']\n    url = https://store.invalid/dvc\n")
    asked = []

    def refuse(address, timeout):
        asked.append(address)
        raise OSError(111, "Connection refused")

    monkeypatch.setattr(surroundings.socket, "create_connection", refuse)
    assert storage.dvc(machine.surroundings()).found.endswith("(not tried; --network does)")
    assert asked == []
    found = storage.dvc(machine.surroundings(network=True))
    assert (found.state, found.found.endswith("which cannot be reached (Connection refused)")) == (
        "warning",
        True,
    )
    assert asked == [("store.invalid", 443)]


def test_tracked_outputs_that_are_missing(machine):
    assert storage.tracked(machine.surroundings()).state == "not needed"
    outs = [
        {"path": f"results/{preset}/lth/{name}"} for preset in ("micro", "mini") for name in ("runs", "masks")
    ]
    (machine.root / "dvc.lock").write_text(
        yaml.safe_dump({"schema": "2.0", "stages": {"lth@micro": {"outs": outs}}})
    )
    (machine.root / "results" / "micro" / "lth" / "runs").mkdir(parents=True)
    found = storage.tracked(machine.surroundings())
    assert (found.state, found.found) == ("warning", "1 of 2 not here: results/micro/lth/masks")
    assert found.advice.startswith("`dvc pull`")
    (machine.root / "results" / "micro" / "lth" / "masks").mkdir()
    assert storage.tracked(machine.surroundings()).state == "ok"


def inflight(machine, name):
    (machine.root / ".tickets" / "inflight" / "micro" / name).mkdir(parents=True)


def test_unfinished_jobs_of_this_config_continue_and_others_never(machine):
    assert leftovers.unfinished(machine.surroundings()).found == "none"
    config = load_config(machine.root / "config.yaml", "micro")
    job = next(iter(papers(config)["lth"].stages(config)[0].jobs()))
    inflight(machine, f"{job.name[:80]}-{job.fingerprint[:16]}")
    found = leftovers.unfinished(machine.surroundings())
    assert found.state == "ok"
    assert found.found.startswith("1 stopped or running: ")
    inflight(machine, f"{job.name[:80]}-0123456789abcdef")
    found = leftovers.unfinished(machine.surroundings())
    assert found.state == "warning"
    assert "1 of another config" in found.found
    assert ".tickets/inflight/micro" in found.advice


def test_half_written_files(machine):
    folder = machine.root / "results" / "micro" / "lth"
    folder.mkdir(parents=True)
    (folder / "cells.csv.part").write_text("")
    found = leftovers.parts(machine.surroundings())
    assert (found.state, found.found) == ("warning", "1: results/micro/lth/cells.csv.part")


def test_a_lock_without_a_snakemake_and_with_one(machine):
    assert leftovers.lock(machine.surroundings()).found == "not locked"
    folder = machine.root / ".snakemake" / "locks"
    folder.mkdir(parents=True)
    (folder / "0.input.lock").write_text("")
    found = leftovers.lock(machine.surroundings())
    assert (found.state, found.advice.startswith("`snakemake --unlock`")) == ("warning", True)
    script = machine.root / "snakemake"
    script.write_text("import time; print(flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, str(script)], cwd=machine.root, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            found = leftovers.lock(machine.surroundings())
            assert found.found == f"Snakemake runs here now (process {process.pid})"
        finally:
            process.kill()


def test_container_engines(machine):
    assert leftovers.containers(machine.surroundings()).state == "not needed"
    machine.program("apptainer", "apptainer version 1.3.4")
    machine.program("docker", error="Cannot connect to the Docker daemon", code=1)
    found = leftovers.containers(machine.surroundings())
    assert (found.state, found.found) == ("ok", "apptainer, docker (does not work here)")
