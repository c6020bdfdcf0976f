from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cells import GAIN, LEVEL, PEAK, REMAINING, SIZES, build, importance, shifted

from tickets.errors import TicketsError
from tickets.papers.supertickets.averages import column_average, task_average
from tickets.papers.supertickets.evidence import METRICS, MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.shares import task_shares
from tickets.stats.rounding import half_up

PAPER = Path(__file__).parents[4] / "paper" / "supertickets"


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    return build(tasks=("rte", "sts-b", "mnli"))


@pytest.fixture(scope="module")
def evidence(cells) -> Evidence:
    return Evidence.from_frames(cells, {"importance": importance()}, SIZES, bootstrap=200)


@pytest.fixture(scope="module")
def published() -> PublishedEvidence:
    return PublishedEvidence(PAPER)


def test_scores_by_family_level_and_report(evidence):
    assert list(evidence.scores("base", "rte").index) == [1, 2, 3, 4, 5]
    assert evidence.stat("base", "rte").mean == pytest.approx(LEVEL["rte"])
    assert evidence.stat("base", "rte", family="random", level=2).mean == pytest.approx(LEVEL["rte"] - 1.6)
    assert evidence.stat("base", "rte", family="losing").mean == pytest.approx(
        LEVEL["rte"]
    )  # level 0: shared
    assert evidence.stat("base", "mnli", metric="accuracy_mismatched").mean == pytest.approx(
        LEVEL["mnli"] - 0.5
    )
    assert evidence.stat("base", "mnli", variant="data1").mean == pytest.approx(60)
    assert evidence.stat("base", "sts-b", family="random", level=2) is None
    assert evidence.remaining("large", "rte", 3) == pytest.approx(REMAINING["large"][3])


def test_each_selection_has_its_own_columns(cells):
    moved = cells.assign(
        p10=cells["p10"] + 1,
        rest=cells["rest"] + 2,
        half=cells["half"] + 3,
        half_accuracy=cells["half_accuracy"] + 4,
    )
    found = Evidence.from_frames(moved)
    level = LEVEL["rte"]
    for sel, report, metric, plus in [
        ("full", None, None, 0), ("p10", None, None, 1), ("p10", "rest", None, 2), ("half", None, None, 3),
        ("half", None, "accuracy", 4), ("full", None, "accuracy", 0),
    ]:  # fmt: skip
        stat = found.stat("base", "rte", sel=sel, report=report, metric=metric)
        assert stat.mean == pytest.approx(level + plus), (sel, report, metric)
    with pytest.raises(ValueError, match="'full' has no report 'rest'"):
        found.scores("base", "rte", report="rest")


def test_missing_variants_and_rules_are_empty_after_reading_csv(tmp_path, cells):
    cells.to_csv(tmp_path / "cells.csv", index=False)
    read = pd.read_csv(tmp_path / "cells.csv")
    assert read["variant"].isna().any()
    found = Evidence.from_frames(read)
    assert found.gain("base", "rte").mean == pytest.approx(GAIN["base"]["rte"])
    assert found.multitask("base", "rte", "ticket-share").size == 5
    assert found.domain("base", "snli", "mnli-super", 0.1).size == 5


def test_super_ticket_of_the_world(evidence):
    ticket = evidence.super_ticket("base", "rte")
    assert list(ticket["level"]) == [PEAK["base"]["rte"]] * 5
    assert list(ticket["remaining"]) == [REMAINING["base"][4]] * 5
    assert (ticket["score"] - ticket["full"]).mean() == pytest.approx(GAIN["base"]["rte"])
    # only the last replicate of sts-b gains; the others keep the full model, unless it may not compete
    assert list(evidence.super_ticket("base", "sts-b")["level"]) == [0, 0, 0, 0, 2]
    assert 0 not in set(evidence.super_ticket("base", "sts-b", first=1)["level"])
    assert evidence.remaining_stat("base", "sts-b").mean == pytest.approx((4 + REMAINING["base"][2]) / 5)


def test_selection_is_not_the_report(cells):
    # on the selection subset level 6 looks best; what is reported is its score on the report set
    chosen = (cells["sparsity"] == 0.6) & (cells["method"] == "winning") & (cells["model"] == "base")
    found = Evidence.from_frames(cells.assign(select_half=cells["select_half"].mask(chosen, 99.0)))
    ticket = found.super_ticket("base", "rte", sel="half")
    assert set(ticket["level"]) == {6}
    assert ticket["score"].mean() == pytest.approx(found.stat("base", "rte", level=6).mean)
    assert set(found.super_ticket("base", "rte", sel="p10")["level"]) == {PEAK["base"]["rte"]}


