import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cells import SIZES, build, importance, shifted
from scipy.stats import kendalltau, ttest_rel

from tickets.figures import tableio
from tickets.papers.supertickets import extras, tables
from tickets.papers.supertickets.evidence import TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.layout import COLUMNS, average8, average9

PAPER = Path(__file__).parents[4] / "paper" / "supertickets"


@pytest.fixture(scope="module")
def published():
    return PublishedEvidence(PAPER)


@pytest.fixture(scope="module")
def cells():
    return build(replicates=5)


@pytest.fixture(scope="module")
def ours(cells):
    return Evidence.from_frames(cells, sizes=SIZES, bootstrap=50)


def rows(frame):
    return {(r["row"], r["value"]): r for r in frame.to_dict("records")}


def test_o14_averages_of_the_printed_rows(published):
    """O14: Table 1's 8-task average and Table 2's 9-column average of the printed numbers."""
    for model, full, best in (("base", 82.84375, 83.65), ("large", 84.10, 85.0625)):
        assert average8(lambda t, m, model=model: published.stat(model, t, metric=m)) == pytest.approx(full)
        assert average8(lambda t, m, model=model: published.super_ticket_stat(model, t, m)) == pytest.approx(
            best
        )
    assert average9(lambda t, m: published.unseen_stat("base", t, "st-dnn", m)) == pytest.approx(79.60)
    assert average9(lambda t, m: published.unseen_stat("base", t, "supert", m)) == pytest.approx(
        80.4222, abs=1e-4
    )


def test_columns_are_those_of_the_paper():
    assert list(COLUMNS.values()) == [
        *("RTE", "MRPC acc.", "MRPC F1", "CoLA", "SST-2", "STS-B Pearson", "STS-B Spearman"),
        *("QNLI", "QQP acc.", "QQP F1", "MNLI-m", "MNLI-mm"),
    ]


def test_table1_has_the_null_and_the_test_right_below_each_super_ticket(ours, published, cells):
    frame = tables.table1(ours, published, {})
    labels = list(dict.fromkeys(frame["row"]))
    assert len(labels) == 2 * 3 * 4
    for i, label in enumerate(labels):
        if label.startswith("SuperT base"):
            assert "null" in labels[i + 1]
            assert labels[i + 1].startswith("base")
            assert "p of SuperT = ST-DNN" in labels[i + 2]
    shown = rows(frame)
    at = "chosen on all of dev"
    best = cells[(cells.model == "base") & (cells.task == "rte") & (cells.method == "rerun")]
    best = best.groupby("replicate")["score"].max().mean()
    assert shown[f"base: {tables.NULL}, {at}", "ours"]["RTE"] == pytest.approx(best)
    pairs = ours.super_ticket("base", "mnli", metric="accuracy_mismatched")
    p = ttest_rel(pairs["score"], pairs["full"]).pvalue
    assert shown[f"base: p of SuperT = ST-DNN, {at}", "ours"]["MNLI-mm"] == pytest.approx(p)
    assert shown[f"SuperT base, {at}", "published"]["Average"] == 83.7
    # the reruns of three tasks were not made: no average over some of the tasks
    assert math.isnan(shown[f"base: {tables.NULL}, {at}", "ours"]["Average"])


def test_each_selection_has_its_own_numbers(cells, published):
    moved = Evidence.from_frames(shifted(cells, 1.0, "half", model="base", task="rte"), bootstrap=50)
    shown = rows(tables.table1(moved, published, {}))
    ours = {s: shown[f"ST-DNN base, chosen on {s}", "ours"]["RTE"] for s in ("all of dev", "half of dev")}
    assert ours["half of dev"] - ours["all of dev"] == pytest.approx(1.0)


def test_table2_reports_what_chose_nothing_and_takes_no_difference(cells, published):
    lower = Evidence.from_frames(shifted(cells, -2.0, "rest", task="rte", model="base"), bootstrap=50)
    frame = tables.table2(lower, published, {})
    shown, full = rows(frame), rows(tables.table1(lower, published, {}))
    here = shown["ST-DNN base, the other 90 % of dev", "ours"]["RTE"]
    assert here - full["ST-DNN base, chosen on 10 % of dev", "ours"]["RTE"] == pytest.approx(-2.0)
    assert tableio.DIFFERENCE not in set(frame["value"])


