"""Real tasks in the format every training job reads, from local files or from the hub."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from os.path import normpath
from pathlib import Path
from typing import Any

import torch

from tickets.data.documents import document_split
from tickets.data.encoded import EncodedTask, Split
from tickets.data.hub import hub_source, hub_squad, hub_table, hub_text
from tickets.data.layouts import TABLES
from tickets.data.sizes import completeness
from tickets.data.squad import read_squad, span_split
from tickets.data.tables import read_table
from tickets.data.tasks import task
from tickets.data.text import block_split, read_text
from tickets.data.tokenization import Template, encode_pairs
from tickets.errors import TicketsError
from tickets.training.seeds import derive_seed

_WIKITEXT = {"train": "wiki.train.raw", "dev": "wiki.valid.raw"}
MAX_LENGTH = {"classification": 128, "regression": 128, "span": 384, "mlm": 512}
FILES: dict[str, tuple[str, Mapping[str, str]]] = {
    id: (layout.folder, layout.files) for id, layout in TABLES.items()
} | {
    "squad": ("SQuAD", {"train": "train-v1.1.json", "dev": "dev-v1.1.json"}),
    "mlm": ("MLM", {"train": "train.txt", "dev": "dev.txt"}),
    "wikitext": ("WikiText-103", _WIKITEXT),
    "wikitext-pairs": ("WikiText-103", _WIKITEXT),
}
"""Folder under data.path and official file name of each split, by task."""


def build_real_task(
    task_id: str,
    *,
    tokenizer: Any,
    data_path: Path | None = None,
    revision: str | None = None,
    max_length: int | None = None,
    files: Mapping[str, str] | None = None,
    max_rows: Mapping[str, int] | None = None,
) -> EncodedTask:
    """A real task with the splits train, dev and, for MNLI, dev_mismatched.

    tokenizer   from `load_tokenizer`
    data_path   folder of official files (DATA.md); None takes them from the hub
    revision    hub commit in place of the pinned one
    max_length  ids a row, by default that of the paper: 128, squad 384, mlm 512
    files       file names by split where they differ from the official ones, relative to the task's folder
    max_rows    corpora only: the most blocks, or sequences of documents, of a split
    Raises `TicketsError` for bad or missing files and an unreachable hub.
    """
    kind = task(task_id).kind
    length = MAX_LENGTH[kind] if max_length is None else max_length
    if data_path is None:
        examples, source = _from_hub(task_id, revision)
    else:
        examples, source = _from_files(task_id, data_path, files)
    splits = {
        name: _encode(task_id, name, content, tokenizer, length, (max_rows or {}).get(name))
        for name, content in examples.items()
    }
    rows = {name: len(splits[name] if kind == "mlm" else content) for name, content in examples.items()}
    source["rows"] = rows
    template = Template.of(tokenizer)
    blocks = length == MAX_LENGTH["mlm"] and template.segments and not max_rows  # as counted for BERT
    source["completeness"] = {name: completeness(task_id, name, n, blocks) for name, n in rows.items()}
    meta = template.meta() | {
        "task": task_id,
        "max_length": length,
        "tokenizer_sha256": hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest(),
        "source": source,
    }
    return EncodedTask(splits, meta)


def task_files(task_id: str, data_path: Path, files: Mapping[str, str] | None = None) -> dict[str, Path]:
    """The file of every split of a task under `data_path` (see `build_real_task`)."""
    folder, official = FILES[task(task_id).id]
    if unknown := sorted(set(files or {}) - set(official)):
        raise TicketsError(
            f"data.files: task '{task_id}' has no split {', '.join(map(repr, unknown))}. "
            f"Its splits are: {', '.join(official)}."
        )
    # Normalised, so that `../elsewhere/file` also works where the task has no folder of its own.
    return {
        split: Path(normpath(data_path / folder / name))
        for split, name in (dict(official) | dict(files or {})).items()
    }


def _from_files(
    task_id: str, data_path: Path, files: Mapping[str, str] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    if not data_path.is_dir():
        raise TicketsError(
            f"data.path: {data_path} is no folder. Give the folder that holds the task folders."
        )
    paths = task_files(task_id, data_path, files)
    if task_id in TABLES:
        examples = {split: read_table(task_id, path) for split, path in paths.items()}
    else:
        read = read_squad if task_id == "squad" else read_text
        examples = {split: read(path) for split, path in paths.items()}
    described = {split: {"name": path.name, "sha256": _sha256(path)} for split, path in paths.items()}
    return examples, {"name": "local files", "path": str(data_path), "files": described}


def _from_hub(task_id: str, revision: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    source = hub_source(task_id, revision)
    if task_id in TABLES:
        examples: dict[str, Any] = hub_table(task_id, source)
    else:
        examples = hub_squad(source) if task_id == "squad" else hub_text(source)
    return examples, {"name": "hub"} | asdict(source)


def _encode(task_id: str, name: str, content: Any, tokenizer: Any, length: int, most: int | None) -> Split:
    kind = task(task_id).kind
    if task_id == "wikitext-pairs":
        seed = derive_seed(task_id, name)  # the same file whatever the preset's seed (spec tamt A10)
        return document_split(content, tokenizer, seed=seed, max_length=length, max_rows=most)
    if kind == "mlm":
        return block_split(content, tokenizer, max_length=length, max_blocks=most)
    if kind == "span":
        return span_split(content, tokenizer, max_length=length, keep_texts=name != "train")
    dtype = torch.float32 if kind == "regression" else torch.int64
    labels = torch.tensor(content["label"][:], dtype=dtype)
    second = content["second"][:] if "second" in content.column_names else None
    return encode_pairs(tokenizer, content["first"][:], second, labels, max_length=length)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