def test_ties_go_to_the_lower_loss_then_to_the_smaller_level(cells):
    winning = (cells["method"] == "winning") & (cells["variant"] == "")
    tied = cells.assign(select_p10=cells["select_p10"].mask(winning, 70.0), select_loss_p10=0.5)
    assert set(Evidence.from_frames(tied).super_ticket("base", "rte", sel="p10")["level"]) == {0}
    assert set(Evidence.from_frames(tied).super_ticket("base", "rte", sel="p10", first=1)["level"]) == {1}
    lower = tied.assign(
        select_loss_p10=tied["select_loss_p10"].mask(winning & (tied["sparsity"] == 0.3), 0.4)
    )
    assert set(Evidence.from_frames(lower).super_ticket("base", "rte", sel="p10")["level"]) == {3}
    noise = lower.assign(select_p10=lower["select_p10"] + 1e-13 * lower["sparsity"])
    assert set(Evidence.from_frames(noise).super_ticket("base", "rte", sel="p10")["level"]) == {3}
    unknown = tied.assign(select_loss_p10=np.nan)
    assert set(Evidence.from_frames(unknown).super_ticket("base", "rte", sel="p10", first=2)["level"]) == {2}


def test_only_replicates_with_every_candidate_count(cells):
    gone = (cells["sparsity"] == 0.8) & (cells["method"] == "winning") & (cells["replicate"] == 2)
    found = Evidence.from_frames(cells[~gone])
    assert list(found.super_ticket("base", "rte").index) == [1, 3, 4, 5]
    assert found.gain("base", "rte").n == 4
    none = Evidence.from_frames(cells[~((cells["sparsity"] == 0.8) & (cells["method"] == "winning"))])
    assert none.super_ticket("base", "rte").empty
    assert none.gain("base", "rte") is None
    assert none.phases("base", "rte") is None


def test_random_tickets_have_the_same_budget(evidence):
    random = evidence.super_ticket("base", "rte", family="random")
    assert set(random["level"]) == {0}  # they only lose: the full model, which is shared, wins
    assert evidence.super_ticket_stat("base", "rte", family="random", first=1).mean == pytest.approx(
        LEVEL["rte"] - 0.8
    )


def test_x1_null_is_the_best_of_eight_reruns(evidence, cells):
    full = evidence.scores("base", "rte")
    assert list(evidence.null("base", "rte") - full) == pytest.approx([0.15] * 5)
    gain = evidence.gain("base", "rte")
    assert gain.null == pytest.approx(0.15)
    assert gain.excess == pytest.approx(GAIN["base"]["rte"] - 0.15)
    assert gain.survives
    assert evidence.gain("base", "mnli").survives is None
    lucky = shifted(cells, 5, task="rte", variant="draw3")
    assert Evidence.from_frames(lucky).gain("base", "rte").survives is False
    short = cells[cells["variant"] != "draw8"]
    assert Evidence.from_frames(short).null("base", "rte").empty


def test_x1_null_reports_another_set_than_it_selects_on(cells):
    draw = cells["variant"] == "draw2"
    found = Evidence.from_frames(cells.assign(select_half=cells["select_half"].mask(draw, 99.0)))
    assert list(
        found.null("base", "rte", sel="half") - found.scores("base", "rte", sel="half")
    ) == pytest.approx([-0.15] * 5)


def test_a_gain_is_significant_only_upwards_and_needs_two_replicates(cells):
    worse = shifted(cells, -9, task="rte", method="winning", sparsity=tuple(k / 10 for k in range(1, 9)))
    gain = Evidence.from_frames(worse).gain("base", "rte", first=1)
    assert gain.p < 0.05
    assert gain.significant is False
    one = Evidence.from_frames(cells[cells["replicate"] == 1]).gain("base", "rte")
    assert (one.n, one.significant) == (1, None)
    assert np.isnan(one.p)


def test_phases_of_the_world(evidence):
    found = evidence.phases("base", "rte")
    assert found.peak == PEAK["base"]["rte"]
    assert found.crossing == 7
    assert found.replicates == 5
    assert found is evidence.phases("base", "rte")
    assert evidence.phases("base", "sts-b").random is None
    assert evidence.phases("base", "mnli", "data1").pronounced == pytest.approx(2.5)
    assert evidence.phases("large", "mnli", "data1") is None


def test_phases_with_fewer_random_replicates(cells):
    few = cells[~(cells["method"].isin(["random", "losing"]) & (cells["replicate"] > 3))]
    found = Evidence.from_frames(few, bootstrap=50).phases("base", "mnli")
    assert found.random[0] == found.winning[0]
    assert found.replicates == 5


