import numpy as np
import pytest
from drawing import make
from figure_cells import AVG5, SIZES, world
from scipy.stats import spearmanr

from tickets.figures import tableio
from tickets.papers.tamt import correlations, tables
from tickets.papers.tamt.evidence import Evidence, Which

FACTS = {
    "rte": {"train_examples": 2490, "dev_examples": 277, "epochs": 3.0, "batch": 32, "evaluate_every": 50}
    | {"max_length": 128, "learning_rate": 2e-5, "metric": "accuracy"},
    "tamt-kd": {"train_examples": 200000, "batch": 16, "max_length": 512, "learning_rate": 2e-5},
}


def rows(frame):
    return {(r["row"], r["value"]): r for r in frame.to_dict("records")}


def test_table1_has_our_recipe_beside_the_paper_s(ours, published):
    shown = rows(tables.table1(ours, published, FACTS))
    assert shown["Training examples", "ours"]["RTE"] == 2490
    assert shown["Training examples", "published"]["RTE"] == 2400
    assert shown["Learning rate", "ours"]["TAMT-KD"] == shown["Learning rate", "published"]["TAMT-KD"] == 2e-5
    assert shown["Steps between evaluations", "difference"]["RTE"] == 0
    assert shown["Metric", "published"]["CoLA"] == "Matthews corr"


def test_table1_takes_no_tokens_for_examples_and_no_missing_entry_for_a_missing_run(ours, published):
    shown = rows(tables.table1(ours, published, FACTS))
    assert shown["Training examples", "published"]["TAMT-KD"] == "103M tokens"
    assert np.isnan(shown["Training examples", "difference"]["TAMT-KD"])
    assert shown["Epochs", "ours"]["TAMT-KD"] == tableio.NOT_APPLICABLE
    assert np.isnan(shown["Epochs", "ours"]["MNLI"])


def test_table2_multiplies_the_interval_and_compares_shares(micro, published):
    shown = rows(make("table2", micro, published))
    assert [shown["IMP: optimizer steps", "ours"][f"{s} %"] for s in (20, 50, 90)] == [42, 168, 336]
    assert shown["TAMT: optimizer steps", "ours"]["70 %"] == 255
    assert np.isnan(shown["TAMT: optimizer steps", "ours"]["20 %"])
    assert shown["TAMT: optimizer steps", "published"]["20 %"] == 3000
    share = "TAMT: share of the schedule's steps"
    assert shown[share, "published"]["70 %"] == pytest.approx(17000 / 27920, abs=1e-6)
    assert shown[share, "difference"]["70 %"] == pytest.approx(0, abs=2e-3)


def test_table3_is_pace_times_steps_and_compares_only_ratios(ours, published):
    shown = rows(make("table3", ours, published))
    mine = shown["BERT: minutes until 90 %, this machine", "ours"]
    assert (mine["IMP"], mine["TAMT-MLM"]) == (
        pytest.approx(8 * 2792 * 0.66 / 60),
        pytest.approx(22000 * 0.64 / 60),
    )
    theirs = shown["RoBERTa: minutes until 90 %, one V100", "published"]
    assert theirs["TAMT-KD"] == pytest.approx(4 * 60 + 51 + 55 / 60)
    assert ("BERT: minutes until 90 %, one V100", "ours") not in shown
    ratio = "BERT: step, relative to IMP"
    assert shown[ratio, "published"]["TAMT-KD"] == pytest.approx(1.18, abs=0.01)
    assert shown[ratio, "difference"]["TAMT-MLM"] == pytest.approx(0.64 / 0.66 - 0.641 / 0.662, abs=2e-3)


def test_losses_hold_every_mask_and_the_full_model_at_zero(ours, published):
    shown = rows(make("losses", ours, published))
    label = "BERT, MLM loss: TAMT-KD"
    losses = ours.losses(Which("tamt-kd", 0.6))
    assert shown[label, "ours"]["60 %"] == pytest.approx(losses.mean())
    assert shown[label, tableio.OURS_STD]["60 %"] == pytest.approx(losses.std(ddof=0))
    assert shown[label, "ours"]["0 %"] == pytest.approx(ours.losses(Which("full"))[1])
    assert shown["BERT, KD loss (cosine): OMP", "published"]["70 %"] == 0.531
    assert shown["RoBERTa, Removed (%): IMP", "ours"]["30 %"] == pytest.approx(30)
    assert np.isnan(shown[label, "ours"]["20 %"])
    assert ("RoBERTa, MLM loss: IMP", "published") not in shown


