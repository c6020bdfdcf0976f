"""Read and write model folders that transformers understands, without importing transformers."""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.heads import Head
from tickets.models.layout import encoder_shapes

WEIGHTS = "model.safetensors"
_LEGACY = (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"))


@dataclass(frozen=True)
class Checkpoint:
    """A pre-trained model: body θ0 and the heads it came with (possibly none)."""

    config: EncoderConfig
    body: Mapping[str, Tensor]
    heads: Mapping[str, Tensor]


def load_state(folder: Path) -> dict[str, Tensor]:
    """All tensors of a model folder: safetensors (single or sharded) or, without pickle, pytorch_model.bin."""
    index = folder / "model.safetensors.index.json"
    single, binary = folder / WEIGHTS, folder / "pytorch_model.bin"
    try:
        if single.exists():
            return load_file(single)
        if index.exists():
            shards = sorted(set(json.loads(index.read_text())["weight_map"].values()))
            return {k: v for shard in shards for k, v in load_file(folder / shard).items()}
        if binary.exists():
            state: dict[str, Tensor] = torch.load(binary, map_location="cpu", weights_only=True)
            return state
    except pickle.UnpicklingError:
        raise TicketsError(
            f"{binary}: holds more than tensors, so it is not read. Convert the weights to safetensors."
        ) from None
    except (SafetensorError, OSError, EOFError, KeyError, ValueError, RuntimeError) as error:
        raise TicketsError(
            f"{folder}: weights cannot be read ({error}). Download the folder again."
        ) from None
    raise TicketsError(f"{folder}: holds neither model.safetensors nor pytorch_model.bin.")


def strip_prefix(state: Mapping[str, Tensor], family: str) -> dict[str, Tensor]:
    """Names without the model prefix, with today's LayerNorm spelling."""
    stripped: dict[str, Tensor] = {}
    for name, tensor in state.items():
        short = name.removeprefix(f"{family}.")
        for old, new in _LEGACY:
            short = short.replace(old, new)
        stripped[short] = tensor
    return stripped


def load_folder(folder: Path, pooler: bool = True) -> Checkpoint:
    """Load a BERT or RoBERTa folder. Raises `TicketsError` if a parameter of the body is missing.

    A checkpoint without a pooler (RoBERTa) is accepted with `pooler=False`; its pooler is then all zeros.
    """
    config = EncoderConfig.from_folder(folder)
    state = strip_prefix(load_state(folder), config.family)
    body: dict[str, Tensor] = {}
    for name, shape in encoder_shapes(config).items():
        if name not in state:
            if name.startswith("pooler.") and not pooler:
                body[name] = torch.zeros(shape)
                continue
            hint = " This checkpoint has no pooler." if name.startswith("pooler.") else ""
            raise TicketsError(f"{folder}: parameter '{name}' is missing.{hint}")
        if tuple(state[name].shape) != shape:
            raise TicketsError(f"{folder}: '{name}' is {tuple(state[name].shape)}, config says {shape}.")
        body[name] = state[name].float()
    heads: dict[str, Tensor] = {}
    for kind in ("mlm", "nsp"):
        names = Head(kind).shapes(config)
        if all(name in state for name in names):
            heads |= {name: state[name].float() for name in names}
    return Checkpoint(config, body, heads)


def save_folder(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `config.json` and `model.safetensors` so that transformers' `from_pretrained` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    config, prefix = checkpoint.config, checkpoint.config.family
    state = {f"{prefix}.{name}": tensor.contiguous() for name, tensor in checkpoint.body.items()}
    state |= {name: tensor.contiguous() for name, tensor in checkpoint.heads.items()}
    part = folder / f"{WEIGHTS}.part"
    save_file(state, part, metadata={"format": "pt"})
    part.replace(folder / WEIGHTS)
    facts = folder / "config.json.part"
    facts.write_text(json.dumps(config.to_hf(), indent=2, sort_keys=True) + "\n")
    facts.replace(folder / "config.json")
