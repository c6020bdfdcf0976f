"""Pre-training of the models that a preset makes itself. Imports no torch."""

from tickets.config import Config
from tickets.planning.work import Batch, Work


def pretraining(config: Config) -> dict[str, Work]:
    """Role -> its pre-training on sentence pairs; none for models that are downloaded or copied."""
    found = {}
    for role in config.settings.roles:
        settings = config.settings.model_of(role).pretraining
        if settings is None:
            continue
        recipe = settings.recipe
        batch = Batch("mlm", recipe.batch_size, recipe.max_length, recipe.mlm_probability)
        found[role] = Work(role, 1, recipe.total_steps(settings.pairs), (batch,))
    return found
