"""After which steps a run is judged on the way. Imports no torch."""

from tickets.errors import TicketsError
from tickets.training.recipe import Recipe


def points_of(recipe: Recipe, steps_per_epoch: int, points: int | None = None) -> tuple[int, ...]:
    """1-based steps after which to evaluate, ascending; the last is the run's last.

    A recipe that counts epochs is judged after each, the last partial one included (spec supertickets section 2.1);
    one that counts steps at `points` equal distances, or after every step where it has fewer.
    """
    total = recipe.steps_of(steps_per_epoch)
    if recipe.epochs is not None:
        return (*range(steps_per_epoch, total, steps_per_epoch), total)
    if points is None or points < 1:
        raise TicketsError(
            "a recipe that counts steps has no epochs to evaluate after; set the number of evaluation points (>= 1), "
            "or give the recipe 'epochs' in place of 'steps'."
        )
    return tuple(sorted({-(-total * i // points) for i in range(1, points + 1)}))
