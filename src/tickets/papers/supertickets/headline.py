"""Numbers of this paper by which versions of its results are compared."""

from functools import partial

from tickets.papers.headline import Numbers, mean_over
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import SELECTIONS, TASKS8, Evidence
from tickets.papers.supertickets.layout import percent
from tickets.stats.summary import Stat, summarise


def headline(ours: Evidence) -> Numbers:
    """By model, means over the tasks that have a full model, in percent.

    full_<selection>, super_<selection>: ST-DNN and SuperT of Table 1; kept_<selection>: weights of the super tickets.
    null_<selection>: best of eight reruns of the full model, over the `null_tasks` that have them. mt_dnn,
    ticket_share: Table 3 as they are; _tuned: fine-tuned, the mean over three learning rates, over `tuned_tasks`.
    """
    numbers: Numbers = {}
    for model in ours.models:
        of_model = _single(ours, model) | _shared(ours, model)
        numbers |= {f"{model}_{name}": value for name, value in of_model.items()}
    return numbers


def _single(ours: Evidence, model: str) -> Numbers:
    tasks = [task for task in TASKS8 if ours.stat(model, task) is not None]
    reruns = [task for task in tasks if len(ours.null(model, task))]
    numbers: Numbers = {"tasks": len(tasks), "null_tasks": len(reruns)}
    for sel in SELECTIONS:
        numbers[f"full_{sel}"] = mean_over(tasks, partial(ours.stat, model, sel=sel))
        numbers[f"super_{sel}"] = mean_over(tasks, partial(ours.super_ticket_stat, model, sel=sel))
        numbers[f"null_{sel}"] = mean_over(reruns, partial(_null, ours, model, sel))
        numbers[f"kept_{sel}"] = percent(mean_over(tasks, partial(ours.remaining_stat, model, sel=sel)))
    return numbers


def _null(ours: Evidence, model: str, sel: Selection, task: str) -> Stat | None:
    return summarise(ours.null(model, task, sel=sel))


def _shared(ours: Evidence, model: str) -> Numbers:
    tasks = [task for task in TASKS8 if ours.multitask_stat(model, task, "mt-dnn") is not None]
    tuned = [task for task in TASKS8 if ours.seed_stat(model, task, "ticket-share") is not None]
    return {
        "mt_dnn": mean_over(tasks, lambda task: ours.multitask_stat(model, task, "mt-dnn")),
        "ticket_share": mean_over(tasks, lambda task: ours.multitask_stat(model, task, "ticket-share")),
        "tuned_tasks": len(tuned),
        "mt_dnn_tuned": mean_over(tuned, lambda task: ours.seed_stat(model, task, "mt-dnn")),
        "ticket_share_tuned": mean_over(tuned, lambda task: ours.seed_stat(model, task, "ticket-share")),
    }
