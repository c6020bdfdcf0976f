"""`tickets compare`: what a person reads, what a machine reads, and the exit status."""

import json

import pytest

from compared_world import checkout, write_results

RUN = "lth/runs/rte/pretrained/imp/from-rte/sparsity70/seed1"


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = checkout(tmp_path / "here")
    monkeypatch.chdir(folder)
    return folder


def worse(row):
    if row["path"] == RUN:
        row["score"] = "20.0"


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_same_results(tickets, place, tmp_path, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    other = write_results(tmp_path / "there" / "micro")
    done = tickets("compare", "--with", other)
    assert done.code == 0
    assert done.out.rstrip().endswith("The same to the bit: 18 runs, 1 tables.")
    assert max(map(len, done.out.splitlines())) <= int(columns)


def test_different_results(tickets, place, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    other = write_results(tmp_path / "there" / "micro", change=worse)
    facts, plot = tmp_path / "facts.json", tmp_path / "scores.png"
    done = tickets("compare", "lth", "--with", other, "--json", facts, "--plot", plot)
    assert done.code == 1
    assert "Different: 1 of 18 runs differs, by 42.00 points" in done.out
    assert "lth/rte/pretrained/imp/from-rte/sparsity70/seed1" in done.out
    assert len(done.out.splitlines()) < 60
    found = json.loads(facts.read_text())
    assert found["conclusion"]["kind"] == "different"
    (run,) = found["runs"]
    assert (run["path"], run["here"], run["there"], run["difference"]) == (RUN, 62.0, 20.0, 42.0)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_papers(tickets, place, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = tickets("compare", "lth", "--json", tmp_path / "facts.json")
    assert done.code == 0
    assert "absolute scores do not compare with published ones" in " ".join(done.out.split())
    assert "Claims of lth: 1 reproduced, 1 not reproduced, 0 inconclusive, 1 not run." in done.out
    assert "hold in print, not here: C2" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    found = json.loads((tmp_path / "facts.json").read_text())
    (table,) = [item for item in found["artifacts"] if item["made"]]
    assert (table["id"], table["compared"], table["settings"]) == ("lth_table8", 5, False)
    assert found["claims"][0]["verdicts"][0] == {"ours": "reproduced", "published": "reproduced", "n": 1}


def test_what_is_refused(tickets, refused, place, tmp_path):
    assert refused("compare", "--with", tmp_path / "nowhere").startswith(
        f"--with {tmp_path}/nowhere: no such folder"
    )
    other = write_results(tmp_path / "there" / "micro")
    assert "must end in .png or .pdf" in refused("compare", "--with", other, "--plot", tmp_path / "plot.gif")
    assert tickets("compare", "--plot", tmp_path / "plot.png").code == 2
