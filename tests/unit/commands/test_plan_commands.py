"""`tickets plan` and `tickets list` as typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CONFIG = ("--config", ROOT / "config.yaml")


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "paper").symlink_to(ROOT / "paper")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_plan_of_a_preset(tickets, place):
    done = tickets("plan", "--preset", "paper", *CONFIG)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].startswith("Plan of all, preset paper")
    assert any(line.split()[0] == "tamt" and "90.3M" in line for line in lines if line.strip())
    assert any(line.startswith("lth_rewind_source") for line in lines)
    assert "ASSUMED, not measured" in done.out
    assert "lth imp-mnli" in done.out
    assert "left" not in done.out, "nothing is done yet"


def test_plan_of_a_figure(tickets, place):
    done = tickets("plan", "lth_fig2a", "--preset", "paper", *CONFIG)
    text = " ".join(done.out.split())
    assert "needs 1,276 runs, 1,276 of them also needed by" in text
    assert "0 by nothing else" in text
    assert "lth_transfer" in text
    assert "tamt" not in text.split("By stage")[1].split("longest chain")[0]


def test_everything_as_json(tickets, place):
    done = tickets("plan", "lth_fig2a", "lth_fig5", "--preset", "paper", "--json", "out/plan.json", *CONFIG)
    assert done.code == 0
    found = json.loads(Path("out/plan.json").read_text())
    assert found["preset"] == "paper"
    targets = found["targets"]
    assert targets.keys() == {"lth_fig2a", "lth_fig5"}
    assert found["total"]["runs"] == targets["lth_fig2a"]["runs"] == targets["lth_fig5"]["runs"] == 1_276
    assert found["left"] == found["total"]
    assert found["stages"]["lth imp"]["updates"] == 5_506_550
    assert found["stages"]["tamt few"]["runs"] == 0, "these targets do not need it"
    assert found["artifacts"]["tamt_fig9"]["runs"] > 0
    assert found["rates"]["measured"] is False
    assert found["chain"]["seconds"] > 0
    assert found["data"] == {"official": 32}


def test_an_assumed_speed_shortens_the_plan(tickets, place):
    seconds = []
    for flops in ("1e13", "1e15"):
        tickets("plan", "--preset", "paper", "--flops", flops, "--json", "plan.json", *CONFIG)
        seconds.append(json.loads(Path("plan.json").read_text())["total"]["seconds"])
    assert seconds[0] > 3 * seconds[1]


def test_all_presets(tickets, place):
    done = tickets("plan", "--presets", "--json", "plan.json", *CONFIG)
    names = [line.split()[0] for line in done.out.splitlines() if "│" in line]
    assert names == ["micro", "mini", "paper"]
    assert json.loads(Path("plan.json").read_text()).keys() == {"micro", "mini", "paper"}


def test_a_target_with_a_slip(refused, place):
    assert "did you mean 'lth_table2'?" in refused("plan", "lth_tabel2", *CONFIG)
    assert "'--flops'" in str(subprocess.run(
        [sys.executable, "-m", "tickets", "plan", "--flops", "0", "--config", str(ROOT / "config.yaml")],
        capture_output=True, text=True, env={"COLUMNS": "200"},
    ).stderr)  # fmt: skip


def test_list_says_state_and_cost(tickets, place):
    done = tickets("list", *CONFIG)
    assert done.code == 0
    line = next(line for line in done.out.splitlines() if line.startswith("lth_table1 "))
    cells = [cell.strip() for cell in line.split("│")]
    assert cells[1:5] == ["Table 1: Data and training recipe", "not made", "220", "26.6k"]
    assert cells[5].endswith("min")
    assert "not" in next(line for line in done.out.splitlines() if line.startswith("tamt_fig2 "))
    assert "CPU-time" in done.out


CHECK = """
import sys
from tickets.cli import main
sys.argv = ["tickets", "plan", "--preset", "paper", "--config", {config!r}]
try:
    main()
except SystemExit as end:
    assert not end.code
heavy = [name for name in ("torch", "transformers", "pandas", "matplotlib") if name in sys.modules]
assert not heavy, heavy
"""


def test_the_largest_preset_is_planned_without_heavy_imports(place):
    script = CHECK.format(config=str(ROOT / "config.yaml"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=place)
    assert done.returncode == 0, done.stderr
