"""Reading JSON as strictly as it was written, and naming how two documents differ."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tickets.errors import TicketsError
from tickets.jobs.files import json_text

ROUNDING = 1e-9
"""Relative difference of floats that another processor or library may cause."""


class Differs(NamedTuple):
    """A value that two documents do not share; `None` where one lacks it."""

    key: str
    theirs: Any
    ours: Any


def read_record(path: Path) -> dict[str, Any]:
    """A JSON object as `jobs.files.write_json` writes it. `TicketsError` for anything else, other blanks included."""
    try:
        text = path.read_bytes()
        content = json.loads(text)
    except FileNotFoundError:
        raise TicketsError("is missing") from None
    except (OSError, ValueError) as error:
        raise TicketsError(f"cannot be read as JSON ({error})") from None
    if not isinstance(content, dict) or as_written(content) != text:
        raise TicketsError("is JSON, but not as this program writes it: it was edited")
    return content


def as_written(content: Mapping[str, Any]) -> bytes:
    """The bytes of a JSON object as `write_json` writes it; none if it cannot (NaN)."""
    try:
        return json_text(content).encode()
    except ValueError:
        return b""


def differences(theirs: Any, ours: Any, key: str = "") -> Iterator[Differs]:
    """Where a stored document departs from what it should be, by path ('scores.dev.accuracy')."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for name in sorted(theirs.keys() | ours.keys(), key=str):
            below = f"{key}.{name}" if key else str(name)
            if name in theirs and name in ours:
                yield from differences(theirs[name], ours[name], below)
            else:
                yield Differs(below, theirs.get(name), ours.get(name))
    elif isinstance(theirs, list | tuple) and isinstance(ours, list | tuple) and len(theirs) == len(ours):
        for index, (a, b) in enumerate(zip(theirs, ours, strict=True)):
            yield from differences(a, b, f"{key}[{index}]")
    elif theirs != ours or any(isinstance(theirs, t) != isinstance(ours, t) for t in (bool, float)):
        yield Differs(key, theirs, ours)  # 1, 1.0 and true are equal, but not written alike


def other_config(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """How the spec of a result departs from the config's; what several parts of a spec repeat is said once."""
    found = [
        f"{'.'.join(key.split('.')[-2:])} was {shown(before)}, is {shown(now)}"
        for key, before, now in differences(theirs, ours)
    ]
    words = list(dict.fromkeys(found))
    return (
        "made under another config: "
        + "; ".join(words[:3])
        + (f"; and {len(words) - 3} more" * (len(words) > 3))
    )


def near(theirs: Any, ours: Any) -> bool:
    """Whether two values are floats that agree but for rounding."""
    if not (isinstance(theirs, float) and isinstance(ours, float)):
        return False
    return abs(theirs - ours) <= ROUNDING * max(abs(theirs), abs(ours), 1.0)


def shown(value: Any, longest: int = 60) -> str:
    """A value in a sentence."""
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
