"""Fine-tuning from shared starting points: multi-task models on single tasks, and domain adaptation (spec 3.4, 4.1)."""

from functools import reduce
from operator import or_

from tickets.grid import Cell
from tickets.jobs.context import Context
from tickets.jobs.files import read_json
from tickets.jobs.records import finished
from tickets.models.body_file import load_body
from tickets.papers.supertickets.addresses import LEVELS, multitask, weights_file
from tickets.papers.supertickets.lab import Fine, TicketLab
from tickets.papers.supertickets.multitask import super_tickets, ticket_at
from tickets.papers.supertickets.recipes import transfer_recipe
from tickets.papers.supertickets.stages import SOURCE
from tickets.pruning.structured import StructuredMask
from tickets.spec import RunAddress
from tickets.training.recipe import Recipe


def run_transfers(context: Context) -> None:
    """Fine-tune what the first replicate left as starting point of each cell, its ticket kept."""
    lab = TicketLab(context)
    runs = [(cell, address, _settings(lab, address)) for cell in context.job.plans() for address in cell.runs]
    steps = [r.total_steps(len(lab.resident(a.task, a.model, percent))) for _, a, (r, percent) in runs]
    context.progress.total = sum(steps)
    for (cell, address, (recipe, percent)), count in zip(runs, steps, strict=True):
        if finished(context, address, lab.identity.fingerprint(address)):
            context.progress.skip(count, f"{address.folder}: finished earlier")
            continue
        body = load_body(context.path(weights_file(address.weights, 1, address.model)))
        level, structure = start_ticket(lab, address, cell)
        run = Fine(address, recipe, body, structure, percent)
        words = f"{address.weights} -> {address.task} {address.variant}".rstrip()
        lab.keep(run, lab.finetune(run, f"{words}, seed {address.replicate}"), level)


def start_ticket(lab: TicketLab, address: RunAddress, cell: Cell) -> tuple[str, StructuredMask]:
    """The ticket that stays applied, and its level ('00' for a union of tickets: none of them names it)."""
    role, start = address.model, address.weights
    if start in ("mt-dnn", f"{SOURCE}-full"):
        return LEVELS[0], lab.full(role)
    if start == f"{SOURCE}-super":
        level, structure = super_tickets(lab, role, (SOURCE,), 1, cell.needs_runs, "winning")[SOURCE]
        return LEVELS[level], structure
    tasks = lab.settings.tasks
    if address.task in tasks:
        return shared_ticket(lab, role, address.task)
    if lab.settings.new_task_mask == SOURCE:
        return shared_ticket(lab, role, SOURCE)
    return LEVELS[0], reduce(or_, (shared_ticket(lab, role, task)[1] for task in tasks))


def shared_ticket(lab: TicketLab, role: str, task: str) -> tuple[str, StructuredMask]:
    """Omega of a task, as the ticket-sharing model of replicate 1 was trained with it."""
    run = multitask("ticket-share", task, 1, role)
    level: str = read_json(lab.context.path(run.metrics))["resolved"]
    return level, ticket_at(lab, "winning", task, LEVELS.index(level), 1, role)


def _settings(lab: TicketLab, address: RunAddress) -> tuple[Recipe, float]:
    """Recipe and percent of the training data that the address names."""
    return transfer_recipe(
        lab.settings, address, lambda percent: len(lab.resident(address.task, address.model, percent))
    )
