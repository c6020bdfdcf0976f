"""Floating-point operations of a piece of work; a multiplication with its addition counts as two. Imports no torch.

Two counts. `computed` is what the engine does: real tokens only, the last layer and the head where they are read,
removed heads and FFNs not at all. `original` is what the papers' code does, as their cost sections count it: padded
inputs, whole layers and heads, masked structures computed (specs lth 6.1, supertickets 6.3, tamt 6.1).
"""

from dataclasses import dataclass

from tickets.data.tasks import task as lookup
from tickets.models.config import EncoderConfig
from tickets.planning.data import Facts
from tickets.planning.work import Batch, Exam, Way, Work

BACKWARD = 2
"""A backward pass costs twice a forward pass: gradients of inputs and of weights."""


@dataclass(frozen=True)
class Flops:
    """Operations in training and in evaluation, and tokens trained on: as computed here, and as in the originals."""

    train: float = 0.0
    evaluation: float = 0.0
    tokens: float = 0.0
    original_train: float = 0.0
    original_evaluation: float = 0.0
    original_tokens: float = 0.0

    def __add__(self, other: "Flops") -> "Flops":
        return Flops(*(a + b for a, b in zip(self.values, other.values, strict=True)))

    def times(self, factor: float) -> "Flops":
        """The same so many times."""
        return Flops(*(factor * value for value in self.values))

    @property
    def values(self) -> tuple[float, ...]:
        """All six."""
        own, other = (self.train, self.evaluation, self.tokens), self.original_tokens
        return (*own, self.original_train, self.original_evaluation, other)

    @property
    def computed(self) -> float:
        """Training and evaluation as computed here."""
        return self.train + self.evaluation

    @property
    def original(self) -> float:
        """Training and evaluation as in the originals."""
        return self.original_train + self.original_evaluation


def layer_forward(shape: EncoderConfig, n: float, heads: float = 1.0, ffns: float = 1.0) -> float:
    """One layer's forward pass for one token of an input of `n`; heads, ffns: shares left."""
    d = shape.hidden_size
    return heads * (8 * d * d + 4 * n * d) + ffns * 4 * d * shape.intermediate_size


def encoder_forward(
    shape: EncoderConfig, n: float, heads: float = 1.0, ffns: float = 1.0, read: float = 1.0
) -> float:
    """The layers' forward pass for one token; the last layer beyond keys and values for the share `read` only."""
    d = shape.hidden_size
    whole = layer_forward(shape, n, heads, ffns)
    needed = heads * 4 * d * d
    return (shape.layers - 1) * whole + needed + read * (whole - needed)


def word_head(shape: EncoderConfig) -> tuple[float, float]:
    """Transform and decoder of the MLM head, forward, for one position."""
    d = shape.hidden_size
    return 2.0 * d * d, 2.0 * d * shape.vocab_size


def flops_of(work: Work, shape: EncoderConfig, facts: dict[tuple[str, int], Facts]) -> Flops:
    """All operations of a piece of work; `facts` by task and max_length."""
    total = Flops()
    for batch in work.batches:
        total += _step(work, batch, shape, facts[batch.task, batch.max_length]).times(work.steps)
    for exam in work.exams:
        total += _exam(work, exam, shape, facts[exam.task, exam.max_length])
    return total.times(work.count)


def _step(work: Work, batch: Batch, shape: EncoderConfig, facts: Facts) -> Flops:
    long = float(batch.max_length) if work.padding == "full" else facts.batch
    n = long if batch.padded else facts.mean
    read = _read(batch.task, n, batch.words, whole=work.teacher)
    encoder = encoder_forward(shape, n, work.heads, work.ffns, read)
    own = batch.rows * n * _both(work.way, encoder, batch.words, shape, batch.words)
    padded = encoder_forward(shape, long)
    original = batch.rows * long * _both(work.way, padded, batch.words, shape, 1.0, original=True)
    if work.teacher:
        own += batch.rows * n * encoder_forward(shape, n)
        original += batch.rows * long * padded
    return Flops(train=own, tokens=batch.rows * n, original_train=original, original_tokens=batch.rows * long)


def _both(
    way: Way,
    encoder: float,
    words: float,
    shape: EncoderConfig,
    positions: float,
    original: bool = False,
) -> float:
    """Forward and backward for one token; the MLM head, if any, at the share `positions`.

    Mask training needs the gradient of every weight, but not that of the frozen decoder. Gates need no gradient of
    weights; the originals compute it all the same.
    """
    passes = 1 + (1 if way == "gates" and not original else BACKWARD)
    if not words:
        return passes * encoder
    transform, decoder = word_head(shape)
    frozen = 1 if way == "masks" else 0
    return passes * encoder + positions * (passes * transform + (passes - frozen) * decoder)


def _exam(work: Work, exam: Exam, shape: EncoderConfig, facts: Facts) -> Flops:
    dev = sum(rows for split, rows in facts.rows.items() if split.startswith("dev"))
    rows = (exam.times * dev + exam.held_out * facts.rows.get("test", 0)) * exam.passes
    long = float(exam.max_length) if work.padding == "full" else facts.batch
    n = long if exam.padded else facts.mean
    head = sum(word_head(shape)) if exam.words else 0.0
    read = _read(exam.task, n, exam.words, whole=exam.passes > 1)
    encoder = encoder_forward(shape, n, work.heads, work.ffns, read)
    own = rows * n * (encoder + exam.words * head)
    original = rows * long * (encoder_forward(shape, long) + head)
    return Flops(evaluation=own, original_evaluation=original)


def _read(task: str, n: float, words: float, whole: bool) -> float:
    """Share of the tokens whose final states are read."""
    if whole or lookup(task).kind == "span":
        return 1.0
    return words if words else 1 / n
