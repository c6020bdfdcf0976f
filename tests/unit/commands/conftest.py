import sys
from dataclasses import dataclass

import pytest

from tickets.cli import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def tickets(capsys, monkeypatch):
    """Run the command as `tickets <words>`; a traceback would come out of the call as the exception it is."""
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(sys, "argv", ["tickets"])

    def call(*words):
        capsys.readouterr()
        try:
            main([str(word) for word in words])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def refused(tickets):
    """The one message of a command that must end with exit status 1."""

    def call(*words):
        done = tickets(*words)
        assert done.code == 1, done
        assert done.err.startswith("error: "), done
        return done.err.removeprefix("error: ").rstrip("\n")

    return call
