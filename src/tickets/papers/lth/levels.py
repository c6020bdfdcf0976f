"""Sparsities chosen at run time: s* of a task, from the scores of its IMP chain."""

from dataclasses import replace

from tickets.data.tasks import task as lookup
from tickets.errors import TicketsError
from tickets.jobs.context import Context
from tickets.jobs.files import read_json
from tickets.papers.lth.addresses import LEVELS, PAPER
from tickets.papers.lth.settings import lth_settings
from tickets.spec import RunAddress, level_of
from tickets.stats.criteria import Rule, s_star
from tickets.stats.summary import Stat, summarise


def resolve(context: Context, address: RunAddress) -> RunAddress:
    """The same run with the sparsity that its criterion chooses; fixed levels stay as they are."""
    if not address.rule:
        return address
    judge = address.source if address.rule == "own" else address.task
    rule: Rule = "strict" if address.rule == "strict" else "winning"
    return replace(address, level=winning_level(context, judge, rule))


def winning_level(context: Context, task: str, rule: Rule) -> str:
    """Level token of s*(task); '00' when no ticket wins: the dense network matches itself."""
    settings = lth_settings(context.config)
    full, *subs = (chain_stat(context, task, level) for level in LEVELS)
    by_sparsity: dict[float, Stat | None] = {int(s) / 100: x for s, x in zip(LEVELS[1:], subs, strict=True)}
    chosen = s_star(full, by_sparsity, rule, settings.ddof)
    if chosen is None:
        raise TicketsError(f"no IMP chain of '{task}' under {context.root}; run its 'imp' job first.")
    return level_of(chosen)


def chain_stat(context: Context, task: str, level: str) -> Stat | None:
    """Scores of a task's own IMP rounds at a level, over the replicates."""
    metric = lookup(task).metrics[0]
    addresses = (
        RunAddress(PAPER, task, "pretrained", "imp", task, level, replicate)
        for replicate in range(1, lth_settings(context.config).replicates.imp + 1)
    )
    paths = (context.path(address.metrics) for address in addresses)
    return summarise(read_json(path)["scores"]["dev"][metric] for path in paths)
