"""The general-purpose door: prune any local Hugging Face BERT or RoBERTa folder."""

import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tickets.data.encoded import content_hash
from tickets.errors import TicketsError
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, count_layers, prunable_shapes
from tickets.pruning.registry import method as find_method

MODEL_TYPES = ("bert", "roberta")
_PREFIXES = ("bert.", "roberta.", "")
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_ADVICE = "Download the model again (a git-lfs pointer needs `git lfs pull`)."


@dataclass(frozen=True)
class PretrainedFolder:
    """What pruning needs of a model folder.

    config   `config.json`
    weights  the prunable matrices, float32, named without model prefix, in the order of `prunable_names`
    dtype    how they are stored, e.g. "float32" or "bfloat16" (16-bit weights rank with many ties)
    """

    config: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    dtype: str


def read_folder(model_dir: Path, pooler: bool = True) -> PretrainedFolder:
    """Read `config.json` and the prunable matrices of a folder that `save_pretrained` wrote.

    Understands `model.safetensors`, its sharded form, and `pytorch_model.bin`; names may start with `bert.`,
    `roberta.` or neither. With `pooler=False` the pooler is left out of the set, for checkpoints without one.
    Raises `TicketsError` on anything else: other architectures, missing, damaged or incomplete files.
    """
    config = _read_config(model_dir)
    shapes = prunable_shapes(
        config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], pooler
    )
    names, read = _open_weights(model_dir)
    stored = _locate(model_dir, names, shapes, config["num_hidden_layers"])
    tensors = dict(zip(shapes, read(stored.values()), strict=True))
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != shapes[name] or tensor.dtype not in _FLOATS:
            raise TicketsError(
                f"{model_dir}: {stored[name]} is {tensor.dtype} {list(tensor.shape)}, expected floats "
                f"{list(shapes[name])}. The weights and config.json are not of one, unquantised, model."
            )
    dtypes = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()})
    weights = {name: tensor.to(torch.float32) for name, tensor in tensors.items()}
    return PretrainedFolder(config, weights, "+".join(dtypes))


def prune_folder(
    model_dir: Path, method: str, sparsity: float, out: Path, seed: int, pooler: bool = True
) -> Mask:
    """Prune a model folder with a registered method and write the mask to `out` with its provenance.

    `sparsity` is the fraction to remove of the prunable set, in [0, 1]; `seed` feeds the method's generator.
    The model itself is not changed. Returns the mask. Raises `TicketsError` on bad arguments, a bad folder or
    an output that cannot be written.
    """
    prune = find_method(method)
    if not 0.0 <= sparsity <= 1.0:
        raise TicketsError(
            f"sparsity: {sparsity} is not in [0, 1]. It is the fraction to remove, .7 for 70 %."
        )
    if out.is_dir():
        raise TicketsError(
            f"{out}: is a folder. Name the mask file to write, e.g. {out / 'mask.safetensors'}."
        )
    folder = read_folder(model_dir, pooler)
    mask = prune(folder.weights, float(sparsity), torch.Generator().manual_seed(seed))
    provenance = {
        "kept": mask.kept,
        "method": method,
        "model": model_dir.resolve().name,
        "model_type": folder.config["model_type"],
        "pooler": pooler,
        "seed": seed,
        "sparsity": mask.sparsity,
        "sparsity_requested": float(sparsity),
        "tickets_version": version("winning-tickets"),
        "total": mask.total,
        "weights_dtype": folder.dtype,
        "weights_sha256": content_hash(folder.weights),
    }
    mask.save(out, provenance)
    return mask


def _read_config(model_dir: Path) -> dict[str, Any]:
    path = model_dir / "config.json"
    config = _read_json(path, f"Is {model_dir} a Hugging Face model folder?")
    if config.get("model_type") not in MODEL_TYPES:
        raise TicketsError(
            f"{path}: model_type is {config.get('model_type')!r}; only {' and '.join(MODEL_TYPES)} models "
            "can be pruned. Give the folder of one."
        )
    for key in ("hidden_size", "intermediate_size", "num_hidden_layers"):
        if type(config.get(key)) is not int or config[key] < 1:
            raise TicketsError(
                f"{path}: {key} is {config.get(key)!r}, expected a positive integer. {_ADVICE}"
            )
    return config


def _read_json(path: Path, hint: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise TicketsError(f"{path}: not found. {hint}") from None
    except (OSError, ValueError) as error:
        raise TicketsError(f"{path}: not readable JSON ({error}). {_ADVICE}") from None
    if not isinstance(value, dict):
        raise TicketsError(f"{path}: holds no JSON object. {_ADVICE}")
    return value


_Reader = Callable[[Iterable[str]], list[Tensor]]


def _open_weights(model_dir: Path) -> tuple[frozenset[str], _Reader]:
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
        raise TicketsError(f"{path}: cannot be read as model weights ({reason}). {_ADVICE}") from None


def _names(path: Path) -> list[str]:
    with _reading(path), safe_open(path, framework="pt") as file:
        return list(file.keys())


def _tensor(path: Path, name: str) -> Tensor:
    with _reading(path), safe_open(path, framework="pt") as file:
        tensor: Tensor = file.get_tensor(name)
        return tensor


def _shards(index: Path) -> dict[str, Path]:
    places = _read_json(index, _ADVICE).get("weight_map")
    if not isinstance(places, dict) or any(Path(str(file)).name != file for file in places.values()):
        raise TicketsError(f"{index}: no `weight_map` from tensor names to file names beside it. {_ADVICE}")
    return {name: index.with_name(file) for name, file in places.items()}


def _unpickle(path: Path) -> dict[str, Tensor]:
    with _reading(path):
        state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise TicketsError(f"{path}: holds no plain state dict. Save the model with `save_pretrained`.")
    return state


def _locate(
    model_dir: Path, names: frozenset[str], shapes: Mapping[str, Any], n_layers: int
) -> dict[str, str]:
    """Prunable name -> stored name."""
    first = next(iter(shapes))
    prefix = next((prefix for prefix in _PREFIXES if prefix + first in names), None)
    if prefix is None:
        raise TicketsError(
            f"{model_dir}: no tensor is named {first}, nor with `bert.` or `roberta.` before it. "
            "The weights are not those of a BERT or RoBERTa; check what config.json belongs to."
        )
    found = count_layers(name.removeprefix(prefix) for name in names if name.startswith(prefix))
    if found != n_layers:
        raise TicketsError(
            f"{model_dir}: config.json says {n_layers} layers, the weights have {found}. "
            "The weights and config.json are not of one model."
        )
    missing = [name for name in shapes if prefix + name not in names]
    if missing == [POOLER]:
        raise TicketsError(
            f"{model_dir}: the checkpoint has no pooler ({prefix}{POOLER}), part of the prunable set. "
            "Use a checkpoint that has one, or prune without it on purpose (`--no-pooler`)."
        )
    if missing:
        raise TicketsError(
            f"{model_dir}: {len(missing)} matrices are missing, first {prefix}{missing[0]}. {_ADVICE}"
        )
    return {name: prefix + name for name in shapes}
