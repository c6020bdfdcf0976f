"""What a job computes, in numbers: trainings, sweeps and evaluations. Imports no torch.

Papers say what their cells compute (`papers/<id>/work.py`); what that costs is worked out here, in `flops` and `disk`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from tickets.grid import Job

Way = Literal["weights", "masks", "gates"]
Padding = Literal["full", "batch"]


@dataclass(frozen=True)
class Batch:
    """What a step reads of one task.

    rows        examples, on average over the steps
    max_length  tokens that they are cut to
    words       share of the tokens that are masked and predicted (MLM), else 0
    padded      whether padding is computed with here too (distillation over padded inputs)
    """

    task: str
    rows: float
    max_length: int
    words: float = 0.0
    padded: bool = False


@dataclass(frozen=True)
class Exam:
    """Evaluations on a task's dev splits.

    times     how often
    held_out  how many of them look at the test split too, where there is one
    passes    forward passes an evaluation (2: a student and its teacher)
    """

    task: str
    max_length: int
    times: int = 1
    held_out: int = 0
    passes: int = 1
    words: float = 0.0
    padded: bool = False


@dataclass(frozen=True)
class Work:
    """`count` equal pieces of work.

    role     which of the preset's models
    steps    batches that go forward and backward
    way      what is trained: weights; masks (mask training); gates: nothing, gradients of gates are only collected
    teacher  whether every batch also goes forward through a teacher
    heads, ffns  shares of heads and FFNs that are left, where the others are removed from the model
    padding  how the originals pad: to the longest allowed, or to the longest of the batch
    kept     evaluations whose predictions are kept
    passes   batches a step that go forward and backward one after the other
    """

    role: str
    count: int = 1
    steps: int = 0
    batches: tuple[Batch, ...] = ()
    exams: tuple[Exam, ...] = ()
    way: Way = "weights"
    teacher: bool = False
    heads: float = 1.0
    ffns: float = 1.0
    padding: Padding = "full"
    kept: int = 0
    passes: int = 1

    @property
    def updates(self) -> int:
        """Optimizer steps of all pieces."""
        return 0 if self.way == "gates" else self.count * self.steps


WorkOf = Callable[[Job], Iterable[Work]]
"""What a job computes. What is decided at run time (a ticket's sparsity) is taken from results, else as published."""
