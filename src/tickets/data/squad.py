"""SQuAD 1.1: the official `.json`, sliding windows over long contexts, and decoding of answers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tickets.data.encoded import Split
from tickets.data.tokenization import Ids, Template, padded, tokenize
from tickets.errors import TicketsError

Scores = Tensor | NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Question:
    """One question; `starts` are the character positions of `answers` in `context`."""

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]


def read_squad(path: Path) -> list[Question]:
    """All questions in file order. Raises `TicketsError` naming the file and the entry that is wrong."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise TicketsError(
            f"{path}: cannot read it ({error.strerror}). Place the official SQuAD 1.1 file there "
            "(see DATA.md), or name another with data.files."
        ) from None
    except ValueError as error:
        raise TicketsError(f"{path}: not valid JSON ({error}). The file is damaged or cut short.") from None
    if not isinstance(content, dict) or "data" not in content:
        raise TicketsError(f"{path}: no key 'data'. Expected the official SQuAD 1.1 file.")
    questions = []
    for place, context, entry in _entries(content["data"], path):
        if entry.get("is_impossible"):
            raise TicketsError(f"{path}, {place}: unanswerable, so this is SQuAD 2.0. Use version 1.1.")
        questions.append(_question(entry, context, f"{path}, {place}"))
    if not questions:
        raise TicketsError(f"{path}: no questions. Expected the official SQuAD 1.1 file.")
    _check_spans(questions, path)
    return questions


def span_split(
    questions: Sequence[Question],
    tokenizer: Any,
    *,
    max_length: int = 384,
    doc_stride: int = 128,
    max_query: int = 64,
    keep_texts: bool = True,
) -> Split:
    """One row a window: `[CLS] question [SEP] window [SEP]`, windows starting every `doc_stride` tokens.

    The question is cut to `max_query` tokens. Labels are those of the first answer, -1 in windows that do not
    hold all of it. extras: `example`, and with `keep_texts` also `offsets` and `max_context` (uint8 [n,
    length], 1 where no other window gives a token more context; answers may start only there). Training needs
    neither these nor the texts, and without them a split is a third of the size.
    """
    template = Template.of(tokenizer)
    contexts = _encode_contexts([item.context for item in questions], tokenizer)
    rows: list[tuple[Ids, int]] = []
    windows: list[tuple[int, int, int]] = []  # example, first token, length
    labels: list[tuple[int, int]] = []
    for example, query in enumerate(tokenize(tokenizer, [item.question for item in questions])):
        item, query = questions[example], query[:max_query]
        ids, offsets = contexts[item.context]
        room = max_length - template.overhead(pair=True) - len(query)
        if room < 1:
            raise TicketsError(f"max_length {max_length} leaves no room beside a question of {len(query)}.")
        first, last = _answer_tokens(item, offsets)
        for start in _window_starts(len(ids), room, doc_stride):
            piece = ids[start : start + room]
            rows.append(template.wrap(query, piece))
            windows.append((example, start, len(piece)))
            inside = start <= first <= last < start + len(piece)
            shift = rows[-1][1] - start
            labels.append((first + shift, last + shift) if inside else (-1, -1))
    split = padded(rows, template, torch.tensor(labels, dtype=torch.int64).reshape(-1, 2))
    extras = {"example": torch.tensor([window[0] for window in windows], dtype=torch.int32)}
    if not keep_texts:
        return Split(split.ids, split.segments, split.lengths, split.labels, extras)
    extras |= _window_extras(questions, contexts, windows, [row[1] for row in rows], split.ids.shape[1])
    texts = tuple({"id": q.id, "context": q.context, "answers": list(q.answers)} for q in questions)
    return Split(split.ids, split.segments, split.lengths, split.labels, extras, texts)


