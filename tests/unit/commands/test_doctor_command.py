"""`tickets doctor` on this machine: whole, narrow, as JSON, and with something wrong."""

import json
import shutil
from pathlib import Path

import pytest

from tickets.doctor.registry import CHECKS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def place(tmp_path, monkeypatch):
    shutil.copyfile(ROOT / "config.yaml", tmp_path / "config.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("columns", [80, 120])
def test_every_check_has_its_line_in_any_width(tickets, place, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    done = tickets("doctor", "--json", "doctor.json")
    found = json.loads((place / "doctor.json").read_text())
    assert [line["name"] for line in found["checks"]] == [check.name for check in CHECKS]
    assert done.code == (0 if found["healthy"] else 1)
    assert all(check.name in done.out for check in CHECKS)
    assert " ".join(done.out.split()).endswith(found["summary"])
    assert max(map(len, done.out.splitlines())) <= columns


def test_an_unknown_preset_is_an_error_line_not_a_traceback(tickets, place):
    done = tickets("doctor", "--preset", "papre")
    assert done.code == 1
    assert "preset 'papre' is not defined" in " ".join(done.out.split())
