from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cells import GAIN, PEAK, REMAINING, SIZES, build, importance, shifted

from tickets.figures.style import house_style
from tickets.papers.supertickets import figures
from tickets.papers.supertickets.curves import FULL, NULL, SUPER, WINNING, Panel, points, spans
from tickets.papers.supertickets.evidence import Evidence, PublishedEvidence
from tickets.papers.supertickets.pie_figure import pie_grid

PAPER = Path(__file__).parents[4] / "paper" / "supertickets"
PRUNED = tuple(k / 10 for k in range(1, 9))


@pytest.fixture(scope="module")
def published():
    return PublishedEvidence(PAPER)


@pytest.fixture(scope="module")
def cells():
    return build()


@pytest.fixture(scope="module")
def ours(cells):
    return Evidence.from_frames(cells, {"importance": importance()}, SIZES, bootstrap=50)


def drawn(name, evidence, published):
    with house_style():
        return getattr(figures, name)(evidence, published, {})


def test_curves_start_at_the_full_model_and_end_at_level_8(ours):
    frame = points(ours, Panel("base", "rte"))
    for family in ("winning", "random", "losing"):
        curve = frame[frame["series"] == family]
        assert list(curve["level"]) == list(range(9))
        assert list(curve["remaining"]) == pytest.approx([100 * x for x in REMAINING["base"]])
        assert curve["mean"].iloc[0] == pytest.approx(frame[frame["series"] == FULL]["mean"].item())
    null = frame[frame["series"] == NULL]["mean"].item()
    assert null == pytest.approx(ours.null("base", "rte").mean())
    best = frame[frame["series"] == SUPER]
    assert best["level"].item() == PEAK["base"]["rte"]


def test_phases_cover_the_curve_without_gaps(ours):
    found = spans(points(ours, Panel("base", "rte")))
    assert [name for name, _, _ in found] == ["I", "II", "III"]
    edges = [edge for _, start, end in found for edge in (start, end)]
    assert edges[0] == 100
    assert edges[-1] == pytest.approx(100 * REMAINING["base"][8])
    assert edges[1::2][:-1] == edges[2::2]
    phases = ours.phases("base", "rte")
    assert (edges[1], edges[3]) == pytest.approx((100 * phases.threshold, 100 * phases.boundary))


def test_without_phase_i_there_is_no_star_and_no_tint_for_it(cells):
    flat = Evidence.from_frames(shifted(cells, -9.0, method="winning", sparsity=PRUNED), bootstrap=50)
    frame = points(flat, Panel("base", "rte"))
    assert SUPER not in set(frame["series"])
    assert "I" not in [name for name, _, _ in spans(frame)]


def test_without_random_tickets_nobody_knows_where_phase_iii_begins(ours):
    frame = points(ours, Panel("base", "qqp", families=(WINNING,)))
    assert [name for name, _, _ in spans(frame)] == ["I", "II–III"]


def test_the_axis_of_remaining_weight_falls(ours, published):
    figure, _ = drawn("fig4", ours, published)
    assert len(figure.axes) == 6
    for axes in figure.axes:
        left, right = axes.get_xlim()
        assert left > 100 > right


def test_every_point_of_the_frame_is_drawn(ours, published):
    figure, frame = drawn("fig4", ours, published)
    seen = sum(len(line.get_xdata()) for axes in figure.axes for line in axes.lines)
    flat = frame["series"].isin([FULL, NULL]).sum()
    boundaries = frame["mean"].isna().sum()
    assert seen == len(frame) - boundaries + flat  # a horizontal line has two points


def test_figures_4_and_7_share_the_tasks(ours, published):
    four, seven = (drawn(name, ours, published)[1] for name in ("fig4", "fig7"))
    pairs = [set(zip(f["model"], f["task"], strict=True)) for f in (four, seven)]
    assert not pairs[0] & pairs[1]
    assert len(pairs[0] | pairs[1]) == 16


def test_more_families_move_tasks_to_figure_4_but_its_own_panels_stay(published):
    frame = build(models=("base",), panels=("rte", "mrpc", "cola"), reruns=())
    evidence = Evidence.from_frames(frame, bootstrap=50)
    figure, four = drawn("fig4", evidence, published)
    assert set(four["task"]) == {"rte", "mrpc", "cola", "sst-2", "mnli"}
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[-1] == "large: RTE, SST-2, MNLI"
    _, seven = drawn("fig7", evidence, published)
    assert set(seven["task"]) == {"sts-b", "qnli", "qqp"}


def test_figure_5_has_a_panel_a_share_and_no_null_on_subsets(ours, published):
    figure, frame = drawn("fig5", ours, published)
    assert [a.get_title(loc="left") for a in figure.axes] == [f"{p} % of MNLI" for p in (1, 10, 20, 100)]
    assert NULL not in set(frame[frame["variant"] != ""]["series"])


def test_figure_1_measures_variance_and_training_loss(ours, published):
    _, frame = drawn("fig1", ours, published)
    at = frame[(frame["series"] == WINNING) & (frame["level"] == 2)].set_index("measure")["mean"]
    assert at["variance"] == pytest.approx(ours.scores("base", "rte", level=2).var(ddof=1))
    assert at["train_loss"] == pytest.approx(0.1)
    assert set(frame["measure"]) == {"score", "variance", "train_loss"}


def test_figure_3_draws_gains_with_the_null_on_each_bar(ours, published):
    figure, frame = drawn("fig3", ours, published)
    cell = frame[(frame["selection"] == "full") & (frame["model"] == "base") & (frame["task"] == "rte")]
    values = cell.set_index("series")["value"]
    assert values["gain"] == pytest.approx(ours.gain("base", "rte").mean)
    assert values["gain"] == pytest.approx(GAIN["base"]["rte"])
    assert values["null gain"] == pytest.approx(ours.gain("base", "rte").null)
    assert values["published gain"] == pytest.approx(3.3)
    assert values["remaining"] == pytest.approx(100 * REMAINING["base"][PEAK["base"]["rte"]])
    pairs = ours.super_ticket("base", "rte")
    error = (pairs["score"] - pairs["full"]).std() / np.sqrt(len(pairs))
    assert cell.set_index("series")["error"]["gain"] == pytest.approx(error)
    bars = [patch for patch in figure.axes[1].patches if patch.get_height() == pytest.approx(values["gain"])]
    assert bars


def test_figure_6_is_a_grid_of_layers_and_heads_with_ffns_apart(ours, published):
    grid = pie_grid("base", ours.shares("base"), 1.0)
    assert grid.shares.shape == (4, 7, 8)
    assert grid.columns[-1] == "FFN"
    assert grid.apart == 1
    assert np.allclose(grid.shares.sum(axis=2), 1)
    shares = ours.shares("base")
    head = shares.loc[("head", 1, 2)]
    assert grid.sizes[1, 2] == pytest.approx(head["importance"])
    assert grid.shares[1, 2, 2] == pytest.approx(head["cola"])
    assert grid.sizes[3, 6] == pytest.approx(shares.loc[("ffn", 3, 0), "importance"])
    _, frame = drawn("fig6", ours, published)
    assert set(frame["panel"]) == {"base", "large"}
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 2 * 4 * 7 * 8
