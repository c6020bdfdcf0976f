import numpy as np
import pytest

from tickets.stats.extremes import maximum_of_normals


def test_o22_best_of_eight():
    mean, std = maximum_of_normals(8)
    assert mean == pytest.approx(1.42360, abs=5e-6)
    assert std == pytest.approx(0.61065, abs=5e-6)


def test_one_draw_has_no_selection_and_two_are_known_exactly():
    assert maximum_of_normals(1) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert maximum_of_normals(2) == pytest.approx((1 / np.sqrt(np.pi), np.sqrt(1 - 1 / np.pi)), abs=1e-9)


def test_it_agrees_with_simulation():
    draws = np.random.default_rng(0).normal(size=(200_000, 5)).max(axis=1)
    assert maximum_of_normals(5) == pytest.approx((draws.mean(), draws.std()), abs=0.01)


def test_no_draws():
    with pytest.raises(ValueError, match="at least 1"):
        maximum_of_normals(0)