def test_table4_counts_the_training_examples_of_each_share(ours, published):
    facts = {"scitail": {"train_examples": 23_596}, "snli": {"train_examples": 549_367}}
    shown = rows(tables.table4(ours, published, facts))
    sizes = [shown["SciTail: training examples", "ours"][f"{s} %"] for s in tables.FRACTIONS]
    assert sizes == [23, 235, 2359, 23596]
    assert shown["SNLI: MNLI-SuperT base", "published"]["100 %"] == 91.4
    assert ("SNLI: MNLI-SuperT base, extended", "published") not in shown


def test_spreads_show_both_ddof_and_the_pooled_ratio(ours, published):
    frame = rows(tables.table5(ours, published, {}))
    scores = ours.scores("base", "cola")
    assert frame["ST-DNN base, ddof 1", "ours"]["CoLA"] == pytest.approx(scores.std(ddof=1))
    assert frame["ST-DNN base, ddof 0", "ours"]["CoLA"] == pytest.approx(scores.std(ddof=0))
    assert ("ST-DNN base, ddof 1", "published") not in frame  # the paper prints large only
    printed = [0.747, 0.328, 0.705, 0.438, 0.941]
    shown = frame["SuperT / ST-DNN, large", "published"]
    assert [shown[t] for t in ("RTE", "MRPC", "CoLA", "STS-B", "SST-2")] == pytest.approx(printed, abs=1e-3)
    pooled = math.exp(np.mean(np.log(printed)))
    assert shown["Pooled"].startswith(f"{pooled:.2f} [")
    eight = rows(tables.table8(ours, published, {}))["MT-DNN large, ddof 1", "ours"]["RTE"]
    means = [
        ours.multitask("large", "rte", "mt-dnn", finetuned=True, lr=lr).mean() for lr in ("", "lr1", "lr2")
    ]
    assert eight == pytest.approx(np.std(means, ddof=1))


def test_one_replicate_has_no_deviation_but_was_run(published):
    one = Evidence.from_frames(build(models=("base",), replicates=1), bootstrap=50)
    shown = rows(tables.table6(one, published, {}))
    assert {shown["SuperT base, ddof 1", "ours"][t] for t in ("RTE", "MNLI")} == {tableio.NOT_APPLICABLE}
    tests = rows(extras.ttests(one, published, {}))
    assert tests["base, chosen on all of dev: SuperT − ST-DNN: t", "ours"]["RTE"] == tableio.NOT_APPLICABLE
    assert tests["base, chosen on all of dev: SuperT − ST-DNN: pairs", "ours"]["RTE"] == 1
    phases = rows(extras.phases(one, published, {}))
    assert phases["base: cross-fit P (points; X3)", "ours"]["RTE"] == tableio.NOT_APPLICABLE


def test_table7_offers_both_sets_of_candidates(cells, published):
    # nothing gains: with the full model among the candidates, nothing is removed
    flat = Evidence.from_frames(
        shifted(cells, -9.0, method="winning", sparsity=tuple(k / 10 for k in range(1, 9)))
    )
    shown = rows(tables.table7(flat, published, {}))
    at = "chosen on all of dev"
    assert shown[f"SuperT base, levels 0–8, {at}", "ours"]["RTE"] == 1.0
    assert shown[f"SuperT base, levels 1–8, {at}", "ours"]["RTE"] < 1.0
    # I1, I2: the mean of the printed cells
    assert shown[f"SuperT base, levels 0–8, {at}", "published"]["Mean of tasks"] == pytest.approx(0.895)
    assert shown[f"SuperT large, levels 0–8, {at}", "published"]["Mean of tasks"] == pytest.approx(0.8175)


