import numpy as np
import pandas as pd
import pytest
from tamt_world import (
    AVG5,
    BASE,
    INTERVALS,
    MAIN,
    OPTIONS,
    SIZES,
    STEPS,
    TASKS,
    cells,
    frames,
    rewound,
    without,
)

from tickets.data.tasks import TASKS as REGISTRY
from tickets.errors import TicketsError
from tickets.papers.tamt.evidence import AVG7, METRIC, MODELS, TASKS7, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.fidelity import fidelity
from tickets.papers.tamt.terms import TITLES
from tickets.papers.tamt.which import StepGrid, percent

IMP, MLM = Which("imp", 0.7), Which("tamt-mlm", 0.7)


@pytest.fixture(scope="module")
def world() -> pd.DataFrame:
    return cells()


@pytest.fixture(scope="module")
def evidence(world) -> Evidence:
    return Evidence.from_frames(world, frames(), SIZES, **OPTIONS)


def small(scores, **columns):
    """Cells of one setting: {(mask seed, replicate, task): score}."""
    rows = [
        {"mask_seed": m, "replicate": r, "task": task, "score": score}
        for (m, r, task), score in scores.items()
    ]
    fixed = {
        "model": "base", "kind": "imp", "init": "", "sparsity": 0.7, "step": 252, "interval": 42, "main": 1,
        "ablation": "", "few": 0, "n_train": 100,
    }  # fmt: skip
    return pd.DataFrame(rows).assign(**fixed | columns)


def test_tasks_and_metrics():
    assert TASKS7 == TASKS
    assert set(AVG5) < set(AVG7)
    assert all(METRIC[task] == REGISTRY[task].metrics[0] for task in TASKS7)
    assert TITLES["squad"] == "SQuAD"


def test_seeds_are_crossed(evidence):
    scores = evidence.scores(IMP, "mnli")
    assert list(scores.index) == [(m, r) for m in (1, 2, 3) for r in (1, 2, 3)]
    assert evidence.stat(IMP, "mnli").n == 9
    assert list(evidence.scores(Which("omp", 0.7), "rte").index) == [(1, 1), (1, 2), (1, 3)]


def test_averages_need_all_tasks_of_a_pair():
    complete = {(m, r, task): 60.0 + m for m in (1, 2) for r in (1, 2) for task in TASKS7}
    holes = {key: score for key, score in complete.items() if key != (2, 1, "rte")}
    found = Evidence.from_frames(small(holes), {})
    assert list(found.average(IMP).index) == [(1, 1), (1, 2), (2, 2)]
    assert list(found.average(IMP, AVG5).index) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert found.stat(IMP).mean == pytest.approx((61 + 61 + 62) / 3)
    nothing = {key: score for key, score in complete.items() if key[2] != "rte"}
    assert Evidence.from_frames(small(nothing), {}).stat(IMP) is None


def test_a15_deviation_is_over_runs_of_averages_with_ddof_0():
    # two tasks that go against each other: averaged within each pair first, nothing is left of their spread
    pairs = [(m, r) for m in (1, 2, 3) for r in (1, 2, 3)]
    scores = {(m, r, "cola"): 50.0 + 4 * r + m for m, r in pairs}
    scores |= {(m, r, "rte"): 70.0 - 4 * r + m for m, r in pairs}
    found = Evidence.from_frames(small(scores), {})
    stat = found.stat(IMP, ("cola", "rte"))
    assert found.ddof == 0
    assert stat.n == 9
    assert stat.spread(found.ddof) == pytest.approx(np.std([1, 1, 1, 2, 2, 2, 3, 3, 3]))
    assert found.stat(IMP, "cola").std0 > 3


