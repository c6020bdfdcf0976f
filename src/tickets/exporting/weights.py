"""The weights of a ticket under the names and in the types of the folder that they come from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.hf import load_state, strip_prefix
from tickets.models.layout import check_structure, encoder_shapes, prunable_shapes
from tickets.models.removal import cut
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS, layer_names
from tickets.pruning.structured import StructuredMask

_DECODERS = {"bert": "cls.predictions", "roberta": "lm_head"}


@dataclass(frozen=True)
class Base:
    """A Hugging Face folder of a BERT or RoBERTa.

    state   its tensors, as stored
    stored  name without model prefix -> stored name
    """

    folder: Path
    config: EncoderConfig
    state: Mapping[str, Tensor]
    stored: Mapping[str, str]

    def body(self) -> dict[str, Tensor]:
        """θ by the names of the engine, of the parts that the folder has."""
        names = encoder_shapes(self.config)
        return {name: self.state[self.stored[name]] for name in names if name in self.stored}


def read_base(folder: Path) -> Base:
    """Read a model folder. Raises `TicketsError` for anything but a complete BERT or RoBERTa."""
    config = EncoderConfig.from_folder(folder)
    state = load_state(folder)
    stored = {next(iter(strip_prefix({name: value}, config.family))): name for name, value in state.items()}
    for name, shape in encoder_shapes(config).items():
        if name not in stored and not name.startswith("pooler."):
            raise TicketsError(f"{folder}: parameter '{name}' is missing; the folder is no whole model.")
        if name in stored and tuple(state[stored[name]].shape) != shape:
            found = list(state[stored[name]].shape)
            raise TicketsError(f"{folder}: '{name}' is {found}, config.json says {list(shape)}.")
    return Base(folder, config, state, stored)


def with_body(base: Base, body: Mapping[str, Tensor], where: Path) -> Base:
    """The folder with other weights in its encoder; its heads stay. A pooler that it lacks is left out."""
    shapes, state = encoder_shapes(base.config), dict(base.state)
    for name, shape in shapes.items():
        if name not in body or tuple(body[name].shape) != shape:
            found = list(body[name].shape) if name in body else "missing"
            raise TicketsError(f"{where}: '{name}' is {found}, but {list(shape)} in {base.folder}.")
        if name in base.stored:
            state[base.stored[name]] = body[name].to(base.state[base.stored[name]].dtype)
    return Base(base.folder, base.config, state, base.stored)


def weight_mask(mask: Mask, base: Base, where: Path) -> Mask:
    """The mask over weights (and, of heads and FFNs, biases) of this model.

    Raises `TicketsError` with the first tensor that differs if it was made for another model.
    """
    config = base.config
    if StructuredMask.describes(mask):
        structure = StructuredMask.from_mask(mask)
        try:
            check_structure(config, structure)
        except TicketsError as error:
            raise TicketsError(f"{where}: {error}") from None
        return expand(structure, config)
    shapes = prunable_shapes(config, POOLER in mask, words=WORDS in mask)
    for name in (*shapes, *mask):
        ours, theirs = mask.shapes.get(name), shapes.get(name)
        if name not in base.stored:
            theirs = None
        if ours is None or theirs is None or tuple(ours) != theirs:
            raise TicketsError(
                f"{where}: made for another model than {base.folder}: {name} is {_shape(ours)} in the mask and "
                f"{_shape(theirs)} in the model. Name with --model the folder of the model it was made for."
            )
    return mask


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else str(list(shape))


def expand(structure: StructuredMask, config: EncoderConfig) -> Mask:
    """Every weight and bias whose zeros make a plain BERT compute what the structure keeps, True = kept.

    Biases are among them because that of a removed FFN's output would be added, and would be trained.
    """
    kept: dict[str, Tensor] = {}
    shapes = encoder_shapes(config)
    for layer, heads in enumerate(structure.heads):
        *inputs, output, up, down = layer_names(layer)
        rows = heads.repeat_interleave(config.head_size)
        for name in inputs:
            kept[name] = rows[:, None].expand(shapes[name])
            kept[name.replace(".weight", ".bias")] = rows
        kept[output] = rows[None, :].expand(shapes[output])
        for name in (up, down, up.replace(".weight", ".bias"), down.replace(".weight", ".bias")):
            kept[name] = structure.ffns[layer].expand(shapes[name])
    return Mask(kept)


def masked_state(base: Base, mask: Mask) -> dict[str, Tensor]:
    """All tensors of the folder, with exact zeros where the mask (`weight_mask`) removes.

    A mask over the word table is one over its lookups: an MLM head goes on decoding with the whole table (spec tamt
    sections 1.9 and 2.3), which then has a tensor of its own beside the masked one.
    """
    state = {name: value.clone().contiguous() for name, value in base.state.items()}
    if decodes_with_words(base, mask):
        head = _DECODERS[base.config.family]
        state[f"{head}.decoder.weight"] = base.state[base.stored[WORDS]].clone()
        state[f"{head}.decoder.bias"] = base.state[f"{head}.bias"].clone()
    for name, kept in mask.items():
        state[base.stored[name]].masked_fill_(~kept, 0.0)
    return state


def decodes_with_words(base: Base, mask: Mask) -> bool:
    """Whether the folder has an MLM head and the mask covers the words that it decodes with."""
    return WORDS in mask and f"{_DECODERS[base.config.family]}.bias" in base.state


def reduced_state(base: Base, structure: StructuredMask) -> dict[str, Tensor]:
    """The folder's tensors without what the structure removes; what is kept is as it was."""
    shapes = encoder_shapes(base.config)
    whole = {name: base.body().get(name, torch.zeros(shape)) for name, shape in shapes.items()}
    small = cut(whole, base.config, structure)
    state = {name: value.clone().contiguous() for name, value in base.state.items()}
    for name in shapes:
        if name in base.stored:
            del state[base.stored[name]]
        if name in base.stored and name in small:
            state[base.stored[name]] = small[name].contiguous()
    return state


def parts_of(mask: Mask) -> dict[str, list[str]]:
    """Tensors by what they are, layer by layer alike: 'attention.self.query' -> names."""
    parts: dict[str, list[str]] = {}
    for name in mask:
        parts.setdefault(re.sub(r"encoder\.layer\.\d+\.|\.weight$|\.bias$", "", name), []).append(name)
    return parts
