"""The table of `tickets list`: every table and figure with its state and cost."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tickets.figures.artifact import Artifact
from tickets.planning.numbers import duration, short
from tickets.planning.plan import Plan

MADE, STALE, MISSING = "made", "stale", "not made"
_STYLES = {MADE: "green", STALE: "yellow", MISSING: ""}


def listing(plan: Plan) -> RenderableType:
    """One line a table or figure; what several need is counted in the line of each."""
    title = f"Tables and figures, preset {plan.config.preset}"
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    table.add_column("target", no_wrap=True)
    table.add_column("published as, title", overflow="fold")
    table.add_column("state", no_wrap=True)
    for name in ("runs", "steps", f"{plan.rates.unit}-time"):
        table.add_column(name, justify="right", no_wrap=True)
    for chapter in plan.chapters.values():
        for item in chapter.artifacts:
            now, jobs = state(plan, item), plan.artifacts[item.id]
            cost, time = plan.cost(jobs), duration(plan.time(jobs))
            needs = (short(cost.runs), short(cost.updates), time)
            table.add_row(item.id, f"{item.number}: {item.title}", Text(now, _STYLES[now]), *needs)
        for id, reason in chapter.not_reproduced.items():
            table.add_row(id, reason, Text("not reproduced", "dim"), "", "", "")
        table.add_section()
    return Group(table, Text(), Text(f"time: {plan.rates.words}"), _meaning())


def state(plan: Plan, item: Artifact) -> str:
    """made; stale, if a job that it needs ran under another config; or not made."""
    if not all(path.exists() for path in item.outputs(plan.config.root / item.paper)):
        return MISSING
    changed = plan.artifacts[item.id] & (plan.records.keys() - plan.done)
    return STALE if changed else MADE


def _meaning() -> Text:
    return Text(
        "Runs that several need are in the line of each; `tickets plan TARGET` says what is shared and left."
    )
