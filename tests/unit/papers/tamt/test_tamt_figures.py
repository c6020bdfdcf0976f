import numpy as np
import pandas as pd
import pytest
from drawing import make
from figure_cells import AVG5, SIZES, TASKS7, world
from matplotlib.figure import Figure

from tickets.papers.tamt.evidence import Evidence, Which
from tickets.papers.tamt.matrices import independent
from tickets.papers.tamt.speedup import Speedup, speedup
from tickets.papers.tamt.training_curves import log_scale


def row(frame, **where):
    chosen = pd.Series(True, index=frame.index)
    for column, value in where.items():
        chosen &= frame[column] == value
    assert chosen.sum() == 1, where
    return frame[chosen].iloc[0]


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts]


@pytest.mark.parametrize(("name", "model"), [("fig3", "base"), ("fig4", "roberta")])
def test_curves_are_means_and_population_deviations_over_all_runs(name, model, ours, published):
    _, frame = make(name, ours, published)
    for kind, n in (("tamt-kd", 9), ("imp", 9), ("omp", 3)):
        stat = ours.stat(Which(kind, 0.7, model), "rte")
        at = row(frame, task="rte", series=kind, sparsity=70.0)
        assert (at["mean"], at["std"], at["n"]) == (pytest.approx(stat.mean), pytest.approx(stat.std0), n)
    average = row(frame, task="avg7", series="tamt-mlm", sparsity=80.0)
    assert average["mean"] == pytest.approx(ours.average(Which("tamt-mlm", 0.8, model), TASKS7).mean())
    assert list(dict.fromkeys(frame["task"])) == [*TASKS7, "avg7"]


def test_axes_of_figures_3_and_4_begin_where_trained_masks_do(ours, published):
    lowest = {
        name: make(name, ours, published)[1].query("sparsity > 0")["sparsity"].min()
        for name in ("fig3", "fig4")
    }
    assert lowest == {"fig3": 50.0, "fig4": 20.0}
    assert make("fig10", ours, published)[1]["sparsity"].min() == 10.0


def test_every_point_of_the_frame_is_drawn(ours, published):
    figure, frame = make("fig3", ours, published)
    seen = sum(len(line.get_xdata()) for axes in figure.axes for line in axes.lines)
    assert seen == len(frame) + (frame["series"] == "full").sum()  # a horizontal line has two points


def test_figure_1_has_losses_over_masks(ours, published):
    _, frame = make("fig1", ours, published)
    at = row(frame, task="mlm_loss", series="random", sparsity=50.0)
    losses = ours.losses(Which("random", 0.5))
    assert (at["mean"], at["std"], at["n"]) == (
        pytest.approx(losses.mean()),
        pytest.approx(losses.std(ddof=0)),
        3,
    )


def test_figure_10_draws_the_gap_of_the_means(ours, published):
    _, frame = make("fig10", ours, published)
    means = [row(frame, task="mnli", series=s, sparsity=60.0)["mean"] for s in ("omp", "random", "gap")]
    assert means[2] == pytest.approx(means[0] - means[1])


def test_figure_11_says_which_model_was_not_run(micro, published):
    figure, frame = make("fig11", micro, published)
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert labels == [
        "full model, BERT", "full model, RoBERTa (not run)", "OMP, BERT", "OMP, RoBERTa (not run)"
    ]  # fmt: skip
    assert set(frame["model"]) == {"base"}


@pytest.mark.parametrize("name", ["fig4", "fig9"])
def test_a_figure_without_any_run_is_one_strip(name, micro, published):
    figure, frame = make(name, micro, published)
    assert texts(figure) == ["not run"]
    assert frame.empty
    assert not figure.legends