def test_per_mask_means_and_z():
    a = small({(m, r, "cola"): 70.0 + 2 * m + 10 * r for m in (1, 2, 3) for r in (1, 2, 3)})
    b = small({(m, r, "cola"): 80.0 + m + r for m in (1, 2, 3) for r in (1, 2, 3)}, kind="imp-rewind")
    omp = small({(1, r, "cola"): 60.0 + r for r in (1, 2, 3)}, kind="omp", step=0, interval=0)
    found = Evidence.from_frames(pd.concat([a, b, omp]), {})
    assert list(found.by_mask(IMP, "cola")) == [92.0, 94.0, 96.0]
    # means by mask have deviations 2 and 1; that of fine-tuning seeds plays no part
    z = found.z(IMP, Which("imp-rewind", 0.7), "cola")
    assert z == pytest.approx((94 - 84) / np.sqrt(2**2 / 3 + 1**2 / 3))
    # one mask: the deviation is that of its fine-tuning seeds
    assert found.z(IMP, Which("omp", 0.7), "cola") == pytest.approx((94 - 62) / np.sqrt(4 / 3 + 1 / 3))
    assert found.z(IMP, Which("omp", 0.6), "cola") is None
    alone = Evidence.from_frames(a[(a["mask_seed"] == 1) & (a["replicate"] == 1)], {})
    assert alone.z(IMP, IMP, "cola") is None


def test_z_without_any_spread():
    same = {(m, 1, "cola"): 70.0 for m in (1, 2)}
    both = pd.concat([small(same), small(same, kind="imp-rewind"), small(same, sparsity=0.6)])
    both.loc[both["kind"] == "imp-rewind", "score"] += 1
    found = Evidence.from_frames(both, {})
    assert found.z(IMP, Which("imp", 0.6), "cola") == 0.0
    assert found.z(Which("imp-rewind", 0.7), IMP, "cola") == np.inf


def test_main_setting_is_that_of_the_options_or_of_the_rows(world, evidence):
    for found in (evidence, Evidence.from_frames(world, frames(), SIZES)):
        assert found.step_of(MLM) == 255
        assert found.step_of(IMP) == 6 * 42
        assert found.step_of(Which("imp", 0.7, interval=5)) == 30
        assert found.stat(MLM).mean == found.stat(Which("tamt-mlm", 0.7, step=255)).mean
    assert Evidence.from_frames(world, {}, main_steps={70: 15}).step_of(MLM) == 15
    assert evidence.step_of(Which("omp", 0.7)) == 0


def test_what_was_run(evidence):
    assert evidence.models == ("base", "roberta")
    assert evidence.sparsities("imp") == (0.5, 0.6, 0.7, 0.8, 0.9)
    assert evidence.sparsities("omp") == tuple(BASE["omp"])
    assert evidence.sparsities("imp-rewind") == ()
    assert evidence.sparsities("full") == (0.0,)
    assert evidence.steps("tamt-mlm", 0.7) == tuple(sorted({*STEPS, MAIN["70"]}))
    assert evidence.steps("tamt-mlm", 0.7, "roberta") == (255,)
    assert evidence.steps("tamt-kd", 0.7, init="random") == (0, *STEPS)
    assert evidence.steps("tamt-kd", 0.6, init="random") == ()
    assert evidence.intervals(0.7) == (*INTERVALS, 42)
    assert evidence.intervals(0.6) == (42,)
    assert evidence.sizes_run("cola") == (1000, 2000, 5000)
    assert evidence.sizes_run("rte") == ()
    assert evidence.whole_size("cola") == 8551


def test_a_random_start_at_step_0_is_the_random_mask(evidence):
    start = Which("tamt-mlm", 0.7, init="random", step=0)
    pd.testing.assert_series_equal(
        evidence.scores(start, "mnli"), evidence.scores(Which("random", 0.7), "mnli")
    )
    assert len(evidence.losses(start)) == 3


