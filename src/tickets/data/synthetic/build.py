"""From words to tensors: the synthetic data sets in the format every training job reads."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tickets.data import tasks as registry
from tickets.data.encoded import EncodedTask, Split
from tickets.data.masking import corrupt_one
from tickets.data.synthetic.pair_tasks import Example
from tickets.data.synthetic.tasks import WORLD_VERSION, Drawn, draw_pretraining, draw_task
from tickets.data.synthetic.vocabulary import CLS, MASK, PAD, SEP, SPECIAL, words
from tickets.data.synthetic.world import World
from tickets.training.seeds import derive_seed


def build_task(task_id: str, seed: int, sizes: Mapping[str, int] | None = None) -> EncodedTask:
    """A downstream task or corpus of the world of `seed`: splits train, dev, test (MNLI also dev_mismatched).

    sizes overrides the number of examples of single splits. Of each row of `wikitext-pairs` one word is corrupted.
    Raises `TicketsError` for an unknown task or split and for more examples than the language holds.
    """
    kind = registry.task(task_id).kind
    world = World.draw(seed)
    encoded = _encode(task_id, kind, seed, draw_task(world, task_id, sizes))
    return _corrupted(encoded) if task_id == "wikitext-pairs" else encoded


def build_pretraining(seed: int, n_pairs: int = 40_000, n_dev: int = 600) -> EncodedTask:
    """The pre-training corpus of a world (splits train and dev); label 1 is a true continuation."""
    return _encode("pretraining", "classification", seed, draw_pretraining(World.draw(seed), n_pairs, n_dev))


def vocabulary() -> list[str]:
    """The tokens in the order of their ids: the lines of a BERT `vocab.txt`."""
    return list(words())


def _corrupted(encoded: EncodedTask) -> EncodedTask:
    meta = encoded.meta
    splits = {}
    for name, split in encoded.splits.items():
        generator = torch.Generator().manual_seed(derive_seed(meta["task"], meta["world_seed"], name))
        ids = corrupt_one(
            split.ids, split.lengths, meta["special_ids"], meta["mask_id"], meta["vocab_size"], generator
        )
        splits[name] = replace(split, ids=ids)
    return EncodedTask(splits, meta)


def _encode(task_id: str, kind: str, seed: int, drawn: Sequence[Drawn]) -> EncodedTask:
    ids = {word: index for index, word in enumerate(words())}
    digest = hashlib.sha256()
    splits = {}
    for split, examples in drawn:
        splits[split] = _split(task_id, kind, split, examples, ids)
        for example in examples:
            digest.update(
                f"{' '.join(example.first)}\t{' '.join(example.second)}\t{example.label}\n".encode()
            )
    meta: dict[str, Any] = {
        "task": task_id,
        "pad_id": ids[PAD],
        "cls_id": ids[CLS],
        "sep_id": ids[SEP],
        "mask_id": ids[MASK],
        "vocab_size": len(ids),
        "special_ids": [ids[token] for token in SPECIAL],
        "world_seed": seed,
        "source": {"name": "synthetic", "version": WORLD_VERSION, "sha256": digest.hexdigest()},
    }
    return EncodedTask(splits, meta)


def _split(task_id: str, kind: str, split: str, examples: Sequence[Example], ids: Mapping[str, int]) -> Split:
    rows = []
    for example in examples:
        second = [*example.second, SEP] if example.second else []
        rows.append([ids[token] for token in (CLS, *example.first, SEP, *second)])
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.int32)
    width = max(map(len, rows), default=0)
    padded = torch.tensor([row + [0] * (width - len(row)) for row in rows], dtype=torch.int32)
    padded = padded.reshape(len(rows), width)
    starts = torch.tensor([len(example.first) + 2 for example in examples], dtype=torch.int32)
    position = torch.arange(width, dtype=torch.int32)
    segments = (position >= starts[:, None]) & (position < lengths[:, None])
    extras: dict[str, Tensor] = {}
    texts: tuple[dict[str, Any], ...] = ()
    if kind == "span":
        extras = {
            "example": torch.arange(len(rows), dtype=torch.int32),
            "offsets": _offsets(examples, width),
        }
        texts = tuple(_span_text(f"{task_id}-{split}-{i}", example) for i, example in enumerate(examples))
    return Split(padded, segments.to(torch.uint8), lengths, _labels(kind, examples), extras, texts)


def _labels(kind: str, examples: Sequence[Example]) -> Tensor | None:
    if kind == "mlm":
        return None
    if kind == "regression":
        return torch.tensor([example.label for example in examples], dtype=torch.float32)
    if kind == "classification":
        return torch.tensor([int(example.label) for example in examples], dtype=torch.int64)
    spans = []
    for example in examples:
        assert example.answer is not None
        spans.append([len(example.first) + 2 + word for word in example.answer])
    return torch.tensor(spans, dtype=torch.int64).reshape(len(spans), 2)


def _offsets(examples: Sequence[Example], width: int) -> Tensor:
    """[n, width, 2]: first character and one past the last, in the context joined by single spaces."""
    offsets = torch.zeros(len(examples), width, 2, dtype=torch.int32)
    for row, example in enumerate(examples):
        ranges, at = [], 0
        for word in example.second:
            ranges.append([at, at + len(word)])
            at += len(word) + 1
        first = len(example.first) + 2
        offsets[row, first : first + len(ranges)] = torch.tensor(ranges, dtype=torch.int32)
    return offsets


def _span_text(id: str, example: Example) -> dict[str, Any]:
    assert example.answer is not None
    first, last = example.answer
    return {
        "id": id,
        "context": " ".join(example.second),
        "question": " ".join(example.first),
        "answers": [" ".join(example.second[first : last + 1])],
    }
