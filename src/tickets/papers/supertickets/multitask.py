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
from tickets.papers.supertickets.selection import super_level
from tickets.pruning.structured import StructuredMask
from tickets.spec import RunAddress
from tickets.training.freeze import structure_keep
from tickets.training.multitask import UnionObjective
from tickets.training.objective import TaskObjective
from tickets.training.seeds import derive_seed

Tickets = Mapping[str, tuple[int, StructuredMask]]
"""Task -> the level of its super ticket, and the ticket."""


def run_multitask(context: Context) -> None:
    """Train the shared model of every cell and judge it on all its tasks."""
    lab = TicketLab(context)
    context.progress.total = len(context.job.plans()) * shared_steps(lab)
    for cell in context.job.plans():
        if all(finished(context, run, lab.identity.fingerprint(run)) for run in cell.runs):
            context.progress.skip(shared_steps(lab), f"{cell.runs[0].folder}: finished earlier")
            continue
        _train(lab, cell)


def shared_steps(lab: TicketLab) -> int:
    """Optimizer steps of a shared model."""
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
    role, recipe = first.model, lab.settings.multitask_recipe
    tickets = shared_tickets(lab, cell)
    union = reduce(or_, (structure for _, structure in tickets.values()))
    heads = {task: lab.head(task, f"{task}.") for task in tickets}
    model = _model(lab, role, heads, union, first.replicate)
    tasks = {
        task: Judged(
            heads[task],
            None if structure == union else gates(structure, lab.context.device, within=union),
        )
        for task, (_, structure) in tickets.items()
    }
    seed = derive_seed(lab.seed, "multitask-train", first.replicate)
    objective = _objective(lab, model, tasks, role, seed)
    keep_at = None
    if first.method == "ticket-share-strict":
        keeps = {task: structure_keep(model, structure) for task, (_, structure) in tickets.items()}
        keep_at = lambda step: keeps[objective.task_of(step)]  # noqa: E731
    label = f"{first.method}, seed {first.replicate}"
    course = lab.train(model, tasks, objective, recipe, first, label, seed=seed, keep_at=keep_at)
    body = restore(model.body(), lab.context.pretrained(role).body, model.config, union)
    save_body(body, lab.context.results / cell.files[0])
    for run in cell.runs:
        level, structure = tickets[run.task]
        lab.keep_scores(run, LEVELS[level], structure, course)
    lab.forget()


def shared_tickets(lab: TicketLab, cell: Cell) -> Tickets:
    """The ticket of every task under the method of the cell."""
    first, tasks = cell.runs[0], [run.task for run in cell.runs]
    if first.method == "mt-dnn":
        return dict.fromkeys(tasks, (0, lab.full(first.model)))
    found_by = "mismatched" if first.method == "ticket-share-mismatched" else "winning"
    return super_tickets(lab, first.model, tasks, first.replicate, cell.needs_runs, found_by)


def _objective(
    lab: TicketLab, model: Model, tasks: Mapping[str, Judged], role: str, seed: int
) -> UnionObjective:
    """Batches of all tasks, each through its task's gates."""
    recipe, data = lab.settings.multitask_recipe, lab.context.data
    parts = {
        task: TaskObjective(
            data(task),
            judged.head,
            recipe,
            model,
            derive_seed(seed, task),
            resident=lab.resident(task, role),
            gates=judged.gates,
        )
        for task, judged in tasks.items()
    }
    return UnionObjective(parts, seed)


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