def test_ablations_and_other_models_are_apart(world):
    calm = world[(world["kind"] == "tamt-kd") & (world["main"] == 1) & (world["sparsity"] == 0.7)]
    calm = calm.assign(ablation="calm", method="tamt-kd.calm", score=calm["score"] + 5)
    found = Evidence.from_frames(pd.concat([world, calm]), {}, **OPTIONS)
    plain, other = (found.stat(Which("tamt-kd", 0.7, ablation=a), AVG5).mean for a in ("", "calm"))
    assert other == pytest.approx(plain + 5)
    assert found.stat(Which("tamt-kd", 0.7, "roberta"), AVG5).mean == pytest.approx(63)
    assert 255 in found.steps("tamt-kd", 0.7, ablation="calm")


def test_columns_of_scores_and_few_data(evidence):
    plain = evidence.stat(IMP, "mnli").mean
    assert evidence.stat(IMP, "mnli", column="score_release").mean == pytest.approx(plain - 0.2)
    assert evidence.stat(IMP, AVG5, column="nonsense") is None
    few = evidence.runs(IMP, "mnli", n_train=5000)
    assert len(few) == 15
    assert evidence.stat(IMP, "mnli", n_train=5000).mean == pytest.approx(52)
    assert evidence.runs(IMP, "mnli", n_train=7).empty
    assert set(evidence.runs(IMP, "mnli")["n_train"]) == {SIZES["mnli"]}


def test_a_run_that_two_stages_share_counts_once(world):
    twice = pd.concat([world, world.assign(stage="another")])
    assert Evidence.from_frames(twice, {}, **OPTIONS).stat(IMP).n == 9


def test_losses_and_curves(evidence):
    assert list(evidence.losses(IMP).index) == [1, 2, 3]
    assert evidence.losses(Which("full", 0.0), "kd_loss").tolist() == [0.0]
    assert evidence.losses(Which("imp", 0.9)).empty
    curve = evidence.curve(MLM)
    assert list(curve.index) == [1, 100, 200, 300]
    assert list(curve.columns) == [1, 2, 3]
    assert list(evidence.curve(Which("tamt-mlm", 0.7, step=150)).index) == [1, 100]
    # of IMP, what leads up to the sparsity
    assert list(evidence.curve(Which("imp", 0.5)).index) == [1, 100, 200]
    assert evidence.curve(Which("imp", 0.7, interval=3)).empty
    assert evidence.curve(MLM, "nonsense").empty


def test_similarity_knows_either_order_and_leaves_out_a_mask_with_itself(evidence):
    omp = Which("omp", 0.7)
    there, back = evidence.similarity(omp, MLM), evidence.similarity(MLM, omp)
    assert list(there.index) == [(1, 1), (1, 2), (1, 3)]
    assert list(back.index) == [(1, 1), (2, 1), (3, 1)]
    assert there.tolist() == back.tolist()
    assert len(evidence.similarity(IMP, MLM)) == 9
    assert list(evidence.similarity(IMP, IMP).index) == [(1, 2), (1, 3), (2, 3)]
    micro = evidence.similarity(IMP, MLM, macro=False)
    assert (evidence.similarity(IMP, MLM) - micro).tolist() == pytest.approx([0.01] * 9)
    assert evidence.distance(IMP, MLM).mean() == pytest.approx(1 - 0.66)
    assert evidence.similarity(IMP, Which("random", 0.7)).empty


def test_points_pair_score_and_loss_of_each_mask(evidence):
    points = evidence.points(evidence.settings("tamt-kd", 0.8), "kd_loss")
    assert len(points) == 3 * len(STEPS)  # the main step is a checkpoint
    assert set(points["mask_seed"]) == {1, 2, 3}
    first = points[(points["step"] == 15) & (points["mask_seed"] == 2)]
    assert first["score"].item() == pytest.approx(41)
    assert first["loss"].item() == pytest.approx(0.37)


def test_seconds(evidence):
    assert evidence.seconds_per_step("imp") == pytest.approx(0.66)
    assert evidence.seconds_per_step("tamt-kd", "roberta") == pytest.approx(0.8)
    assert evidence.seconds_per_step("tamt-mlm-kd") is None


