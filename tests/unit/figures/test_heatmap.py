import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tickets.figures.heatmap import HeatMap, draw_heatmap

NAMES = ["a", "b", "c"]


def panel(**options):
    values = pd.DataFrame([[1.0, -2.04, np.nan], [0.5, -0.001, 3.0]], index=["a", "z"], columns=NAMES)
    return HeatMap("t", values, values >= 0, -values, "{:+.1f}", **options)


def text_of(frame, row, column):
    return frame[(frame["row"] == row) & (frame["column"] == column)]["text"].item()


def test_counts_leave_out_the_diagonal_and_what_was_not_run():
    assert panel().count("a") == (0, 1)  # a-a is its own, a-c was not run
    assert panel().count("z") == (2, 3)  # no column of its own
    assert panel(own={"z": "c"}).count("z") == (1, 2)


def test_a_row_without_runs_has_no_count():
    empty = pd.DataFrame(np.nan, index=["a"], columns=NAMES)
    assert text_of(HeatMap("t", empty, empty >= 0, empty).drawn(), "a", "dark/run") == "–"


def test_numbers_carry_signs_but_zero_has_none():
    drawn = panel().drawn()
    assert [text_of(drawn, "a", c) for c in NAMES] == ["+1.0", "−2.0", "not run"]
    assert text_of(drawn, "z", "b") == "0.0"


def test_frame_holds_exactly_the_texts_on_the_canvas():
    axes = Figure().add_subplot()
    drawn = draw_heatmap(axes, panel())
    assert sorted(t.get_text() for t in axes.texts) == sorted(drawn["text"])
