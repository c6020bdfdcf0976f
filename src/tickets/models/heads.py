"""Task heads: shapes, initial values, forward pass and loss. Names are those of transformers' task models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from tickets.models.config import EncoderConfig
from tickets.models.encoder import ACTIVATIONS, Batch, unpack
from tickets.models.layout import Shape
from tickets.models.parameters import Parameters
from tickets.pruning.prunable import WORDS

HeadKind = Literal["classification", "regression", "span", "mlm", "nsp"]


@dataclass(frozen=True)
class Head:
    """A head by kind and width; `prefix` tells several heads on one body apart (multi-task training)."""

    kind: HeadKind
    outputs: int = 0
    prefix: str = ""

    def shapes(self, config: EncoderConfig) -> dict[str, Shape]:
        """Parameters of the head in Hugging Face naming, behind `prefix`."""
        d = config.hidden_size
        shapes: dict[str, Shape]
        if self.kind == "mlm":
            dense, norm, bias = mlm_names(config)
            shapes = {f"{dense}.weight": (d, d), f"{dense}.bias": (d,)}
            shapes |= {f"{norm}.weight": (d,), f"{norm}.bias": (d,), bias: (config.vocab_size,)}
        elif self.kind == "nsp":
            shapes = _linear("cls.seq_relationship", 2, d)
        elif self.kind == "span":
            shapes = _linear("qa_outputs", 2, d)
        elif config.family == "roberta":
            shapes = _linear("classifier.dense", d, d) | _linear("classifier.out_proj", self.outputs, d)
        else:
            shapes = _linear("classifier", self.outputs, d)
        return {self.prefix + name: shape for name, shape in shapes.items()}

    @property
    def reads(self) -> Literal["first", "all", "masked"]:
        """Which tokens' final states the head needs."""
        return {"span": "all", "mlm": "masked"}.get(self.kind, "first")  # type: ignore[return-value]


def _linear(name: str, outputs: int, inputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def mlm_names(config: EncoderConfig) -> tuple[str, str, str]:
    """Transform, LayerNorm and output-bias names of the checkpoint's MLM head."""
    if config.family == "roberta":
        return "lm_head.dense", "lm_head.layer_norm", "lm_head.bias"
    head = "cls.predictions"
    return f"{head}.transform.dense", f"{head}.transform.LayerNorm", f"{head}.bias"


def initial_values(shapes: Mapping[str, Shape], std: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Weights N(0, std), biases 0, LayerNorm (1, 0): a fresh BERT or a fresh head (spec lth sections 3.1, 4.2)."""
    values: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        if name.endswith("bias"):
            values[name] = torch.zeros(shape)
        elif "LayerNorm" in name or "layer_norm" in name:
            values[name] = torch.ones(shape)
        else:
            values[name] = torch.normal(0.0, std, shape, generator=generator)
    return values


class HeadRunner:
    """A head's forward pass over a parameter store shared with its encoder."""

    def __init__(self, head: Head, config: EncoderConfig, parameters: Parameters, dropout: float) -> None:
        self.head, self.config, self.parameters, self.dropout = head, config, parameters, dropout

    def _leaf(self, name: str) -> Tensor:
        return self.parameters.leaf(self.head.prefix + name)

    def _dense(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self._leaf(f"{name}.weight"), self._leaf(f"{name}.bias"))

    def _drop(self, x: Tensor, train: bool) -> Tensor:
        return F.dropout(x, self.dropout) if train and self.dropout else x

    def __call__(self, states: Tensor, pooled: Tensor | None, batch: Batch, train: bool) -> Tensor:
        """Outputs: [rows, k] for sentences, [rows, width, 2] for spans, [read tokens, vocab] for MLM."""
        kind = self.head.kind
        if kind == "mlm":
            return self._mlm(states)
        if kind == "span":
            return unpack(self._dense(states, "qa_outputs"), batch, float("-inf"))
        if self.config.family == "roberta" and kind != "nsp":
            inner = torch.tanh(self._dense(self._drop(states, train), "classifier.dense"))
            return self._dense(self._drop(inner, train), "classifier.out_proj")
        assert pooled is not None
        if kind == "nsp":
            return self._dense(pooled, "cls.seq_relationship")
        return self._dense(self._drop(pooled, train), "classifier")

    def _mlm(self, states: Tensor) -> Tensor:
        dense, norm, bias = mlm_names(self.config)
        act = ACTIVATIONS["gelu" if self.config.family == "roberta" else self.config.activation]
        x = act(self._dense(states, dense))
        weight, shift = self._leaf(f"{norm}.weight"), self._leaf(f"{norm}.bias")
        x = F.layer_norm(x, (x.shape[-1],), weight, shift, self.config.layer_norm_eps)
        words = self.parameters.leaf(WORDS)
        return F.linear(x, words, self._leaf(bias))


def loss(kind: HeadKind, outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean loss of a batch: cross-entropy, squared error, or the mean of the start and end cross-entropies.

    Span labels of -1 (answer outside the window) are ignored, as are MLM labels of -100.
    """
    if kind == "regression":
        return F.mse_loss(outputs.squeeze(-1), labels)
    if kind == "span":
        start, end = (_span_loss(outputs[..., i], labels[:, i]) for i in (0, 1))
        return (start + end) / 2
    if kind == "mlm" and not len(labels):
        return outputs.sum() * 0.0  # a small batch in which no word was chosen; the mean over nothing is NaN
    return F.cross_entropy(outputs, labels, ignore_index=-100)


def _span_loss(logits: Tensor, labels: Tensor) -> Tensor:
    # A batch without any answer in its windows has no loss; the mean over nothing would be NaN.
    if bool((labels < 0).all()):
        return logits[torch.isfinite(logits)].sum() * 0.0
    return F.cross_entropy(logits, labels, ignore_index=-1)
