"""Numbers of this paper by which versions of its results are compared."""

from collections.abc import Callable
from typing import Any

from tickets.papers.headline import Numbers, mean_over
from tickets.papers.lth.evidence import Evidence
from tickets.papers.lth.tables import at_s_star
from tickets.papers.lth.tasks import DOWNSTREAM, TASKS
from tickets.stats.criteria import Rule
from tickets.stats.summary import Stat

_LEVELS = (50, 70, 90)
_AT_S_STAR: dict[str, dict[str, Any]] = {
    "ticket": {},
    "random": {"method": "random"},
    "reinit": {"weights": "reinit"},
    "shuffled": {"weights": "shuffled"},
}


def headline(ours: Evidence) -> Numbers:
    """Mean scores over the tasks that have a full model, and how many of them have a winning ticket.

    imp_70: own IMP tickets; oneshot_70, mlm_70: of magnitude and of the MLM chain (downstream tasks only).
    <what>_at_s_star: each task at its s* under the one-std criterion. mean_s_star: percent removed.
    """
    tasks = [task for task in TASKS if ours.dense(task) is not None]
    downstream = [task for task in tasks if task in DOWNSTREAM]

    def at(level: int, source: str | None = None) -> Numbers:
        def ask(task: str) -> Stat | None:
            return ours.imp(task, level / 100) if source is None else ours.transfer(source, task, level / 100)

        over = downstream if source == "mlm" else tasks
        return {f"{source or 'imp'}_{level}": mean_over(over, ask)}

    numbers: Numbers = {"tasks": len(tasks), "full": mean_over(tasks, ours.dense)}
    for level in _LEVELS:
        numbers |= at(level)
    numbers |= at(70, "oneshot") | at(70, "mlm")
    for name, address in _AT_S_STAR.items():
        numbers[f"{name}_at_s_star"] = mean_over(tasks, _asker(ours, address))
    return numbers | {
        "mean_s_star": _mean_star(ours, tasks),
        "winning_tasks": _winning(ours, tasks, "winning"),
        "winning_tasks_strict": _winning(ours, tasks, "strict"),
    }


def _asker(ours: Evidence, address: dict[str, Any]) -> Callable[[str], Stat | None]:
    return lambda task: at_s_star(ours, task, **address)


def _winning(ours: Evidence, tasks: list[str], rule: Rule) -> int:
    return sum(bool(ours.s_star(task, rule)) for task in tasks)


def _mean_star(ours: Evidence, tasks: list[str]) -> float | None:
    stars = [star for task in tasks if (star := ours.s_star(task)) is not None]
    return 100 * sum(stars) / len(stars) if stars and len(stars) == len(tasks) else None
