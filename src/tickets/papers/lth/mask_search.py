"""Chains of which only the masks are wanted: multi-task IMP, MLM-IMP on less data, and the release's profile."""

from collections.abc import Callable
from dataclasses import dataclass

from tickets.jobs.context import Context
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.papers.lth.addresses import LEVELS, PAPER, SOURCE_LEVEL, datasize_source, mask, run
from tickets.papers.lth.identity import source_tasks
from tickets.papers.lth.imp import State, next_state
from tickets.papers.lth.lab import ChainLab
from tickets.papers.lth.rounds import resumable_chain, save_mask, schedule_of
from tickets.papers.lth.settings import ChainPolicy
from tickets.papers.lth.subnetworks import train_subnetwork
from tickets.spec import RunAddress, fingerprint
from tickets.training.loop import Trained
from tickets.training.objective import Objective
from tickets.training.recipe import Recipe

SOURCE_ROUNDS = int(SOURCE_LEVEL) // 10


@dataclass(frozen=True)
class Search:
    """A chain that is not itself evaluated; `objective` is a function of the seed, `levels` are the masks to keep."""

    source: str
    method: str
    policy: ChainPolicy
    model: Model
    objective: Callable[[int], Objective]
    recipe: Recipe
    steps: int
    levels: tuple[str, ...] = (SOURCE_LEVEL,)

    def run(self, lab: ChainLab, replicate: int, origin: State) -> None:
        """Train and prune until the sparsest wanted mask is there; stage the masks."""

        def train(index: int, state: State) -> tuple[State, Trained]:
            address = RunAddress(
                PAPER, self.source, "pretrained", self.method, self.source, LEVELS[index], replicate
            )
            seed = lab.train_seed(address)
            parts = [self.source, self.method, replicate, index]
            return lab.train(
                self.model,
                self.objective(seed),
                self.recipe,
                state,
                schedule_of(self.policy, self.recipe, self.steps, index),
                self.steps,
                seed=seed,
                label=f"{self.source} round {index} ({self.method}), seed {replicate}",
                identity=fingerprint({"job": lab.context.fingerprint, "round": parts}),
            )

        ahead = 1 if self.policy.prune_first else 0
        last = max(int(level) for level in self.levels) // 10 - 1 - ahead
        key = (self.method, self.source, replicate)
        for done in resumable_chain(lab, key, self.policy, origin, last, train, self.steps):
            level = LEVELS[done.index + 1 + ahead]
            if level in self.levels:
                pruned = next_state(self.policy, done.index + ahead, origin, done.trained)
                save_mask(lab, mask(self.method, self.source, level, replicate), pruned.mask)


def run_multitask(context: Context) -> None:
    """IMP on the sum of several tasks' losses; only its 70 % mask is kept."""
    lab = ChainLab(context)
    recipe, reps = lab.settings.multitask_recipe, range(1, lab.settings.replicates.multitask + 1)
    for cell in context.job.cells:
        tasks = source_tasks(cell["combo"])
        steps = recipe.total_steps(max(len(context.data(t).splits["train"]) for t in tasks))
        context.progress.total += len(reps) * SOURCE_ROUNDS * steps
        model = context.model(tuple(Head(lab.head(t).kind, lab.head(t).outputs, f"{t}:") for t in tasks))

        def objective(seed: int, model: Model = model, tasks: tuple[str, ...] = tasks) -> Objective:
            return lab.sum_objective(tasks, model, recipe, seed)

        search = Search(cell["combo"], "imp", lab.settings.chain, model, objective, recipe, steps)
        for replicate in reps:
            search.run(lab, replicate, _multitask_origin(lab, model, replicate, tasks))


def _multitask_origin(lab: ChainLab, model: Model, replicate: int, tasks: tuple[str, ...]) -> State:
    origin = lab.origin(model, replicate, "+".join(tasks))
    heads = dict(origin.heads)
    for name, value in lab.context.pretrained().heads.items():
        if f"mlm:{name}" in heads:
            heads[f"mlm:{name}"] = value
    return State(origin.body, heads, origin.mask)


def run_datasize(context: Context) -> None:
    """IMP on MLM with the training set cut to the size of a downstream task; its 70 % mask is kept."""
    lab = ChainLab(context)
    recipe, model, steps = lab.recipe("mlm"), lab.model("mlm"), lab.steps("mlm")
    reps = range(1, lab.settings.replicates.datasize + 1)
    for cell in context.job.cells:
        rows = lab.settings.grid.datasize[cell["task"]]
        context.progress.total += len(reps) * SOURCE_ROUNDS * steps

        def objective(seed: int, rows: int = rows) -> Objective:
            return lab.objective("mlm", model, seed, rows)

        source = datasize_source(cell["task"])
        search = Search(source, "imp", lab.settings.chain, model, objective, recipe, steps)
        for replicate in reps:
            search.run(lab, replicate, lab.origin(model, replicate, "mlm"))


def run_code_profile(context: Context) -> None:
    """The chain as the released scripts run it; its masks are then trained like any other ticket."""
    lab = ChainLab(context)
    reps = range(1, lab.settings.replicates.ablations + 1)
    levels = lab.settings.grid.transfer_levels
    for cell in context.job.cells:
        task = cell["task"]
        model, recipe, steps = lab.model(task), lab.recipe(task), lab.steps(task)
        policy = lab.settings.code_mlm_chain if task == "mlm" else lab.settings.code_chain
        rounds = max(int(level) for level in levels) // 10
        context.progress.total += len(reps) * (rounds - policy.prune_first + len(levels)) * steps

        def objective(seed: int, task: str = task, model: Model = model) -> Objective:
            return lab.objective(task, model, seed)

        search = Search(task, "imp-code", policy, model, objective, recipe, steps, levels)
        for replicate in reps:
            search.run(lab, replicate, lab.origin(model, replicate, task))
            for level in levels:
                train_subnetwork(lab, run(task, "pretrained", "imp-code", task, level, replicate))
