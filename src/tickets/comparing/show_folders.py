"""The page of a comparison of two results folders."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tickets.comparing.noise import WIDTH
from tickets.comparing.report import FolderReport
from tickets.comparing.runs import Shift
from tickets.comparing.show_published import say
from tickets.comparing.sides import Side
from tickets.comparing.tables import Value

_MANY = 6
_COLOURS = {"identical": "green", "within noise": "green", "different": "red", "nothing": "red"}


def show_folders(console: Console, report: FolderReport) -> None:
    """Who is compared, counts by paper, what differs most (a few of each), and the conclusion."""
    for name, side, facts in zip(
        ("Here ", "There"), (report.here, report.there), report.made_with(), strict=True
    ):
        say(console, f"{name} {_who(side, facts)}")
    for warning in report.warnings:
        say(console, f"Warning: {warning}", "bold yellow")
    console.print(_papers(report))
    if report.runs.pairs:
        console.print(_groups(report.runs.shifts))
        console.print(_farthest(report))
    _verdicts(console, report)
    if report.outputs.cells:
        console.print(_cells(report))
    say(console, report.conclusion.sentence[0].upper() + report.conclusion.sentence[1:],
        f"bold {_COLOURS[report.conclusion.kind]}")  # fmt: skip


def _who(side: Side, facts: dict[str, Any]) -> str:
    known = [
        f"commit {facts['commit']}" if facts.get("commit") else "",
        f"torch {facts.get('torch')}" if facts else "",
    ]
    known += [str(facts.get(key, "")) for key in ("device", "mode")]
    return f"{side.root} (preset {side.preset}): {', '.join(k for k in known if k) or 'runs themselves not here'}"


def _papers(report: FolderReport) -> Table:
    """Counts by paper, and where scores differ by how much."""
    counted = ("both", "only_here", "only_there", "identical", "same_spec")
    moved = ("mean", "sd", "max", "outside") if report.runs.pairs else ()
    table = _new("Runs", "paper", ("both", "here", "there", "equal", "spec", *moved))
    shifts = {shift.paper: shift for shift in report.runs.shifts if shift.by == "paper"}
    for paper in report.runs.papers:
        row = [f"{getattr(paper, name):,}" for name in counted]
        shift = shifts.get(paper.paper)
        if shift is not None and shift.differing:
            row += [f"{shift.mean:+.3f}", _sd(shift), f"{shift.largest:+.2f}", str(shift.outside)]
        table.add_row(paper.paper, *row)
    about = "here, there: only on that side. equal: scores with the same bits. spec: same fingerprint."
    if moved:
        about += (
            " mean, sd, max: of the differences here − there, in points, over trained runs. outside: differ by more "
            f"than {WIDTH:g} standard deviations of the difference of two seeds (spread over replicates here)."
        )
    table.caption, table.caption_justify = about, "left"
    return table


def _groups(shifts: Sequence[Shift]) -> Table:
    table = _new(
        "Where (most significant first)", "runs", ("n", "differ", "mean", "sd", "max", "p", "outside")
    )
    apart = [shift for shift in shifts if shift.differing and shift.by != "paper"]
    for shift in sorted(apart, key=lambda s: (1.0 if s.p is None else s.p, -abs(s.mean)))[:_MANY]:
        p = "" if shift.p is None else f"{shift.p:.2g}"
        table.add_row(f"{shift.paper}, {shift.by} {shift.name}", str(shift.n), str(shift.differing),
                      f"{shift.mean:+.3f}", _sd(shift), f"{shift.largest:+.2f}", p, str(shift.outside))  # fmt: skip
    _rest(table, len(apart))
    return table


def _farthest(report: FolderReport) -> Table:
    table = _new("Runs farthest apart", "run", ("here", "there", "difference", "in seed sds"))
    for pair in report.runs.pairs[:_MANY]:
        sds = report.runs.in_noise(pair)
        table.add_row(pair.here.path.replace("/runs/", "/", 1), f"{pair.here.score:.2f}", f"{pair.there.score:.2f}",
                      f"{pair.gap:+.2f}" if abs(pair.gap) >= 0.005 else f"{pair.gap:+.0e}",
                      "unknown" if sds is None else f"{sds:.1f}")  # fmt: skip
    _rest(table, len(report.runs.pairs))
    return table


def _verdicts(console: Console, report: FolderReport) -> None:
    outputs = report.outputs
    if not outputs.claims:
        return
    say(console, f"Claims: {outputs.claims} compared, {len(outputs.flips)} with another verdict.", "bold")
    for flip in outputs.flips[:_MANY]:
        say(console, f"  {flip.paper} {flip.id}: {flip.here} here, {flip.there} there ({flip.title})")
    if len(outputs.flips) > _MANY:
        say(console, f"  and {len(outputs.flips) - _MANY} more (--json lists all)", "dim")


def _cells(report: FolderReport) -> Table:
    cells = report.outputs.cells
    table = _new(
        f"Cells of tables most changed, of {report.outputs.tables} tables", "table", ("here", "there")
    )
    table.columns[0].header = "table, row, column"
    for cell in cells[:_MANY]:
        table.add_row(f"{cell.artifact}, {cell.row}, {cell.column}", _text(cell.here), _text(cell.there))
    _rest(table, len(cells))
    return table


def _new(title: str, first: str, numbers: Sequence[str]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1)
    )
    table.add_column(first, overflow="fold", min_width=12)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _rest(table: Table, count: int) -> None:
    if count > _MANY:
        table.caption = f"and {count - _MANY:,} more (--json lists all)"
        table.caption_justify = "left"


def _sd(shift: Shift) -> str:
    return "" if shift.sd is None else f"{shift.sd:.3f}"


def _text(value: Value) -> str:
    if value is None:
        return "not run"
    return f"{value:.4g}" if isinstance(value, float) else value
