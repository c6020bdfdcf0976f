"""A finished pipeline, built once for all tests, and ways to change something of it for a moment."""

import os
import shutil

import pytest
from filelock import FileLock
from small import checkout, jobs_of, plan, small_preset, snakemake, write_config

from tickets.config import load_config
from tickets.papers.registry import PAPERS, papers


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished pipeline, built by the first test process that wants it; nobody changes it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, mark = base / "finished", base / "finished.done"
    with FileLock(base / "finished.lock"):
        if not mark.exists():
            done = snakemake(checkout(folder))
            assert done.returncode == 0, done.stdout[-5000:]
            mark.touch()
    return folder


@pytest.fixture(scope="module")
def built(finished, tmp_path_factory):
    """A copy of it for the tests of a file, which put back what they change."""
    return shutil.copytree(finished, tmp_path_factory.mktemp("built") / "repository", symlinks=True)


@pytest.fixture(scope="module")
def config(built):
    found = load_config(built / "config.yaml")
    assert list(papers(found)) == list(PAPERS), "every paper is run here"
    return found


@pytest.fixture(scope="module")
def jobs(config):
    """Every job that trains, of all papers."""
    return jobs_of(config)


@pytest.fixture
def changed(built):
    """What Snakemake plans after a change of the preset, which is taken back afterwards."""

    def plan_of(change):
        preset = small_preset()
        change(preset)
        write_config(built, preset)
        return plan(built)

    yield plan_of
    write_config(built, small_preset())


class Edits:
    """Edits of runs' scores."""

    def __init__(self, folder, root):
        self.folder, self.root, self.before = folder, root, {}

    def __call__(self, *runs):
        """What Snakemake plans after an edit of these runs."""
        for run in runs:
            metrics = self.folder / self.root / run.metrics
            text = metrics.read_text()
            self.before[metrics] = text
            metrics.write_text(text.replace('"score": ', '"score": 1'))
            assert metrics.read_text() != text
        return plan(self.folder)

    def undo(self):
        for metrics, text in self.before.items():
            metrics.write_text(text)


@pytest.fixture
def edited(built, config):
    """What Snakemake plans after an edit of scores, which is taken back afterwards."""
    found = Edits(built, config.root)
    yield found
    found.undo()