def test_figure_5_has_a_dot_for_every_mask(ours, published):
    _, frame = make("fig5", ours, published)
    own = frame[~frame["series"].str.startswith("published")]
    counts = own[own["measure"] == "mlm_loss"].groupby(["sparsity", "series"]).size().unstack()
    assert list(counts.loc[70.0, ["full", "omp", "random", "imp"]]) == [1, 1, 3, 3]
    assert counts.loc[70.0, "tamt-mlm"] == 24  # seven checkpoints and the main step, three seeds
    which = Which("tamt-kd", 0.6, step=2000)
    dot = row(own, measure="kd_loss", sparsity=60.0, series="tamt-kd", step=2000, mask_seed=2)
    assert dot["loss"] == pytest.approx(ours.losses(which, "kd_loss")[2])
    assert dot["score"] == pytest.approx(ours.by_mask(which, AVG5)[2])


def test_published_points_stand_beside_ours_only_where_the_steps_are_the_paper_s(ours, micro, published):
    for found, expected in ((ours, True), (micro, False)):
        figure, frame = make("fig5", found, published)
        assert frame["series"].str.startswith("published").any() == expected
        labels = [t.get_text() for t in figure.legends[0].get_texts()]
        assert ("open: published (digitised)" in labels) == expected
    _, alone = make("fig5_published", micro, published)
    assert set(alone["series"].str.split(" ").str[0]) == {"published"}


def test_published_ranges_are_kept(published, micro):
    _, frame = make("fig5_published", micro, published)
    assert len(frame) == 2 * (len(published.tables.fig5) + 3)  # two losses; the full model in four panels
    dot = row(frame, measure="mlm_loss", series="published tamt-mlm", sparsity=50.0)
    assert tuple(dot[["loss_low", "loss_high", "score_low", "score_high"]]) == (1.69, 2.0, 78.1, 79.8)
    assert dot["loss"] == pytest.approx(1.845)
    single = row(frame, measure="kd_loss", series="published omp", sparsity=70.0)
    assert (single["loss"], single["score"]) == (0.531, 54.4)
    assert np.isnan(single["loss_low"])


def test_scatters_leave_thin_columns_for_what_was_not_run(published):
    cells, frames, options = world("micro")
    few = cells[~cells["sparsity"].isin([0.6, 0.8])]
    masks = frames["pretraining"][~frames["pretraining"]["sparsity"].isin([0.6, 0.8])]
    found = Evidence.from_frames(few, {"pretraining": masks}, SIZES, **options)
    figure, frame = make("fig12", found, published)
    assert set(frame["sparsity"]) == {50.0, 70.0}
    assert texts(figure) == ["not run"] * 10
    figure.draw_without_rendering()
    widths = [axes.get_position().width for axes in figure.axes[:4]]
    assert max(widths[1], widths[3]) < min(widths[0], widths[2]) / 2


def test_figure_6_counts_steps_and_measured_time(ours, published):
    _, frame = make("fig6", ours, published)
    assert {"imp", "tamt-mlm", "tamt-kd"} <= set(frame["series"])
    imp = frame[frame["series"] == "imp"].set_index("interval")
    assert list(imp["step"]) == [6 * p for p in (200, 300, 500, 900, 2792)]
    assert imp.loc[900, "hours"] == pytest.approx(5400 * ours.seconds_per_step("imp") / 3600)
    stat = ours.stat(Which("imp", 0.7, interval=300), AVG5)
    assert imp.loc[300, "mean"] == pytest.approx(stat.mean)
    assert imp.loc[300, "std"] == pytest.approx(stat.std0)


def test_the_ratio_of_section_6_4_is_drawn(ours, published):
    figure, frame = make("fig6", ours, published)
    found = speedup(ours)
    assert found.imp_step == 16752
    best = ours.stat(Which("imp", 0.7), AVG5).mean
    scores = {s: ours.stat(Which("tamt-mlm", 0.7, step=s), AVG5).mean for s in ours.steps("tamt-mlm", 0.7)}
    assert found.step == min(s for s, score in scores.items() if score >= best)
    assert found.iterations == pytest.approx(16752 / found.step)
    assert found.time == pytest.approx(16752 * 0.66 / (found.step * 0.64))
    title = figure.axes[0].get_title(loc="right")
    assert title == f"{found.iterations:.1f}× fewer iterations (published 8.4× fewer)"
    marks = frame[frame["series"] == "t*"]
    assert (marks["step"].item(), marks["mean"].item()) == (found.step, pytest.approx(best))


