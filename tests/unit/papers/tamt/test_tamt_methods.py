"""Names of the ways to make a mask, and what they mean under a config."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.config import load_config
from tickets.errors import TicketsError
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.methods import INITS, Method, tamt
from tickets.papers.tamt.settings import OBJECTIVES, Ablation, tamt_settings

SHIPPED = Path(__file__).parents[4] / "config.yaml"
steps = st.none() | st.integers(0, 10**6)
searched = st.builds(
    Method,
    st.sampled_from([f"tamt-{objective}" for objective in OBJECTIVES]),
    st.sampled_from(INITS),
    steps,
    st.none(),
    st.sampled_from(["", *get_args(Ablation)]),
)
pruned = st.builds(Method, st.sampled_from(["imp", "imp-rewind"]), st.just("omp"), st.none(), steps)
methods = searched | pruned | st.builds(Method, st.sampled_from(["full", "omp", "random"]))
EXAMPLES = {
    "full": Method("full"),
    "omp": Method("omp"),
    "random": Method("random"),
    "imp": Method("imp"),
    "imp-rewind": Method("imp-rewind"),
    "imp.every200": Method("imp", interval=200),
    "tamt-mlm": Method("tamt-mlm"),
    "tamt-mlm-kd": Method("tamt-mlm-kd"),
    "tamt-mlm.step2000": Method("tamt-mlm", step=2000),
    "tamt-kd-random": Method("tamt-kd", "random"),
    "tamt-mlm-kd-random.step0": Method("tamt-mlm-kd", "random", 0),
    "tamt-kd.calm": Method("tamt-kd", ablation="calm"),
    "tamt-kd.adamw.step5": Method("tamt-kd", step=5, ablation="adamw"),
}


@pytest.mark.parametrize("token", list(EXAMPLES))
def test_tokens(token):
    assert EXAMPLES[token].token == token
    assert Method.parse(token) == EXAMPLES[token]


@given(methods)
def test_a_token_says_everything(method):
    assert Method.parse(method.token) == method
    assert "/" not in method.token
    assert method.run.step is None
    assert Method.parse(method.run.token) == method.run


@given(methods, methods)
def test_no_two_methods_have_one_token(one, other):
    assert (one.token == other.token) == (one == other)


@pytest.mark.parametrize(
    "token",
    [
        "tamt-mlm.step",
        "tamt-mlm.step-1",
        "tamt-mlm.step01",
        "tamt-mlm.stepten",
        "tamt-mlm.2000",
        "tamt-mlm.",
        "tamt-mlm.step5.step5",
        "tamt-mlm.step5.always",
        "imp.200",
        "imp.every",
        "imp.every1e3",
        "tamt-mlm.Always",
        "tamt-mlm.calm.calm",
        "tamt-mlm..step5",
        "tamt",
        "tamt-words",
        "imp-restart",
        "",
    ],
)
def test_what_is_no_token_is_refused(token):
    with pytest.raises(TicketsError, match=f"'{token}' is no method of this paper"):
        Method.parse(token)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives_of_trained_masks(objective):
    method = Method.parse(tamt(objective, "random", step=3).token)
    assert method.trained
    assert method.objective == objective
    assert not Method("random").trained


@pytest.mark.parametrize("kind", ["imp", "random", "tamt-words"])
def test_what_is_not_trained_has_no_objective(kind):
    with pytest.raises(AssertionError, match=kind):
        _ = Method(kind).objective


@pytest.mark.parametrize(
    ("token", "level", "facts"),
    [
        # kind, init, step, interval, main, ablation; steps and intervals are those of Table 2 and section 2.3.
        ("full", "00", ("full", "", 0, 0, 1, "")),
        ("omp", "70", ("omp", "", 0, 0, 1, "")),
        ("random", "10", ("random", "", 0, 0, 1, "")),
        ("imp", "70", ("imp", "", 6 * 2792, 2792, 1, "")),
        ("imp", "90", ("imp", "", 22_336, 2792, 1, "")),
        ("imp-rewind", "50", ("imp-rewind", "", 4 * 2792, 2792, 1, "")),
        ("imp.every200", "70", ("imp", "", 1200, 200, 0, "")),
        ("tamt-mlm", "70", ("tamt-mlm", "omp", 17_000, 0, 1, "")),
        ("tamt-mlm-kd", "20", ("tamt-mlm-kd", "omp", 3000, 0, 1, "")),
        ("tamt-kd.step2000", "70", ("tamt-kd", "omp", 2000, 0, 0, "")),
        ("tamt-kd-random.step2000", "70", ("tamt-kd", "random", 2000, 0, 0, "")),
        ("tamt-kd.calm", "70", ("tamt-kd", "omp", 17_000, 0, 0, "calm")),
    ],
)
def test_what_a_method_is_in_the_tidy_files(token, level, facts):
    found = method_facts(tamt_settings(load_config(SHIPPED, "paper")), token, level)
    assert tuple(found.values()) == facts
    assert tuple(found) == ("kind", "init", "step", "interval", "main", "ablation")
