"""A check of the environment: a small function with a name, and what it finds. A check never ends the doctor."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from tickets.doctor.surroundings import Surroundings
from tickets.errors import TicketsError

State = Literal["ok", "warning", "error", "not needed"]


@dataclass(frozen=True)
class Finding:
    """What a check found, and what to do about it (nothing to do where it is ok or not needed)."""

    state: State
    found: str
    advice: str = ""


CONFIG = "preset"
"""The check that says what is wrong with the config; the others then only say that they cannot know."""
NO_CONFIG = Finding("not needed", "not known: the config cannot be used")


@dataclass(frozen=True)
class Check:
    """`look` may raise: a `TicketsError` is an error with its message, anything else one of the check itself."""

    group: str
    name: str
    look: Callable[[Surroundings], Finding]

    def run(self, surroundings: Surroundings) -> "Line":
        """The finding under the check's name."""
        try:
            finding = self.look(surroundings)
        except TicketsError as error:
            told = str(error) == surroundings.unusable and self.name != CONFIG
            finding = NO_CONFIG if told else Finding("error", str(error))
        except (
            Exception
        ) as error:  # whatever is wrong with this machine, the other checks are still worth reading
            reason = f"{type(error).__name__}: {error}"
            finding = Finding(
                "error", f"the check itself failed ({reason})", "Look into this by hand, and report it."
            )
        return Line(self.group, self.name, finding.state, finding.found, finding.advice)


@dataclass(frozen=True)
class Line:
    """A line of the doctor's page."""

    group: str
    name: str
    state: State
    found: str
    advice: str


def run_checks(checks: Sequence[Check], surroundings: Surroundings) -> list[Line]:
    """Run all checks, side by side since most of their time is waiting for programs; lines in the checks' order."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda check: check.run(surroundings), checks))


def healthy(lines: Iterable[Line]) -> bool:
    """Whether nothing is an error."""
    return all(line.state != "error" for line in lines)


def listing(words: Sequence[str], limit: int = 6) -> str:
    """'a, b and 3 more'."""
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
