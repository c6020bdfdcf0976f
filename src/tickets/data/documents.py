"""A corpus as documents cut into sequences of two parts, the data of distillation (spec tamt section 1.11b)."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tickets.data.encoded import Split
from tickets.data.masking import corrupt_one
from tickets.data.tokenization import Ids, Template, longest_first, padded, tokenize
from tickets.errors import TicketsError

MIN_TOKENS = 20
"""Documents whose first line is shorter are left out."""
SHORT_PROBABILITY = 0.1
_BATCH = 2048  # documents tokenised and drawn together; part of the order of the random draws
Document = tuple[str, ...]
"""Paragraphs: the non-blank lines between two blank ones, stripped."""
_Chunk = list[Ids]


def document_split(
    text: str, tokenizer: Any, *, seed: int, max_length: int = 512, max_rows: int | None = None
) -> Split:
    """Sequences `[CLS] A [SEP] B [SEP]` (RoBERTa: `<s> A </s></s> B </s>`) of at most `max_length` ids.

    Documents are cut greedily after the paragraph that fills a sequence (with probability 0.1, one of a length drawn
    for the document); A and B meet at a random paragraph boundary, and a sequence of one paragraph has no B. What is
    too long loses tokens of the longer part, each at its front or back. Headings and documents with a first line of
    less than 20 tokens are left out, but never the last one.

    For BERT one token a row is corrupted, as the authors' generator left it; RoBERTa's, which that generator gave
    tokens of another model, stay clean (spec tamt A9). Equal `seed`, equal rows; `max_rows` keeps the first rows,
    and tokenises no more text than they need.
    Raises `TicketsError` if `max_length` leaves no room or no text is left.
    """
    template = Template.of(tokenizer)
    budget = max_length - template.overhead(pair=True)
    if budget < 2:
        raise TicketsError(f"max_length is {max_length}, which leaves no room for text. Use 8 or more.")
    # Of the generator only `random` is used: its stream is the same on every machine.
    generator = np.random.Generator(np.random.PCG64(seed))
    rows: list[tuple[Ids, int]] = []
    found = documents(text)
    while batch := list(islice(found, _BATCH)):
        chunks = _chunks(_kept(batch, tokenizer), budget, generator)
        rows += [template.wrap(*parts) for parts in _parts(chunks, budget, generator)]
        if max_rows is not None and len(rows) >= max_rows:
            break
    if not rows:
        raise TicketsError("the corpus has no text that the tokenizer knows. Put plain text there.")
    split = padded(rows[:max_rows], template)
    return split if template.separators > 1 else _corrupted(split, template, seed)


def documents(text: str) -> Iterator[tuple[Document, bool]]:
    """Documents of a corpus, each with whether it is the last."""
    held: Document = ()
    lines: list[str] = []
    for line in _lines(text):
        if line:
            lines.append(line)
        elif lines:
            if held:
                yield held, False
            held, lines = tuple(lines), []
    if lines:
        if held:
            yield held, False
        held = tuple(lines)
    if held:
        yield held, True


def _lines(text: str) -> Iterator[str]:
    """Lines, stripped, and a blank one at the end. Not `splitlines`, which knows eight more line ends."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end].strip()
        start = end + 1
    yield text[start:].strip()


def _kept(batch: Sequence[tuple[Document, bool]], tokenizer: Any) -> list[_Chunk]:
    """The documents of a batch as ids of each paragraph, without headings and stubs."""
    wanted = [(doc, last) for doc, last in batch if last or "=" not in doc[0]]
    ids = iter(tokenize(tokenizer, [line for doc, _ in wanted for line in doc]))
    found = []
    for doc, last in wanted:
        paragraphs = [next(ids) for _ in doc]
        if last or len(paragraphs[0]) >= MIN_TOKENS:
            found.append([paragraph for paragraph in paragraphs if len(paragraph)])
    return found


def _chunks(found: Sequence[_Chunk], budget: int, generator: np.random.Generator) -> list[_Chunk]:
    """Runs of paragraphs of each document, cut where they have reached its target length."""
    short = generator.random(len(found)) < SHORT_PROBABILITY
    drawn = 2 + (generator.random(len(found)) * (budget - 1)).astype(np.int64)
    chunks: list[_Chunk] = []
    for paragraphs, target in zip(found, np.where(short, drawn, budget).tolist(), strict=True):
        chunk: _Chunk = []
        length = 0
        for paragraph in paragraphs:
            chunk.append(paragraph)
            length += len(paragraph)
            if length >= target:
                chunks.append(chunk)
                chunk, length = [], 0
        if chunk:
            chunks.append(chunk)
    return chunks


def _parts(
    chunks: Sequence[_Chunk], budget: int, generator: np.random.Generator
) -> Iterator[tuple[Ids, Ids | None]]:
    """A and B (None where the chunk is one paragraph) of each chunk, `budget` tokens together at most."""
    places = generator.random(len(chunks))
    bounds = [1 + int(place * (len(c) - 1)) for c, place in zip(chunks, places.tolist(), strict=True)]
    parts = [
        (np.concatenate(chunk[:bound]), np.concatenate(chunk[bound:]) if bound < len(chunk) else None)
        for chunk, bound in zip(chunks, bounds, strict=True)
    ]
    sizes = [(len(a), 0 if b is None else len(b)) for a, b in parts]
    kept = [longest_first(*pair, budget) for pair in sizes]
    fronts = _fronts(np.array(sizes, np.int64).ravel() - np.array(kept, np.int64).ravel(), generator)
    for (a, b), (keep_a, keep_b), (front_a, front_b) in zip(
        parts, kept, fronts.reshape(-1, 2).tolist(), strict=True
    ):
        yield a[front_a : front_a + keep_a], None if b is None else b[front_b : front_b + keep_b]


def _fronts(removed: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """How many of the `removed` tokens of each part go at its front: each one does with probability 1/2."""
    ends = np.cumsum(removed)
    total = int(ends[-1]) if len(ends) else 0
    heads = np.concatenate([[0], np.cumsum(generator.random(total) < 0.5)])
    fronts: NDArray[np.int64] = heads[ends] - heads[ends - removed]
    return fronts


def _corrupted(split: Split, template: Template, seed: int) -> Split:
    ends = (template.pad, template.cls, template.sep, template.mask)
    generator = torch.Generator().manual_seed(seed)
    ids: Tensor = corrupt_one(split.ids, split.lengths, ends, template.mask, template.vocabulary, generator)
    return Split(ids, split.segments, split.lengths)