def decode_spans(
    start_logits: Scores, end_logits: Scores, split: Split, n_best: int = 20, max_answer: int = 30
) -> list[str]:
    """The best answer text of every example of `split.texts`; "" where no window offers a valid span.

    Logits [rows, length or less]. As in the original BERT: candidates are the `n_best` starts times the
    `n_best` ends of each row; a span must lie in the context, start where its token has most context, and be
    at most `max_answer` tokens long. Of all windows the largest start + end logit wins, the earlier on a tie.
    """
    starts, ends = _array(start_logits), _array(end_logits)
    width = starts.shape[1]
    offsets = split.extras["offsets"][:, :width].numpy()
    context = offsets[..., 1] > 0
    openings = context
    if "max_context" in split.extras:
        openings = context & split.extras["max_context"][:, :width].numpy().astype(bool)
    padding = np.arange(width) >= split.lengths.numpy()[:, None]
    first, last = (_top(np.where(padding, -np.inf, side), n_best) for side in (starts, ends))

    row = np.arange(len(starts))[:, None]
    length = last[:, None, :] - first[:, :, None] + 1
    valid = (openings[row, first][:, :, None] & context[row, last][:, None, :]) & (length >= 1)
    total = starts[row, first][:, :, None] + ends[row, last][:, None, :]
    total = np.where(valid & (length <= max_answer) & np.isfinite(total), total, -np.inf)
    flat = total.reshape(len(starts), -1)
    best = flat.argmax(axis=1)
    score = flat[row[:, 0], best]

    example = split.extras["example"].numpy()
    answers = [""] * len(split.texts)
    seen: set[int] = set()
    for index in np.lexsort((row[:, 0], -score, example)):
        owner = int(example[index])
        if owner in seen or score[index] == -np.inf:
            continue
        seen.add(owner)
        begin, end = first[index, best[index] // last.shape[1]], last[index, best[index] % last.shape[1]]
        answers[owner] = split.texts[owner]["context"][offsets[index, begin, 0] : offsets[index, end, 1]]
    return answers


def _array(scores: Scores) -> NDArray[np.float64]:
    if isinstance(scores, Tensor):
        scores = scores.detach().cpu().double().numpy()
    return np.asarray(scores, dtype=np.float64)


def _top(scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Column indices of the largest `count` entries of each row, largest first, earlier first on ties."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def _window_starts(tokens: int, room: int, stride: int) -> Iterator[int]:
    """Where windows of `room` tokens begin, at least one, the last reaching the end."""
    start = 0
    yield start
    while start + room < tokens:
        start += min(room, stride)
        yield start


def _window_extras(
    questions: Sequence[Question],
    contexts: dict[str, tuple[Ids, Ids]],
    windows: Sequence[tuple[int, int, int]],
    shifts: Sequence[int],
    width: int,
) -> dict[str, Tensor]:
    offsets = np.zeros((len(windows), width, 2), np.int32)
    most = np.zeros((len(windows), width), np.uint8)
    by_example: dict[int, list[int]] = {}
    for row, (example, start, length) in enumerate(windows):
        place = slice(shifts[row], shifts[row] + length)
        offsets[row, place] = contexts[questions[example].context][1][start : start + length]
        by_example.setdefault(example, []).append(row)
    for rows in by_example.values():
        tokens = max(windows[row][1] + windows[row][2] for row in rows)
        context = np.full((len(rows), tokens), -1.0)
        for index, row in enumerate(rows):
            _, start, length = windows[row]
            left = np.arange(length)
            context[index, start : start + length] = np.minimum(left, left[::-1]) + 0.01 * length
        winner = context.argmax(axis=0)
        for index, row in enumerate(rows):
            _, start, length = windows[row]
            most[row, shifts[row] : shifts[row] + length] = winner[start : start + length] == index
    return {"offsets": torch.from_numpy(offsets), "max_context": torch.from_numpy(most)}


def _encode_contexts(contexts: Sequence[str], tokenizer: Any) -> dict[str, tuple[Ids, Ids]]:
    """Token ids [t] and character offsets [t, 2] of each distinct context."""
    distinct = list(dict.fromkeys(contexts))
    found = tokenizer(distinct, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return {
        text: (np.array(ids, np.int32), np.array(offsets, np.int32).reshape(-1, 2))
        for text, ids, offsets in zip(distinct, found["input_ids"], found["offset_mapping"], strict=True)
    }


def _answer_tokens(item: Question, offsets: Ids) -> tuple[int, int]:
    """First and last token of the first answer; (-1, -1) if the text is not where it is said to be."""
    begin, end = item.starts[0], item.starts[0] + len(item.answers[0])
    if item.context[begin:end] != item.answers[0] or begin == end:
        return -1, -1
    first = int(np.searchsorted(offsets[:, 1], begin, side="right"))
    last = int(np.searchsorted(offsets[:, 0], end, side="left")) - 1
    return (first, last) if first <= last else (-1, -1)


def _entries(articles: Any, path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(place in the file, context, question entry)."""
    place = "data"
    try:
        for a, article in enumerate(articles):
            for p, paragraph in enumerate(article["paragraphs"]):
                place = f"data[{a}].paragraphs[{p}]"
                context = paragraph["context"]
                for q, entry in enumerate(paragraph["qas"]):
                    yield f"{place}.qas[{q}]", context, entry
    except (KeyError, TypeError) as error:
        raise TicketsError(
            f"{path}, {place}: not of the SQuAD form ({error}). Fetch the official file again."
        ) from None


def _question(entry: dict[str, Any], context: str, place: str) -> Question:
    try:
        answers = tuple((str(answer["text"]), int(answer["answer_start"])) for answer in entry["answers"])
        question = Question(str(entry["id"]), str(entry["question"]), context, *zip(*answers, strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise TicketsError(
            f"{place}: expected id, question and answers with text and answer_start ({error!r}). "
            "Use a labelled split of SQuAD 1.1."
        ) from None
    return question


def _check_spans(questions: Sequence[Question], path: Path) -> None:
    """A few misplaced answers are left out of the loss; many mean that the positions count something else."""
    astray = [
        item.id
        for item in questions
        if item.context[item.starts[0] :][: len(item.answers[0])] != item.answers[0]
    ]
    if len(astray) > len(questions) // 100:
        raise TicketsError(
            f"{path}: {len(astray)} of {len(questions)} answers are not at answer_start (e.g. {astray[0]}). "
            "Positions must count characters of the context; fetch the official file again."
        )