def test_multitask_finetuning_and_domain(evidence):
    assert evidence.multitask_stat("base", "rte", "mt-dnn").mean == pytest.approx(LEVEL["rte"] - 1)
    tuned = evidence.multitask_stat("base", "rte", "mt-dnn", finetuned=True)
    assert tuned.mean == pytest.approx(LEVEL["rte"] + 0.5)
    assert evidence.multitask_stat("base", "rte", "mt-dnn", finetuned=True, lr="lr2").mean == pytest.approx(
        LEVEL["rte"] + 1.5
    )
    assert evidence.multitask("base", "cola", "mt-dnn").empty
    assert evidence.domain_stat("base", "snli", "mnli-super", "10").mean == pytest.approx(LEVEL["snli"] + 0.7)
    extended = evidence.domain_stat("base", "snli", "mnli-super", 0.1, extended=True)
    assert extended.mean == pytest.approx(LEVEL["snli"] - 6 + 1.2 + 1)
    assert evidence.domain_stat("large", "snli", "mnli-super", 0.1) is None


def test_deviations_over_seeds_and_over_rates(evidence, cells):
    rates = evidence.rate_stat("large", "rte", "mt-dnn")
    assert rates.n == 3
    assert rates.std == pytest.approx(0.5)  # rates add 0, .5, 1 to every seed
    seeds = evidence.seed_stat("large", "rte", "mt-dnn")
    assert (seeds.n, seeds.mean) == (5, pytest.approx(LEVEL["rte"] + 2 + 0.5 + 0.5))
    assert seeds.std == pytest.approx(np.std([-0.2, -0.1, 0, 0.1, 0.2], ddof=1))
    assert evidence.seed_stat("large", "rte", "st-dnn").mean == pytest.approx(LEVEL["rte"] + 2)
    one_rate = Evidence.from_frames(cells[cells["variant"] != "lr1"])
    assert one_rate.seed_stat("large", "rte", "mt-dnn") is None
    assert one_rate.rate_stat("large", "rte", "mt-dnn") is None


def test_averages_need_every_task(evidence):
    full = Evidence.from_frames(build(models=("base",), panels=(), reruns=()))
    ours = task_average(lambda task: full.stat("base", task))
    assert ours == pytest.approx(np.mean([LEVEL[t] for t in TASKS8]))
    assert task_average(lambda task: evidence.stat("base", task)) is None
    assert evidence.compression("base") is None
    assert full.multitask_compression("base", "mt-dnn") == 1.0
    assert full.multitask_compression("base", "ticket-share") == pytest.approx(
        np.mean([REMAINING["base"][PEAK["base"][t]] for t in TASKS8])
    )


def test_no_cells_and_wrong_columns(cells):
    nothing = Evidence.from_frames(pd.DataFrame(columns=["task", "score"]))
    assert nothing.gain("base", "rte") is None
    assert nothing.importance() is None
    assert nothing.shares("base") is None
    with pytest.raises(TicketsError, match=r"cells.csv: columns missing: select_half"):
        Evidence.from_frames(cells.drop(columns="select_half"))
    with pytest.raises(TicketsError, match=r"importance.csv: columns missing: raw"):
        Evidence.from_frames(cells, {"importance": importance().drop(columns="raw")})


def structure(scores, **more):
    rows = [
        {"kind": "head", "layer": 0, "index": 0, "task": task, "replicate": 1, "normalised": score, **more}
        for task, score in zip(TASKS8, scores, strict=False)
    ]
    return pd.DataFrame(rows)


def test_o20_task_share():
    even = task_shares(structure([1.0] * 8), TASKS8).loc[("head", 0, 0)]
    assert even["importance"] == 1
    assert list(even[list(TASKS8)]) == [0.125] * 8
    alone = task_shares(structure([8.0, *[0.0] * 7]), TASKS8).loc[("head", 0, 0)]
    assert alone["importance"] == 1
    assert list(alone[list(TASKS8)]) == [1.0, *[0.0] * 7]


def test_shares_average_replicates_first_and_know_no_missing_task():
    two = pd.concat([structure([1.0, 1.0]), structure([3.0, 1.0], replicate=2)])
    found = task_shares(two, TASKS8).loc[("head", 0, 0)]
    assert list(found.index) == ["rte", "mrpc", "importance"]
    assert found["rte"] == pytest.approx(2 / 3)
    assert found["importance"] == 1.5
    assert task_shares(structure([0.0, 0.0]), TASKS8)["rte"].isna().all()


def test_shares_of_a_model_use_one_variant(evidence):
    shares = evidence.shares("base")
    assert set(shares.index.get_level_values("kind")) == {"head", "ffn"}
    assert list(shares.columns) == [*TASKS8, "importance"]
    assert shares[list(TASKS8)].sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert evidence.shares("base", "batch") is None
    assert set(evidence.importance("example")["variant"]) == {"example"}


