import math
from pathlib import Path

import pytest

from tickets.papers.lth.evidence import PublishedEvidence
from tickets.papers.lth.tasks import DOWNSTREAM, TASKS
from tickets.stats.criteria import criterion, excess_gap, one_std, s_star, strict, two_points
from tickets.stats.summary import Stat, summarise

PAPER = Path(__file__).parents[3] / "paper" / "lth"


def stat(mean: float, std: float = 0.0) -> Stat:
    return Stat(mean, std, std, 5, mean, mean)


@pytest.fixture(scope="module")
def published() -> PublishedEvidence:
    return PublishedEvidence(PAPER)


def test_o21_table2_all_win_with_the_subnetworks_std(published):
    assert all(one_std(published.dense(t), published.at(t, "winning")) for t in TASKS)


def test_o21_table2_four_fail_with_the_dense_std(published):
    failing = set()
    for task in TASKS:
        full, sub = published.dense(task), published.at(task, "winning")
        if not one_std(full, stat(sub.mean, full.std)):
            failing.add(task)
    assert failing == {"mrpc", "sst-2", "cola", "mlm"}


def test_o21_table7_gives_exactly_five(published):
    wins = {t for t in DOWNSTREAM if one_std(published.dense(t), published.at(t, "winning", source="mlm"))}
    assert wins == {"mnli", "wnli", "qnli", "rte", "sst-2"}


def test_o21_table7_two_sided_reading_would_drop_wnli(published):
    full, sub = published.dense("wnli"), published.at("wnli", "winning", source="mlm")
    assert abs(full.mean - sub.mean) > sub.std
    assert one_std(full, sub)


def test_o21_table4_all_match_or_exceed(published):
    assert all(strict(published.dense(t), published.at(t, "strict")) for t in TASKS)


def test_o21_table6_all_pass(published):
    table = published.tables.frames["table6"]
    columns = list(table.columns)
    assert len(columns) == 8
    for column in columns:
        full = stat(published.tables.number("table6", "full_mean", column))
        sub = stat(
            published.tables.number("table6", "imp_mean", column),
            published.tables.number("table6", "imp_std", column),
        )
        assert one_std(full, sub), column


def test_published_gap_of_exactly_one_std_passes_despite_floating_point():
    assert 90.2 - 90.0 > 0.2  # what the slack is for
    assert one_std(stat(90.2), stat(90.0, 0.2))
    assert not one_std(stat(90.2), stat(89.999, 0.2))
    assert two_points(stat(88.1), stat(86.1))
    assert strict(stat(0.1 + 0.2), stat(0.3))


def test_one_sided_a_much_better_subnetwork_wins():
    for passes in (one_std, strict, two_points):
        assert passes(stat(50.0), stat(70.0, 0.1))


def test_ddof_switch_can_decide():
    full = stat(10.0)
    sub = summarise([8.0, 9.0, 10.0])  # mean 9, std 1 with ddof 1 and .816 with ddof 0
    assert one_std(full, sub, ddof=1)
    assert not one_std(full, sub, ddof=0)


def test_single_replicate_is_judged_strictly():
    assert one_std(stat(50.0), summarise([50.0]))
    assert not one_std(stat(50.0), summarise([49.9]))


def test_excess_gap_is_signed(published):
    assert excess_gap(stat(90.0), stat(89.0, 0.4)) == pytest.approx(0.6)
    assert excess_gap(stat(90.0), stat(89.0, 1.5)) == pytest.approx(-0.5)
    assert excess_gap(published.dense("qqp"), published.at("qqp", "winning", source="mlm")) == pytest.approx(
        1.5
    )


def test_s_star_needs_no_lower_sparsity_to_pass_as_for_wnli():
    subs = {0.5: stat(50.0), 0.7: stat(45.0), 0.9: stat(49.0, 1.2)}
    assert s_star(stat(50.0), subs) == 0.9
    assert s_star(stat(50.0), subs, "strict") == 0.5
    assert s_star(stat(50.0), subs, "two_points") == 0.9


def test_s_star_is_zero_when_none_passes_and_none_without_runs():
    assert s_star(stat(50.0), {0.1: stat(40.0), 0.2: None}) == 0.0
    assert s_star(stat(50.0), {0.1: None}) is None
    assert s_star(None, {0.1: stat(50.0)}) is None
    assert s_star(stat(50.0), {0.0: stat(50.0)}) is None  # the dense round is no subnetwork


def test_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="two_points"):
        criterion("lenient")


def test_std_of_nan_counts_as_none():
    assert not one_std(stat(50.0), Stat(49.9, math.nan, math.nan, 1, 49.9, 49.9))
