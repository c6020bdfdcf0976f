"""What a run says of its code: the commit of its checkout, or what the image was built from (it has no history)."""

import subprocess

import pytest

from tickets.jobs import records


@pytest.fixture
def checkout(tmp_path):
    """A repository of one commit, in which `results/` is tracked."""

    def git(*command):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        command = ["git", *identity, *command]
        return subprocess.run(
            command, cwd=tmp_path, check=True, text=True, capture_output=True
        ).stdout.strip()

    git("init", "--quiet")
    for name in ("code.py", "results/cells.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    return tmp_path, git("rev-parse", "HEAD")


def test_the_commit_of_the_checkout(checkout):
    folder, commit = checkout
    assert records._checkout(folder) == {"commit": commit, "dirty": False}


def test_edited_code_is_dirty_and_edited_results_are_not(checkout):
    folder, commit = checkout
    (folder / "results/cells.csv").write_text("2\n")
    assert records._checkout(folder) == {"commit": commit, "dirty": False}
    (folder / "code.py").write_text("2\n")
    assert records._checkout(folder) == {"commit": commit, "dirty": True}


@pytest.mark.parametrize(
    ("built_from", "known"),
    [
        ("1a2b3c", {"commit": "1a2b3c", "dirty": False}),
        ("1a2b3c-dirty", {"commit": "1a2b3c", "dirty": True}),
        ("", {"commit": None, "dirty": None}),
        (None, {"commit": None, "dirty": None}),
    ],
)
def test_without_history_the_image_says_what_it_was_built_from(monkeypatch, tmp_path, built_from, known):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert records._checkout(tmp_path) is None
    monkeypatch.setattr(records, "_checkout", lambda folder: None)
    monkeypatch.delenv("TICKETS_COMMIT", raising=False)
    if built_from is not None:
        monkeypatch.setenv("TICKETS_COMMIT", built_from)
    assert records._commit() == known


def test_a_checkout_in_an_image_speaks_for_itself(monkeypatch, checkout):
    folder, commit = checkout
    monkeypatch.setenv("TICKETS_COMMIT", "another")
    monkeypatch.setattr(records, "__file__", str(folder / "code.py"))
    assert records._commit() == {"commit": commit, "dirty": False}