def test_controls_are_paired_by_both_seeds(ours, published):
    shown = rows(make("controls", ours, published))
    main, calm = (ours.scores(Which("tamt-kd", 0.7, ablation=a), "cola") for a in ("", "calm"))
    gaps = (calm - main).dropna()
    assert len(gaps) == 3  # one mask seed
    cell = shown["TAMT-KD, teacher without dropout: − main (points)", "ours"]["CoLA"]
    assert cell == pytest.approx(gaps.mean())
    assert shown["TAMT-KD, teacher without dropout: − main (points)", "ours n"]["CoLA"] == 3
    assert shown["TAMT-KD, teacher without dropout: − main (points)", tableio.OURS_STD][
        "CoLA"
    ] == pytest.approx(gaps.std(ddof=0))
    assert np.isnan(shown["TAMT-KD, teacher without dropout", "ours"]["RTE"])
    rewound = ours.average(Which("imp-rewind", 0.8)) - ours.average(Which("imp", 0.8))
    assert shown["IMP, 80 %: rewound − not (points)", "ours"]["Average of 7"] == pytest.approx(rewound.mean())


def test_controls_measure_what_choosing_on_dev_adds(ours, published):
    shown = rows(make("controls", ours, published))
    assert shown["IMP, 70 %: best evaluation − last step (points)", "ours"]["SQuAD"] == pytest.approx(0.4)
    assert shown["full model: as released − best evaluation (points)", "ours"][
        "Average of 5"
    ] == pytest.approx(0.2)


def test_fidelity_judges_only_where_the_steps_are_the_paper_s(ours, micro, published):
    shown = rows(make("fidelity", ours, published))
    release = ours.average(Which("omp", 0.7), AVG5, column="score_release").mean()
    assert shown["OMP", "ours"]["70 %"] == pytest.approx(release)
    assert shown["OMP", "published"]["70 %"] == 54.4
    assert shown["OMP: within 2 points", "ours"]["70 %"] == ("yes" if abs(release - 54.4) <= 2 else "no")
    assert shown["full model", "ours"]["70 %"] == tableio.NOT_APPLICABLE
    small = rows(make("fidelity", micro, published))
    assert small["OMP: within 2 points", "ours"]["70 %"] == tableio.NOT_APPLICABLE
    assert isinstance(small["OMP", "ours"]["70 %"], float)


def test_correlations_against_scipy(ours, published):
    for kinds, task in ((("tamt-mlm",), "squad"), (("tamt-mlm", "tamt-kd", "imp", "omp"), "avg5")):
        rho, low, high, n = correlations.rank(ours, kinds, 0.7, "mlm_loss", task)
        settings = [w for kind in kinds for w in ours.settings(kind, 0.7)]
        points = ours.points(settings, "mlm_loss", AVG5 if task == "avg5" else task)
        assert rho == pytest.approx(spearmanr(points["loss"], points["score"]).statistic)
        assert n == len(points)
        assert low <= rho <= high
    shown = rows(make("correlations", ours, published))
    cell = shown["70 %, TAMT-MLM: MLM loss", "ours"]
    assert cell["Average of 5"].startswith("−0.")
    assert cell["Average of 5"].endswith("n 24")
    assert cell["Follows"] == "yes"


def test_correlations_of_too_few_masks_are_no_numbers(micro):
    assert correlations.rank(micro, ("tamt-mlm",), 0.65, "mlm_loss", "avg5") is None
    found = correlations.rank(micro, ("tamt-mlm",), 0.8, "mlm_loss", "avg5")
    assert np.isnan(found[0])
    assert correlations.told(found) == "– (n 2)"


def test_constant_scores_have_no_rank_correlation(published):
    cells, frames, options = world("micro")
    flat = Evidence.from_frames(cells.assign(score=50.0), frames, SIZES, **options)
    found = correlations.rank(flat, ("tamt-kd",), 0.7, "kd_loss", "avg5")
    assert np.isnan(found[0])


def test_follows_needs_an_interval_on_one_side():
    verdicts = [
        correlations._verdict(f) for f in ((-0.8, -0.9, -0.1, 9), (-0.2, -0.6, 0.3, 9), (0.8, 0.1, 0.9, 9))
    ]
    assert verdicts == ["yes", "unclear", "no, reversed"]
