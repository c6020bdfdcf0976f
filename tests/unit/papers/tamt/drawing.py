"""What artifacts make of evidence, once for all tests."""

from functools import cache

from figure_cells import SIZES

from tickets.figures.style import house_style
from tickets.papers.tamt.artifacts import ARTIFACTS

BY_STEM = {a.stem: a for a in ARTIFACTS}
_RECIPE = {"train_examples": 100, "dev_examples": 50, "epochs": 3.0, "evaluate_every": 50, "batch": 16}
_RECIPE |= {"max_length": 64, "learning_rate": 1e-3, "metric": "accuracy"}
FACTS = dict.fromkeys((*SIZES, "imp", "tamt-mlm", "tamt-kd", "tamt-mlm-kd"), _RECIPE)


@cache
def make(stem, ours, published):
    """What the function of an artifact returns; leave it as it is. A preset without sizes has no facts."""
    with house_style():
        return BY_STEM[stem].function()(ours, published, FACTS if ours.sizes else {})
