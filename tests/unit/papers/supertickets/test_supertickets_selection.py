"""Choosing evaluation points and levels: on the right rows, with the right tie-breaks, as the evidence does."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from ticket_world import encoded
from tickets.data.selection import selection_parts
from tickets.papers.supertickets.cell_columns import CELL_COLUMNS, METRICS
from tickets.papers.supertickets.choice import choose
from tickets.papers.supertickets.selection import (
    Choice,
    best,
    best_points,
    judge_point,
    selection_columns,
    super_level,
)
from tickets.papers.supertickets.settings import DOMAINS, TASKS
from tickets.papers.supertickets.terms import METRICS as SCORED

SELECTIONS = ("full", "p10", "half")
PARTS = ("full", "p10", "rest", "half", "other_half")
WIDTHS = {"sts-b": 1, "mnli": 3}


def outputs_of(data, task, seed):
    generator = torch.Generator().manual_seed(seed)
    shape = WIDTHS.get(task, 2)
    return {
        name: torch.randn(len(split), shape, generator=generator)
        for name, split in data.splits.items()
        if name != "train"
    }


def rows_of(data, task, split, part):
    n = len(data.splits[split])
    return torch.arange(n) if part == "full" else selection_parts(n, task, split)[part]


def accuracy(outputs, data, task, split, part):
    rows = rows_of(data, task, split, part)
    hits = outputs[split][rows].argmax(1) == data.splits[split].labels[rows]
    return 100 * float(hits.double().mean())


@pytest.mark.parametrize("part", PARTS)
def test_mnli_is_judged_on_the_rows_of_both_dev_splits(part):
    data = encoded("mnli", 2)
    outputs = outputs_of(data, "mnli", 1)
    point = judge_point(3, "mnli", data, outputs)
    expected = {
        "accuracy": accuracy(outputs, data, "mnli", "dev", part),
        "accuracy_mismatched": accuracy(outputs, data, "mnli", "dev_mismatched", part),
    }
    assert point.metrics[part] == pytest.approx(expected)
    assert point.score("mnli", part) == pytest.approx(sum(expected.values()) / 2)
    losses = []
    for split, values in outputs.items():
        labels = data.splits[split].labels
        chances = torch.softmax(values.double(), 1)
        losses += [-math.log(chances[r, labels[r]]) for r in rows_of(data, "mnli", split, part)]
    assert point.losses[part] == pytest.approx(np.mean(losses))


@pytest.mark.parametrize("part", PARTS)
def test_sts_b_is_judged_by_both_correlations_and_the_squared_error(part):
    data = encoded("sts-b", 1)
    outputs = outputs_of(data, "sts-b", 1)
    point = judge_point(1, "sts-b", data, outputs)
    rows = rows_of(data, "sts-b", "dev", part)
    x, y = outputs["dev"][rows, 0].double().numpy(), data.splits["dev"].labels[rows].double().numpy()
    expected = {"pearson": 100 * pearsonr(x, y)[0], "spearman": 100 * spearmanr(x, y)[0]}
    assert point.metrics[part] == pytest.approx(expected)
    assert point.score("sts-b", part) == pytest.approx(sum(expected.values()) / 2)
    assert point.losses[part] == pytest.approx(np.mean((x - y) ** 2))


def test_task_scores_are_those_of_spec_2_5():
    assert {task: SCORED[task] for task in (*TASKS, *DOMAINS)} == {
        "rte": ("accuracy",),
        "mrpc": ("accuracy", "f1"),
        "cola": ("matthews",),
        "sst-2": ("accuracy",),
        "sts-b": ("pearson", "spearman"),
        "qnli": ("accuracy",),
        "qqp": ("accuracy", "f1"),
        "mnli": ("accuracy", "accuracy_mismatched"),
        "snli": ("accuracy",),
        "scitail": ("accuracy",),
    }


def test_selections_look_at_their_part_alone():
    """Outputs that are right on one part and wrong elsewhere are chosen by its selection, and by no other."""
    data = encoded("mnli", 2)
    found = {}
    for part in ("p10", "half", "other_half"):
        outputs = {}
        for split in ("dev", "dev_mismatched"):
            labels = data.splits[split].labels
            wrong = torch.nn.functional.one_hot((labels + 1) % 3, 3).double()
            rows = rows_of(data, "mnli", split, part)
            wrong[rows] = torch.nn.functional.one_hot(labels[rows], 3).double()
            outputs[split] = wrong
        found[part] = judge_point(1, "mnli", data, outputs)
    assert found["p10"].choice("mnli", "p10").score == found["half"].choice("mnli", "half").score == 100
    assert found["other_half"].score("mnli", "half") == 0
    points = [{"mnli": found[part]} for part in ("other_half", "half", "p10")]
    chosen = best_points(points)
    assert (chosen["half"], chosen["p10"]) == (1, 2)
    assert chosen["full"] == 0, "the other half takes the odd row"
    columns = selection_columns("mnli", [point["mnli"] for point in points], chosen)
    assert (columns["epoch_full"], columns["epoch_p10"], columns["epoch_half"]) == (1, 3, 2)
    assert (columns["select_p10"], columns["select_half"]) == (100, 100)
    assert columns["p10"] == found["p10"].score("mnli", "full")
    assert columns["rest"] == found["p10"].score("mnli", "rest") == 0
    assert columns["half"] == found["half"].score("mnli", "other_half") == 0
    assert columns["select_loss_half"] == found["half"].losses["half"]
    assert columns["p10_accuracy_mismatched"] == found["p10"].metrics["full"]["accuracy_mismatched"]


@pytest.mark.parametrize("task", TASKS)
def test_columns_are_the_declared_ones(task):
    data = encoded(task if task in ("mnli", "sts-b") else "rte", 1)
    point = judge_point(1, task, data, outputs_of(data, task, 2))
    columns = selection_columns(task, [point], dict.fromkeys(SELECTIONS, 0))
    logged = {"matthews", "accuracy"} if task == "cola" else set(SCORED[task])
    chosen = {f"{what}_{s}" for what in ("epoch", "select", "select_loss") for s in SELECTIONS}
    reports = {"p10", "rest", "half"}
    assert columns.keys() == chosen | reports | {f"{r}_{m}" for r in reports for m in logged}
    assert columns.keys() <= set(CELL_COLUMNS)
    assert logged <= set(METRICS)


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([(50, 0.7), (60, 0.9), (55, 0.1)], 1),
        ([(50, 0.7), (60, 0.9), (60, 0.8)], 2),
        ([(60, 0.8), (60, 0.8), (50, 0.1)], 0),
        ([(60, 0.9), (60 + 1e-12, 0.95), (60 - 1e-12, 0.8)], 2),
        ([(-1, 0.5), (0, 0.5)], 1),
    ],
)
def test_the_better_score_wins_then_the_lower_loss_then_the_earlier(candidates, chosen):
    assert best([Choice(*one) for one in candidates]) == chosen


FEW = st.sampled_from([0.0, 100 / 3, 100 * (1 / 3), 50.0, 50.0 + 1e-11, 200 / 3, 66.66666666666667])
ANY = st.floats(-100, 100)
CANDIDATES = st.lists(
    st.lists(st.tuples(FEW | ANY, st.sampled_from([0.1, 0.2]) | st.floats(0, 9)), min_size=9, max_size=9),
    min_size=1,
    max_size=3,
)


@given(CANDIDATES, st.sampled_from(SELECTIONS))
def test_the_level_is_the_one_that_the_evidence_chooses(runs, selection):
    """`super_level` decides what runs, `choose` what is reported; they must never part."""
    names = [f"select_{selection}", f"select_loss_{selection}"]
    index = range(1, len(runs) + 1)
    frames = {k: pd.DataFrame([r[k] for r in runs], index=index, columns=names) for k in range(9)}
    picked = choose(frames, selection)
    for replicate, levels in zip(index, runs, strict=True):
        metrics = [{"extra": dict(zip(names, level, strict=True))} for level in levels]
        assert super_level(metrics, selection) == picked[replicate]


@given(st.lists(st.tuples(FEW, st.sampled_from([0.1, 0.2, 0.3])), min_size=2, max_size=6))
def test_no_candidate_beats_the_chosen_one(found):
    candidates = [Choice(*one) for one in found]
    winner = candidates[best(candidates)]
    for place, other in enumerate(candidates):
        assert other.score <= winner.score + 1e-9
        if abs(other.score - winner.score) < 1e-9:
            assert other.loss >= winner.loss
            if other.loss == winner.loss:
                assert place >= best(candidates)
