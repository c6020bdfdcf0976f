import numpy as np
import pytest
from lth_world import STRICT, TWO_POINTS, WINNING, build

from tickets.papers.lth.careful import equivalence, s_star_distribution, selection, sparsities_by_rule
from tickets.papers.lth.evidence import Evidence
from tickets.papers.lth.tasks import TASKS


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    cells = build()
    # the test set is kinder to the dense network by one point
    return Evidence.from_frames(cells.assign(test_score=cells["score"] + (cells["sparsity"] == 0.0)))


@pytest.fixture(scope="module")
def nothing() -> Evidence:
    return Evidence.from_frames(build().iloc[:0])


def test_sparsity_under_every_criterion(evidence):
    table = sparsities_by_rule(evidence).pivot(index="task", columns="criterion", values="s_star")
    for task in TASKS:
        assert table.loc[task, "one std, ddof 1"] == WINNING[task] / 100
        assert table.loc[task, "match or exceed"] == STRICT[task] / 100
        assert table.loc[task, "two points"] == TWO_POINTS[task] / 100


def test_equivalence_of_ticket_and_dense(evidence):
    row = equivalence(evidence).set_index("task").loc["cola"]
    assert row["difference"] == pytest.approx(-0.1)
    assert row["low"] < -0.1 < row["high"]
    assert row["non_inferior"]
    assert not equivalence(evidence, margin=0.1).set_index("task").loc["cola", "non_inferior"]


def test_single_replicates_have_no_interval():
    cells = build()
    table = equivalence(Evidence.from_frames(cells[cells["replicate"] == 2]))
    assert len(table) == len(TASKS)
    assert table["low"].isna().all()
    assert table["non_inferior"].isna().all()


def test_distribution_of_s_star(evidence):
    table = s_star_distribution(evidence, np.random.default_rng(0), draws=200)
    assert table.groupby("task")["share"].sum().to_numpy() == pytest.approx(np.ones(len(TASKS)))
    again = s_star_distribution(evidence, np.random.default_rng(0), draws=200)
    other = s_star_distribution(evidence, np.random.default_rng(1), draws=200)
    assert table.equals(again)
    assert not table.equals(other)


def test_selection_on_dev_is_judged_on_test(evidence):
    row = selection(evidence).set_index("task").loc["mnli"]
    assert row["gap_test"] == pytest.approx(row["gap_dev"] + 1.0)
    assert not row["wins_test"]
    assert row["s_star_test"] < row["s_star"]


def test_nothing_run_gives_empty_tables(nothing):
    tables = (
        sparsities_by_rule(nothing),
        equivalence(nothing),
        s_star_distribution(nothing, np.random.default_rng(0)),
        selection(nothing),
    )
    assert all(table.empty and len(table.columns) >= 3 for table in tables)
