import pytest

from compared_world import checkout, write_results
from tickets.comparing.report import against_folder
from tickets.config import load_config


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A checkout with results, as the working directory."""
    folder = checkout(tmp_path / "here")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def config(here):
    return load_config(here / "config.yaml")


@pytest.fixture
def against(config, tmp_path):
    """Our results beside a copy that was changed: `against(change=..., preset=...)`."""

    def compare(*names, preset="micro", **changes):
        other = write_results(tmp_path / "there" / "results" / preset, **changes)
        return against_folder(config, names, other)

    return compare
