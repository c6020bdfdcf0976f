"""Multi-task learning with a shared encoder, and ticket sharing (spec supertickets section 3, Algorithm 1).

theta = theta_0
for every batch, of a task i drawn in proportion to the tasks' sizes:
    forward, backward and update theta under Omega_i, the super ticket of task i
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import torch

from tickets.grid import Cell
from tickets.jobs.context import Context
from tickets.jobs.files import read_json
from tickets.jobs.records import finished
from tickets.models.body_file import save_body
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.models.removal import cut, gates, restore
from tickets.papers.supertickets.addresses import LEVELS, mask, ticket
from tickets.papers.supertickets.lab import TicketLab
from tickets.papers.supertickets.points import Judged
from tickets.papers.supertickets.selection import best_points, super_level
from tickets.pruning.structured import StructuredMask
from tickets.spec import RunAddress, fingerprint
from tickets.training.freeze import structure_keep
from tickets.training.loop import train
from tickets.training.multitask import UnionObjective
from tickets.training.objective import TaskObjective
from tickets.training.points import points_of
from tickets.training.schedule import schedule_for
from tickets.training.seeds import derive_seed

Tickets = Mapping[str, tuple[int, StructuredMask]]
"""Task -> the level of its super ticket, and the ticket."""


def run_multitask(context: Context) -> None:
    """Train the shared model of every cell and judge it on all its tasks."""
    lab = TicketLab(context)
    context.progress.total = len(context.job.plans()) * _steps(lab)
    for cell in context.job.plans():
        if all(finished(context, run, lab.identity.fingerprint(run)) for run in cell.runs):
            context.progress.skip(_steps(lab), f"{cell.runs[0].folder}: finished earlier")
            continue
        _train(lab, cell)


def _steps(lab: TicketLab) -> int:
    recipe, role = lab.settings.multitask_recipe, lab.settings.models[0]
    sizes = (len(lab.resident(task, role)) for task in lab.settings.tasks)
    return recipe.steps_of(sum(recipe.steps_per_epoch(n) for n in sizes))


def super_tickets(
    lab: TicketLab, role: str, tasks: Sequence[str], replicate: int, runs: Sequence[RunAddress], found_by: str
) -> Tickets:
    """The super ticket of each task, chosen among the runs of all levels; `found_by` is 'winning' or 'mismatched'."""
    tickets = {}
    for task in tasks:
        addresses = [ticket("winning", task, LEVELS[0], replicate, role)]
        others = [ticket(found_by, task, level, replicate, role) for level in LEVELS[1:]]
        method = found_by if all(run in runs for run in others) else "winning"
        addresses += [ticket(method, task, level, replicate, role) for level in LEVELS[1:]]
        metrics = [read_json(lab.context.path(run.metrics)) for run in addresses]
        level = super_level(metrics, lab.settings.selection)
        tickets[task] = (level, ticket_at(lab, method, task, level, replicate, role))
    return tickets


def ticket_at(
    lab: TicketLab, method: str, task: str, level: int, replicate: int, role: str
) -> StructuredMask:
    """The ticket of a level; level 0 removes nothing."""
    if level == 0:
        return lab.full(role)
    return StructuredMask.from_mask(lab.context.mask(mask(method, task, LEVELS[level], replicate, role)))


def _train(lab: TicketLab, cell: Cell) -> None:
    first = cell.runs[0]
    role, method, replicate = first.model, first.method, first.replicate
    tasks = [run.task for run in cell.runs]
    if method == "mt-dnn":
        tickets: Tickets = dict.fromkeys(tasks, (0, lab.full(role)))
    else:
        found_by = "mismatched" if method.endswith("mismatched") else "winning"
        tickets = super_tickets(lab, role, tasks, replicate, cell.needs_runs, found_by)
    union = reduce(or_, (structure for _, structure in tickets.values()))
    heads = {task: lab.head(task, f"{task}.") for task in tasks}
    model = _model(lab, role, heads, union, replicate)
    own_gates = {
        task: None if structure == union else gates(structure, lab.context.device, within=union)
        for task, (_, structure) in tickets.items()
    }
    recipe, data = lab.settings.multitask_recipe, lab.context.data
    seed = derive_seed(lab.seed, "multitask-train", replicate)
    objective = UnionObjective(
        {
            task: TaskObjective(
                data(task),
                heads[task],
                recipe,
                model,
                derive_seed(seed, task),
                resident=lab.resident(task, role),
                gates=own_gates[task],
            )
            for task in tasks
        },
        seed,
    )
    steps = recipe.steps_of(objective.steps_per_epoch)
    identity = fingerprint({"job": lab.context.fingerprint, "run": first.facts()})
    lab.context.progress.start(f"{method}, seed {replicate}")
    points = lab.points(model, {task: Judged(heads[task], own_gates[task]) for task in tasks}, identity)
    strict = method == "ticket-share-strict"
    keeps = {task: structure_keep(model, tickets[task][1]) for task in tasks} if strict else {}
    with lab.context.timed("training"):
        trained = train(
            model,
            objective,
            recipe,
            schedule_for(recipe, steps),
            steps,
            seed=seed,
            keep_at=(lambda step: keeps[objective.task_of(step)]) if strict else None,
            watch=lab.watch(identity),
            after_step=points.after(points_of(recipe, objective.steps_per_epoch, lab.settings.evaluations)),
        )
    found = points.finish()
    body = restore(model.body(), lab.context.pretrained(role).body, model.config, union)
    save_body(body, lab.context.results / cell.files[0])
    chosen = best_points(found)
    for run in cell.runs:
        level, structure = tickets[run.task]
        own = [point[run.task] for point in found]
        lab.keep_scores(
            run, LEVELS[level], own, chosen, trained, structure, recipe.learning_rate, {"order": seed}
        )
    lab.forget()


def _model(
    lab: TicketLab, role: str, heads: Mapping[str, Head], union: StructuredMask, replicate: int
) -> Model:
    """theta_0 without what no ticket keeps, and a fresh head for every task."""
    config, dropout = lab.shape(role), {head: lab.settings.dropout(task) for task, head in heads.items()}
    structure = None if union.is_full else union
    model = Model(config, tuple(heads.values()), lab.context.device, dropout, structure)
    body = dict(lab.context.pretrained(role).body)
    model.load_body(body if structure is None else cut(body, config, union))
    generator = torch.Generator().manual_seed(derive_seed(lab.seed, "multitask-heads", replicate))
    model.load_heads(model.fresh_heads(generator))
    return model
