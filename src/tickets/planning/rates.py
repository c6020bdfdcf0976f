"""How fast work is done: measured in this preset's own results, as shipped, or assumed. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from math import log
from typing import Any

import yaml

from tickets.config import Config
from tickets.planning.cost import Cost
from tickets.planning.shapes import shape_of


@dataclass(frozen=True)
class Rates:
    """Seconds and FLOP/s of a kind of device: cuda (GPU-seconds) or cpu (CPU-seconds of one thread)."""

    device: str
    hidden_size: int
    measured: bool
    start: float
    step: float
    rate: float
    evaluation: float
    evaluation_rate: float
    machine: str
    date: str
    source: str

    def seconds(self, cost: Cost) -> float:
        """Device time of jobs."""
        training = cost.passes * self.step + cost.flops.train / self.rate
        judging = cost.evaluations * self.evaluation + cost.flops.evaluation / self.evaluation_rate
        return cost.jobs * self.start + training + judging

    @property
    def unit(self) -> str:
        """What hours are of."""
        return "GPU" if self.device == "cuda" else "CPU"

    @property
    def words(self) -> str:
        """Where the rates come from, for people."""
        kind = "measured" if self.measured else "ASSUMED, not measured"
        speed = f"{self.rate:.2g} FLOP/s, {1000 * self.step:.2g} ms a step, {self.start:.2g} s a job"
        return f"{kind}: {speed} ({self.source})"


def device_of(config: Config) -> str:
    """Kind of device that a preset is planned for; 'auto' is a GPU unless its models are pre-trained here."""
    wanted = config.settings.execution.device
    if wanted == "auto":
        return "cpu" if config.settings.model.shape is not None else "cuda"
    return wanted


def shipped(config: Config) -> Rates:
    """The entry of rates.yaml that is nearest to the preset's device and model."""
    device, size = device_of(config), shape_of(config, "base").hidden_size
    entries = _entries()[device]
    near = min(entries, key=lambda entry: abs(log(entry["hidden_size"] / size)))
    return Rates(device=device, **{**near, "date": str(near["date"])})


def assumed(rates: Rates, flops: float) -> Rates:
    """The same with another sustained speed, which nobody has measured."""
    source = "--flops; the other rates as shipped"
    return replace(rates, rate=flops, evaluation_rate=flops, measured=False, source=source)


@cache
def _entries() -> Mapping[str, list[dict[str, Any]]]:
    text = files("tickets.planning").joinpath("rates.yaml").read_text(encoding="utf-8")
    found: Mapping[str, list[dict[str, Any]]] = yaml.safe_load(text)
    return found
