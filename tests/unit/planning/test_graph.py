from pathlib import Path
from types import SimpleNamespace

import pytest

from tickets.planning.graph import Graph


def job(name, *needs):
    return SimpleNamespace(outputs=(Path(name),), inputs=tuple(map(Path, needs)), name=name)


@pytest.fixture
def graph():
    """Given from last to first: c needs b and x, b needs a, d needs a; `data` nobody makes."""
    return Graph([job("c", "b", "x"), job("d", "a", "data"), job("b", "a"), job("x"), job("a", "data")])


C, D, B, X, A = range(5)


def test_a_job_waits_for_the_makers_of_its_inputs(graph):
    assert graph.needs == [{B, X}, {A}, {A}, set(), set()]
    assert graph.makers([Path("a"), Path("data")]) == {A}


def test_closure_has_each_job_once(graph):
    assert graph.closure([C]) == {A, B, C, X}
    assert graph.closure([D, B]) == {A, B, D}
    assert graph.closure([]) == frozenset()


def test_order_is_one_in_which_they_can_run(graph):
    assert sorted(graph.order) == list(range(5))
    place = {n: i for i, n in enumerate(graph.order)}
    assert all(place[before] < place[after] for after, needs in enumerate(graph.needs) for before in needs)


def test_longest_chain(graph):
    seconds = [1.0, 5.0, 2.0, 2.5, 4.0]
    assert graph.longest(seconds, range(5)) == (9.0, (A, D))
    assert graph.longest(seconds, {A, B, C, X}) == (7.0, (A, B, C))
    assert graph.longest(seconds, {C, X}) == (3.5, (X, C)), "what is done already delays nothing"
    assert graph.longest(seconds, ()) == (0.0, ())
