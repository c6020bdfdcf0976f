"""What a paper trains on a task's data, for the table of recipes. Imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tickets.training.recipe import Recipe


@dataclass(frozen=True)
class Trained:
    """A recipe and the task whose data it is for; `others` are facts that the paper adds or replaces."""

    task: str
    recipe: Recipe
    others: Mapping[str, Any] = field(default_factory=dict)
