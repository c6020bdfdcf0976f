"""After which steps a run is judged on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.errors import TicketsError
from tickets.training.points import points_of
from tickets.training.recipe import Recipe


@pytest.mark.parametrize(
    ("epochs", "n_train", "expected"),
    [
        (3, 40, (2, 4, 6)),
        (2.5, 128, (4, 8, 10)),
        (0.3, 128, (1,)),
        (6, 23, (1, 2, 3, 4, 5, 6)),
        (1, 33, (2,)),
    ],
)
def test_a_recipe_in_epochs_is_judged_after_each_and_at_its_end(epochs, n_train, expected):
    recipe = Recipe(epochs=epochs, batch_size=32)
    assert points_of(recipe, recipe.steps_per_epoch(n_train)) == expected
    assert points_of(recipe, recipe.steps_per_epoch(n_train), points=17) == expected


@pytest.mark.parametrize(
    ("steps", "points", "expected"),
    [(30, 3, (10, 20, 30)), (10, 3, (4, 7, 10)), (10, 1, (10,)), (2, 5, (1, 2))],
)
def test_a_recipe_in_steps_is_judged_at_equal_distances(steps, points, expected):
    assert points_of(Recipe(steps=steps), 32, points) == expected


def test_several_tasks_bring_their_common_epoch():
    assert points_of(Recipe(epochs=2), 7) == (7, 14)


@pytest.mark.parametrize("points", [None, 0])
def test_a_recipe_in_steps_needs_to_know_how_often(points):
    with pytest.raises(TicketsError, match="set the number of evaluation points"):
        points_of(Recipe(steps=5), 4, points)


@given(
    st.one_of(
        st.builds(lambda n: Recipe(steps=n), st.integers(1, 500)),
        st.builds(lambda e: Recipe(epochs=e), st.floats(0.01, 9)),
    ),
    st.integers(1, 60),
    st.integers(1, 12),
)
def test_points_rise_and_end_with_the_run(recipe, per_epoch, points):
    found = points_of(recipe, per_epoch, points)
    assert found[-1] == recipe.steps_of(per_epoch)
    assert list(found) == sorted(set(found))
    assert found[0] >= 1
