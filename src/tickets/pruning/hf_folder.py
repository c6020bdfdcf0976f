"""The general-purpose door: prune any local Hugging Face BERT or RoBERTa folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tickets.data.encoded import content_hash
from tickets.errors import TicketsError
from tickets.models.weight_files import ADVICE, open_weights, read_json
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, count_layers, prunable_shapes
from tickets.pruning.registry import method as find_method

MODEL_TYPES = ("bert", "roberta")
_PREFIXES = ("bert.", "roberta.", "")
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


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
    names, read = open_weights(model_dir)
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
    config = read_json(path, f"Is {model_dir} a Hugging Face model folder?")
    if config.get("model_type") not in MODEL_TYPES:
        raise TicketsError(
            f"{path}: model_type is {config.get('model_type')!r}; only {' and '.join(MODEL_TYPES)} models "
            "can be pruned. Give the folder of one."
        )
    for key in ("hidden_size", "intermediate_size", "num_hidden_layers"):
        if type(config.get(key)) is not int or config[key] < 1:
            raise TicketsError(f"{path}: {key} is {config.get(key)!r}, expected a positive integer. {ADVICE}")
    return config


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
            f"{model_dir}: {len(missing)} matrices are missing, first {prefix}{missing[0]}. {ADVICE}"
        )
    return {name: prefix + name for name in shapes}
