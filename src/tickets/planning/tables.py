"""The tables of `tickets plan`: totals first, then papers and stages, or what a target shares."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tickets.planning.facts import chain_name, data_sources
from tickets.planning.numbers import duration, operations, short, size
from tickets.planning.plan import Jobs, Plan
from tickets.planning.targets import ALL, Target, union

COLUMNS = ("jobs", "runs", "trainings", "steps", "tokens", "FLOPs", "time", "disk")
DEVICES = (2, 8, 32)
_WORDS = {"encoded": "of encoded data", "official": "official", "synthetic": "of the micro language"}


def plan_tables(plan: Plan, targets: Sequence[Target]) -> RenderableType:
    """Everything that is printed for some targets."""
    jobs = union(target.jobs for target in targets)
    parts: list[RenderableType] = [_totals(plan, targets, jobs)]
    if [target.name for target in targets] == [ALL]:
        parts += [_papers(plan), _stages(plan, jobs)]
    else:
        parts += [line for target in targets for line in _sharing(plan, target)]
        parts.append(_stages(plan, jobs))
    return Group(*parts, *_footer(plan, jobs))


def presets_table(plans: Sequence[Plan]) -> Table:
    """One line a preset."""
    table = _table("All presets", "preset", (*COLUMNS, "longest chain"))
    for plan in plans:
        seconds, _ = plan.graph.longest(plan.seconds, plan.everything)
        disk = plan.cost(plan.everything).disk + plan.fixed_disk
        row = _row(plan, plan.everything)[:-1]
        assumed = "" if plan.rates.measured else " assumed"
        table.add_row(plan.config.preset, *row, size(disk), duration(seconds) + assumed)
    return table


def _table(title: str, first: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _row(plan: Plan, jobs: Jobs) -> list[str]:
    cost = plan.cost(jobs)
    counts = (cost.jobs, cost.runs, cost.trainings, cost.updates)
    flops, time = operations(cost.flops.computed), f"{duration(plan.time(jobs))}"
    return [*map(short, counts), short(cost.flops.tokens), flops, time, size(cost.disk)]


def _totals(plan: Plan, targets: Sequence[Target], jobs: Jobs) -> Table:
    names = ", ".join(target.name for target in targets)
    table = _table(f"Plan of {names}, preset {plan.config.preset}", "", COLUMNS)
    table.add_row("in all", *_row(plan, jobs), style="bold")
    done = jobs & plan.done
    if done:
        table.add_row("done", *_row(plan, done))
        table.add_row("left", *_row(plan, jobs - done), style="bold")
    if len(targets) > 1:
        for target in targets:
            table.add_row(target.name, *_row(plan, target.jobs))
    return table


def _papers(plan: Plan) -> Table:
    table = _table("\nBy paper", "paper", COLUMNS)
    for id in plan.papers:
        table.add_row(id, *_row(plan, plan.of_stage(id)))
    return table


def _stages(plan: Plan, jobs: Jobs) -> Table:
    table = _table("\nBy stage", "stage", COLUMNS)
    before = ""
    for (paper, stage), found in plan.stages.items():
        if found & jobs:
            if paper != before and before:
                table.add_section()
            before = paper
            part = "" if found <= jobs else " (part)"
            table.add_row(f"{paper}_{stage}{part}", *_row(plan, found & jobs))
    return table


def _sharing(plan: Plan, target: Target) -> Iterator[Text]:
    cost = plan.cost(target.jobs)
    yield Text(f"\n{target.name}: {target.title}", style="bold")
    if not target.others:
        return
    own = cost.runs - target.shared
    first = [f"{id} ({runs:,})" for id, runs in list(target.others.items())[:5]]
    more = f" and {len(target.others) - 5} more" if len(target.others) > 5 else ""
    yield Text(
        f"needs {cost.runs:,} runs, {target.shared:,} of them also needed by {', '.join(first)}{more}; "
        f"{own:,} by nothing else."
    )


def _footer(plan: Plan, jobs: Jobs) -> Iterator[Text]:
    rates, cost = plan.rates, plan.cost(jobs)
    seconds, chain = plan.graph.longest(plan.seconds, jobs)
    steps = " -> ".join(f"{chain_name(plan, n)} ({duration(plan.seconds[n])})" for n in chain)
    yield Text()
    yield _line("longest chain", f"{duration(seconds)}, however many devices there are: {steps}")
    shares = (f"{n}: {duration(max(seconds, plan.time(jobs) / n))}" for n in DEVICES)
    yield _line("in parallel", f"at least, by number of {rates.unit}s: {', '.join(shares)}")
    before = ", ".join(f"{role} {duration(rates.seconds(c))}" for role, c in plan.missing_models.items())
    if before:
        yield _line("before any job", f"pre-training, not in the tables: {before}")
    yield _line(
        "disk", f"{size(cost.disk)} of results, {size(plan.fixed_disk)} of data, models, tables and figures; "
        f"each running job up to {size(plan.inflight(jobs))} more while it trains"
    )  # fmt: skip
    style = "" if rates.measured else "yellow"
    yield _line("time", f"{rates.unit}-time, {rates.words}", style)
    yield _line(
        "FLOPs",
        f"as computed here, without padding. As the originals count (padded): {operations(cost.flops.original)}",
    )
    counted = ", ".join(f"{n} {_WORDS[source]}" for source, n in data_sources(plan).items())
    yield _line("sizes", f"{counted}; details: docs/how-to/plan-costs.md")


def _line(name: str, text: str, style: str = "") -> Text:
    return Text.assemble((f"{name + ':':16}", "bold"), (text, style))
