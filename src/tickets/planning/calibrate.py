"""Rates from what finished jobs of a preset took. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tickets.planning.cost import Cost
from tickets.planning.rates import Rates

FEWEST = 20
"""Job records below which nothing is fitted."""


@dataclass(frozen=True)
class Timed:
    """A finished job: what it was planned to cost, and its record."""

    stage: str
    cost: Cost
    record: Mapping[str, Any]

    @property
    def device(self) -> str:
        """cuda or cpu."""
        return str(self.record["circumstances"]["device"]).split(":")[0]

    @property
    def seconds(self) -> float:
        """Device time: GPU-seconds, or CPU-seconds of the process."""
        return float(self.record["gpu_seconds" if self.device == "cuda" else "cpu_seconds"])

    @property
    def whole(self) -> bool:
        """Whether the record is of the whole job, not only of what was left after an interruption."""
        return bool(self.record["steps"] == self.cost.updates)


def calibrated(rates: Rates, jobs: Sequence[Timed]) -> Rates | None:
    """Non-negative least squares over whole jobs of the device of `rates`; None where they are too few.

    Jobs are weighted by the inverse root of their time, so that long ones do not decide alone.
    """
    from scipy.optimize import nnls

    used = [job for job in jobs if job.device == rates.device and job.whole]
    if len(used) < FEWEST:
        return None
    taken = np.array([job.seconds for job in used])
    weight = 1 / np.sqrt(np.maximum(taken, 1e-3))
    found, _ = nnls(np.array([_features(job.cost) for job in used]) * weight[:, None], taken * weight)
    if found[2] <= 0 or found[4] <= 0:
        return None  # jobs too much alike to tell steps from operations
    return replace(
        rates,
        measured=True,
        start=float(found[0]),
        step=float(found[1]),
        rate=float(1e9 / found[2]),
        evaluation=float(found[3]),
        evaluation_rate=float(1e9 / found[4]),
        machine=str(used[0].record["circumstances"]["gpu" if rates.device == "cuda" else "cpu"]),
        date=max(str(job.record["circumstances"]["created"])[:10] for job in used),
        source=f"{len(used)} finished jobs of this preset",
    )


def _features(cost: Cost) -> list[float]:
    flops = cost.flops
    return [cost.jobs, cost.passes, flops.train / 1e9, cost.evaluations, flops.evaluation / 1e9]
