"""Shape of an encoder, read from and written as a Hugging Face `config.json`. Imports no torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from tickets.errors import TicketsError

Family = Literal["bert", "roberta"]

ACTIVATIONS = ("gelu", "relu", "gelu_new")
_HF_NAMES = {
    "vocab_size": "vocab_size",
    "hidden_size": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
    "max_positions": "max_position_embeddings",
    "segment_types": "type_vocab_size",
    "activation": "hidden_act",
    "layer_norm_eps": "layer_norm_eps",
    "hidden_dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
    "initializer_range": "initializer_range",
    "pad_id": "pad_token_id",
}


@dataclass(frozen=True)
class EncoderConfig:
    """Everything that fixes the encoder's function; the defaults are BERT-base's."""

    family: Family = "bert"
    vocab_size: int = 30522
    hidden_size: int = 768
    layers: int = 12
    heads: int = 12
    intermediate_size: int = 3072
    max_positions: int = 512
    segment_types: int = 2
    activation: str = "gelu"
    layer_norm_eps: float = 1e-12
    hidden_dropout: float = 0.1
    attention_dropout: float = 0.1
    initializer_range: float = 0.02
    pad_id: int = 0

    def __post_init__(self) -> None:
        if self.hidden_size % self.heads:
            raise TicketsError(f"hidden_size {self.hidden_size} is not a multiple of heads {self.heads}")
        if self.activation not in ACTIVATIONS:
            raise TicketsError(f"activation '{self.activation}' is not one of {', '.join(ACTIVATIONS)}")

    @property
    def head_size(self) -> int:
        """Width of one attention head, d_h."""
        return self.hidden_size // self.heads

    @property
    def position_offset(self) -> int:
        """First position index: RoBERTa counts from pad_id + 1."""
        return self.pad_id + 1 if self.family == "roberta" else 0

    @property
    def max_length(self) -> int:
        """Longest sequence in tokens."""
        return self.max_positions - self.position_offset

    def to_hf(self) -> dict[str, Any]:
        """The `config.json` that transformers reads."""
        architecture = {"bert": "BertForPreTraining", "roberta": "RobertaForMaskedLM"}[self.family]
        facts = {hf: getattr(self, ours) for ours, hf in _HF_NAMES.items()}
        return {"model_type": self.family, "architectures": [architecture], **facts}

    @classmethod
    def from_hf(cls, facts: Mapping[str, Any], where: str = "config.json") -> "EncoderConfig":
        """Read a transformers config. Raises `TicketsError` for other architectures or missing keys."""
        family = facts.get("model_type")
        if family not in ("bert", "roberta"):
            raise TicketsError(f"{where}: model_type is {family!r}; only 'bert' and 'roberta' are supported.")
        if facts.get("position_embedding_type", "absolute") != "absolute":
            raise TicketsError(f"{where}: only absolute position embeddings are supported.")
        missing = [hf for hf in ("vocab_size", "hidden_size", "num_hidden_layers") if hf not in facts]
        if missing:
            raise TicketsError(f"{where}: key '{missing[0]}' is missing; is this a model's config.json?")
        known = {ours: facts[hf] for ours, hf in _HF_NAMES.items() if facts.get(hf) is not None}
        if family == "roberta":
            known.setdefault("pad_id", 1)
        try:
            return cls(family=family, **known)
        except TicketsError as error:
            raise TicketsError(f"{where}: {error}.") from None

    @classmethod
    def from_folder(cls, folder: Path) -> "EncoderConfig":
        """Read `folder/config.json`."""
        path = folder / "config.json"
        try:
            facts = json.loads(path.read_text())
        except FileNotFoundError:
            raise TicketsError(f"{path}: not found. Name a Hugging Face model folder.") from None
        except ValueError as error:
            raise TicketsError(f"{path}: not valid JSON ({error}).") from None
        return cls.from_hf(facts, str(path))

    def facts(self) -> dict[str, Any]:
        """All fields as plain values, for specs and birth certificates."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