def test_csv_has_no_empty_text(world):
    found = Evidence.from_frames(
        without(world, ()), {k: v.replace({"": np.nan}) for k, v in frames().items()}, **OPTIONS
    )
    assert found.stat(IMP).n == 9
    assert found.sparsities("full") == (0.0,)
    assert len(found.similarity(IMP, MLM)) == 9


def test_no_cells_and_wrong_columns(world):
    nothing = Evidence.from_frames(pd.DataFrame(columns=["task", "score"]), {})
    assert nothing.stat(MLM) is None
    assert nothing.models == ()
    assert nothing.steps("tamt-mlm", 0.7) == ()
    assert nothing.step_of(MLM) is None
    assert nothing.losses(MLM).empty
    assert nothing.similarity(IMP, MLM).empty
    assert nothing.seconds_per_step("imp") is None
    assert nothing.by_mask(MLM).empty
    with pytest.raises(TicketsError, match=r"cells.csv: columns missing: mask_seed"):
        Evidence.from_frames(world.drop(columns="mask_seed"), {})
    with pytest.raises(TicketsError, match=r"distances.csv: columns missing: jaccard_macro"):
        Evidence.from_frames(world, {"distances": frames()["distances"].drop(columns="jaccard_macro")})


def test_masks_without_runs_and_runs_without_masks(world):
    masks = Evidence.from_frames(world.iloc[:0], frames(), **OPTIONS)
    assert masks.sparsities("imp") == (0.5, 0.6, 0.7, 0.8)
    assert masks.stat(IMP) is None
    assert len(masks.losses(IMP)) == 3
    runs = Evidence.from_frames(world, {}, **OPTIONS)
    assert runs.losses(IMP).empty
    assert runs.stat(IMP).n == 9


def test_which_and_levels():
    with pytest.raises(ValueError, match="unknown kind 'magic'"):
        Which("magic", 0.7)
    assert [percent(x) for x in ("70", 70, 0.7, "00", 0.07)] == [70, 70, 70, 0, 7]
    with pytest.raises(TicketsError, match="'high' is no sparsity"):
        StepGrid.of({"high": 3})


def test_published_figure_5(published):
    assert published.stat(Which("full", 0.0), AVG5).mean == 82.5
    assert published.stat(Which("omp", 0.7), AVG5).mean == 54.4
    imp = published.stat(IMP, AVG5)
    assert (imp.n, round(imp.mean, 2), round(imp.std0, 2)) == (3, 67.33, 0.29)
    assert list(published.losses(IMP)) == [7.748, 7.981, 8.343]
    assert published.stat(Which("tamt-mlm", 0.7, step=1000), AVG5).mean == pytest.approx(67.5)
    # markers on each other answer for the main step and for both of theirs
    for which in (MLM, Which("tamt-mlm", 0.7, step=20000), Which("tamt-mlm", 0.7, step=25000)):
        assert published.stat(which, AVG5).mean == 74.9
        assert published.losses(which).item() == pytest.approx(1.945)
    assert published.steps("tamt-mlm", 0.7) == (1000, 2000, 20000, 25000)
    assert published.steps("tamt-kd", 0.8) == (1000, 2000, 3000, 5000, 10000, 20000, 25000)
    assert published.steps("tamt-kd", 0.5) == (20000, 25000)
    assert published.sparsities("imp") == (0.5, 0.6, 0.7, 0.8)


def test_published_tables_and_text(published):
    assert published.printed("table2", "TAMT", "70") == 17000
    assert published.printed("table3", "BERT-base", "IMP") == 4 * 3600 + 6 * 60 + 26
    assert [round(published.seconds_per_step(k), 3) for k in ("imp", "tamt-mlm", "tamt-kd")] == [
        0.662,
        0.641,
        0.782,
    ]
    roberta = [round(published.seconds_per_step(k, "roberta"), 3) for k in ("imp", "tamt-mlm", "tamt-kd")]
    assert roberta == [0.734, 0.702, 0.796]
    assert published.text("fewer_iterations") == 8.4
    assert published.text("similarity_imp_mlm_60") == 0.75
    assert published.sizes["mnli"] == 392_000
    assert published.sizes["rte"] == 2400
    assert published.step_of(MLM) == 17000
    assert published.step_of(IMP) == 16752
    assert np.isnan(published.printed("table1", "MNLI", "nonsense"))


