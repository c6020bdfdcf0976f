"""The plan of a preset: what every job costs, what targets need, what is done. Imports no torch."""

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from tickets.config import Config
from tickets.figures.artifact import Artifact
from tickets.grid import Job
from tickets.papers.registry import Chapter, artifacts, cell_stages, chapters, papers, preset_data
from tickets.planning.calibrate import Timed, calibrated
from tickets.planning.cost import Cost, Costs, total
from tickets.planning.data import Data
from tickets.planning.disk import RENDERED, data_bytes, inflight_bytes, model_bytes
from tickets.planning.graph import Graph
from tickets.planning.pretraining import pretraining
from tickets.planning.rates import Rates, assumed, shipped

Jobs = frozenset[int]


class Plan:
    """Costs of a preset; jobs go by their number in `graph`."""

    def __init__(self, config: Config, flops: float | None = None) -> None:
        self.config, self.data = config, Data(config)
        self.papers = papers(config)
        stages = {id: paper.stages(config) for id, paper in self.papers.items()}
        self.graph = Graph(job for found in stages.values() for stage in found for job in stage.jobs())
        counter = Costs(config, self.data)
        self.shapes = counter.shapes
        works = {id: paper.work(config, self.data) for id, paper in self.papers.items()}
        jobs = self.graph.jobs
        self.costs = [counter.of_job(job, works[job.stage.paper](job)) for job in jobs]
        self.pretraining = {
            role: counter.of_work(work) + Cost(jobs=1) for role, work in pretraining(config).items()
        }
        self.flops = flops

    @cached_property
    def everything(self) -> Jobs:
        """All jobs."""
        return frozenset(range(len(self.graph.jobs)))

    @cached_property
    def records(self) -> Mapping[int, Mapping[str, Any]]:
        """Records of the jobs whose results are there."""
        found = {}
        for number, job in enumerate(self.graph.jobs):
            path = self.config.root / job.record
            if path.exists():
                try:
                    found[number] = json.loads(path.read_text())
                except ValueError:
                    continue
        return found

    @cached_property
    def done(self) -> Jobs:
        """Jobs whose results are there and are those that the config asks for."""
        jobs = self.graph.jobs
        return frozenset(n for n, r in self.records.items() if r.get("fingerprint") == jobs[n].fingerprint)

    @cached_property
    def timed(self) -> list[Timed]:
        """Finished jobs with what they were planned to cost."""
        jobs = self.graph.jobs
        return [Timed(_stage(jobs[n]), self.costs[n], self.records[n]) for n in sorted(self.done)]

    @cached_property
    def rates(self) -> Rates:
        """As asked for; of this preset's own jobs, if enough have run; else as shipped."""
        rates = shipped(self.config)
        if self.flops is not None:
            return assumed(rates, self.flops)
        return calibrated(rates, self.timed) or rates

    @cached_property
    def seconds(self) -> list[float]:
        """Device time of every job."""
        return [self.rates.seconds(cost) for cost in self.costs]

    def cost(self, jobs: Iterable[int]) -> Cost:
        """Cost of several jobs."""
        return total(self.costs[n] for n in jobs)

    def time(self, jobs: Iterable[int]) -> float:
        """Device time of several jobs, in seconds."""
        return sum(self.seconds[n] for n in jobs)

    def of_stage(self, paper: str, stages: Iterable[str] | None = None) -> Jobs:
        """Jobs of a paper, or of some of its stages; not what they wait for."""
        names = None if stages is None else set(stages)
        return frozenset(
            n
            for n, job in enumerate(self.graph.jobs)
            if job.stage.paper == paper and (names is None or job.stage.name in names)
        )

    @cached_property
    def stages(self) -> Mapping[tuple[str, str], Jobs]:
        """(paper, stage) -> its jobs, in the papers' order."""
        found: dict[tuple[str, str], set[int]] = {}
        for n, job in enumerate(self.graph.jobs):
            found.setdefault((job.stage.paper, job.stage.name), set()).add(n)
        return {key: frozenset(jobs) for key, jobs in found.items()}

    @cached_property
    def artifacts(self) -> Mapping[str, Jobs]:
        """Artifact -> all jobs that it needs."""
        with_runs = {id: set(cell_stages(self.config, paper)) for id, paper in self.papers.items()}
        frames = {
            (id, frame.name): self.graph.makers(frame.inputs(self.config))
            for id, chapter in chapters(self.config).items()
            for frame in chapter.frames
        }
        return {id: self._needed(item, with_runs, frames) for id, item in artifacts(self.config).items()}

    def _needed(
        self,
        item: Artifact,
        with_runs: Mapping[str, set[str]],
        frames: Mapping[tuple[str, str], set[int]],
    ) -> Jobs:
        seeds: set[int] = set()
        for paper, names in item.reads.items():
            for name in names:
                if paper in with_runs and name in with_runs[paper]:
                    seeds |= self.stages.get((paper, name), frozenset())
        for name in item.frames:
            seeds |= frames[item.paper, name]
        return self.graph.closure(seeds)

    @property
    def missing_models(self) -> Mapping[str, Cost]:
        """Pre-training that is still to be done, by role."""
        preset, root = self.config.settings, self.config.root
        made = {role for role in self.pretraining if (root / preset.model_files(role)[1]).exists()}
        return {role: cost for role, cost in self.pretraining.items() if role not in made}

    @cached_property
    def chapters(self) -> Mapping[str, Chapter]:
        """The papers, and `cross`."""
        return chapters(self.config)

    @cached_property
    def fixed_disk(self) -> float:
        """Bytes of data, models and everything rendered."""
        models = sum(model_bytes(shape) for shape in self.shapes.values())
        return data_bytes(self.config, self.data, preset_data(self.config)) + models + RENDERED

    def inflight(self, jobs: Iterable[int]) -> float:
        """Bytes that a running one of these jobs needs beside its results, at most."""
        roles = {role for n in jobs for role in self.graph.jobs[n].models}
        return max((inflight_bytes(self.shapes[role]) for role in roles), default=0.0)


def _stage(job: Job) -> str:
    return f"{job.stage.paper} {job.stage.name}"
