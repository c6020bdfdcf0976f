import math

import pytest

from tickets.stats.summary import summarise


def test_summary_of_hand_computed_values():
    stat = summarise([1.0, 2.0, 3.0, 6.0])
    assert stat is not None
    assert (stat.mean, stat.median, stat.best, stat.n) == (3.0, 2.5, 6.0, 4)
    assert stat.std == pytest.approx(math.sqrt(14 / 3))
    assert stat.std0 == pytest.approx(math.sqrt(14 / 4))


def test_ddof_ratio_for_five_runs_is_that_of_the_spec():
    stat = summarise([1.0, 4.0, 2.0, 8.0, 5.0])
    assert stat is not None
    assert stat.spread(1) / stat.spread(0) == pytest.approx(1.118, abs=5e-4)


def test_nan_is_no_replicate_and_nothing_is_none():
    stat = summarise([math.nan, 2.0, 4.0])
    assert stat is not None
    assert (stat.n, stat.mean) == (2, 3.0)
    assert summarise([]) is None
    assert summarise([math.nan]) is None


def test_one_replicate_has_no_spread():
    stat = summarise([5.0])
    assert stat is not None
    assert math.isnan(stat.std)
    assert math.isnan(stat.std0)
    assert stat.spread() == 0.0


def test_other_ddof_is_refused():
    stat = summarise([1.0, 2.0])
    assert stat is not None
    with pytest.raises(ValueError, match="ddof"):
        stat.spread(2)
