"""What a claim's predicate returns, and how checks on the parts of a claim add up to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["reproduced", "not reproduced", "inconclusive", "not run"]
Checks = Mapping[str, bool | None]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one predicate: its status, the numbers behind it by name, and a sentence of reason."""

    status: Status
    figures: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


def decide(
    checks: Checks,
    figures: Mapping[str, Any],
    *,
    accept: Callable[[int], bool] | None = None,
    partial: bool = False,
    note: str = "",
) -> Verdict:
    """Add up checks, one a case of the claim; None is a case that was not run.

    accept says how many cases must hold (default: all). The verdict is reproduced or not reproduced only when
    it does not depend on the cases that were not run; one counter-example decides a "for all". With no case
    run it is "not run", or inconclusive if `partial` says that some runs of a case exist.
    """
    held = [name for name, check in checks.items() if check]
    failed = [name for name, check in checks.items() if check is not None and not check]
    missing = [name for name, check in checks.items() if check is None]
    accepted = accept or (lambda count: count == len(checks))
    outcomes = {accepted(count) for count in range(len(held), len(held) + len(missing) + 1)}
    status: Status
    if not held and not failed:
        status = "inconclusive" if partial else "not run"
    elif len(outcomes) == 2:
        status = "inconclusive"
    else:
        status = "reproduced" if outcomes == {True} else "not reproduced"
    return Verdict(status, figures, _reason(len(checks), held, failed, missing, note))


def at_least(count: int) -> Callable[[int], bool]:
    """For `decide`: the claim wants at least `count` cases."""
    return lambda hits: hits >= count


def not_run(what: str) -> Verdict:
    """The verdict when the runs named by `what` do not exist."""
    return Verdict("not run", {}, f"needs {what}")


def _reason(total: int, held: list[str], failed: list[str], missing: list[str], note: str) -> str:
    parts = []
    if held or failed:
        ran = len(held) + len(failed)
        parts.append(f"holds on {len(held)} of {ran}" + (f" (of {total} in the claim)" if missing else ""))
    if failed:
        parts.append(f"fails for {_listing(failed)}")
    if missing:
        parts.append(f"not run: {_listing(missing)}")
    return "; ".join([*parts, note] if note else parts)


def _listing(names: list[str], limit: int = 12) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
