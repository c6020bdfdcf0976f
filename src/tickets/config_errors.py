"""What is wrong with a config, in words that name the key and what to do."""

from collections.abc import Sequence
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, where: str, root: type[BaseModel]) -> str:
    """All problems of validating a `root`, one a line, each with its key and what to do."""
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        at = f"{where}.{key}" if key else where
        if problem["type"] == "extra_forbidden":
            *above, last = map(str, problem["loc"])
            lines.append(f"{at}: unknown key{suggest(last, _keys_below(root, above))}")
        elif problem["type"] == "missing":
            lines.append(f"{at}: required key is missing.")
        else:
            lines.append(
                f"{at}: {problem['msg'].removeprefix('Value error, ')} (got {_short(problem['input'])})"
            )
    return "\n".join(lines)


def suggest(word: str, known: list[str]) -> str:
    """How a message about an unknown word ends: the nearest known one, or a full stop."""
    near = get_close_matches(word, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else "."


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys_below(root: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys of the section at a path below `root`."""
    kind: Any = root
    for part in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[part].annotation
        else:
            kind = get_args(kind)[-1]  # a mapping: its values
        if get_origin(kind) in (Union, UnionType):
            kind = next(option for option in get_args(kind) if option is not NoneType)
    return sorted(kind.model_fields)
