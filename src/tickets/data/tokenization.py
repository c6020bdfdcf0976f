"""Text to token ids, the way BERT and RoBERTa expect it: `[CLS] a [SEP]`, `[CLS] a [SEP] b [SEP]`.

Sequences are assembled here rather than by the tokenizer, so that truncation follows the tokenizers of 2020
to the token and spans can be cut into windows whose positions are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tickets.data.encoded import Split
from tickets.errors import TicketsError

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Template:
    """What surrounds the text: special ids, separators between the parts of a pair (BERT 1, RoBERTa 2), and
    whether the second part is segment 1."""

    pad: int
    cls: int
    sep: int
    mask: int
    special: tuple[int, ...]
    vocabulary: int
    separators: int
    segments: bool

    @classmethod
    def of(cls, tokenizer: Any) -> "Template":
        """Read it off a tokenizer, or raise `TicketsError` if that is none of BERT's or RoBERTa's form."""
        name = getattr(tokenizer, "name_or_path", "tokenizer")
        ids = {part: getattr(tokenizer, f"{part}_token_id") for part in ("pad", "cls", "sep", "mask")}
        missing = [part for part, id in ids.items() if id is None]
        if missing or tokenizer.num_special_tokens_to_add(pair=False) != 2:
            lacking = (
                f"lacks the tokens {', '.join(missing)}" if missing else "does not wrap text in two tokens"
            )
            raise TicketsError(f"{name}: the tokenizer {lacking}. Use one of a BERT or RoBERTa model.")
        return cls(
            **ids,
            special=tuple(sorted(tokenizer.all_special_ids)),
            vocabulary=len(tokenizer),
            separators=tokenizer.num_special_tokens_to_add(pair=True) - 2,
            segments="token_type_ids" in tokenizer.model_input_names,
        )

    def overhead(self, pair: bool) -> int:
        """Number of tokens added to the text."""
        return 2 + self.separators * pair

    def wrap(self, first: Ids, second: Ids | None = None) -> tuple[Ids, int]:
        """The full sequence, and the position at which `second` begins (its length where there is none)."""
        opening = [np.array([self.cls], np.int32), first]
        if second is None:
            ids = np.concatenate([*opening, np.array([self.sep], np.int32)])
            return ids, len(ids)
        between = np.full(self.separators, self.sep, np.int32)
        ids = np.concatenate([*opening, between, second, between[:1]])
        return ids, 1 + len(first) + self.separators

    def meta(self) -> dict[str, Any]:
        """The entries that every `EncodedTask.meta` carries about the vocabulary."""
        return {
            "pad_id": self.pad,
            "cls_id": self.cls,
            "sep_id": self.sep,
            "mask_id": self.mask,
            "vocab_size": self.vocabulary,
            "special_ids": list(self.special),
        }


def load_tokenizer(name_or_path: str | Path, revision: str | None = None) -> Any:
    """The fast tokenizer in a local model folder, or of a hub model at a revision.

    Raises `TicketsError` if the folder holds none, the hub cannot be reached, or it is not a fast tokenizer.
    """
    from transformers import AutoTokenizer

    local = Path(name_or_path).is_dir()
    advice = (
        "The folder needs the tokenizer's files beside the model (tokenizer.json or vocab.txt)."
        if local
        else "Set model.path to a local model folder, or check the name, the revision and the network."
    )
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(name_or_path), revision=None if local else revision, local_files_only=local
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TicketsError(f"{name_or_path}: cannot load a tokenizer ({reason}). {advice}") from None
    if not tokenizer.is_fast:
        raise TicketsError(f"{name_or_path}: needs a fast tokenizer. Save it with a tokenizer.json.")
    # Without its files transformers 5 builds a tokenizer that knows the special tokens only.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise TicketsError(f"{name_or_path}: the tokenizer has no vocabulary. {advice}")
    return tokenizer


def tokenize(tokenizer: Any, texts: Sequence[str]) -> list[Ids]:
    """Token ids of each text, without special tokens, untruncated."""
    if not texts:
        return []
    ids = tokenizer(
        list(texts),
        add_special_tokens=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )["input_ids"]
    return [np.array(row, np.int32) for row in ids]


def longest_first(first: int, second: int, budget: int) -> tuple[int, int]:
    """Lengths of a pair cut to `budget` tokens: one by one off the longer side, off the second if equal."""
    if first + second <= budget:
        return first, second
    keep = min(first, max(budget - second, (budget + 1) // 2))
    return keep, budget - keep


def encode_pairs(
    tokenizer: Any,
    first: Sequence[str],
    second: Sequence[str] | None = None,
    labels: Tensor | None = None,
    *,
    max_length: int = 128,
) -> Split:
    """Single sentences or pairs as a `Split`, truncated longest-first to `max_length` ids in all.

    Rows are padded to the longest row of the split, not to `max_length`: attention ignores the rest anyway.
    """
    template = Template.of(tokenizer)
    budget = max_length - template.overhead(pair=second is not None)
    if budget < 2:
        raise TicketsError(f"max_length is {max_length}, which leaves no room for text. Use 8 or more.")
    firsts = tokenize(tokenizer, first)
    if second is None:
        rows = [template.wrap(ids[:budget]) for ids in firsts]
    else:
        rows = []
        for a, b in zip(firsts, tokenize(tokenizer, second), strict=True):
            keep_a, keep_b = longest_first(len(a), len(b), budget)
            rows.append(template.wrap(a[:keep_a], b[:keep_b]))
    return padded(rows, template, labels)


def padded(rows: Sequence[tuple[Ids, int]], template: Template, labels: Tensor | None = None) -> Split:
    """Stack wrapped sequences (ids, start of the second part) into one right-padded `Split`."""
    lengths = np.array([len(ids) for ids, _ in rows], np.int32)
    width = int(lengths.max(initial=0))
    ids = np.full((len(rows), width), template.pad, np.int32)
    segments = np.zeros((len(rows), width), np.uint8)
    for index, (row, boundary) in enumerate(rows):
        ids[index, : len(row)] = row
        if template.segments:
            segments[index, boundary : len(row)] = 1
    return Split(torch.from_numpy(ids), torch.from_numpy(segments), torch.from_numpy(lengths), labels)
