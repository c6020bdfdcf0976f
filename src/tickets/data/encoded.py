"""Tokenised data, resident in memory: what the `encode` rule writes and every training job reads.

One safetensors file a task. Nothing here knows where the text came from.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tickets.errors import TicketsError
from tickets.permissions import open_to_readers

FORMAT = "tickets-encoded/1"


@dataclass(frozen=True)
class Split:
    """Token ids of one split, right-padded.

    ids       int32 [n, length], padded with the tokenizer's pad id
    segments  uint8 [n, length], 0 or 1 (all 0 for models without segment ids)
    lengths   int32 [n], real tokens of each row
    labels    int64 [n] (classification), float32 [n] (regression), int64 [n, 2] first and last answer token of a
              span feature (-1 where the answer lies outside the window), absent (None) for MLM
    extras    further tensors of a kind; spans carry `example` int32 [n] (row in `texts`), `offsets` int32
              [n, length, 2] (characters in the context, (0, 0) outside it)
    texts     for spans: one dict an example with `id`, `context`, `answers` (list of str)
    """

    ids: Tensor
    segments: Tensor
    lengths: Tensor
    labels: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    texts: tuple[Mapping[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, chosen: Tensor | slice) -> "Split":
        """The chosen rows (a slice, row numbers or a bool mask); `texts` stay whole."""
        labels = None if self.labels is None else self.labels[chosen]
        extras = {name: tensor[chosen] for name, tensor in self.extras.items()}
        return Split(
            self.ids[chosen], self.segments[chosen], self.lengths[chosen], labels, extras, self.texts
        )

    def head(self, n: int) -> "Split":
        """The first `n` rows (all of them when there are fewer)."""
        return self.rows(slice(n))


@dataclass(frozen=True)
class EncodedTask:
    """All splits of a task (`train`, `dev`, and where they exist `dev_mismatched`, `test`) with their provenance.

    meta carries at least `task`, `pad_id`, `cls_id`, `sep_id`, `mask_id`, `vocab_size`, `special_ids` and `source`
    (where the text came from: path or revision, and its sha256).
    """

    splits: Mapping[str, Split]
    meta: Mapping[str, Any]

    def save(self, path: Path) -> None:
        """Write atomically; the header holds `meta`, the texts and a sha256 over every tensor."""
        tensors: dict[str, Tensor] = {}
        texts: dict[str, Any] = {}
        for name, split in self.splits.items():
            tensors |= {f"{name}.ids": split.ids, f"{name}.segments": split.segments}
            tensors[f"{name}.lengths"] = split.lengths
            if split.labels is not None:
                tensors[f"{name}.labels"] = split.labels
            tensors |= {f"{name}.extras.{key}": value for key, value in split.extras.items()}
            if split.texts:
                texts[name] = list(split.texts)
        header = {
            "format": FORMAT,
            "meta": json.dumps(dict(self.meta), sort_keys=True),
            "texts": json.dumps(texts),
            "sha256": content_hash(tensors),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        # Copies, since splits may share memory and the format forbids that.
        save_file({k: v.clone().contiguous() for k, v in tensors.items()}, part, metadata=header)
        open_to_readers(part)
        _sort_header(part)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> "EncodedTask":
        """Read what `save` wrote. Raises `TicketsError` if the file is missing, foreign or damaged."""
        advice = "Delete it and run the `encode` rule again."
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError:
            raise TicketsError(f"{path}: encoded data not found. Run the `encode` rule first.") from None
        except (SafetensorError, OSError) as error:
            raise TicketsError(f"{path}: not a readable safetensors file ({error}). {advice}") from None
        if header.get("format") != FORMAT:
            raise TicketsError(f"{path}: format is {header.get('format')!r}, expected {FORMAT!r}. {advice}")
        if header["sha256"] != content_hash(tensors):
            raise TicketsError(f"{path}: content does not match its sha256; the file is damaged. {advice}")
        texts = json.loads(header["texts"])
        names = dict.fromkeys(key.split(".")[0] for key in tensors)
        splits = {name: _split(name, tensors, texts.get(name, ())) for name in names}
        return cls(splits, json.loads(header["meta"]))


def content_hash(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names, shapes and bytes, independent of the order in which the tensors were given."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _sort_header(path: Path) -> None:
    """Put the header's entries in order: safetensors writes them in a random one, and equal data are equal files."""
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(size)
        assert len(text) == size, "the header changed its length"
        file.seek(8)
        file.write(text)


def _split(name: str, tensors: Mapping[str, Tensor], texts: Any) -> Split:
    prefix = f"{name}.extras."
    extras = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    return Split(
        tensors[f"{name}.ids"],
        tensors[f"{name}.segments"],
        tensors[f"{name}.lengths"],
        tensors.get(f"{name}.labels"),
        extras,
        tuple(texts),
    )
