"""One set of pins: package, lock, conda environment and image must not drift apart."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "envs" / "requirements.txt"
# What a CUDA build of torch brings along; it pins these by itself.
CUDA = ("cuda-", "nvidia-", "triton")


def pins():
    """Version of every package in the lock."""
    lines = [line for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), f"not an exact pin: {line}"
    found = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    assert len(found) == len(lines), "a package is pinned twice"
    return found


def asked():
    """What the package asks for, with its tests and linters."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [
        Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["dev"])
    ]


def needed():
    """Names of everything that the package asks for, directly or not, as the installed packages say."""
    found = {}
    waiting = asked()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = {"", *requirement.extras}
        new = extras - found.setdefault(name, set())
        if not new or name.startswith(CUDA):
            continue
        found[name] |= new
        for text in metadata.requires(name) or ():
            child = Requirement(text)
            if not child.marker or any(child.marker.evaluate({"extra": extra}) for extra in new):
                waiting.append(child)
    return {name for name in found if not name.startswith(CUDA)}


def instructions(word):
    """Arguments of a Dockerfile's instructions of one kind; continued lines are joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{word} ")]


def test_every_dependency_is_pinned_within_its_bounds():
    found = pins()
    for requirement in asked():
        version = found.get(canonicalize_name(requirement.name))
        assert version, f"{requirement} has no pin in {LOCK.name}"
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_the_lock_is_complete_and_holds_nothing_else():
    found = set(pins())
    assert needed() - found == set(), "installed by pip, but whatever version there is"
    assert found - needed() == set(), "pinned, but nothing needs it"


def test_what_make_setup_installed_is_what_the_lock_says():
    if not (Path(sys.prefix) / ".ready").exists():
        pytest.skip("this environment was not made by `make setup`")
    for name, version in pins().items():
        installed = Version(metadata.version(name))
        assert installed.public == version, f"{name} {installed}"  # torch says +cpu or +cu130 after it


def test_the_conda_environment_installs_the_lock():
    environment = yaml.safe_load((ROOT / "envs" / "environment.yaml").read_text())
    python, pip, nested = environment["dependencies"]
    assert (python, pip) == (f"python={python_of_image()}", "pip")
    assert nested == {"pip": ["-r requirements.txt"]}  # beside the file, as conda takes it


def test_the_image_installs_the_lock_and_nothing_else():
    installs = [
        part.split("pip install")[1].split()
        for run in instructions("RUN")
        for part in run.split("&&")
        if "pip install" in part
    ]
    options = {"--no-cache-dir", "${PIP_EXTRA_ARGS}"}
    assert [[word for word in words if word not in options] for words in installs] == [
        ["--requirement", "envs/requirements.txt"],
        ["--no-deps", "--editable", "."],
    ]


def python_of_image():
    """`3.11` of the image's base."""
    (base,) = [text for text in instructions("ARG") if text.startswith("BASE=")]
    return re.search(r"python:(\d+\.\d+)-", base)[1]


def test_the_python_of_the_image_is_one_that_the_package_supports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lowest = project["project"]["requires-python"].removeprefix(">=")
    assert python_of_image() == lowest
    assert project["tool"]["ruff"]["target-version"] == f"py{lowest.replace('.', '')}"


def test_the_workflow_runs_in_a_file_that_the_how_to_makes():
    (container,) = re.findall(r'^container: "(.+?)"', (ROOT / "Snakefile").read_text(), re.MULTILINE)
    page = (ROOT / "docs" / "how-to" / "run-in-a-container.md").read_text()
    assert f"apptainer build {container} " in page


def left_out(path):
    """Whether `.dockerignore` keeps a path out: the last pattern that fits it, or a folder of it, decides."""
    excluded = False
    folders = [*Path(path).parents][:-1]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if not line or line.startswith("#"):
            continue
        regex = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(regex, name) for name in (path, *map(str, folders))):
            excluded = not line.startswith("!")
    return excluded


def test_everything_in_git_goes_into_the_image():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True, capture_output=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert [path for path in listed.stdout.splitlines() if left_out(path)] == []


PLACES = (
    ".venv/bin/python", ".snakemake/log/a", ".tickets/inflight/a", ".dvc/cache/files/a", ".dvc/config.local",
    "src/winning_tickets.egg-info/PKG-INFO", "src/tickets/__pycache__/a.pyc", "image.sif", "image.tar",
    "results/micro/data/rte-64.safetensors", "results/micro/lth/runs/a/run.json", "results/micro/tamt/weights/a",
    "results/micro/lth/masks/a.safetensors", "results/micro/report/index.html", "results/micro/snakemake.tar.gz",
)  # fmt: skip


@pytest.mark.parametrize("path", PLACES)
def test_what_git_ignores_stays_out_of_the_image(path):
    assert left_out(path)


def test_small_results_go_into_the_image():
    for path in ("lth/cells.csv", "lth/cells/imp.csv", "lth/tables/table1.md", "cross/figures/fig1.png"):
        assert not left_out(f"results/micro/{path}")
