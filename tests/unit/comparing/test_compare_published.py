"""Ours against the papers' numbers."""

import pytest

from compared_world import TABLE
from tickets.comparing.drawn import read_drawn
from tickets.comparing.report import against_papers
from tickets.errors import TicketsError


@pytest.fixture
def table8(config):
    (found,) = [item for item in against_papers(config, ["lth"]).artifacts if item.id == "lth_table8"]
    return found


def test_numbers_are_counted_and_their_differences_summarised(table8):
    """28.8, 31.5, 30.0, 0.8 and 6.3; the row of counts is left out, and one number has none of ours."""
    assert (table8.published, table8.compared, table8.settings) == (6, 5, False)
    assert table8.mean == pytest.approx((28.8 + 31.5 + 30.0 + 0.8 + 6.3) / 5)
    assert table8.median == pytest.approx(28.8)
    assert table8.largest == pytest.approx(31.5)
    assert [(n.row, n.column) for n in table8.farthest[:2]] == [("Full model", "CoLA"), ("IMP mask", "RTE")]


def test_agreement_is_a_point_or_two_standard_deviations(config, here):
    path = here / "results" / "micro" / "lth" / "tables" / "table8.csv"
    full = "Full model,ours,{},{}\nFull model,ours std,1.0,4.0"
    for ours, agree in (("73.2,54.5", 3), ("73.3,54.5", 2), ("73.2,62.5", 3), ("73.2,62.7", 2)):
        rte, cola = ours.split(",")  # spreads: hypot(1, 3.4) = 3.54 and hypot(4, 0.6) = 4.04
        path.write_text(TABLE.replace(full.format("95.0", "86.0"), full.format(rte, cola)))
        (found,) = (item for item in against_papers(config, ["lth_table8"]).artifacts)
        assert (found.agree, found.judged) == (agree, 5), ours


def test_order_of_methods(table8):
    """RTE: published full > IMP > random, ours IMP > full > random; CoLA: full > IMP on both sides."""
    assert (table8.order, table8.ordered) == (3, 4)


def test_order_is_of_methods_not_of_quantities(config, here):
    path = here / "results" / "micro" / "lth" / "tables" / "table5.csv"
    path.write_text(
        "row,value,RTE\n"
        "Sparsity s* (%),ours,70.0\nSparsity s* (%),published,60.0\n"
        "Full model: mean,ours,95.0\nFull model: mean,published,66.2\n"
        "Full model: best,ours,97.0\nFull model: best,published,70.0\n"
        "IMP mask: mean,ours,96.0\nIMP mask: mean,published,66.0\n"
    )
    (found,) = against_papers(config, ["lth_table5"]).artifacts
    assert (found.order, found.ordered) == (0, 1)


def test_settings_are_equal_or_not(config, here):
    (here / "results" / "micro" / "lth" / "tables" / "table1.csv").write_text(
        "row,value,RTE,CoLA\n"
        "Training examples,ours,2490.0,2500.0\nTraining examples,published,2490.0,8551.0\n"
        "Metric,ours,accuracy,matthews\nMetric,published,Accuracy,Matthews corr.\n"
    )
    (found,) = against_papers(config, ["lth_table1"]).artifacts
    assert (found.settings, found.agree, found.judged, found.mean) == (True, 1, 2, None)


def test_verdicts_of_ours_beside_those_on_the_published_numbers(config):
    (claims,) = against_papers(config, ["lth"]).claims
    assert (claims.total, claims.count(0, "reproduced"), claims.count(1, "reproduced")) == (3, 1, 2)
    assert claims.apart == (("C2", "Claim C2", "not reproduced", "reproduced"),)


def test_what_is_not_made_is_listed_and_a_bare_figure_said_to_be_bare(config, here):
    report = against_papers(config, ["lth"])
    assert {item.id for item in report.artifacts if item.made} == {"lth_table8"}
    assert "lth_fig2" in {item.id for item in report.artifacts if not item.made}
    (here / "results" / "micro" / "lth" / "figures").mkdir()
    (here / "results" / "micro" / "lth" / "figures" / "fig4.csv").write_text(
        "panel,row,column,value\nOurs,a,RTE,1\n"
    )
    assert against_papers(config, ["lth_fig4", "lth_table8"]).without == ("lth_fig4",)


def test_heat_maps_pair_their_panels(tmp_path):
    path = tmp_path / "fig2.csv"
    path.write_text(
        "panel,row,column,value,dark,text\n"
        "Ours: now,MNLI,RTE,-1.5,True,x\nOurs: now,MNLI,dark/run,1.0,,1/10\n"
        "Published (first version),MNLI,RTE,-2.5,True,x\nPublished (first version),QQP,RTE,3.0,True,x\n"
    )
    assert read_drawn(path) == {
        "MNLI": {"ours": {"RTE": -1.5}, "published": {"RTE": -2.5}},
        "QQP": {"published": {"RTE": 3.0}},
    }
    path.write_text("panel,row,column,value\nOurs,MNLI,RTE,-1.5\n")
    assert read_drawn(path) == {}


def test_series_pair_by_name_and_sparsity(tmp_path):
    path = tmp_path / "fig11.csv"
    path.write_text(
        "task,series,sparsity,mean,std,n\nRTE,IMP,70.0,90,1.5,2\nRTE,IMP,80.0,80,1,2\nRTE,published IMP,70.0,66,2,5\n"
    )
    assert read_drawn(path) == {
        "IMP, 70.0": {
            "ours": {"RTE": 90.0}, "ours std": {"RTE": 1.5}, "published": {"RTE": 66.0}, "published std": {"RTE": 2.0},
        },
        "IMP, 80.0": {"ours": {"RTE": 80.0}, "ours std": {"RTE": 1.0}},
    }  # fmt: skip
    assert read_drawn(tmp_path / "none.csv") is None


def test_unknown_and_unmade_are_refused(config, here):
    with pytest.raises(TicketsError, match="unknown artifact 'lth_tabel8'; did you mean 'lth_table8'"):
        against_papers(config, ["lth_tabel8"])
    with pytest.raises(TicketsError, match=r"none of these tables and figures is made"):
        against_papers(config, ["tamt"])


def test_a_damaged_table_is_named(config, here):
    (here / "results" / "micro" / "lth" / "tables" / "table8.csv").write_text("row,value,RTE\na,ours\n")
    with pytest.raises(TicketsError, match=r"table8\.csv: lines of unequal length"):
        against_papers(config, ["lth_table8"])
