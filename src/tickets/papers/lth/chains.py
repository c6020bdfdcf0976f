"""Jobs that run chains of rounds: IMP, its rewinding variants, multi-task, data-size and the release's profile."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import save_file

from tickets.jobs.context import Context
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.papers.lth.identity import source_tasks
from tickets.papers.lth.imp import Round, State, iterate, next_state
from tickets.papers.lth.lab import Lab
from tickets.papers.lth.levels import winning_level
from tickets.papers.lth.settings import ChainPolicy
from tickets.papers.lth.stages import LEVELS, SOURCE_LEVEL, datasize_source, mask, run, weights_file
from tickets.papers.lth.subnetworks import train_subnetwork
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress, RunAddress, fingerprint
from tickets.training import checkpoint as inflight
from tickets.training.loop import Trained
from tickets.training.objective import Objective
from tickets.training.recipe import Recipe
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed

TrainRound = Callable[[int, State], tuple[State, Trained]]
SOURCE_ROUNDS = int(SOURCE_LEVEL) // 10
SPAN_ROUNDS = 10


def run_imp(context: Context) -> None:
    """IMP with rewinding to theta_0; every round is recorded as the evaluation of its mask."""
    lab = Lab(context)
    for cell in context.job.cells:
        task, reps = cell["task"], lab.settings.replicates.imp
        context.progress.total += reps * len(LEVELS) * lab.steps(task)
    for cell in context.job.cells:
        for replicate in range(1, lab.settings.replicates.imp + 1):
            _imp_replicate(lab, cell["task"], replicate)


def _imp_replicate(lab: Lab, task: str, replicate: int) -> None:
    model, recipe, steps = lab.model(task), lab.recipe(task), lab.steps(task)
    policy, origin = lab.settings.chain, lab.origin(lab.model(task), replicate, task)

    def train(index: int, state: State) -> tuple[State, Trained]:
        address = run(task, "pretrained", "imp", task, LEVELS[index], replicate)
        schedule = _schedule(policy, recipe, steps, index)
        return _train_round(lab, model, address, state, schedule, steps)

    for done in _chain(lab, ("imp", task, replicate), policy, origin, len(LEVELS) - 1, train, steps):
        address = run(task, "pretrained", "imp", task, LEVELS[done.index], replicate)
        lab.record(address, address, done.start.mask, lab.judge(task, model), done.facts)
        if done.index:
            _save_mask(lab, address.mask, done.start.mask)


def run_rewind(context: Context) -> None:
    """Chains that rewind to theta_i, and standard pruning, up to the sparsities the cell asks for."""
    lab = Lab(context)
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


def _rewind_replicate(lab: Lab, variant: str, task: str, replicate: int, levels: dict[str, str]) -> None:
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
        schedule = _schedule(policy, recipe, steps, index, begin)
        return _train_round(lab, model, address, state, schedule, steps - begin, begin)

    rounds = max(int(level) for level in levels.values()) // 10
    key = (variant, task, replicate)
    for done in _chain(lab, key, policy, origin, rounds, train, steps - begin):
        wanted = [level for level, resolved in levels.items() if resolved == LEVELS[done.index]]
        if wanted:
            _record_rewound(lab, model, variant, task, replicate, wanted, done)


def _record_rewound(
    lab: Lab, model: Model, variant: str, task: str, replicate: int, wanted: list[str], done: Round
) -> None:
    evaluation = lab.judge(task, model)
    for level in wanted:
        address = run(task, variant, f"imp-{variant}", task, level, replicate)
        lab.record(address, address.at(LEVELS[done.index]), done.start.mask, evaluation, done.facts)
        if level == SOURCE_LEVEL:
            _save_mask(lab, address.mask, done.start.mask)
            target = lab.context.results / weights_file(variant, task, replicate)
            target.parent.mkdir(parents=True, exist_ok=True)
            save_file({name: value.cpu().contiguous() for name, value in done.start.body.items()}, target)


def _shortcut_replicate(lab: Lab, variant: str, task: str, replicate: int, levels: dict[str, str]) -> None:
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
        schedule = _schedule(ChainPolicy(), recipe, steps, 0, begin)
        trained, facts = _train_round(lab, model, address, start, schedule, steps - begin, begin)
        wanted = [level for level, value in levels.items() if value == resolved]
        done = Round(int(resolved) // 10, start, trained, facts)
        _record_rewound(lab, model, variant, task, replicate, wanted, done)


def _train_to(
    lab: Lab, model: Model, task: str, variant: str, replicate: int, origin: State, steps: int
) -> State:
    """theta_i, gamma_i after `steps` steps of a full run; every round from there starts a new optimizer."""
    if steps == 0:
        return origin
    recipe, seed = lab.recipe(task), derive_seed(lab.seed, "rewind-point", task, replicate)
    schedule = _schedule(ChainPolicy(), recipe, lab.steps(task), 0)
    label = f"{task} to step {steps} ({variant}), seed {replicate}"
    identity = fingerprint(
        {"job": lab.context.fingerprint, "point": [task, variant, replicate, origin.mask.digest()]}
    )
    objective = lab.objective(task, model, seed)
    state, _ = lab.train(
        model, objective, recipe, origin, schedule, steps, seed=seed, label=label, identity=identity
    )
    return replace(state, moments=None)


def run_multitask(context: Context) -> None:
    """IMP on the sum of several tasks' losses; only its 70 % mask is kept."""
    lab = Lab(context)
    recipe, reps = lab.settings.multitask_recipe, range(1, lab.settings.replicates.multitask + 1)
    for cell in context.job.cells:
        tasks = source_tasks(cell["combo"])
        largest = max(len(context.data(t).splits["train"]) for t in tasks)
        steps = recipe.total_steps(largest)
        context.progress.total += len(reps) * SOURCE_ROUNDS * steps
        heads = tuple(Head(lab.head(t).kind, lab.head(t).outputs, f"{t}:") for t in tasks)
        model = context.model(heads)
        for replicate in reps:
            origin = _multitask_origin(lab, model, replicate, tasks)

            def objective(seed: int, model: Model = model, tasks: tuple[str, ...] = tasks) -> Objective:
                return lab.sum_objective(tasks, model, recipe, seed)

            policy = lab.settings.chain
            _masks_only(
                lab, model, policy, cell["combo"], "imp", replicate, origin, objective, recipe, steps, ("70",)
            )


