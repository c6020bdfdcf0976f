"""Headers of our safetensors files: one JSON document with a seal over all of it, so that a flipped byte is found."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tickets.errors import TicketsError


def seal(header: Mapping[str, Any]) -> str:
    """The header as text, with its seal; equal headers give equal text. It must be JSON, and name its `format`."""
    return _canonical({**header, "seal": _digest(header)})


def unseal(path: Path, text: str, form: str, advice: str, remedy: str) -> dict[str, Any]:
    """The header that `seal` was given.

    Raises `TicketsError` with `advice` if it was changed, and with `remedy` if its format is not `form`.
    """
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.pop("seal", None) != _digest(header):
        raise TicketsError(f"{path}: the header does not match its seal; the file is damaged. {advice}")
    if header["format"] != form:
        raise TicketsError(f"{path}: format is {header['format']!r}, this version reads {form!r}. {remedy}")
    return header


def _digest(header: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(header).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
