"""Figures and tables over all papers, on made-up cells of all, of some, and of none."""

from pathlib import Path

import pandas as pd
import pytest
from cross_cells import FULL, OPTIONS, cells, overlap

from tickets.errors import TicketsError
from tickets.figures.render import render_artifact
from tickets.figures.tableio import NOT_RUN
from tickets.papers.cross.artifacts import ARTIFACTS
from tickets.papers.cross.curves import points
from tickets.papers.cross.evidence import Evidence, PublishedEvidence
from tickets.papers.cross.methods import METHODS, OWN, TRANSFERRED
from tickets.papers.cross.tables import count, holds, table1, table2

PAPER = Path(__file__).parents[4] / "paper"
METHOD = {(m.paper, m.name): m for m in METHODS}
TAMT, OMP, MLM = (METHOD[k] for k in (("tamt", "tamt-mlm"), ("tamt", "omp"), ("lth", "mlm")))


def evidence(*papers, masks=None):
    frame = cells()
    own = frame[frame["paper"].isin(papers)] if papers else frame
    options = {name: OPTIONS[name] for name in own["paper"].unique()}
    return Evidence.from_frames(own, {} if masks is None else {"overlap": masks}, None, **options)


@pytest.fixture(scope="module")
def ours():
    return evidence(masks=overlap())


@pytest.fixture(scope="module")
def published():
    return PublishedEvidence(PAPER / "cross")


def test_scores_are_asked_of_each_paper_and_taken_from_its_own_full_model(ours):
    assert {paper: ours.full(paper, "rte").mean for paper in FULL} == FULL
    assert {left: gap.mean for left, gap in ours.gaps(OWN, "rte").items()} == {
        50.0: 1.0,
        30.0: pytest.approx(-0.2),
    }
    assert ours.gaps(MLM, "rte")[30.0].mean == -3.0
    winning = ours.gaps(METHOD["supertickets", "winning"], "rte")
    assert {left: gap.mean for left, gap in winning.items()} == {95.0: 2.0, 90.0: -1.0}
    assert ours.gaps(TAMT, "rte")[30.0].mean == pytest.approx(0.1)
    assert ours.gaps(TAMT, "rte")[30.0].std == pytest.approx(0.5**0.5), "that of the scores"


def test_the_figure_has_the_tasks_that_two_papers_ran_and_all_points_of_them(ours):
    drawn = points(ours)
    assert list(dict.fromkeys(drawn["task"])) == ["RTE", "CoLA"]
    rte = drawn[drawn["task"] == "RTE"]
    assert len(rte) == 4 + 3 + 2
    assert (rte["gap"] == rte["mean"] - rte["full"]).all()
    assert points(evidence("lth")).empty


@pytest.mark.parametrize(
    ("method", "task", "answers"),
    [
        (TAMT, "rte", (True, True, True)),
        (TAMT, "cola", (True, False, False)),  # behind by .6, its deviation .71; the task's own mask by .2
        (OMP, "rte", (False, False, False)),
        (MLM, "rte", (False, False, False)),
        (MLM, "cola", (None, None, None)),
        (TAMT, "qqp", (None, None, None)),
    ],
)
def test_criteria_of_lottery_tickets_hold_for_masks_of_every_paper(ours, method, task, answers):
    names = ("wins", "matches", "holds its own")
    assert tuple(holds(ours, method, task, 30.0, name) for name in names) == answers


def test_universality_counts_the_tasks_that_were_run(ours):
    assert [count(ours, TAMT, 30.0, name) for name in ("wins", "matches", "holds its own")] == [
        "2 of 2", "1 of 2", "1 of 2",
    ]  # fmt: skip
    assert count(ours, MLM, 30.0, "wins") == "0 of 1"
    assert count(ours, TAMT, 50.0, "wins") is None


def test_table_1_has_points_with_the_tickets_deviation_and_what_the_paper_prints(ours, published):
    frame = table1(ours, published, {}).set_index(["row", "value"])
    assert frame.loc[("70 %: TAMT-MLM (tamt)", "ours"), "CoLA"] == pytest.approx(-0.6)
    assert frame.loc[("70 %: TAMT-MLM (tamt)", "ours std"), "CoLA"] == pytest.approx(0.5**0.5)
    mlm = frame.loc["70 %: IMP on MLM, transferred (lth)"]
    assert mlm.loc["published", "RTE"] == pytest.approx(published.gaps(MLM, "rte")[30.0].mean)
    assert mlm.loc["difference", "RTE"] == pytest.approx(-3.0 - mlm.loc["published", "RTE"])
    rows = set(frame.index.get_level_values(0))
    assert {f"70 %: {m.title} ({m.paper})" for m in TRANSFERRED} <= rows, "also those that were not run"
    assert not any(label.startswith("60 %") for label in rows)


def test_table_2_tells_masks_of_mlm_from_those_of_tasks(ours, published):
    frame = table2(ours, published, {})
    frame = frame[frame["value"] == "ours"].set_index("row")
    assert frame.loc["70 %: IMP on the task itself (lth)", "global: micro"] == 80.0
    assert frame.loc["70 %: IMP on MLM, transferred (lth)", "global: micro"] == 90.0
    assert frame.loc["70 %: TAMT-MLM (tamt)", "null"] == pytest.approx(100 * 0.3 / 1.7)
    tickets = frame.loc["20 % of heads removed: winning tickets (supertickets)"]
    assert (tickets["weights kept"], tickets["global: its weights held"]) == (90.0, 95.0)


@pytest.mark.parametrize("papers", [("lth", "supertickets", "tamt"), ("lth", "supertickets"), ()])
@pytest.mark.parametrize("item", ARTIFACTS, ids=lambda item: item.stem)
def test_every_artifact_is_drawn_from_what_was_run(item, papers, tmp_path):
    csv = drawn_csv(item, papers, tmp_path)
    if item.kind == "table":
        assert (NOT_RUN in csv.read_text()) or set(papers) == set(FULL)
    else:
        drawn = pd.read_csv(csv)
        assert set(drawn.get("paper", ())) <= set(papers)


def drawn_csv(item, papers, folder):
    frame, masks = cells(), overlap()
    paths = [folder / f"{name}.csv" for name in papers if name in item.others]
    for path in paths:
        own = frame[frame["paper"] == path.stem]
        own.dropna(axis=1, how="all").to_csv(path, index=False)
    masks[masks["paper"].isin(papers)].to_csv(folder / "overlap.csv", index=False)
    made = render_artifact(
        item,
        paths,
        folder,
        "micro",
        frames={name: folder / f"{name}.csv" for name in item.frames},
        paper_dir=PAPER / "cross",
        options={name: OPTIONS[name] for name in papers},
    )
    return next(path for path in made if path.suffix == ".csv")


def test_masks_that_lack_a_column_are_named():
    with pytest.raises(TicketsError, match=r"overlap.csv: columns missing: null\."):
        evidence(masks=overlap().drop(columns="null"))
