"""Small file helpers: nothing is ever half-written."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tickets.errors import TicketsError
from tickets.permissions import open_to_readers


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write readable JSON in one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json_text(content), encoding="utf-8")
    part.replace(path)


def json_text(content: Mapping[str, Any]) -> str:
    """How this program writes JSON: equal content gives equal bytes. ValueError for NaN and infinities."""
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def read_json(path: Path, advice: str = "Run the job that makes it again.") -> dict[str, Any]:
    """Read a JSON object, or raise a `TicketsError` that says what to do."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TicketsError(f"{path}: not found. {advice}") from None
    except ValueError as error:
        raise TicketsError(f"{path}: not valid JSON ({error}). {advice}") from None
    if not isinstance(content, dict):
        raise TicketsError(f"{path}: expected a JSON object. {advice}")
    return content


def file_hash(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> None:
    """Copy a file in one rename."""
    part = target.with_name(target.name + ".part")
    shutil.copyfile(source, part)
    part.replace(target)


def publish(staged: Path, final: Path) -> None:
    """Put a finished file into place in one rename; the staged copy stays until the whole job is done."""
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(final.name + ".part")
    part.unlink(missing_ok=True)
    try:
        os.link(staged, part)
    except OSError:
        shutil.copyfile(staged, part)
    open_to_readers(part)
    part.replace(final)
    part.unlink(missing_ok=True)  # a rename onto another link to the same file does nothing