def test_selection_says_whether_the_gain_survives_the_null(cells, published):
    better = shifted(cells, 5.0, model="base", task="rte", method="rerun")
    shown = rows(extras.selection(Evidence.from_frames(better, bootstrap=50), published, {}))
    label = "base, chosen on all of dev"
    assert shown[f"{label}: survives X1", "ours"]["RTE"] == "no"
    assert shown[f"{label}: survives X1", "ours"]["MRPC"] == "yes"
    gain, null = (
        shown[f"{label}: {n}", "ours"]["RTE"] for n in ("gain of SuperT", "gain of the best of 8 reruns (X1)")
    )
    assert shown[f"{label}: SuperT − best of 8 reruns", "ours"]["RTE"] == pytest.approx(gain - null)
    theory = shown[f"{label}: 1.42 s of ST-DNN (theory)", "ours"]["RTE"]
    std = Evidence.from_frames(cells).stat("base", "rte").std
    assert theory == pytest.approx(1.4236 * std, rel=1e-4)  # O22
    # means are over the tasks with reruns only
    small = [
        t for t in TASKS8 if not math.isnan(_number(shown[f"{label}: SuperT − best of 8 reruns", "ours"], t))
    ]
    assert len(small) == 5


def _number(row, task):
    from tickets.papers.supertickets.layout import TITLES

    return row[TITLES[task]]


def test_paired_tests_against_scipy(ours, published):
    shown = rows(extras.ttests(ours, published, {}))
    label = "large, chosen on half of dev: SuperT"
    pairs = ours.super_ticket("large", "qqp", sel="half", metric="f1")
    expected = ttest_rel(pairs["score"], pairs["full"])
    assert shown[f"{label} − ST-DNN: t", "ours"]["QQP F1"] == pytest.approx(expected.statistic)
    assert shown[f"{label} − ST-DNN: p", "ours"]["QQP F1"] == pytest.approx(expected.pvalue)
    assert shown[f"{label} − best of 8 reruns: p", "ours"]["QQP F1"] == tableio.NOT_APPLICABLE
    printed = {
        r: shown[f"{r}, chosen on half of dev: SuperT − ST-DNN: p", "published"] for r in ("base", "large")
    }
    assert printed["base"]["STS-B"] == "0.37"
    assert printed["large"]["STS-B"] == "<0.05"


def test_importance_variants_compare_removed_sets_and_order(published):
    generator = np.random.default_rng(0)
    token = importance(models=("base",), replicates=1).query("variant == 'token'")
    token = token.assign(raw=generator.random(len(token)))
    same, other = token.assign(variant="example"), token.assign(variant="batch")
    heads = other["kind"] == "head"
    other.loc[~heads, "raw"] = 1 - other.loc[~heads, "raw"]
    evidence = Evidence.from_frames(build().iloc[:0], {"importance": pd.concat([token, same, other])})
    shown = rows(extras.importance_variants(evidence, published, {}))
    for name in ("tau of heads", "tau of FFNs", "removed heads in common, level 2"):
        assert shown[f"base, token / example: {name}", "ours"]["RTE"] == 1.0
    assert shown["base, token / batch: tau of FFNs", "ours"]["RTE"] == -1.0
    assert shown["base, token / batch: tau of heads", "ours"]["RTE"] == 1.0
    assert math.isnan(shown["base, token / triangular: tau of heads", "ours"]["RTE"])
    ffns = token[(token["task"] == "rte") & (token["kind"] == "ffn")]["raw"]
    assert kendalltau(ffns, 1 - ffns).statistic == -1.0


def test_sharing_pairs_replicates_and_knows_the_printed_gain(ours, published):
    shown = rows(extras.sharing(ours, published, {}))
    row = "Ticket-Share (as released) − MT-DNN, base, chosen on all of dev"
    gaps = ours.multitask("base", "rte", "ticket-share") - ours.multitask("base", "rte", "mt-dnn")
    assert shown[row, "ours"]["RTE"] == pytest.approx(gaps.mean())
    assert shown[row, tableio.OURS_STD]["RTE"] == pytest.approx(gaps.std())
    assert shown[row, "published"]["Average"] == pytest.approx(0.98125)


def test_matched_rates_leave_the_full_model_out_of_the_candidates(cells, published):
    moved = shifted(
        cells, -9.0, method=("winning", "mismatched"), sparsity=tuple(k / 10 for k in range(1, 9))
    )
    shown = rows(extras.matched_lr(Evidence.from_frames(moved), published, {}))
    assert shown["SuperT base, levels 1–8: tickets of the same rate", "ours"]["RTE"] < 65
    gap = shown["SuperT base, levels 1–8: same − other", "ours"]["RTE"]
    both = (
        shown[f"SuperT base, levels 1–8: tickets of the {w} rate", "ours"]["RTE"] for w in ("same", "other")
    )
    assert gap == pytest.approx(next(both) - next(both))
