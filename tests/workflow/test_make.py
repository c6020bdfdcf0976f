"""The two commands of the README, and what the machine that checks the project calls (nothing is run)."""

import os
import re
import shutil
import subprocess

import pytest
from small import ROOT

from tickets.config import load_config
from tickets.papers.registry import PAPERS, artifacts


@pytest.fixture
def commands():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")

    def of(target, *settings):
        done = subprocess.run(
            ["make", "--dry-run", "--always-make", target, *settings],
            cwd=ROOT, text=True, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout.splitlines()

    return of


def index(lines, *words):
    """Position of the first line that holds all the words."""
    found = [i for i, line in enumerate(lines) if all(word in line for word in words)]
    assert found, f"no command with {words} in {lines}"
    return found[0]


def test_demo_sets_up_runs_the_micro_pipeline_and_says_where_the_report_is(commands):
    lines = commands("demo")
    venv = index(lines, "-m venv .venv")
    pins = index(lines, "pip install", "envs/requirements.txt")
    own = index(lines, "pip install", "--editable .")
    run = index(lines, "snakemake", "--cores", "preset=micro")
    say = index(lines, "echo", "results/micro/report/index.html")
    assert venv < pins < own < run < say
    assert load_config(ROOT / "config.yaml", "micro").root.as_posix() == "results/micro"


def test_test_sets_up_and_runs_pytest(commands):
    lines = commands("test")
    assert index(lines, "-m venv .venv") < index(lines, ".venv/bin/pytest")


def test_lint_calls_every_linter(commands):
    lines = commands("lint")
    for tool in ("ruff check", "ruff format --check", "mypy", "snakefmt --check", "snakemake --lint"):
        index(lines, tool)


def test_settings_of_the_readme_reach_the_commands(commands):
    lines = commands("demo", "CORES=3", "PYTHON=python3.12")
    index(lines, "--cores 3")
    index(lines, "python3.12 -m venv")


def test_every_tool_that_make_calls_is_pinned():
    pins = (ROOT / "envs" / "requirements.txt").read_text().lower()
    for name in ("snakemake==", "pytest==", "pytest-xdist==", "ruff==", "mypy==", "snakefmt==", "torch=="):
        assert f"\n{name}" in f"\n{pins}", name


def test_the_check_machine_calls_the_commands_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env bash")
    assert "set -euo pipefail" in text
    for target in ("setup", "lint", "test"):
        assert f"\nmake {target}\n" in text
    if shutil.which("bash"):
        subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_readme_names_targets_that_there_are():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)", readme, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets
    known = set(artifacts()) | set(PAPERS) | {"tables", "figures"}
    asked = re.findall(r"^snakemake ([a-z]\w*)", readme, re.MULTILINE)
    assert asked
    assert set(asked) <= known
