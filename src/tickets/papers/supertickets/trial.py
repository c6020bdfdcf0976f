"""A trial (spec supertickets section 2.6): fine-tune the full model, score its heads and FFNs, prune, rewind, train.

    full  = fine-tune(theta_0)
    I     = importance(full)
    for k = 1..8:  train(theta_0 without what I ranks lowest at level k)

Random and losing tickets, reruns of the full model and tickets of another learning rate are variations of it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from tickets.grid import Cell
from tickets.jobs.context import Context
from tickets.jobs.files import read_json
from tickets.jobs.records import finished
from tickets.models.body_file import save_body
from tickets.models.model import Model
from tickets.papers.supertickets.addresses import LEVELS, weights_file
from tickets.papers.supertickets.lab import Fine, TicketLab, Tuned
from tickets.papers.supertickets.recipes import fine_recipe
from tickets.papers.supertickets.selection import best, recorded_choice
from tickets.pruning.families import Decode, losing, random_ticket, winning
from tickets.pruning.importance import importance
from tickets.pruning.ranking import count_ffns, count_heads
from tickets.pruning.scores import Importance, Scores
from tickets.pruning.structured import StructuredMask
from tickets.spec import RunAddress
from tickets.training.seeds import derive_seed


def run_trials(context: Context) -> None:
    """Full model, importance scores and winning tickets of every trial of the job."""
    lab = _start(context)
    for cell in context.job.plans():
        full, *tickets = cell.runs
        _full(lab, full, cell)
        _tickets(lab, tickets, _scores(lab, cell.files[0]), cell)


def run_families(context: Context) -> None:
    """Random or losing tickets at every level."""
    lab = _start(context)
    for cell in context.job.plans():
        _tickets(lab, cell.runs, _scores(lab, cell.needs_files[0]), cell)


def run_reruns(context: Context) -> None:
    """The full model again, with other heads and orders (control X1)."""
    lab = _start(context)
    for address in context.job.runs:
        if not _done(lab, address):
            run = fine(lab, address, lab.full(address.model))
            lab.keep(run, lab.finetune(run, _label(address, "")), "00")


def _start(context: Context) -> TicketLab:
    lab = TicketLab(context)
    context.progress.total = sum(lab.steps_of(fine(lab, a, lab.full(a.model))) for a in context.job.runs)
    return lab


def fine(lab: TicketLab, address: RunAddress, structure: StructuredMask) -> Fine:
    """The fine-tuning that an address of this module's stages names."""
    recipe, percent, draw = fine_recipe(lab.settings, address)
    return Fine(address, recipe, lab.context.pretrained(address.model).body, structure, percent, draw)


def _label(address: RunAddress, what: str) -> str:
    words = " ".join(word for word in (address.task, address.variant, what) if word)
    return f"{words}, seed {address.replicate}"


def _done(lab: TicketLab, address: RunAddress) -> bool:
    """Whether an earlier attempt has made the run."""
    if not finished(lab.context, address, lab.identity.fingerprint(address)):
        return False
    steps = lab.steps_of(fine(lab, address, lab.full(address.model)))
    lab.context.progress.skip(steps, f"{address.folder}: finished earlier")
    return True


def _full(lab: TicketLab, address: RunAddress, cell: Cell) -> None:
    """Fine-tune the full model and score its heads and FFNs where the selection found it best."""
    if _done(lab, address):
        return
    run = fine(lab, address, lab.full(address.model))
    tuned = lab.finetune(run, _label(address, "full"))
    with lab.context.timed("importance"):
        found = _sweep(lab, run, tuned)
    found.save(lab.context.results / cell.files[0], provenance(lab, address))
    for path in cell.files[1:]:  # the super ticket is the full model until a level beats it
        save_body(tuned.body, lab.context.results / path)
    lab.keep(run, tuned, "00")


def _sweep(lab: TicketLab, run: Fine, tuned: Tuned) -> Importance:
    address = run.address
    head = lab.head(address.task)
    model = Model(lab.shape(address.model), (head,), lab.context.device, lab.settings.dropout(address.task))
    model.load_body(tuned.body)
    model.load_heads(tuned.heads)
    resident = lab.resident(address.task, address.model, run.percent)
    return importance(model, head, resident, run.recipe.batch_size)


def _scores(lab: TicketLab, path: Path) -> Scores:
    return Importance.load(lab.context.path(path))[lab.settings.tickets.importance]


def _tickets(lab: TicketLab, runs: Sequence[RunAddress], scores: Scores, cell: Cell) -> None:
    """Save the mask of every level, rewind, train."""
    for address, mask in zip(runs, cell.masks, strict=True):
        structure = ticket(lab, address, scores)
        lab.save_mask(structure.mask(), mask.file, provenance(lab, address))
        if _done(lab, address):
            continue
        run = fine(lab, address, structure)
        tuned = lab.finetune(run, _label(address, f"{address.method} {address.level} %"))
        _keep_super(lab, run, tuned, cell)
        lab.keep(run, tuned, address.level)


def ticket(lab: TicketLab, address: RunAddress, scores: Scores) -> StructuredMask:
    """The ticket of a family at a level (spec section 1.4)."""
    rules, (layers, heads) = lab.settings.tickets, scores.heads.shape
    level = LEVELS.index(address.level)
    n_heads = count_heads(layers, heads, level)
    n_ffns = count_ffns(layers, level, rules.ffn_counts)
    if address.method == "random":
        parts = (address.model, address.task, address.variant, level, address.replicate)
        generator = torch.Generator().manual_seed(derive_seed(lab.seed, "random-ticket", *parts))
        replacement = rules.random_sampling == "with"
        decode: Decode = "release" if replacement and heads <= layers else "exact"
        return random_ticket(
            layers, heads, n_heads, n_ffns, generator, replacement=replacement, decode=decode
        )
    choose = losing if address.method == "losing" else winning
    return choose(scores, n_heads, n_ffns, protect=rules.protect)


def _keep_super(lab: TicketLab, run: Fine, tuned: Tuned, cell: Cell) -> None:
    """Keep the weights of this level if it is the best so far (domain adaptation starts from MNLI's)."""
    task, selection = run.address.task, lab.settings.selection
    kept = weights_file(f"{task}-super", run.address.replicate, run.address.model)
    if kept not in cell.files:
        return
    level = LEVELS.index(run.address.level)
    before = [read_json(lab.context.results / address.metrics) for address in cell.runs[:level]]
    seen = [recorded_choice(metrics, selection) for metrics in before]
    if best([*seen, tuned.course.choice(task, selection)]) == level:
        save_body(tuned.body, lab.context.results / kept)


def provenance(lab: TicketLab, address: RunAddress) -> dict[str, Any]:
    """What a run's mask or importance scores say of their making."""
    rules = lab.settings.tickets.model_dump(mode="json")
    return {"paper": address.paper, "of": address.facts(), "rules": rules, "seed": lab.seed}
