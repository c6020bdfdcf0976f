"""What an audit found, as plain values; the screen and `--json` show the same."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = 1


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: in which file, what, and what to do about it.

    file  below the repository's root
    """

    check: str
    file: str
    wrong: str
    remedy: str


@dataclass
class Part:
    """What one piece of a check did; the pieces of a check add up.

    items      things compared
    unchecked  reason -> things that could not be compared
    notes      what is no fault but should be known -> how often
    """

    items: int = 0
    findings: list[Finding] = field(default_factory=list)
    unchecked: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def fault(self, file: object, wrong: str, remedy: str) -> None:
        """Add a finding; the check's name is filled in later."""
        self.findings.append(Finding("", str(file), wrong, remedy))

    def skip(self, reason: str, count: int = 1) -> None:
        """Count what was not checked."""
        self.unchecked[reason] += count

    def note(self, text: str, count: int = 1) -> None:
        """Say what is no fault."""
        self.notes[text] += count

    def add(self, other: "Part") -> None:
        """Take over what another piece found."""
        self.items += other.items
        self.findings += other.findings
        self.unchecked += other.unchecked
        self.notes += other.notes


@dataclass(frozen=True)
class Checked:
    """A check that was done; `seconds` are CPU seconds of all processes."""

    name: str
    compares: str
    items: int
    findings: tuple[Finding, ...]
    unchecked: Mapping[str, int]
    notes: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class Report:
    """A finished audit."""

    preset: str
    papers: tuple[str, ...]
    quick: bool
    seconds: float
    peak_memory_mb: int
    checks: tuple[Checked, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the checks."""
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def unchecked(self) -> int:
        """How many things could not be compared."""
        return sum(sum(check.unchecked.values()) for check in self.checks)

    @property
    def items(self) -> int:
        """How many things were compared."""
        return sum(check.items for check in self.checks)

    def facts(self) -> dict[str, Any]:
        """As plain values for JSON (docs/how-to/audit-results.md)."""
        totals = {"items": self.items, "findings": len(self.findings), "not_checked": self.unchecked}
        return {"schema": SCHEMA, **asdict(self), "totals": totals}