def _multitask_origin(lab: Lab, model: Model, replicate: int, tasks: tuple[str, ...]) -> State:
    origin = lab.origin(model, replicate, "+".join(tasks))
    heads = dict(origin.heads)
    for name, value in lab.context.pretrained.heads.items():
        if f"mlm:{name}" in heads:
            heads[f"mlm:{name}"] = value
    return State(origin.body, heads, origin.mask)


def run_datasize(context: Context) -> None:
    """IMP on MLM with the training set cut to the size of a downstream task; its 70 % mask is kept."""
    lab = Lab(context)
    recipe, model = lab.recipe("mlm"), lab.model("mlm")
    reps = range(1, lab.settings.replicates.datasize + 1)
    steps = lab.steps("mlm")
    for cell in context.job.cells:
        rows = lab.settings.grid.datasize[cell["task"]]
        context.progress.total += len(reps) * SOURCE_ROUNDS * steps
        for replicate in reps:
            origin = lab.origin(model, replicate, "mlm")

            def objective(seed: int, rows: int = rows) -> Objective:
                return lab.objective("mlm", model, seed, rows)

            source, policy = datasize_source(cell["task"]), lab.settings.chain
            _masks_only(
                lab, model, policy, source, "imp", replicate, origin, objective, recipe, steps, ("70",)
            )


def run_code_profile(context: Context) -> None:
    """The chain as the released scripts run it; its masks are then trained like any other ticket."""
    lab = Lab(context)
    reps = range(1, lab.settings.replicates.ablations + 1)
    levels = lab.settings.grid.transfer_levels
    for cell in context.job.cells:
        task = cell["task"]
        model, recipe, steps = lab.model(task), lab.recipe(task), lab.steps(task)
        policy = lab.settings.code_mlm_chain if task == "mlm" else lab.settings.code_chain
        rounds = max(int(level) for level in levels) // 10
        context.progress.total += len(reps) * (rounds - policy.prune_first + len(levels)) * steps
        for replicate in reps:
            origin = lab.origin(model, replicate, task)

            def objective(seed: int, task: str = task, model: Model = model) -> Objective:
                return lab.objective(task, model, seed)

            _masks_only(
                lab, model, policy, task, "imp-code", replicate, origin, objective, recipe, steps, levels
            )
            for level in levels:
                train_subnetwork(lab, run(task, "pretrained", "imp-code", task, level, replicate))


