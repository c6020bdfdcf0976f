"""Python, pins, config, cores, memory, text, locks; and that no check ends the doctor."""

import re

import pytest
import yaml

from tickets.doctor import configuration, software
from tickets.doctor import machine as computer
from tickets.doctor.check import Check, Finding, healthy, run_checks
from tickets.doctor.registry import CHECKS
from tickets.doctor.show import summary
from tickets.errors import TicketsError


def pins(machine, text):
    (machine.root / "envs").mkdir()
    (machine.root / "envs" / "requirements.txt").write_text(text)


def test_versions_as_pinned_drifted_and_missing(machine, monkeypatch):
    monkeypatch.setattr(software, "installed_version", {"torch": "2.13.0+cpu", "rich": "15.0"}.get)
    monkeypatch.setattr(software, "required", lambda: {"torch": "", "rich": ""})
    assert software.packages(machine.surroundings()).found.startswith("no envs/requirements.txt here")
    pins(machine, "# pins\ntorch==2.13.0\nrich==15.0\n")
    assert software.packages(machine.surroundings()).state == "ok"
    (machine.root / "envs" / "requirements.txt").write_text("torch==2.13.0\nrich==16.1\nlesser==1.0\n")
    found = software.packages(machine.surroundings())
    assert (found.state, found.found) == (
        "warning",
        "missing: lesser; other versions: rich 15.0 (pinned 16.1)",
    )
    assert found.advice.startswith("`pip install -r envs/requirements.txt`")
    monkeypatch.setattr(software, "required", lambda: {"lesser": ""})
    assert software.packages(machine.surroundings()).state == "error"


def test_the_package_is_installed_and_of_this_checkout(machine, monkeypatch):
    assert software.package(machine.surroundings()).state == "ok"
    (machine.root / "src" / "tickets").mkdir(parents=True)
    found = software.package(machine.surroundings())
    assert (found.state, "not from this checkout" in found.found) == ("warning", True)
    monkeypatch.setattr(software, "installed_version", lambda name: None)
    found = software.package(machine.surroundings())
    assert (found.state, "pip install --no-deps --editable ." in found.advice) == ("error", True)


def test_python_of_another_age(machine, monkeypatch):
    monkeypatch.setattr(software.sys, "version_info", (3, 13, 1))
    assert software.python(machine.surroundings()).state == "warning"
    monkeypatch.setattr(software.sys, "version_info", (3, 10, 9))
    assert software.python(machine.surroundings()).state == "error"


def test_the_preset_and_the_others(machine):
    found = configuration.active(machine.surroundings("paper"))
    assert found.found == (
        "paper (--preset): lth, supertickets, tamt; device cuda; a job has 4 threads, 32,000 MB, 1 GPU"
    )
    assert configuration.active(machine.surroundings(None)).found.startswith("micro (the file's own)")
    assert configuration.others(machine.surroundings()).found == "mini, paper (valid)"


def test_a_wrong_preset_is_a_warning_until_it_is_the_active_one(machine):
    raw = yaml.safe_load((machine.root / "config.yaml").read_text())
    raw["presets"]["mini"]["sede"] = 1
    (machine.root / "config.yaml").write_text(yaml.safe_dump(raw))
    found = configuration.others(machine.surroundings())
    assert found.state == "warning"
    assert "presets.mini" in found.found
    assert "sede" in found.found
    (line,) = run_checks([c for c in CHECKS if c.name == "preset"], machine.surroundings("mini"))
    assert (line.state, "sede" in line.found) == ("error", True)


@pytest.mark.parametrize(("usable", "state"), [(8, "ok"), (2, "warning")])
def test_cores(machine, monkeypatch, usable, state):
    monkeypatch.setattr(computer, "usable_cores", lambda: usable)
    found = computer.cores(machine.surroundings("paper"))
    assert found.state == state
    assert ("so 2 run side by side" in found.found) == (state == "ok")
    assert ("execution.threads" in found.advice) == (state == "warning")


