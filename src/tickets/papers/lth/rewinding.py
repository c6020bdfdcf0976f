"""Chains that rewind to a later point of training, and standard pruning (spec lth sections 4.5 and 4.6)."""

from dataclasses import replace

from tickets.jobs.context import Context
from tickets.models.body_file import save_body
from tickets.models.model import Model
from tickets.papers.lth.addresses import LEVELS, SOURCE_LEVEL, mask, run, weights_file
from tickets.papers.lth.imp import Round, State
from tickets.papers.lth.lab import ChainLab
from tickets.papers.lth.levels import winning_level
from tickets.papers.lth.rounds import resumable_chain, save_mask, schedule_of, train_round
from tickets.papers.lth.settings import ChainPolicy
from tickets.spec import fingerprint
from tickets.training.loop import Trained
from tickets.training.seeds import derive_seed


def run_rewind(context: Context) -> None:
    """Chains that rewind to theta_i, and standard pruning, up to the sparsities the cell asks for."""
    lab = ChainLab(context)
    jobs: list[tuple[str, str, tuple[str, ...]]] = []
    for cell in context.job.cells:
        plan = context.job.stage.cell(cell)
        wanted = tuple(dict.fromkeys(address.level for address in plan.runs))
        jobs.append((cell["variant"], cell["task"], wanted))
    reps = range(1, lab.settings.replicates.rewind + 1)
    for variant, task, wanted in jobs:
        levels = {level: _resolve(context, task, level) for level in wanted}
        shortcut = lab.settings.rewind_method == "shortcut" and variant != "standard"
        rounds = len(set(levels.values())) if shortcut else 1 + max(int(x) for x in levels.values()) // 10
        context.progress.total += len(reps) * rounds * lab.steps(task)
        for replicate in reps:
            runner = _shortcut_replicate if shortcut else _rewind_replicate
            runner(lab, variant, task, replicate, levels)


def _resolve(context: Context, task: str, level: str) -> str:
    return winning_level(context, task, "winning") if level == "winning" else level


def _rewind_replicate(lab: ChainLab, variant: str, task: str, replicate: int, levels: dict[str, str]) -> None:
    """Algorithm 1: train dense to step i, and restart every round from there."""
    model, recipe, steps = lab.model(task), lab.recipe(task), lab.steps(task)
    standard = variant == "standard"
    policy = lab.settings.standard_chain if standard else lab.settings.chain
    begin = 0 if standard else int(int(variant.removeprefix("rewind")) / 100 * steps)
    origin = lab.origin(model, replicate, task)
    if begin:
        origin = _train_to(lab, model, task, variant, replicate, origin, begin)

    def train(index: int, state: State) -> tuple[State, Trained]:
        address = run(task, variant, f"imp-{variant}", task, LEVELS[index], replicate)
        schedule = schedule_of(policy, recipe, steps, index, begin)
        return train_round(lab, model, address, state, schedule, steps - begin, begin)

    rounds = max(int(level) for level in levels.values()) // 10
    key = (variant, task, replicate)
    for done in resumable_chain(lab, key, policy, origin, rounds, train, steps - begin):
        wanted = [level for level, resolved in levels.items() if resolved == LEVELS[done.index]]
        if wanted:
            _record_rewound(lab, model, variant, task, replicate, wanted, done)


def _record_rewound(
    lab: ChainLab, model: Model, variant: str, task: str, replicate: int, wanted: list[str], done: Round
) -> None:
    evaluation = lab.judge(task, model)
    for level in wanted:
        address = run(task, variant, f"imp-{variant}", task, level, replicate)
        lab.keep(address, address.at(LEVELS[done.index]), done.start.mask, evaluation, done.facts)
        if level == SOURCE_LEVEL:
            save_mask(lab, address.mask, done.start.mask)
            save_body(done.start.body, lab.context.results / weights_file(variant, task, replicate))


def _shortcut_replicate(
    lab: ChainLab, variant: str, task: str, replicate: int, levels: dict[str, str]
) -> None:
    """The release's shortcut: the mask found from theta_0, theta_i from i steps of masked training."""
    model, recipe, steps = lab.model(task), lab.recipe(task), lab.steps(task)
    begin = int(int(variant.removeprefix("rewind")) / 100 * steps)
    for resolved in sorted(set(levels.values())):
        origin = lab.origin(model, replicate, task)
        if resolved != "00":
            found = lab.context.mask(mask("imp", task, resolved, replicate))
            origin = State(origin.body, origin.heads, found)
        start = _train_to(lab, model, task, variant, replicate, origin, begin)
        address = run(task, variant, f"imp-{variant}", task, resolved, replicate)
        schedule = schedule_of(ChainPolicy(), recipe, steps, 0, begin)
        trained, facts = train_round(lab, model, address, start, schedule, steps - begin, begin)
        wanted = [level for level, value in levels.items() if value == resolved]
        done = Round(int(resolved) // 10, start, trained, facts)
        _record_rewound(lab, model, variant, task, replicate, wanted, done)


def _train_to(
    lab: ChainLab, model: Model, task: str, variant: str, replicate: int, origin: State, steps: int
) -> State:
    """theta_i, gamma_i after `steps` steps of a full run; every round from there starts a new optimizer."""
    if steps == 0:
        return origin
    recipe, seed = lab.recipe(task), derive_seed(lab.seed, "rewind-point", task, replicate)
    schedule = schedule_of(ChainPolicy(), recipe, lab.steps(task), 0)
    label = f"{task} to step {steps} ({variant}), seed {replicate}"
    identity = fingerprint(
        {"job": lab.context.fingerprint, "point": [task, variant, replicate, origin.mask.digest()]}
    )
    objective = lab.objective(task, model, seed)
    state, _ = lab.train(
        model, objective, recipe, origin, schedule, steps, seed=seed, label=label, identity=identity
    )
    return replace(state, moments=None)
