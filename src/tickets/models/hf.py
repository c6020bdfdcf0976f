"""Read and write model folders that transformers understands, without importing transformers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.heads import Head
from tickets.models.layout import encoder_shapes
from tickets.models.weight_files import open_weights
from tickets.permissions import open_to_readers

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
    names, read = open_weights(folder)
    order = sorted(names)
    return dict(zip(order, read(order), strict=True))


def strip_prefix(state: Mapping[str, Tensor], family: str) -> dict[str, Tensor]:
    """Names without the model prefix, with today's LayerNorm spelling."""
    stripped: dict[str, Tensor] = {}
    for name, tensor in state.items():
        short = name.removeprefix(f"{family}.")
        for old, new in _LEGACY:
            short = short.replace(old, new)
        stripped[short] = tensor
    return stripped


def load_folder(folder: Path, pooler: bool | None = None) -> Checkpoint:
    """Load a BERT or RoBERTa folder. Raises `TicketsError` if a parameter of the body is missing.

    pooler  whether a checkpoint without one is refused, by default that of a BERT: no head of RoBERTa reads it.
            One that is accepted has a pooler of zeros.
    """
    config = EncoderConfig.from_folder(folder)
    pooler = config.family == "bert" if pooler is None else pooler
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
    open_to_readers(part)
    part.replace(folder / WEIGHTS)
    facts = folder / "config.json.part"
    facts.write_text(json.dumps(config.to_hf(), indent=2, sort_keys=True) + "\n")
    facts.replace(folder / "config.json")
