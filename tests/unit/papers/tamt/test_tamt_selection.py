"""Which evaluation counts, in our reading and in the release's; every quirk by itself (spec tamt section 3)."""

import math

import pytest

from tickets.papers.tamt.selection import best, candidates, release_score


def found(metric, *scores, every=50):
    return [(every * (i + 1), {metric: score}) for i, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("task", "total", "every", "number", "last"),
    [
        # spec tamt section 3: steps and evaluations of the seven tasks
        ("mnli", 36_816, 500, 73, 36_500),
        ("sst-2", 6_315, 50, 126, 6_300),
        ("cola", 804, 50, 16, 800),
        ("sts-b", 540, 50, 10, 500),
        ("mrpc", 345, 50, 6, 300),
        ("rte", 234, 50, 4, 200),
        ("squad", 11_066, 1_000, 11, 10_999),
    ],
)
def test_candidates_of_the_seven_tasks(task, total, every, number, last):
    steps = candidates(total, every, task, final=False)
    assert (len(steps), steps[-1]) == (number, last)
    assert candidates(total, every, task, final=True) == (*steps, total)


def test_a24_squad_counts_from_one():
    assert candidates(3_500, 1_000, "squad", final=False) == (999, 1_999, 2_999)
    assert candidates(3_500, 1_000, "mnli", final=False) == (1_000, 2_000, 3_000)
    assert candidates(626, 313, "squad", final=False) == (312, 625)
    assert candidates(4, 1, "squad", final=False) == (1, 2, 3)


def test_a24_the_last_step_is_no_candidate_even_as_a_multiple():
    assert candidates(200, 50, "rte", final=False) == (50, 100, 150)
    assert candidates(200, 50, "rte", final=True) == (50, 100, 150, 200)
    assert candidates(999, 1_000, "squad", final=True) == (999,)


@pytest.mark.parametrize(("n", "total"), [(1_000, 256), (5_000, 471)])
def test_a19_runs_that_end_before_the_first_evaluation_have_the_last_one(n, total):
    assert math.ceil(n / 32) * {1_000: 8, 5_000: 3}[n] == total
    assert candidates(total, 500, "mnli", final=False) == (total,)
    assert candidates(total, 500, "mnli", final=True) == (total,)


def test_a24_the_first_of_equal_scores_is_the_best():
    assert best("cola", found("matthews", 10.0, 40.0, 40.0, 30.0)) == (100, 40.0)
    assert best(
        "mnli", [(500, {"accuracy": 70.0, "accuracy_mismatched": 80.0}), (1000, {"accuracy": 71.0})]
    ) == (
        1000,
        71.0,
    )
    assert best("mrpc", [(50, {"accuracy": 70.0, "f1": 82.0}), (100, {"accuracy": 71.0, "f1": 60.0})]) == (
        100,
        71.0,
    )


def test_ours_is_a_plain_maximum_of_zero_and_negative_scores_too():
    assert best("cola", found("matthews", 30.0, 0.0, 20.0)) == (50, 30.0)
    assert best("cola", found("matthews", -3.0, -1.0, -2.0)) == (100, -1.0)
    assert best("cola", found("matthews", -3.0, 0.0)) == (100, 0.0)


def test_a_score_that_is_no_number_counts_only_where_there_is_no_other():
    assert best("sts-b", found("pearson", math.nan, -2.0, math.nan)) == (100, -2.0)
    step, score = best("sts-b", found("pearson", math.nan, math.nan))
    assert step == 50
    assert math.isnan(score)
    with pytest.raises(ValueError, match="no evaluation to choose from"):
        best("sts-b", [])


def test_a13_the_release_reports_mismatched_accuracy_selected_by_itself():
    sequence = [
        (500, {"accuracy": 80.0, "accuracy_mismatched": 81.0}),
        (1000, {"accuracy": 84.0, "accuracy_mismatched": 82.5}),
        (1500, {"accuracy": 83.0, "accuracy_mismatched": 83.5}),
    ]
    assert release_score("mnli", sequence) == 83.5
    assert best("mnli", sequence) == (1000, 84.0)


def test_a14_the_release_selects_mrpc_by_accuracy_or_its_mean_with_f1():
    by_mean = [
        (50, {"accuracy": 82.0, "f1": 83.0}),  # 82.5
        (100, {"accuracy": 81.0, "f1": 88.0}),  # 84.5
        (150, {"accuracy": 84.0, "f1": 84.0}),  # 84.0
    ]
    assert release_score("mrpc", by_mean) == 81.0
    assert best("mrpc", by_mean) == (150, 84.0)
    # F1 below accuracy: the mean would not do, accuracy does.
    by_accuracy = [(50, {"accuracy": 70.0, "f1": 74.0}), (100, {"accuracy": 73.0, "f1": 60.0})]
    assert release_score("mrpc", by_accuracy) == 73.0


@pytest.mark.parametrize(
    ("scores", "reported"),
    [
        ((30.0, 40.0, 20.0), 40.0),
        ((30.0, 0.0, 20.0), 0.0),  # replaced, and 20 does not exceed the best of 30
        ((30.0, 0.0, 31.0), 31.0),
        ((30.0, 0.0, 30.0), 0.0),
        ((30.0, -1.0, 20.0), 30.0),
        ((0.0, 5.0), 5.0),
        ((0.0, 0.0), 0.0),
        ((-2.0, 0.0, -1.0), 0.0),
    ],
)
def test_a32_a_score_of_zero_replaces_what_was_recorded(scores, reported):
    assert release_score("cola", found("matthews", *scores)) == reported
    assert best("cola", found("matthews", *scores))[1] == max(scores)


def test_a32_the_release_has_nothing_to_report_of_negative_scores():
    assert math.isnan(release_score("cola", found("matthews", -2.0, -1.0)))
    assert math.isnan(release_score("sts-b", found("pearson", -2.0, math.nan)))
    assert best("cola", found("matthews", -2.0, -1.0)) == (100, -1.0)


@pytest.mark.parametrize(
    ("task", "metric"), [("sst-2", "accuracy"), ("rte", "accuracy"), ("sts-b", "pearson"), ("squad", "f1")]
)
def test_the_release_agrees_with_us_on_the_other_tasks(task, metric):
    sequence = found(metric, 51.0, 60.0, 60.0, 58.0)
    assert release_score(task, sequence) == best(task, sequence)[1] == 60.0
