"""An encoder with one or more heads over one parameter store."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.encoder import Batch, Encoder, Gates, Read
from tickets.models.heads import Head, HeadRunner, initial_values
from tickets.models.layout import Shape, encoder_shapes, prunable_shapes
from tickets.models.lookup import KeptRows
from tickets.models.parameters import Parameters
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS
from tickets.pruning.structured import StructuredMask


class Model:
    """Body θ (encoder with pooler) and heads γ; `prunable` names the matrices that masks are over.

    head_dropout  rate before the heads' last layer, for all or for each; the encoder's if not given
    structure     attention heads and FFNs that exist; all if not given. `tickets.models.removal.cut` makes their θ
    """

    def __init__(
        self,
        config: EncoderConfig,
        heads: Sequence[Head],
        device: torch.device | str = "cpu",
        head_dropout: float | Mapping[Head, float] | None = None,
        structure: StructuredMask | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.config, self.heads, self.structure = config, tuple(heads), structure
        self.prunable = prunable_shapes(config, structure=structure)
        body = encoder_shapes(config, structure)
        shapes = dict(body)
        for head in heads:
            shapes |= head.shapes(config)
        n_prunable = sum(torch.Size(shape).numel() for shape in self.prunable.values())
        self.parameters = Parameters(shapes, n_prunable, device, dtype)
        self.body_names, self.head_names = set(body), set(shapes) - set(body)
        self.encoder = Encoder(config, self.parameters)
        dropout = _dropout_of(self.heads, config.hidden_dropout if head_dropout is None else head_dropout)
        self.random = max(config.hidden_dropout, config.attention_dropout, *dropout.values()) > 0
        self._runners = {h: HeadRunner(h, config, self.parameters, dropout[h]) for h in self.heads}

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return self.parameters.flat.device

    def forward(
        self,
        batch: Batch,
        head: Head,
        *,
        read: Tensor | None = None,
        train: bool = False,
        gates: Gates | None = None,
    ) -> Tensor:
        """Outputs of `head`; MLM heads need `read`, the packed indices of the tokens to predict."""
        wanted: Read = "first" if head.reads == "first" else read
        states = self.encoder(batch, wanted, train=train, gates=gates)
        return self.head_outputs(head, states, batch, train)

    def head_outputs(self, head: Head, states: Tensor, batch: Batch, train: bool = False) -> Tensor:
        """Outputs of `head` on the final states of the tokens it reads."""
        own_pooler = self.config.family == "roberta" and head.kind != "nsp"
        pooled = self.encoder.pool(states) if head.reads == "first" and not own_pooler else None
        return self._runners[head](states, pooled, batch, train)

    def load_body(self, values: Mapping[str, Tensor]) -> None:
        """Set θ from a mapping that names exactly the body's parameters; an earlier mask's lookup of words goes."""
        self.encoder.lookup = None
        self.parameters.load(values, self.body_names)

    def load_heads(self, values: Mapping[str, Tensor]) -> None:
        """Set γ."""
        self.parameters.load(values, self.head_names)

    def body(self) -> dict[str, Tensor]:
        """A copy of θ."""
        return self.parameters.snapshot(self.body_names)

    def head_values(self) -> dict[str, Tensor]:
        """A copy of γ."""
        return self.parameters.snapshot(self.head_names)

    def prunable_values(self) -> dict[str, Tensor]:
        """Windows (not copies) on the prunable matrices, in mask order."""
        return {name: self.parameters.view(name) for name in self.prunable}

    def apply_mask(self, mask: Mask) -> Tensor:
        """Zero the masked weights in place; returns as a float vector which are kept, over the flat prefix it masks.

        Masks are over the prunable matrices, or over these and the word table, then also without the pooler, which is
        kept whole (`maskable`). An MLM head decodes with the word table: in a model that has one the table stays
        dense and trains on, and only lookups are masked, until the next `load_body` (spec tamt sections 1.9, 2.3).
        Raises `TicketsError` for a mask of another architecture; the order of its names does not matter.
        """
        shapes = self.maskable(mask)
        mask.check_covers(shapes)
        decodes = any(head.kind == "mlm" for head in self.heads)
        if WORDS in shapes and decodes:
            self.encoder.lookup = KeptRows(self.parameters.leaf(WORDS), mask[WORDS])
        names = [*self.prunable, *([WORDS] if WORDS in shapes and not decodes else [])]
        kept = [mask[n] if n in mask else torch.ones(self.prunable[n], dtype=torch.bool) for n in names]
        flat = torch.cat([part.flatten() for part in kept]).to(self.parameters.flat)
        self.parameters.flat.data[: len(flat)].mul_(flat)
        return flat

    def maskable(self, mask: Mask) -> dict[str, Shape]:
        """What a mask over the same kinds of matrices covers in this model, in flat order."""
        shapes = dict(self.prunable)
        if WORDS in mask:
            shapes[WORDS] = tuple(self.parameters.spans[WORDS].shape)
            if POOLER not in mask:
                shapes.pop(POOLER, None)
        return shapes

    def fresh_heads(self, generator: torch.Generator) -> dict[str, Tensor]:
        """New heads, N(0, initializer_range) with zero bias."""
        shapes = {n: self.parameters.spans[n].shape for n in self.parameters.spans if n in self.head_names}
        return initial_values(shapes, self.config.initializer_range, generator)


def _dropout_of(heads: Sequence[Head], rates: float | Mapping[Head, float]) -> dict[Head, float]:
    if not isinstance(rates, Mapping):
        return dict.fromkeys(heads, rates)
    if missing := [head for head in heads if head not in rates]:
        raise TicketsError(f"head_dropout: no rate for {missing[0]}. Give one for each head of the model.")
    return {head: rates[head] for head in heads}
