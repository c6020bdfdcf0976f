import numpy as np
import pytest
from matplotlib.figure import Figure

from tickets.figures.pies import PieGrid, draw_pies
from tickets.figures.style import PALETTE


def grid(**options):
    shares = np.array([[[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]], [[0.2, 0.3, 0.5], [0.0, 0.0, 0.0]]])
    sizes = np.array([[4.0, 1.0], [2.0, np.nan]])
    return PieGrid("p", ["1", "2"], ["h", "FFN"], ["a", "b", "c"], shares, sizes, 4.0, **options)


def area(outline):
    x, y = outline.T
    return 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))


def drawn_slices():
    axes = Figure().subplots()
    frame = draw_pies(axes, grid())
    return frame, [path.vertices[:-1] for path in axes.collections[0].get_paths()]


def test_areas_of_slices_are_importance_times_share():
    frame, outlines = drawn_slices()
    shown = frame[frame["share"] > 0]
    assert len(outlines) == len(shown) == 7  # no slice for a share of zero, no pie for a missing size
    expected = shown["size"] * shown["share"]
    measured = np.array([area(outline) for outline in outlines])
    # polygons lose a little of a circle; all lose about the same
    assert measured / measured.sum() == pytest.approx((expected / expected.sum()).to_numpy(), rel=0.01)


def test_pies_stay_in_their_cells_and_the_first_slice_starts_at_the_top():
    _, outlines = drawn_slices()
    first = outlines[0]
    assert first[:, 0].min() >= 0.5 - 1e-9
    assert first[:, 0].max() <= 1.0
    assert first[1] == pytest.approx([0.5, 0.97])
    whole = outlines[3]
    assert whole[1:].mean(axis=0) == pytest.approx([1.5, 0.5], abs=0.01)


def test_the_frame_holds_exactly_the_pies_that_are_drawn():
    frame = grid().drawn()
    assert list(frame.columns) == ["panel", "row", "column", "size", "party", "share"]
    assert set(zip(frame["row"], frame["column"], strict=True)) == {("1", "h"), ("1", "FFN"), ("2", "h")}


def test_separate_columns_stand_off():
    assert grid(apart=1).x(1) > grid().x(1)
    assert grid(apart=1).extent[0] > 2


def test_the_palette_has_a_colour_for_each_of_eight_tasks():
    assert len(set(PALETTE)) == 8
