"""What jobs cost, summed. Imports no torch."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import reduce
from typing import Any

from tickets.config import Config
from tickets.grid import Job
from tickets.planning.data import Data
from tickets.planning.disk import job_bytes
from tickets.planning.flops import Flops, flops_of
from tickets.planning.shapes import shape_of
from tickets.planning.work import Work


@dataclass(frozen=True)
class Cost:
    """Numbers that add up.

    runs         results that are recorded; masks: those that are kept
    trainings    training loops, rounds of chains among them; a run shared with another has none
    updates      optimizer steps
    passes       batches that go forward and backward
    evaluations  of dev sets
    disk         bytes below results/
    """

    jobs: int = 0
    runs: int = 0
    masks: int = 0
    trainings: int = 0
    updates: int = 0
    passes: int = 0
    evaluations: int = 0
    flops: Flops = field(default_factory=Flops)
    disk: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def facts(self) -> dict[str, Any]:
        """As plain values for --json."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "flops"}
        names = [f.name for f in fields(self.flops)]
        return {**own, "flops": {name: getattr(self.flops, name) for name in names}}


def total(costs: Iterable[Cost]) -> Cost:
    """The sum."""
    return reduce(Cost.__add__, costs, Cost())


class Costs:
    """Costs of jobs under a config."""

    def __init__(self, config: Config, data: Data) -> None:
        self.config, self.data = config, data
        self.shapes = {role: shape_of(config, role) for role in config.settings.roles}

    def of_job(self, job: Job, works: Iterable[Work]) -> Cost:
        """Cost of a job that does these pieces of work."""
        pieces = tuple(works)
        cells = job.plans()
        own = Cost(
            jobs=1,
            runs=sum(len(cell.runs) for cell in cells),
            masks=sum(len(cell.masks) for cell in cells),
            disk=job_bytes(job, pieces, self.shapes, self.data),
        )
        return reduce(Cost.__add__, (self.of_work(piece, job.tokenizer) for piece in pieces), own)

    def of_work(self, work: Work, tokenizer: str = "") -> Cost:
        """Cost of a piece of work without what it leaves on disk."""
        wanted = {(batch.task, batch.max_length) for batch in work.batches}
        wanted |= {(exam.task, exam.max_length) for exam in work.exams}
        facts = {key: self.data.of(*key, tokenizer) for key in wanted}
        trains = work.way != "gates" and work.steps > 0
        return Cost(
            trainings=work.count if trains else 0,
            updates=work.updates,
            passes=work.count * work.steps * work.passes,
            evaluations=work.count * sum(exam.times * exam.passes for exam in work.exams),
            flops=flops_of(work, self.shapes[work.role], facts),
        )
