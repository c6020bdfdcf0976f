"""A plain-text corpus as one stream of tokens in blocks, as the papers feed masked language modelling."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tickets.data.encoded import Split
from tickets.data.tokenization import Ids, Template, tokenize
from tickets.errors import TicketsError

_CHUNK = 1 << 16  # characters; bounds memory, and lets the tokenizer work on many chunks at once
_BATCH = 64
_LAST_SPACE = re.compile(r"\s(?=\S)")


def read_text(path: Path) -> str:
    """The whole file, which must be UTF-8 and not blank; otherwise `TicketsError`."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TicketsError(f"{path}: cannot read the corpus ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise TicketsError(f"{path}: not UTF-8 at byte {error.start}. Convert the file to UTF-8.") from None
    if not text.strip():
        raise TicketsError(f"{path}: the corpus is empty. Put plain text there.")
    return text


def block_split(text: str, tokenizer: Any, *, max_length: int = 512, max_blocks: int | None = None) -> Split:
    """Blocks of `max_length` ids: `[CLS]`, max_length - 2 consecutive tokens of the text, `[SEP]`.

    No document boundaries, segment ids 0, the last partial block dropped, no labels (masking is dynamic).
    `max_blocks` keeps only the first blocks, and tokenises no more text than they need.
    Raises `TicketsError` if the text does not fill one block.
    """
    template = Template.of(tokenizer)
    width = max_length - template.overhead(pair=False)
    if width < 1:
        raise TicketsError(f"max_length is {max_length}, which leaves no room for text. Use 8 or more.")
    stream = _stream(text, tokenizer, None if max_blocks is None else max_blocks * width)
    count = len(stream) // width
    if count == 0:
        raise TicketsError(f"the corpus has {len(stream)} tokens, less than one block of {width}. Add text.")
    ids = np.empty((count, max_length), np.int32)
    ids[:, 0], ids[:, -1] = template.cls, template.sep
    ids[:, 1:-1] = stream[: count * width].reshape(count, width)
    segments = np.zeros(ids.shape, np.uint8)
    lengths = np.full(count, max_length, np.int32)
    return Split(torch.from_numpy(ids), torch.from_numpy(segments), torch.from_numpy(lengths))


def _stream(text: str, tokenizer: Any, enough: int | None) -> Ids:
    parts: list[Ids] = []
    size = 0
    chunks = _chunks(text)
    while batch := list(islice(chunks, _BATCH)):
        found = tokenize(tokenizer, batch)
        parts += found
        size += sum(map(len, found))
        if enough is not None and size >= enough:
            break
    return np.concatenate(parts)[:enough]


def _chunks(text: str) -> Iterator[str]:
    """Pieces that tokenise to the same ids as the whole.

    A cut lies before the last blank of a run of blanks: BERT splits words there anyway, and the byte-level
    pattern of RoBERTa takes exactly that blank as the head of the next token.
    """
    start = 0
    while start < len(text):
        cut = _LAST_SPACE.search(text, start + _CHUNK)
        end = cut.start() if cut else len(text)
        yield text[start:end]
        start = end
