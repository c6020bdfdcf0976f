"""Recipes of this paper's runs: what differs from a task's standard recipe or data is in the variant.

Imports no torch: jobs train by it, and `tickets plan` counts by it.
"""

from collections.abc import Callable

from tickets.papers.supertickets.settings import SuperticketsSettings
from tickets.spec import RunAddress
from tickets.training.recipe import Recipe


def fine_recipe(settings: SuperticketsSettings, address: RunAddress) -> tuple[Recipe, float, int]:
    """Recipe, percent of the training data and number of the rerun of a run that starts from theta_0."""
    recipe, percent, draw = settings.recipe(address.task), 100.0, 0
    kind = address.variant.rstrip("0123456789.")
    number = address.variant.removeprefix(kind)
    if kind == "lr":
        recipe = at_rate(recipe, settings.rate_factors[int(number)])
    elif kind == "data":
        recipe, percent = settings.subset_recipes.get(number, recipe), float(number)
    elif kind == "draw":
        draw = int(number)
    return recipe, percent, draw


def transfer_recipe(
    settings: SuperticketsSettings, address: RunAddress, rows: Callable[[float], int]
) -> tuple[Recipe, float]:
    """Recipe and percent of the training data of a run from a shared start; `rows` counts the examples of a percent."""
    recipe, variant = settings.recipe(address.task), address.variant
    if variant.startswith("lr"):
        return at_rate(recipe, settings.rate_factors[int(variant[2:])]), 100.0
    if not variant.startswith("data"):
        return recipe, 100.0
    percent, _, extended = variant.removeprefix("data").partition("-")
    if extended:
        recipe = recipe.model_copy(update={"batch_size": settings.extended_batch})
        if recipe.total_steps(rows(float(percent))) < settings.extended_steps:
            recipe = recipe.model_copy(update={"steps": settings.extended_steps, "epochs": None})
    return recipe, float(percent)


def at_rate(recipe: Recipe, factor: float) -> Recipe:
    """The recipe at a multiple of its learning rate."""
    return recipe.model_copy(update={"learning_rate": recipe.learning_rate * factor})
