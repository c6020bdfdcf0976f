"""The weight files of a Hugging Face model folder, read tensor by tensor and without running pickled code."""

import json
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tickets.errors import TicketsError

ADVICE = "Download the model again (a git-lfs pointer needs `git lfs pull`)."


def read_json(path: Path, hint: str) -> dict[str, Any]:
    """A JSON object of a model folder; `hint` is what to do where the file is missing."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise TicketsError(f"{path}: not found. {hint}") from None
    except (OSError, ValueError) as error:
        raise TicketsError(f"{path}: not readable JSON ({error}). {ADVICE}") from None
    if not isinstance(value, dict):
        raise TicketsError(f"{path}: holds no JSON object. {ADVICE}")
    return value


Reader = Callable[[Iterable[str]], list[Tensor]]


def open_weights(model_dir: Path) -> tuple[frozenset[str], Reader]:
    """The names in the folder's weight files, and a function that reads tensors by these names, in order."""
    single, index, pickled = (
        model_dir / name
        for name in ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
    )
    if single.exists():
        files = dict.fromkeys(_names(single), single)
    elif index.exists():
        files = _shards(index)
    elif pickled.exists():
        state = _unpickle(pickled)
        return frozenset(state), lambda names: [state[name] for name in names]
    else:
        raise TicketsError(
            f"{model_dir}: no model.safetensors, model.safetensors.index.json or pytorch_model.bin. "
            "Give a folder with PyTorch weights (sharded ones only as safetensors)."
        )
    return frozenset(files), lambda names: [_tensor(files[name], name) for name in names]


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TicketsError(f"{path}: cannot be read as model weights ({reason}). {ADVICE}") from None


def _names(path: Path) -> list[str]:
    with _reading(path), safe_open(path, framework="pt") as file:
        return list(file.keys())


def _tensor(path: Path, name: str) -> Tensor:
    with _reading(path), safe_open(path, framework="pt") as file:
        tensor: Tensor = file.get_tensor(name)
        return tensor


def _shards(index: Path) -> dict[str, Path]:
    places = read_json(index, ADVICE).get("weight_map")
    if not isinstance(places, dict) or any(Path(str(file)).name != file for file in places.values()):
        raise TicketsError(f"{index}: no `weight_map` from tensor names to file names beside it. {ADVICE}")
    return {name: index.with_name(file) for name, file in places.items()}


def _unpickle(path: Path) -> dict[str, Tensor]:
    with _reading(path):
        state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise TicketsError(f"{path}: holds no plain state dict. Save the model with `save_pretrained`.")
    return state