def test_a_ratio_below_one_is_more(published):
    cells, frames, options = world("paper")
    options = options | {"interval": 200}
    slow = cells[(cells["kind"] != "imp") | (cells["interval"] == 200)].copy()
    early = (slow["kind"] == "tamt-mlm") & (slow["step"] < 10_000)
    slow.loc[early, "score"] -= 60
    found = Evidence.from_frames(slow, frames, SIZES, **options)
    figure, _ = make("fig6", found, published)
    ratio = speedup(found)
    assert ratio.imp_step == 1200
    assert ratio.step >= 10_000
    title = figure.axes[0].get_title(loc="right")
    assert title == f"{ratio.step / 1200:.1f}× more iterations (published 8.4× fewer)"
    costly = Speedup(step=150, imp_step=30, level=70.0, strict=None, pace=0.02, imp_pace=0.01)
    assert costly.reading("step") == (5.0, "more")
    assert costly.reading("hours") == (10.0, "more")
    assert Speedup(2000, 16752, 70.0, None, None, None).reading("step") == (8.376, "fewer")
    assert Speedup(2000, 16752, 70.0, None, None, None).reading("hours") is None


def test_a_ratio_that_is_not_there_is_not_drawn(published):
    cells, frames, options = world("paper")
    worse = cells.copy()
    worse.loc[worse["kind"] == "tamt-mlm", "score"] -= 60
    found = Evidence.from_frames(worse, frames, SIZES, **options)
    figure, frame = make("fig6", found, published)
    assert speedup(found) is None
    assert figure.axes[0].get_title(loc="right") == "TAMT-MLM never reaches the best IMP"
    assert "t*" not in set(frame["series"])


def test_time_without_measured_seconds_is_not_run(published):
    cells, _, options = world("micro")
    figure, frame = make("fig6", Evidence.from_frames(cells, {}, SIZES, **options), published)
    assert texts(figure) == ["not run"]
    assert frame["hours"].isna().all()


def test_figure_7_starts_from_the_masks_themselves(ours, published):
    _, frame = make("fig7", ours, published)
    for kind in ("tamt-mlm", "tamt-kd"):
        for series, source in ((kind, "omp"), (f"{kind}-random", "random")):
            start = row(frame, series=series, step=0)
            assert start["mean"] == pytest.approx(ours.stat(Which(source, 0.7), AVG5).mean)
            assert frame[frame["series"] == series]["step"].is_monotonic_increasing


@pytest.mark.parametrize(("name", "sparsity"), [("fig14", 60.0), ("fig15", 70.0), ("fig16", 80.0)])
def test_costs_by_task(name, sparsity, ours, published):
    figure, frame = make(name, ours, published)
    assert list(dict.fromkeys(frame["task"])) == [*AVG5, "avg5"]
    assert set(frame["sparsity"]) == {sparsity}
    assert len(figure.axes) == 6
    at = row(frame, task="squad", series="tamt-kd", step=5000)
    assert at["mean"] == pytest.approx(ours.stat(Which("tamt-kd", sparsity / 100, step=5000), "squad").mean)


def test_figure_8_has_distances_and_a_symmetric_matrix(ours, published):
    _, frame = make("fig8", ours, published)
    which = Which("tamt-mlm", 0.7, step=3000)
    at = row(frame, series="tamt-mlm", step=3000)
    far = ours.distance(Which("omp", 0.7), which)
    assert (at["distance"], at["distance_std"]) == (pytest.approx(far.mean()), pytest.approx(far.std(ddof=0)))
    assert at["mean"] == pytest.approx(ours.stat(which, AVG5).mean)
    cells = frame.dropna(subset=["jaccard"])
    matrix = cells.pivot(index="row", columns="column", values="jaccard")
    assert matrix.shape == (10, 10)
    assert np.allclose(matrix, matrix.T)
    assert np.allclose(np.diag(matrix), 1)
    pair = ours.similarity(Which("imp", 0.7), Which("tamt-kd", 0.7))[(1, 3)]
    assert matrix.loc["IMP 1", "TAMT-KD 3"] == pytest.approx(pair)


