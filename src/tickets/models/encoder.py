"""A lean BERT/RoBERTa encoder on packed tokens.

Equal to transformers' `BertModel`/`RobertaModel` (tests/unit/models/test_hf_parity.py), and without work on padding:
linear layers see only real tokens, and the last layer computes its output only where a head reads it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from tickets.models.config import EncoderConfig
from tickets.models.lookup import Lookup
from tickets.models.parameters import Parameters
from tickets.pruning.prunable import WORDS

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "relu": F.relu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
}


@dataclass(frozen=True)
class Batch:
    """Real tokens of `rows` sequences, end to end; from `pack_padded` padding too, which no token attends to.

    ids, segments, positions  int64 [tokens]
    slots    int64 [tokens], index of each token in the padded [rows * width] grid; None if the tokens fill it
    bias     float [rows, 1, 1, width], 0 on real keys and -inf on padding; None if nothing is padded
    starts   int64 [rows], index of each sequence's first token
    """

    ids: Tensor
    segments: Tensor
    positions: Tensor
    slots: Tensor | None
    bias: Tensor | None
    starts: Tensor
    rows: int
    width: int


def pack(ids: Tensor, segments: Tensor, lengths: Tensor, width: int, offset: int = 0) -> Batch:
    """Pack right-padded `ids` and `segments` [rows, >= width] of `lengths` [rows]; `width` is their maximum."""
    rows = len(ids)
    columns = torch.arange(width, device=ids.device)
    grid = columns.expand(rows, width)
    ids, segments = ids[:, :width], segments[:, :width]
    starts = torch.cumsum(lengths, 0) - lengths
    real = columns < lengths[:, None]
    slots = real.flatten().nonzero().squeeze(1)
    if len(slots) == rows * width:
        flat = (ids.flatten().long(), segments.flatten().long(), grid.flatten() + offset)
        return Batch(*flat, None, None, starts.long(), rows, width)
    packed = [x.flatten()[slots].long() for x in (ids, segments, grid)]
    bias = torch.zeros(rows, width, device=ids.device).masked_fill_(~real, float("-inf"))
    positions = packed[2] + offset
    return Batch(packed[0], packed[1], positions, slots, bias[:, None, None], starts.long(), rows, width)


def pack_padded(ids: Tensor, segments: Tensor, lengths: Tensor, width: int, offset: int = 0) -> Batch:
    """Like `pack`, but padding is computed with: what a model makes of it is asked for (spec tamt A7).

    Padding has the positions that transformers gives it: its columns, or where positions count from `offset` (the
    pad id + 1, RoBERTa) the pad id.
    """
    rows = len(ids)
    columns = torch.arange(width, device=ids.device)
    real = columns < lengths[:, None]
    if bool(real.all()):
        return pack(ids, segments, lengths, width, offset)
    grid = (columns + offset).expand(rows, width)
    positions = torch.where(real, grid, offset - 1) if offset else grid
    flat = [x[:, :width].flatten().long() for x in (ids, segments, positions)]
    bias = torch.zeros(rows, width, device=ids.device).masked_fill_(~real, float("-inf"))
    starts = torch.arange(rows, device=ids.device) * width
    return Batch(flat[0], flat[1], flat[2], None, bias[:, None, None], starts, rows, width)


@dataclass(frozen=True)
class Gates:
    """Multipliers on the context of each head and on each FFN's output, one entry a layer.

    heads    [heads], or one value a token [tokens, heads] (the last layer: one a token that is read)
    ffns     scalar, or one value a token [tokens, 1]
    skipped  layers whose FFN gate is zero and gets no gradient: their FFN is not computed
    Tensors [layers, heads] and [layers] serve as sequences of their rows. Where gates act is spec supertickets
    section 1.1: before the attention output projection, and before the FFN's residual addition. On a model from
    which heads were removed, [heads] are those that a layer has; of removed FFNs, and in layers without heads, gates
    are not looked at.
    """

    heads: Sequence[Tensor] | Tensor
    ffns: Sequence[Tensor] | Tensor
    skipped: frozenset[int] = frozenset()


Read = Tensor | Literal["first"] | None
"""Whose final states are wanted: packed token indices, the first token of each sequence, or (None) all."""


# Below this head size torch's CPU attention kernel is slower than four plain operations.
SDPA_HEAD_SIZE = 32


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, dropout: float) -> Tensor:
    """softmax(q k^T / sqrt(d) + bias) v over [rows, heads, width, d]; `bias` broadcasts over the scores."""
    if q.shape[-1] >= SDPA_HEAD_SIZE:
        bias = None if bias is None else bias.to(q.dtype)
        return F.scaled_dot_product_attention(q, k, v, bias, dropout)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    weights = torch.softmax(scores if bias is None else scores + bias, -1)
    return (F.dropout(weights, dropout) if dropout else weights) @ v


class Encoder:
    """Functions over a `Parameters` store; holds no state of its own but `lookup`, how words are looked up.

    lookup  None: the rows of the word table as they are
    """

    def __init__(self, config: EncoderConfig, parameters: Parameters) -> None:
        self.config = config
        self.parameters = parameters
        self.activation = ACTIVATIONS[config.activation]
        self.lookup: Lookup | None = None
        self._layers = [self._leaves(i) for i in range(config.layers)]

    def _leaves(self, i: int) -> dict[str, Tensor]:
        leaf, at = self.parameters.leaf, f"encoder.layer.{i}."
        qkv = [f"{at}attention.self.{part}." for part in ("query", "key", "value")]
        leaves: dict[str, Tensor] = {}
        for kind in ("weight", "bias"):
            if qkv[0] + kind in self.parameters.spans:
                leaves[f"qkv.{kind}"] = leaf(*(name + kind for name in qkv))
            for short, name in (
                ("out", "attention.output.dense"),
                ("norm1", "attention.output.LayerNorm"),
                ("up", "intermediate.dense"),
                ("down", "output.dense"),
                ("norm2", "output.LayerNorm"),
            ):
                if f"{at}{name}.{kind}" in self.parameters.spans:
                    leaves[f"{short}.{kind}"] = leaf(f"{at}{name}.{kind}")
        return leaves

    def __call__(
        self, batch: Batch, read: Read = None, *, train: bool = False, gates: Gates | None = None
    ) -> Tensor:
        """Final hidden states [len(read), hidden]; see `Read`."""
        hidden = self.embed(batch, train)
        last = len(self._layers) - 1
        for i in range(len(self._layers)):
            hidden = self._layer(i, hidden, batch, read if i == last else None, train, gates)
        return hidden

    def hidden_states(self, batch: Batch, *, train: bool = False, gates: Gates | None = None) -> list[Tensor]:
        """Embedding output and every layer's output, each [tokens, hidden]."""
        states = [self.embed(batch, train)]
        for i in range(len(self._layers)):
            states.append(self._layer(i, states[-1], batch, None, train, gates))
        return states

    def embed(self, batch: Batch, train: bool = False) -> Tensor:
        """Sum of word, position and segment embeddings, normalised [tokens, hidden]."""
        leaf = self.parameters.leaf
        total = self.lookup(batch.ids) if self.lookup is not None else F.embedding(batch.ids, leaf(WORDS))
        total = total + F.embedding(batch.positions, leaf("embeddings.position_embeddings.weight"))
        total = total + F.embedding(batch.segments, leaf("embeddings.token_type_embeddings.weight"))
        total = self._norm(total, leaf("embeddings.LayerNorm.weight"), leaf("embeddings.LayerNorm.bias"))
        return self._dropout(total, train)

    def _layer(
        self, i: int, hidden: Tensor, batch: Batch, read: Read, train: bool, gates: Gates | None
    ) -> Tensor:
        p = self._layers[i]
        hidden, out = self._attend(i, hidden, batch, read, train, gates)
        hidden = self._norm(hidden + self._dropout(out, train), p["norm1.weight"], p["norm1.bias"])
        if "up.weight" in p and not (gates is not None and i in gates.skipped):
            up = self.activation(F.linear(hidden, p["up.weight"], p["up.bias"]))
            down = F.linear(up, p["down.weight"], p["down.bias"])
            if gates is not None:
                down = down * gates.ffns[i]
            hidden = hidden + self._dropout(down, train)
        return self._norm(hidden, p["norm2.weight"], p["norm2.bias"])

    def _attend(
        self, i: int, hidden: Tensor, batch: Batch, read: Read, train: bool, gates: Gates | None
    ) -> tuple[Tensor, Tensor]:
        """States of the tokens that are read, and what the attention sub-layer adds to them, before dropout."""
        p = self._layers[i]
        rows = batch.starts if read == "first" else read
        if "qkv.weight" not in p:
            hidden = hidden if rows is None else hidden[rows]
            return hidden, p["out.bias"].expand_as(hidden)
        context = self._context(hidden, p, batch, train, queries=1 if read == "first" else batch.width)
        if rows is not None:
            hidden = hidden[rows]
            context = context if read == "first" else context[rows]
        if gates is not None:
            by_head = context.view(len(context), -1, self.config.head_size)
            context = (by_head * gates.heads[i][..., None]).flatten(1)
        return hidden, F.linear(context, p["out.weight"], p["out.bias"])

    def _context(
        self, hidden: Tensor, p: dict[str, Tensor], batch: Batch, train: bool, queries: int
    ) -> Tensor:
        """Context of the real tokens, or with queries=1 of each sequence's first [.., heads * head size]."""
        grid = batch.rows * batch.width
        qkv = F.linear(hidden, p["qkv.weight"], p["qkv.bias"])
        if batch.slots is not None:
            qkv = qkv.new_zeros(grid, qkv.shape[1]).index_copy(0, batch.slots, qkv)
        by_head = qkv.view(batch.rows, batch.width, 3, -1, self.config.head_size)
        q, k, v = by_head.permute(2, 0, 3, 1, 4).unbind(0)
        rate = self.config.attention_dropout if train else 0.0
        context = attend(q[:, :, :queries], k, v, batch.bias, rate)
        context = context.transpose(1, 2).reshape(batch.rows * queries, -1)
        return context if batch.slots is None or queries == 1 else context[batch.slots]

    def pool(self, first: Tensor) -> Tensor:
        """Tanh-dense of the first token's state [rows, hidden]."""
        leaf = self.parameters.leaf
        return torch.tanh(F.linear(first, leaf("pooler.dense.weight"), leaf("pooler.dense.bias")))

    def _norm(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.layer_norm(x, (x.shape[-1],), weight, bias, self.config.layer_norm_eps)

    def _dropout(self, x: Tensor, train: bool) -> Tensor:
        rate = self.config.hidden_dropout
        return F.dropout(x, rate) if train and rate else x


def grid_tokens(batch: Batch, chosen: Tensor) -> Tensor:
    """Packed indices of the True places of `chosen` [rows, width], in row-major order."""
    if batch.slots is None:
        return chosen.flatten().nonzero().squeeze(1)
    return chosen.flatten()[batch.slots].nonzero().squeeze(1)


def unpack(values: Tensor, batch: Batch, fill: float) -> Tensor:
    """Put per-token `values` [tokens, k] back on the padded grid [rows, width, k]."""
    if batch.slots is None:
        return values.view(batch.rows, batch.width, -1)
    grid = values.new_full((batch.rows * batch.width, values.shape[1]), fill)
    return grid.index_copy(0, batch.slots, values).view(batch.rows, batch.width, -1)