def test_o14_averages_of_the_published_cells(published):
    rows = {
        "table1": {"ST-DNN_base": 82.84375, "SuperT_base": 83.65, "ST-DNN_large": 84.10, "SuperT_large": 85.0625},
        "table3": {
            "MT-DNN_base": 82.35, "MT-DNN_base+ST": 84.61875, "Ticket-Share_base": 83.33125,
            "Ticket-Share_base+ST": 85.5875, "MT-DNN_large": 84.39375, "MT-DNN_large+ST": 86.43125,
            "Ticket-Share_large": 85.3625, "Ticket-Share_large+ST": 87.09375,
        },
    }  # fmt: skip
    for table, expected in rows.items():
        for row, value in expected.items():
            scores = [published.tables.score(table, row, task) for task in TASKS8]
            assert np.mean(scores) == pytest.approx(value, abs=1e-9), row
            assert half_up(np.mean(scores)) == published.printed(table, row, "avg")
    for row, value in {"st-dnn": 79.60, "supert": 80.4222}.items():
        found = column_average(lambda task, metric, row=row: published.unseen_stat("base", task, row, metric))
        assert found == pytest.approx(value, abs=5e-5)
    by_columns = task_average(
        lambda task: published.multitask_stat("large", task, "ticket-share", finetuned=True)
    )
    assert by_columns == pytest.approx(87.09375)


def test_published_values_by_their_methods(published):
    assert published.stat("base", "mnli").mean == pytest.approx(84.45)
    assert published.stat("base", "mnli", metric="accuracy").mean == 84.5
    assert published.super_ticket_stat("large", "mrpc", "f1").mean == 91.4
    assert published.gain("large", "mrpc").mean == pytest.approx(2.35)
    assert published.gain("base", "sts-b").p == 0.37
    assert published.gain("base", "sts-b").significant is False
    assert published.gain("base", "rte").significant is True
    assert np.isnan(published.gain("base", "rte").p)
    assert published.remaining_stat("large", "mrpc").mean == 0.66
    assert published.remaining_stat("large", "mrpc").std == 0.04
    assert published.compression("base") == pytest.approx(0.895)
    assert published.compression("large") == pytest.approx(0.8175)
    assert published.multitask_stat("base", "cola", "ticket-share").mean == 52.0
    assert published.multitask_stat("base", "cola", "mt-dnn", finetuned=True).mean == 59.5
    assert published.multitask_compression("large", "ticket-share") == pytest.approx(0.833)
    assert published.seed_stat("large", "rte", "ticket-share").std == 0.99
    assert published.rate_stat("large", "sts-b", "mt-dnn").std == 0.42
    assert published.domain_stat("base", "scitail", "ticket-share", 100).mean == 96.5
    assert published.domain_stat("base", "snli", "mnli-full", "0.1").mean == 82.1
    assert published.printed("table6", "SuperT_base", "MNLI") == 0.04
    assert published.printed("table9", "MNLI", "train") == 393_000
    assert published.sizes["scitail"] == 23_500


def test_what_the_paper_does_not_print(published):
    assert published.stat("base", "rte", level=3) is None
    assert published.stat("base", "rte", report="rest", sel="p10") is None
    assert published.super_ticket_stat("base", "rte", family="random") is None
    assert published.unseen_stat("base", "mrpc", "st-dnn", "accuracy") is None
    assert published.unseen_stat("large", "rte", "supert") is None
    assert published.multitask_stat("base", "rte", "ticket-share-strict") is None
    assert published.multitask_stat("base", "rte", "mt-dnn", finetuned=True, lr="lr1") is None
    assert published.domain_stat("large", "snli", "mt-dnn", 1) is None
    assert published.domain_stat("base", "snli", "mt-dnn", 1, extended=True) is None
    assert published.seed_stat("base", "rte", "supert") is None
    assert published.phases("base", "rte") is None
    assert published.null("base", "rte").empty
    assert published.shares("base") is None
    assert np.isnan(published.printed("table2", "ST-DNN_base", "MRPC_acc"))
    assert np.isnan(published.printed("table1", "ST-DNN_base", "nonsense"))


def test_every_cell_of_the_tables_can_be_asked_for(published):
    for model in MODELS:
        for task in TASKS8:
            for metric in (None, *METRICS[task]):
                assert published.stat(model, task, metric=metric) is not None
                assert published.super_ticket_stat(model, task, metric) is not None
                for method in ("mt-dnn", "ticket-share"):
                    for tuned in (False, True):
                        assert published.multitask_stat(model, task, method, metric=metric, finetuned=tuned)


def test_missing_published_file(tmp_path):
    with pytest.raises(TicketsError, match=r"table1.csv: published values not found"):
        PublishedEvidence(tmp_path)