def test_a_preset_with_fewer_seeds_has_a_smaller_matrix(micro, published):
    figure, frame = make("fig17", micro, published)
    assert frame.dropna(subset=["jaccard"]).groupby("sparsity").size().tolist() == [49, 49, 49]
    ticks = [t.get_text() for t in figure.axes[3].get_yticklabels()]
    assert ticks == ["OMP", "IMP 1", "IMP 2", "TAMT-MLM 1", "TAMT-MLM 2", "TAMT-KD 1", "TAMT-KD 2"]


def test_independent_masks_overlap_by_chance():
    assert [round(independent(s), 3) for s in (0.6, 0.7, 0.8)] == [0.25, 0.176, 0.111]


def test_figure_9_ends_with_the_whole_training_set(ours, published):
    figure, frame = make("fig9", ours, published)
    last = row(frame, task="mnli", series="tamt-kd", whole=1)
    assert (last["n_train"], last["mean"]) == (
        SIZES["mnli"],
        pytest.approx(ours.stat(Which("tamt-kd", 0.7), "mnli").mean),
    )
    part = row(frame, task="cola", series="imp", n_train=2000)
    stat = ours.stat(Which("imp", 0.7), "cola", n_train=2000)
    assert (part["mean"], part["std"], part["n"]) == (pytest.approx(stat.mean), pytest.approx(stat.std0), 15)
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}


def test_tasks_without_subsets_say_so(published):
    cells, frames, options = world("paper")
    found = Evidence.from_frames(
        cells[~((cells["task"] == "mnli") & (cells["few"] == 1))], frames, SIZES, **options
    )
    figure, frame = make("fig9", found, published)
    assert texts(figure) == ["not run"]
    assert set(frame["task"]) == {"cola", "sst-2", "squad"}


def test_training_takes_the_sparsity_of_imp_from_the_step(published):
    cells, frames, options = world("micro")
    log = frames["training"]
    early = log[(log["kind"] == "imp") & (log["sparsity"] == 0.5)].assign(sparsity=0.2, removed=0.2)
    early["step"] -= 3 * 42
    frames["training"] = pd.concat([log, early])
    _, frame = make("training", Evidence.from_frames(cells, frames, SIZES, **options), published)
    imp = frame[(frame["kind"] == "imp") & (frame["measure"] == "removed")]
    assert set(imp["sparsity"]) == {20.0, 50.0, 60.0, 70.0, 80.0, 90.0}
    assert imp["value"].abs().max() < 1e-9
    tamt = frame[(frame["kind"] == "tamt-kd") & (frame["measure"] == "loss") & (frame["sparsity"] == 70.0)]
    one = log[(log["kind"] == "tamt-kd") & (log["sparsity"] == 0.7) & (log["mask_seed"] == 2)]
    assert list(tamt[tamt["mask_seed"] == 2]["value"]) == pytest.approx(list(one["loss"]))


def test_a_curve_of_one_setting_says_so(micro, published):
    figure, _ = make("fig16", micro, published)
    assert [axes.get_title(loc="right") for axes in figure.axes] == ["main setting only"] * 6
    assert texts(figure) == []
    assert all(axes.get_xlim()[0] < 0 for axes in figure.axes)


def test_imp_has_no_gradient_of_scores(micro, published):
    figure, frame = make("training", micro, published)
    imp = frame["kind"].str.startswith("imp")
    assert imp.any()
    assert not (imp & (frame["measure"] == "grad_ratio")).any()
    assert set(texts(figure)) == {"IMP trains no scores"}


@pytest.mark.parametrize("values", [(60_000, 240_000), (0.2, 0.65), (1e-3, 1e4), (7.0, 7.1)])
def test_an_axis_of_ratios_has_two_labels_at_least(values):
    axes = Figure().subplots()
    axes.plot(values)
    log_scale(axes)
    low, high = axes.get_ylim()
    axes.figure.draw_without_rendering()
    shown = [t.get_text() for t in axes.get_yticklabels() if low <= t.get_position()[1] <= high]
    assert len([text for text in shown if text]) >= 2
