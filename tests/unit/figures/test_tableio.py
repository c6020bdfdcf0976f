import numpy as np
import pytest

from tickets.figures import tableio
from tickets.figures.tableio import Row, comparison
from tickets.stats.summary import Stat, summarise

COLUMNS = ["A", "B", "C"]


@pytest.fixture
def frame():
    ours = {"A": summarise([80.0, 82.0]), "B": summarise([50.0])}
    published = {"A": Stat(80.5, 0.4, 0.4, 5, np.nan, np.nan), "C": 12.3}
    return comparison(COLUMNS, [Row("score", ours, published), Row("size", {"A": 3.0, "B": "–"})])


def test_missing_is_not_run_and_the_shape_stays(frame):
    assert list(frame.columns) == ["row", "value", *COLUMNS]
    lines = tableio.lines(frame)
    assert [(ln.label, ln.kind) for ln in lines] == [
        ("score", "ours"),
        ("score", "published"),
        ("score", "difference"),
        ("size", "ours"),
    ]
    assert lines[0].cells == ("81.0 ± 1.4", "50.0", "not run")
    assert lines[1].cells == ("80.5 ± 0.4", "", "12.3")
    assert lines[2].cells == ("+0.5", "", "")
    assert lines[3].cells == ("3", "–", "not run")


def test_csv_reads_back_to_the_same_lines(frame, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(tableio.to_csv(frame))
    assert tableio.lines(tableio.read_csv(str(path))) == tableio.lines(frame)
    assert "score,ours,81.0,50.0,not run" in path.read_text()


def test_markdown_lines_have_one_width(frame):
    table = [
        ln for ln in tableio.to_markdown(frame, "Table 1", "A caption.").splitlines() if ln.startswith("|")
    ]
    assert len({len(ln) for ln in table}) == 1
    assert len(table) == 2 + 4


def test_tex_escapes_and_counts_its_columns(frame):
    text = tableio.to_tex(frame, "t", "50 % & more_x", "θ₀")
    assert r"50 \% \& more\_x" in text
    assert r"$\theta$$_0$" in text
    body = [ln for ln in text.splitlines() if ln.endswith(r"\\")]
    assert {ln.replace(r"\&", "").count("&") for ln in body} == {len(COLUMNS) + 1}


def test_printed_decimals_of_published_only_rows_are_kept():
    frame = comparison(COLUMNS, [Row("hf", None, {"A": 83.95, "B": 90.7})])
    assert tableio.lines(frame)[0].cells == ("83.95", "90.70", "")


def test_small_numbers_get_three_decimals():
    frame = comparison(COLUMNS, [Row("p", {"A": 0.0123, "B": 0.5})])
    assert tableio.lines(frame)[0].cells[:2] == ("0.012", "0.500")


def test_differences_in_points_have_two_decimals_at_most():
    gap = Stat(-0.275, 1.608, 1.608, 2, np.nan, np.nan)
    frame = comparison(COLUMNS, [Row("a − b (points)", {"A": gap}), Row("a − b", {"A": gap})])
    assert [ln.cells[0] for ln in tableio.lines(frame)] == ["−0.28 ± 1.61", "−0.275 ± 1.608"]


def test_learning_rates_are_not_rounded_away_and_their_differences_have_a_sign():
    rows = [Row("rate", {"A": 0.0015, "B": 4e-4, "C": 0.001}, {"A": 2e-5, "B": 5e-5, "C": 2e-5})]
    shown = [ln.cells for ln in tableio.lines(comparison(COLUMNS, rows))]
    assert shown == [
        ("1.5e−3", "4e−4", "0.001"),
        ("2e−5", "5e−5", "2e−5"),
        ("+1.5e−3", "+3.5e−4", "+0.001"),
    ]
