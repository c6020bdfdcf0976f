"""An audit as a person sees it: progress, the checks as a table, findings that belong together, one line to quote."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tickets.audit.check import Check
from tickets.audit.report import Checked, Finding, Report
from tickets.audit.runner import Watcher

FEW_FILES, FEW_GROUPS = 3, 12


@contextmanager
def progress(console: Console, checks: tuple[Check, ...]) -> Iterator[Watcher]:
    """A bar a check while they are done; gone afterwards."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Without a thread of its own: the processes of the audit are forked.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bars:
        tasks = {check.name: bars.add_task(check.name, total=None) for check in checks}

        def watch(name: str, done: int, total: int) -> None:
            bars.update(tasks[name], completed=done, total=total, refresh=True)

        yield watch


def show(console: Console, report: Report) -> None:
    """Everything of a report that fits a screen; `--json` has the rest."""
    console.print(_table(report))
    for check in report.checks:
        _notes(console, check)
    for check in report.checks:
        if check.findings:
            _findings(console, check)
    console.print(closing(report), highlight=False, soft_wrap=True)


def _table(report: Report) -> Table:
    table = Table(title=f"Audit of results/{report.preset}: {', '.join(report.papers)}", title_justify="left")
    table.add_column("check")
    table.add_column("what ← follows from what", overflow="fold")
    for name in ("compared", "findings", "not checked", "CPU s"):
        table.add_column(name, justify="right")
    for check in report.checks:
        findings = len(check.findings)
        table.add_row(
            check.name,
            check.compares,
            f"{check.items:,}",
            f"[bold red]{findings:,}[/]" if findings else "[green]0[/]",
            f"{sum(check.unchecked.values()):,}",
            f"{check.seconds:.1f}",
        )
    return table


def _notes(console: Console, check: Checked) -> None:
    for text, count in check.notes.items():
        many = f" ({count:,})" if count > 1 else ""
        console.print(f"[dim]{check.name}: {escape(text)}{many}[/]", highlight=False, soft_wrap=True)
    for text, count in _pulled_together(check.unchecked).items():
        words = f"{check.name}: not checked: {count:,} × {escape(text)}"
        console.print(f"[yellow]{words}[/]", highlight=False, soft_wrap=True)


def _pulled_together(unchecked: Mapping[str, int]) -> dict[str, int]:
    """Reasons, with all folders that are not here as one."""
    found: Counter[str] = Counter()
    for text, count in unchecked.items():
        _, absent, how = text.partition(" is not here: ")
        found[f"files that are not here: {how}" if absent else text] += count
    return dict(found)


def _findings(console: Console, check: Checked) -> None:
    """Findings with the same words are one."""
    console.print(f"\n[bold red]{check.name}[/]: {_findings_in(len(check.findings))}", highlight=False)
    same = [list(group) for _, group in groupby(check.findings, key=lambda f: (f.wrong, f.remedy))]
    for group in same[:FEW_GROUPS]:
        _group(console, group)
    if len(same) > FEW_GROUPS:
        left = sum(map(len, same[FEW_GROUPS:]))
        console.print(f"  and {left:,} more; --json FILE has them all", highlight=False)


def _findings_in(count: int) -> str:
    return f"{count:,} finding{'' if count == 1 else 's'}"


def _group(console: Console, group: list[Finding]) -> None:
    for finding in group[:FEW_FILES]:
        console.print(f"  [bold]{escape(finding.file)}[/]", highlight=False, soft_wrap=True)
    if len(group) > FEW_FILES:
        console.print(f"  and {len(group) - FEW_FILES:,} more file(s)", highlight=False)
    console.print(f"    {escape(group[0].wrong)}", highlight=False, soft_wrap=True)
    console.print(f"    [dim]{escape(group[0].remedy)}[/]", highlight=False, soft_wrap=True)


def closing(report: Report) -> str:
    """One line that a person can quote."""
    found, left = len(report.findings), report.unchecked
    verdict = _findings_in(found) if found else "nothing is wrong"
    rest = f", {left:,} could not be compared (see above)" if left else ""
    quick = ", without frames and pixels (--quick)" if report.quick else ""
    done = f"{report.items:,} things compared in {report.seconds:.0f} s"
    return f"results/{report.preset}: {done}, {verdict}{rest}{quick}."
