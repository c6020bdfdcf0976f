"""The page of a comparison with the papers."""

from rich import box
from rich.console import Console
from rich.table import Table

from tickets.comparing.published import ArtifactComparison, ClaimsComparison
from tickets.comparing.report import PublishedReport
from tickets.figures.render import describe_preset

_IDS = 12


def show_published(console: Console, report: PublishedReport) -> None:
    """One line a table or figure, then the verdicts; single artifacts with their farthest numbers."""
    say(console, f"Ours against the papers, {describe_preset(report.preset)}.", "bold")
    results = [item for item in report.artifacts if item.made and not item.settings]
    settings = [item for item in report.artifacts if item.settings]
    console.print(_table(results))
    for item in settings:
        equal = f"{item.agree} of {item.judged} as published"
        say(console, f"{item.id}: settings, {equal} ({item.published - item.compared} without one of ours)")
    missing = [item.id for item in report.artifacts if not item.made]
    if missing:
        more = f" and {len(missing) - _IDS} more" if len(missing) > _IDS else ""
        say(console, f"Not made: {', '.join(missing[:_IDS])}{more}.", "yellow")
    if report.without:
        say(console, f"Without published numbers: {', '.join(report.without)}.", "yellow")
    for found in report.claims:
        _claims(console, found)
    for item in results:
        if item.id in report.chosen:
            console.print(_farthest(item))


def _table(items: list[ArtifactComparison]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("")
    for name in ("published", "with ours", "agree", "mean", "median", "max", "order"):
        table.add_column(name, justify="right")
    for item in items:
        gaps = ("" if gap is None else f"{gap:.2f}" for gap in (item.mean, item.median, item.largest))
        agree = f"{item.agree}/{item.judged}" if item.judged else ""
        order = f"{item.order}/{item.ordered}" if item.ordered else ""
        table.add_row(item.id, str(item.published), str(item.compared), agree, *gaps, order)
    table.caption = (
        "agree: within a point or two standard deviations, of the numbers in percent. mean, median, max: of the "
        "absolute differences. order: pairs of methods in the published order."
    )
    table.caption_justify = "left"
    return table


def _claims(console: Console, found: ClaimsComparison) -> None:
    statuses = ("reproduced", "not reproduced", "inconclusive", "not run")
    counts = ", ".join(f"{found.count(0, status)} {status}" for status in statuses)
    printed = ", ".join(f"{found.count(1, s)} {s}" for s in statuses if found.count(1, s))
    same = found.total - len(found.apart)
    say(console, f"Claims of {found.paper}: {counts}.", "bold")
    say(console, f"  On the published numbers: {printed}. The same verdict for {same} of {found.total}.")
    lost = [row[0] for row in found.apart if row[2] == "not reproduced" and row[3] == "reproduced"]
    won = [row[0] for row in found.apart if row[2] == "reproduced" and row[3] == "not reproduced"]
    for ids, what in ((lost, "hold in print, not here"), (won, "hold here, not in print")):
        if ids:
            say(console, f"  {what}: {', '.join(ids)}")


def _farthest(item: ArtifactComparison) -> Table:
    table = Table(title=f"{item.id}: farthest apart", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("row", overflow="fold")
    table.add_column("column", overflow="fold")
    for name in ("ours", "published", "difference"):
        table.add_column(name, justify="right")
    for n in item.farthest:
        table.add_row(n.row, n.column, f"{n.ours:.2f}", f"{n.published:.2f}", f"{n.gap:+.2f}")
    return table


def say(console: Console, text: str, style: str = "") -> None:
    """A line of plain text: nothing in it is markup, no number of it is coloured."""
    console.print(text, style=style or None, markup=False, highlight=False)
