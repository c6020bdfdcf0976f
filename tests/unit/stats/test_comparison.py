import math

import numpy as np
import pytest
from scipy import stats

from tickets.stats.comparison import agrees, non_inferior, paired_t, spearman, welch
from tickets.stats.summary import Stat, summarise

A, B = [91.0, 92.5, 90.8, 91.9, 92.2], [90.1, 91.0, 90.7]


def test_welch_equals_scipy():
    ours, theirs = welch(A, B), stats.ttest_ind(A, B, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))
    assert ours.difference == pytest.approx(np.mean(A) - np.mean(B))


def test_non_inferior_equals_scipys_one_sided_test():
    ours = non_inferior(B, A, margin=2.0)
    theirs = stats.ttest_ind(np.array(B) + 2.0, A, equal_var=False, alternative="greater")
    assert ours.p == pytest.approx(theirs.pvalue)


def test_non_inferior_holds_only_within_the_margin():
    full = [80.0, 80.1, 79.9, 80.05, 79.95]
    assert non_inferior([x - 0.5 for x in full], full).holds
    assert not non_inferior([x - 1.0 for x in full], full).holds
    assert not non_inferior([x - 1.5 for x in full], full).holds


def test_non_inferior_is_not_shown_by_noise():
    # one-std would call this a ticket; three noisy runs show nothing
    full, sub = [66.0, 69.0, 63.0], [64.0, 68.0, 60.0]
    assert np.mean(full) - np.mean(sub) <= np.std(sub, ddof=1)
    assert not non_inferior(sub, full).holds


def test_paired_equals_scipy_and_sees_what_welch_does_not():
    first = np.array([60.0, 70.0, 80.0, 90.0])
    second = first - np.array([1.0, 1.1, 0.9, 1.0])
    ours, theirs = paired_t(first, second), stats.ttest_rel(first, second)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.p < 0.001
    assert welch(first, second).p > 0.5


def test_too_few_replicates_give_none():
    assert welch([1.0], [1.0, 2.0]) is None
    assert non_inferior([1.0, math.nan], [1.0, 2.0]) is None
    assert paired_t([1.0], [2.0]) is None


def test_without_spread_the_difference_is_exact():
    assert welch([5.0, 5.0], [4.0, 4.0]).p == 0.0
    assert welch([5.0, 5.0], [5.0, 5.0]).p == 1.0
    assert welch([5.0, 5.0], [4.0, 4.0]).low == 1.0
    assert non_inferior([4.5, 4.5], [5.0, 5.0]).holds
    assert not non_inferior([4.0, 4.0], [5.0, 5.0]).holds


def test_paired_sets_must_match():
    with pytest.raises(ValueError, match="equal lengths"):
        paired_t([1.0, 2.0], [1.0, 2.0, 3.0])


def test_spearman_of_a_constant_is_undefined():
    assert spearman([1, 2, 3, 4], [10.0, 20.0, 30.0, 25.0])[0] == pytest.approx(0.8)
    assert all(math.isnan(x) for x in spearman([1, 2, 3], [5.0, 5.0, 5.0]))


def test_agreement_rule_of_the_spec():
    def stat(mean, std):
        return Stat(mean, std, std, 5, mean, mean)

    assert agrees(stat(84.0, 0.1), stat(83.0, 0.1))  # one point always agrees
    assert not agrees(stat(84.0, 0.1), stat(82.9, 0.1))
    assert agrees(stat(70.0, 3.0), stat(60.0, 4.0))  # 2 sqrt(9 + 16) = 10
    assert not agrees(stat(70.1, 3.0), stat(60.0, 4.0))


def test_o16_paired_t_and_both_deviations():
    full, ticket = [69.0, 70.0, 68.5, 69.5, 69.0], [72.0, 72.5, 71.0, 73.5, 73.5]
    test = paired_t(ticket, full)
    assert test.t == pytest.approx(8.1240, abs=5e-5)
    assert test.p == pytest.approx(0.0012486, abs=5e-8)
    stat = summarise(full)
    assert (stat.std, stat.std0) == pytest.approx((0.57009, 0.50990), abs=5e-6)


def test_the_statistic_without_any_spread():
    assert paired_t([2.0, 3.0], [1.0, 2.0]).t == float("inf")
    assert paired_t([1.0, 2.0], [2.0, 3.0]).t == float("-inf")
    assert paired_t([1.0, 2.0], [1.0, 2.0]).t == 0.0


def test_equal_gaps_have_no_spread_whatever_the_rounding():
    first = [99.5, 99.3, 98.7]
    found = paired_t(first, [score - 0.2 for score in first])
    assert found is not None
    assert found.p == 0.0
    assert math.isinf(found.t)
    assert found.low == found.high == pytest.approx(0.2)