def test_what_the_paper_does_not_print(published):
    assert published.stat(IMP) is None
    assert published.stat(IMP, "mnli") is None
    assert published.stat(Which("imp", 0.7, "roberta"), AVG5) is None
    assert published.stat(Which("tamt-mlm-kd", 0.7), AVG5) is None
    assert published.stat(Which("tamt-mlm", 0.7, step=5000), AVG5) is None
    assert published.stat(Which("tamt-mlm", 0.7, init="random", step=25000), AVG5) is None
    assert published.stat(Which("tamt-kd", 0.7, ablation="calm"), AVG5) is None
    assert published.stat(Which("imp", 0.7, interval=200), AVG5) is None
    assert published.stat(Which("omp", 0.3), AVG5) is None
    assert published.z(MLM, IMP, AVG5) is None
    assert published.similarity(IMP, MLM).empty
    assert published.losses(IMP, "kd_mse").empty
    assert published.seconds_per_step("tamt-mlm-kd") is None


def test_published_points_are_one_a_mask(published):
    points = published.points(published.settings("tamt-kd", 0.7), "kd_loss")
    assert len(points) == 21
    assert len(published.points([Which("omp", 0.7), IMP], "mlm_loss")) == 1 + 3


def test_numbers_of_figure_5_are_within_their_ranges(published):
    fig5 = published.tables.fig5
    assert set(fig5["kind"]) == {"full", "omp", "random", "imp", "tamt-mlm", "tamt-kd"}
    for column in ("avg5", "mlm_loss", "kd_loss"):
        low, high = fig5[f"{column}_low"], fig5[f"{column}_high"]
        assert (low.isna() == high.isna()).all()
        assert (low.dropna() < high.dropna()).all()
        both = fig5[fig5[column].notna() & low.notna()]
        assert both[column].between(both[f"{column}_low"], both[f"{column}_high"]).all()
        assert (fig5[column].notna() | low.notna()).all()


def test_missing_published_file(tmp_path):
    with pytest.raises(TicketsError, match=r"table1.csv: published values not found"):
        PublishedEvidence(tmp_path)


def test_comparable_only_with_the_papers_steps(evidence, published, world):
    assert not published.comparable(evidence)
    assert not published.comparable(Evidence.from_frames(world.iloc[:0], {}))
    theirs = Evidence.from_frames(world.iloc[:0], {}, main_steps={"70": 17000, "80": 20000})
    assert published.comparable(theirs)


def test_fidelity_compares_release_scores_of_the_same_masks(evidence, published):
    found = fidelity(evidence, published).set_index(["kind", "sparsity"])
    assert len(found) == 1 + 5 * 4
    full = found.loc[("full", 0.0)]
    assert full["ours"] == pytest.approx(82 - 0.2)
    assert full["difference"] == pytest.approx(-0.7)
    assert full["agrees"] is True
    mlm = found.loc[("tamt-mlm", 0.7)]
    # the last two checkpoints, as the figure has them
    assert mlm["n"] == 18
    assert mlm["tolerance"] == 2.5
    assert found.loc[("omp", 0.8), "agrees"] is True
    worse = Evidence.from_frames(without(cells(), ["imp"]), {}, **OPTIONS)
    assert fidelity(worse, published).set_index(["kind", "sparsity"]).loc[("imp", 0.7), "agrees"] is None


def test_models_and_rewinding(world):
    found = Evidence.from_frames(rewound(world, 1.0), {}, **OPTIONS)
    assert MODELS == ("base", "roberta")
    assert found.sparsities("imp-rewind") == (0.5, 0.6, 0.7, 0.8, 0.9)
    assert found.stat(Which("imp-rewind", 0.7)).mean == pytest.approx(found.stat(IMP).mean + 1)
