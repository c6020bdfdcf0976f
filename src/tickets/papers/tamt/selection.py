"""Which evaluation on a run's way counts as its score, in our reading and in that of the authors' code.

Spec tamt section 3, "Score" and "Metric quirks"; A13, A14, A19, A24, A32. Scores are in percent.
"""

import math
from collections.abc import Mapping, Sequence

from tickets.data.tasks import task as lookup

Scores = Mapping[str, float]
Sequenced = Sequence[tuple[int, Scores]]
"""Evaluations in order: after how many optimizer steps, and every dev metric of the task."""


def candidates(total_steps: int, every: int, task: str, *, final: bool) -> tuple[int, ...]:
    """Steps after which a run of `total_steps` is evaluated for selection, ascending.

    Multiples of `every`; on SQuAD, where the authors' counter starts at 1, one step earlier (999, 1999, ...). The last
    step is no candidate, even as a multiple, unless `final` asks for it: runs on few examples (A19). A run too short
    for any candidate has its last step as the only one, as the reference reports it then.
    """
    shift = 1 if task == "squad" else 0
    steps = [step for step in range(every - shift, total_steps, every) if step > 0]
    return (*steps, total_steps) if final or not steps else tuple(steps)


def best(task: str, sequence: Sequenced) -> tuple[int, float]:
    """Step and score of the highest of the task's first metric; the earliest where several are equal (A24).

    `sequence` holds candidates alone. NaN counts only where there is nothing else. Raises `ValueError` if it is empty.
    """
    metric = lookup(task).metrics[0]
    return _highest([(step, scores[metric]) for step, scores in sequence])


def release_score(task: str, sequence: Sequenced) -> float:
    """What the authors' code reports of the same evaluations. Give it its own candidates: `final=False`.

    MNLI   mismatched accuracy, by which it selects: its key hides that of the matched (A13)
    MRPC   accuracy at the step of the highest of accuracy and (accuracy + F1) / 2 (A14)
    all    only a score above 0 becomes the best, and a score of exactly 0 replaces what is recorded, even after a
           best one, which then has still to be exceeded (A32; it happens on CoLA)

    NaN where nothing was ever recorded (only negative scores): the authors' code crashes then.
    """
    metric = "accuracy_mismatched" if task == "mnli" else lookup(task).metrics[0]
    recorded, highest = math.nan, 0.0
    for _, scores in sequence:
        value = scores[metric]
        judged = max(value, (value + scores["f1"]) / 2) if task == "mrpc" else value
        if judged > highest or judged == 0:
            recorded, highest = value, max(highest, judged)
    return recorded


def _highest(scored: Sequence[tuple[int, float]]) -> tuple[int, float]:
    if not scored:
        raise ValueError("there is no evaluation to choose from")
    found, *rest = scored
    for step, score in rest:
        if score > found[1] or (math.isnan(found[1]) and not math.isnan(score)):
            found = step, score
    return found
