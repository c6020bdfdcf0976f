"""Numbers of this paper by which versions of its results are compared."""

from tickets.papers.headline import Numbers
from tickets.papers.tamt.evidence import KINDS, MODELS, TASKS7, Evidence, Which

_LEVELS = (60, 70, 80)


def headline(ours: Evidence) -> Numbers:
    """By model, average scores (percent) over the tasks that have a full model: of all seven, what Figure 3 averages.

    <kind>_<level>: all masks of a kind at a sparsity, in the main setting; every pair of seeds has all tasks.
    """
    numbers: Numbers = {}
    for model in MODELS:
        tasks = [task for task in TASKS7 if ours.stat(Which("full", 0.0, model), task) is not None]
        if tasks:
            numbers |= {f"{model}_{name}": value for name, value in _averages(ours, model, tasks).items()}
    return numbers


def _averages(ours: Evidence, model: str, tasks: list[str]) -> Numbers:
    numbers: Numbers = {"tasks": len(tasks)}
    for kind in KINDS:
        for sparsity in (0.0,) if kind == "full" else (level / 100 for level in _LEVELS):
            stat = ours.stat(Which(kind, sparsity, model), tasks)
            name = kind.replace("-", "_") + (f"_{round(100 * sparsity)}" if sparsity else "")
            numbers[name] = None if stat is None else stat.mean
    return numbers
