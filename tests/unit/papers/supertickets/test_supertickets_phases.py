import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.papers.supertickets.phases import cross_fit, find_phases

X = [1, 0.93, 0.86, 0.79]
RNG = 0


def find(winning, random=None, losing=None, x=X, draws=200):
    curves = [
        None if c is None else np.atleast_2d(np.asarray(c, dtype=float)) for c in (winning, random, losing)
    ]
    return find_phases(x, *curves, np.random.default_rng(RNG), draws)


def test_o17_phase_finder():
    found = find([70, 72, 71, 68], [70, 69, 68.5, 69])
    assert (found.peak, found.crossing) == (1, 3)
    assert found.gap[2:] == (2.5, -1.0)
    assert found.boundary == pytest.approx(0.86 - 0.07 * 2.5 / 3.5)
    assert found.boundary == pytest.approx(0.81)
    assert (found.first, found.second, found.early_second, found.third) == ((0, 1), (2,), (2,), (3,))
    assert found.exists
    assert found.threshold == 0.93
    assert found.pronounced == 2


def test_no_phase_one_and_no_crossing():
    found = find([70, 69, 68, 67], [70, 60, 50, 40])
    assert not found.exists
    assert (found.peak, found.pronounced) == (0, 0.0)
    assert (found.crossing, found.boundary, found.third) == (None, None, ())
    assert found.second == (1, 2, 3)
    assert found.early_second == ()


def test_ties_go_to_the_least_pruned_level_even_with_rounding_noise():
    assert find([70, 70.1 + 0.2, 70.3, 60]).peak == 1
    assert find([70.3, 70.1 + 0.2, 70, 60]).peak == 0


def test_without_random_tickets_the_crossing_is_unknown():
    found = find([70, 72, 71, 68])
    assert found.gap is None
    assert found.crossing is None
    assert found.random is None
    assert found.pronounced == 2


def test_a_crossing_right_after_an_equal_peak_needs_no_division():
    found = find([70, 69, 68, 67], [70, 69, 68, 67])  # D_0 = D_1 = 0
    assert (found.peak, found.crossing, found.boundary) == (0, 1, 1.0)
    behind = find([70, 72, 71, 68], [70, 73, 72, 69])  # random ahead already at k*
    assert (behind.crossing, behind.boundary) == (2, 0.93)


def test_families_share_the_full_model_of_the_winning_tickets():
    found = find([[70, 72, 71, 68], [72, 74, 73, 70]], [70, 69, 68.5, 69], [70, 60, 60, 60])
    assert found.random == (71.0, 69.0, 68.5, 69.0)
    assert found.losing[0] == 71.0
    assert found.gap[0] == 0.0


def test_bootstrap_of_identical_replicates_is_a_point_and_of_one_replicate_is_not_defined():
    same = find([[70, 72, 71, 68]] * 3)
    assert same.interval == (2.0, 2.0)
    assert same.share_exists == 1.0
    assert same.cross_fit == 2.0
    one = find([70, 72, 71, 68])
    assert (one.interval, one.share_exists, one.cross_fit) == (None, None, None)


def test_bootstrap_looks_for_the_peak_again_in_each_draw():
    noise = np.random.default_rng(1).normal(0, 1, (5, 9))
    found = find(70 + noise, x=[1 - 0.05 * k for k in range(9)], draws=4000)
    means = 70 + noise.mean(axis=0)
    low, high = found.interval
    assert low >= 0.0
    assert low < found.pronounced < high
    # the peak drawn again is above the fixed one: the interval lies higher than that of a fixed level
    picks = np.random.default_rng(0).integers(5, size=(4000, 5))
    fixed = noise[picks].mean(axis=1)[:, found.peak] - noise[picks].mean(axis=1)[:, 0]
    assert np.percentile(fixed, 2.5) < low
    assert found.pronounced == pytest.approx(means.max() - means[0])


def test_the_share_of_draws_with_a_phase_one():
    found = find([[70, 71], [70, 67]], x=[1, 0.9], draws=8000)  # only the draw of the first replicate twice
    assert found.share_exists == pytest.approx(0.25, abs=0.02)
    assert found.interval == (0.0, 1.0)


def test_cross_fit_is_the_mean_over_all_splits():
    winning = np.array([[0, 1.0, 0], [0, 1.0, 0], [0, 0, 4.0], [0, 1.0, 0], [0, 1.0, 0]])
    # with the third replicate among the two that choose, level 2 wins, and gains nothing on the other three;
    # without it, level 1, which gains (1 + 1 + 0) / 3 on the rest
    assert cross_fit(winning) == pytest.approx((4 * 0 + 6 * 2 / 3) / 10)


def test_cross_fit_has_no_bias_where_the_plain_value_has_one():
    generator = np.random.default_rng(3)
    plain, fitted = [], []
    for _ in range(300):
        scores = generator.normal(70, 1, (5, 9))
        plain.append(scores.mean(axis=0).max() - scores[:, 0].mean())
        fitted.append(cross_fit(scores))
    assert np.mean(plain) > 0.5
    assert abs(np.mean(fitted)) < 0.1


@pytest.mark.parametrize(("n", "chosen"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_cross_fit_generalises_to_other_numbers_of_seeds(n, chosen):
    # a level that only the first replicate likes is chosen in the splits where it decides alone or outweighs
    winning = np.zeros((n, 2))
    winning[0, 1] = 10.0
    with_first = chosen / n  # share of splits in which it helps to choose, and then gains nothing
    assert cross_fit(winning) == pytest.approx(0.0)
    winning[:, 1] += 1.0
    assert cross_fit(winning) == pytest.approx(with_first * 1.0 + (1 - with_first) * (1 + 10 / (n - chosen)))


@given(st.lists(st.tuples(*[st.floats(0, 100) for _ in range(5)]), min_size=1, max_size=4), st.data())
def test_phases_cover_every_level_once(winning, data):
    random = data.draw(st.lists(st.tuples(*[st.floats(0, 100) for _ in range(5)]), min_size=1, max_size=4))
    found = find(winning, random, x=[1, 0.9, 0.8, 0.7, 0.6], draws=20)
    assert found.first + found.second + found.third == tuple(range(5))
    assert set(found.early_second) <= set(found.second)
    assert found.pronounced >= -1e-9
    if found.boundary is not None:
        assert found.remaining[found.crossing] <= found.boundary <= found.remaining[found.crossing - 1]
