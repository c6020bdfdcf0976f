"""The main experiment: IMP chains with rewinding to theta_0, every round of which is recorded."""

from tickets.jobs.context import Context
from tickets.papers.lth.addresses import LEVELS, run
from tickets.papers.lth.imp import State
from tickets.papers.lth.lab import ChainLab
from tickets.papers.lth.rounds import resumable_chain, save_mask, schedule_of, train_round
from tickets.training.loop import Trained


def run_imp(context: Context) -> None:
    """IMP with rewinding to theta_0; every round is recorded as the evaluation of its mask."""
    lab = ChainLab(context)
    for cell in context.job.cells:
        task, reps = cell["task"], lab.settings.replicates.imp
        context.progress.total += reps * len(LEVELS) * lab.steps(task)
    for cell in context.job.cells:
        for replicate in range(1, lab.settings.replicates.imp + 1):
            _imp_replicate(lab, cell["task"], replicate)


def _imp_replicate(lab: ChainLab, task: str, replicate: int) -> None:
    model, recipe, steps = lab.model(task), lab.recipe(task), lab.steps(task)
    policy, origin = lab.settings.chain, lab.origin(lab.model(task), replicate, task)

    def train(index: int, state: State) -> tuple[State, Trained]:
        address = run(task, "pretrained", "imp", task, LEVELS[index], replicate)
        schedule = schedule_of(policy, recipe, steps, index)
        return train_round(lab, model, address, state, schedule, steps)

    for done in resumable_chain(lab, ("imp", task, replicate), policy, origin, len(LEVELS) - 1, train, steps):
        address = run(task, "pretrained", "imp", task, LEVELS[done.index], replicate)
        lab.keep(address, address, done.start.mask, lab.judge(task, model, held_out=True), done.facts)
        if done.index:
            save_mask(lab, address.mask, done.start.mask)