@pytest.mark.parametrize(("known", "state", "advice"), [
    ((64_000, 60_000), "ok", ""),
    ((64_000, 9_000), "warning", "End other programs"),
    ((16_000, 15_000), "warning", "Run on a larger machine"),
    (None, "warning", "A job may take 32,000 MB"),
])  # fmt: skip
def test_memory(machine, monkeypatch, known, state, advice):
    monkeypatch.setattr(computer, "memory_mb", lambda: known)
    found = computer.memory(machine.surroundings("paper"))
    assert (found.state, found.advice.startswith(advice)) == (state, True)


def test_a_container_limits_memory(monkeypatch, tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:  65536000 kB\nMemFree: 1 kB\nMemAvailable: 61440000 kB\n")
    (tmp_path / "max").write_text("8589934592\n")
    monkeypatch.setattr(computer, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(computer, "_CGROUP", tmp_path / "none")
    assert computer.memory_mb() == (64_000, 60_000)
    monkeypatch.setattr(computer, "_CGROUP", tmp_path / "max")
    assert computer.memory_mb() == (8_192, 8_192)


def test_a_cluster_takes_the_jobs_so_this_machine_may_be_small(machine):
    machine.slurm()
    assert computer.cores(machine.surroundings("paper")).state == "not needed"
    assert computer.memory(machine.surroundings("paper")).state == "not needed"


def test_text(machine, monkeypatch):
    assert computer.text(machine.surroundings()).state in ("ok", "warning")
    monkeypatch.setattr(computer.locale, "getpreferredencoding", lambda update: "ANSI_X3.4-1968")
    found = computer.text(machine.surroundings())
    assert (found.state, "LC_ALL=C.UTF-8" in found.advice) == ("warning", True)


def test_locks_that_hold_and_locks_that_do_not(machine, monkeypatch):
    machine.variables["TICKETS_GPU_LOCKS"] = str(machine.root / "locks" / "deep")
    assert computer.locks(machine.surroundings()).state == "ok"
    assert not list(machine.root.glob(".tickets-lock*")), "nothing is left behind"
    monkeypatch.setattr(computer.fcntl, "flock", lambda file, how: None)  # as on a network disk that pretends
    found = computer.locks(machine.surroundings("paper"))
    assert (found.state, "two get the same lock" in found.found) == ("error", True)
    assert "TICKETS_GPU_LOCKS" in found.advice
    assert computer.locks(machine.surroundings("micro")).state == "warning"

    def refuse(file, how):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(computer.fcntl, "flock", refuse)
    assert "No locks available" in computer.locks(machine.surroundings()).found


def broken(here):
    raise RuntimeError("surprise")


def told(here):
    raise TicketsError("a: wrong. Do b.")


def test_a_check_that_fails_is_a_line_not_an_end(machine):
    checks = [
        Check("g", "one", broken),
        Check("g", "two", told),
        Check("g", "three", lambda here: Finding("ok", "fine")),
    ]
    one, two, three = run_checks(checks, machine.surroundings())
    assert (one.state, one.found) == ("error", "the check itself failed (RuntimeError: surprise)")
    assert (two.state, two.found) == ("error", "a: wrong. Do b.")
    assert (three.state, three.found) == ("ok", "fine")
    assert not healthy([one, three])
    assert healthy([three])
    assert summary([one, two, three]) == "2 errors (one, two), 1 ok, 0 not needed."


def test_an_unusable_config_is_said_once_and_ends_no_other_check(machine):
    (machine.root / "config.yaml").write_text("presets: [")
    lines = {line.name: line for line in run_checks(CHECKS, machine.surroundings())}
    assert len(lines) == len(CHECKS)
    assert [name for name, line in lines.items() if line.state == "error"] == ["preset"]
    assert "not valid YAML" in lines["preset"].found
    assert (lines["python"].state, lines["memory"].state) == ("ok", "not needed")
    assert lines["memory"].found == "not known: the config cannot be used"


def test_names_are_unique_and_every_problem_has_advice(machine):
    names = [(check.group, check.name) for check in CHECKS]
    assert len(set(names)) == len(names)
    for preset in ("micro", "mini", "paper"):
        for line in run_checks(CHECKS, machine.surroundings(preset)):
            if line.state in ("warning", "error"):
                assert re.search(r"[a-z]", line.advice), line
