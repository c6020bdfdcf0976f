import math

import numpy as np
import pytest
from scipy import stats

from tickets.stats.spread import levene_p, pooled_error, pooled_log_ratio


def test_pooled_ratio_is_the_geometric_mean_and_narrows_with_cases():
    one, four = pooled_log_ratio([1.0], [2.0], 5), pooled_log_ratio([1, 2, 3, 4], [2, 4, 6, 8], 5)
    assert one.ratio == pytest.approx(0.5)
    assert four.ratio == pytest.approx(0.5)
    assert math.log(four.high / four.low) == pytest.approx(math.log(one.high / one.low) / 2)
    assert pooled_log_ratio([1.0, 4.0], [2.0, 2.0], 5).ratio == pytest.approx(1.0)


def test_the_interval_covers_equal_spreads_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        a, b = generator.normal(size=(2, 5, 5)).std(axis=2, ddof=1)
        found = pooled_log_ratio(list(a), list(b), 5)
        hits += found.low <= 1.0 <= found.high
    assert 0.85 < hits / 400 < 1.0


def test_spreads_that_are_zero_or_unknown_are_left_out():
    assert pooled_log_ratio([0.0, 1.0, math.nan], [1.0, 2.0, 1.0], 5).cases == 1
    assert pooled_log_ratio([], [], 5) is None
    assert pooled_log_ratio([1.0], [1.0], 1) is None


def test_levene_is_scipys():
    a, b = [1.0, 2.0, 3.0, 4.0], [0.0, 5.0, 10.0, -5.0]
    assert levene_p(a, b) == pytest.approx(stats.levene(a, b).pvalue)
    assert levene_p([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]) == 1.0
    assert levene_p([1.0, 2.0], b) is None


def test_pooled_error_needs_two_replicates_on_each_side():
    assert pooled_error([1.0, 3.0], [2.0, 2.0, 5.0]) == pytest.approx(math.sqrt(2 / 2 + 3 / 3))
    assert pooled_error([1.0], [1.0, 2.0]) is None
    assert pooled_error([], [1.0, 2.0]) is None