def _masks_only(
    lab: Lab,
    model: Model,
    policy: ChainPolicy,
    source: str,
    method: str,
    replicate: int,
    origin: State,
    objective: Callable[[int], Objective],
    recipe: Recipe,
    steps: int,
    levels: tuple[str, ...],
) -> None:
    """A chain that is not itself evaluated: train and prune until the sparsest wanted mask is there."""

    def train(index: int, state: State) -> tuple[State, Trained]:
        address = RunAddress("lth", source, "pretrained", method, source, LEVELS[index], replicate)
        seed = lab.train_seed(address)
        identity = fingerprint({"job": lab.context.fingerprint, "round": [source, method, replicate, index]})
        schedule = _schedule(policy, recipe, steps, index)
        label = f"{source} round {index} ({method}), seed {replicate}"
        return lab.train(
            model, objective(seed), recipe, state, schedule, steps, seed=seed, label=label, identity=identity
        )

    ahead = 1 if policy.prune_first else 0
    last = max(int(level) for level in levels) // 10 - 1 - ahead
    for done in _chain(lab, (method, source, replicate), policy, origin, last, train, steps):
        level = LEVELS[done.index + 1 + ahead]
        if level in levels:
            pruned = next_state(policy, done.index + ahead, origin, done.trained)
            _save_mask(lab, mask(method, source, level, replicate), pruned.mask)


def _train_round(
    lab: Lab,
    model: Model,
    address: RunAddress,
    state: State,
    schedule: LinearDecay,
    steps: int,
    first_step: int = 0,
) -> tuple[State, Trained]:
    seed = lab.train_seed(address)
    return lab.train(
        model,
        lab.objective(address.task, model, seed),
        lab.recipe(address.task),
        state,
        schedule,
        steps,
        seed=seed,
        label=f"{address.task} {address.method} {address.level} %, seed {address.replicate}",
        identity=fingerprint({"job": lab.context.fingerprint, "run": address.facts()}),
        first_step=first_step,
    )


def _schedule(policy: ChainPolicy, recipe: Recipe, steps: int, index: int, begin: int = 0) -> LinearDecay:
    """Rate of a round: to 0 within it, or (release) a tenth of one decay over ten rounds (spec lth O13)."""
    warmup = int(recipe.warmup * steps)
    if policy.schedule == "round":
        return LinearDecay(recipe.learning_rate, steps, warmup, begin)
    continued = steps * index if policy.optimizer == "continued" else 0
    return LinearDecay(recipe.learning_rate, SPAN_ROUNDS * steps, warmup, continued + begin)


def _save_mask(lab: Lab, address: MaskAddress, found: Mask) -> None:
    facts = {"spec": lab.identity.mask(address), "fingerprint": lab.identity.fingerprint(address)}
    lab.save_mask(found, address.file, facts)


def _chain(
    lab: Lab,
    key: tuple[Any, ...],
    policy: ChainPolicy,
    origin: State,
    rounds: int,
    train: TrainRound,
    steps: int,
) -> Iterator[Round]:
    """`iterate`, with the start of every round saved so that a killed job re-enters at the round it was in."""
    identity = fingerprint({"job": lab.context.fingerprint, "chain": [str(part) for part in key]})
    store = inflight.Checkpoint(lab.context.staging / "chains", identity, identity[:16])
    keeps_weights = not policy.rewind
    keeps_heads = keeps_weights or policy.head == "carry"

    behind: list[inflight.Checkpoint] = []

    def saved_train(index: int, state: State) -> tuple[State, Trained]:
        tensors = {"mask": state.mask.flat().to(torch.uint8)}
        parts = {"body": state.body if keeps_weights else {}, "heads": state.heads if keeps_heads else {}}
        for part, values in (*parts.items(), ("moments", state.moments or {})):
            tensors |= {f"{part}/{name}": value for name, value in values.items()}
        store.save(tensors, {"round": index})
        while behind:
            behind.pop().clear()
        trained = train(index, state)
        if lab.checkpoint is not None:
            behind.append(lab.checkpoint)
        return trained

    saved = store.load()
    resume = None
    if saved is not None:
        tensors, facts = saved
        kept = Mask.from_flat(tensors["mask"].bool(), {n: t.shape for n, t in origin.mask.items()})
        body = _part(tensors, "body") or origin.body
        heads = _part(tensors, "heads") or origin.heads
        resume = (facts["round"], State(body, heads, kept, _part(tensors, "moments") or None))
        lab.context.progress.skip(steps * facts["round"], f"{' '.join(map(str, key))}: finished rounds")
    yield from iterate(policy, origin, rounds, saved_train, resume)


def _part(tensors: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(f"{part}/"): t for name, t in tensors.items() if name.startswith(f"{part}/")}
