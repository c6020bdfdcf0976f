"""The fast metrics, the `evaluate` modules, and that the two agree."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.data.tasks import TASKS
from tickets.errors import TicketsError
from tickets.metrics import fast, reference

MODULES = {name: reference.load(name) for name in reference.MODULES}
classes = st.integers(1, 30).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 2), min_size=n, max_size=n)] * 2)
)
numbers = st.floats(-8, 8, allow_nan=False).map(lambda x: round(x, 3))
outputs = st.integers(2, 30).flatmap(lambda n: st.tuples(*[st.lists(numbers, min_size=n, max_size=n)] * 2))
answers = st.text(alphabet="aAbt e!–-.,the\t", max_size=12)
questions = st.lists(
    st.tuples(answers, st.lists(answers, min_size=1, max_size=3)),
    min_size=1,
    max_size=5,
)


def module(name, predictions, references):
    return MODULES[name].compute(predictions=predictions, references=references)


@settings(deadline=None, max_examples=40)
@given(classes)
def test_class_metrics_agree_with_scikit_learn(pair):
    assert fast.accuracy(*pair) == pytest.approx(module("accuracy", *pair)["accuracy"], abs=1e-12)
    assert fast.f1(*pair) == pytest.approx(module("f1", *pair)["f1"], abs=1e-12)
    assert fast.matthews(*pair) == pytest.approx(module("matthews", *pair)["matthews"], abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(outputs)
def test_correlations_agree_with_scipy(pair):
    assert fast.pearson(*pair) == pytest.approx(module("pearson", *pair)["pearson"], abs=1e-9)
    assert fast.spearman(*pair) == pytest.approx(module("spearman", *pair)["spearman"], abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(questions)
def test_squad_metrics_agree_with_the_module(rows):
    predictions, references = [row[0] for row in rows], [row[1] for row in rows]
    theirs = module("squad", predictions, references)
    assert fast.token_f1(predictions, references) == pytest.approx(theirs["f1"], abs=1e-12)
    assert fast.exact_match(predictions, references) == pytest.approx(theirs["exact_match"], abs=1e-12)


@pytest.mark.parametrize("constant", [0, 1])
def test_o20_matthews_of_a_constant_predictor_is_zero(constant):
    gold = [0, 1, 1, 1, 0]
    assert fast.matthews([constant] * 5, gold) == 0.0
    assert module("matthews", [constant] * 5, gold)["matthews"] == 0.0


def test_o20_f1_takes_class_1_as_positive():
    predictions, gold = [1, 1, 1, 0], [1, 1, 0, 0]
    assert fast.f1(predictions, gold) == pytest.approx(4 / 5)  # of class 0 it would be 2/3
    assert module("f1", predictions, gold)["f1"] == pytest.approx(4 / 5)
    assert fast.f1([0, 0], [0, 0]) == 0.0


def test_o20_correlations_use_the_raw_regression_outputs():
    gold = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    raw = gold + np.array(
        [0.3, -0.3, 0.2, -0.2, 0.4, 3.0]
    )  # beyond 5: clipping or rounding would change both
    assert fast.pearson(raw, gold) != pytest.approx(fast.pearson(raw.clip(0, 5), gold), abs=1e-3)
    assert fast.score("sts-b", raw, gold) == pytest.approx(reference.score("sts-b", raw, gold))


def test_o20_mnli_matched_and_mismatched_have_distinct_keys():
    matched = fast.score("mnli", [0, 1, 2, 2], [0, 1, 2, 0])
    mismatched = fast.score("mnli", [0, 1, 2, 2], [1, 0, 2, 0], split="dev_mismatched")
    assert matched | mismatched == {"accuracy": 75.0, "accuracy_mismatched": 25.0}


def test_known_values():
    assert fast.matthews([1, 1, 0, 0, 1], [1, 0, 0, 1, 1]) == pytest.approx(1 / 6)
    assert fast.average_ranks([3, 1, 3, 2]).tolist() == [3.5, 1.0, 3.5, 2.0]
    assert fast.spearman([1, 2, 3, 4], [1, 4, 9, 16]) == pytest.approx(1.0)
    assert fast.normalize_answer("  The U.S.A., an  ISLAND?") == "usa island"
    assert fast.normalize_answer("theatre a–b") == "theatre –b"
    assert fast.token_f1(["a big black dog"], [["black cat", "the dog"]]) == pytest.approx(0.5)
    assert fast.exact_match(["The Cat.", "dog"], [["cat"], ["dogs"]]) == 0.5


def test_constant_and_non_finite_regressions():
    for metric in (fast.pearson, fast.spearman):
        assert metric([2.5, 2.5, 2.5], [1, 2, 3]) == 0.0
        assert math.isnan(metric([1.0, float("nan"), 2.0], [1, 2, 3]))
    assert fast.pearson([1e-200, 2e-200, 4e-200], [1, 2, 3]) == pytest.approx(
        fast.pearson([1, 2, 4], [1, 2, 3])
    )


def sample(task_id, generator):
    kind = TASKS[task_id].kind
    if kind == "span":
        return ["the red house", "blue"], [["red house", "house"], ["a green one"]]
    if kind == "regression":
        return generator.normal(size=40), generator.normal(size=40)
    width = max(TASKS[task_id].outputs, 2)
    predictions, references = generator.integers(0, width, (2, 40))
    if kind == "mlm":
        references[::3] = -100
    return predictions, references


@pytest.mark.parametrize("task_id", TASKS)
def test_score_agrees_with_the_reference_for_every_task(task_id):
    predictions, references = sample(task_id, np.random.default_rng(3))
    found = fast.score(task_id, predictions, references)
    assert found == pytest.approx(reference.score(task_id, predictions, references), abs=1e-9)
    promised = set(TASKS[task_id].metrics) - {"accuracy_mismatched", "loss"}
    assert set(found) == promised
    assert all(-100 <= value <= 100 for value in found.values())


@pytest.mark.parametrize("score", [fast.score, reference.score])
def test_sides_of_different_length_and_empty_splits_are_refused(score):
    with pytest.raises(TicketsError, match="2 predictions for 3 references"):
        score("rte", [0, 1], [0, 1, 1])
    with pytest.raises(TicketsError, match="empty"):
        score("rte", [], [])
    with pytest.raises(TicketsError, match="1 predictions for 2 references"):
        score("squad", ["a"], [["a"], ["b"]])


def test_unknown_module_is_named():
    with pytest.raises(TicketsError, match="unknown metric module 'bleu'"):
        reference.load("bleu")


def test_fast_imports_nothing_heavy():
    code = (
        "import sys, tickets.metrics.fast\n"
        "print(sorted({'sklearn', 'scipy', 'evaluate', 'datasets', 'pandas', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
