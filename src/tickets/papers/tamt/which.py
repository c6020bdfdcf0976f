"""Which masks a question is about, and what "the main setting" means under a preset."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from tickets.errors import TicketsError
from tickets.papers.tamt.terms import IMP_KINDS, KINDS, TAMT_KINDS


@dataclass(frozen=True)
class Which:
    """All masks of one setting, whatever their seed.

    kind      one of `KINDS`
    sparsity  nominal fraction removed; 0.0 for "full"
    init      of mask training: "omp" or "random"
    step      of mask training; None: the main step of the sparsity (the paper's Table 2)
    interval  steps between two prunings of IMP; None: the main one
    ablation  of mask training: "" or one of `ABLATIONS`

    init, step and ablation mean nothing to the other kinds, interval only something to IMP.
    """

    kind: str
    sparsity: float = 0.0
    model: str = "base"
    init: str = "omp"
    step: int | None = None
    interval: int | None = None
    ablation: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind '{self.kind}'; the kinds are {', '.join(KINDS)}")


@dataclass(frozen=True)
class Address:
    """A `Which` with everything said: what does not apply is "" or 0. level: sparsity in percent."""

    model: str
    kind: str
    level: int
    init: str = ""
    step: int = 0
    interval: int = 0
    ablation: str = ""


@dataclass(frozen=True)
class StepGrid:
    """The steps of a preset: main step by level (percent), checkpoints, intervals of IMP, horizon T of the schedule."""

    main_steps: Mapping[int, int] = field(default_factory=dict)
    steps: tuple[int, ...] = ()
    interval: int = 0
    intervals: tuple[int, ...] = ()
    horizon: int = 0

    @classmethod
    def of(
        cls,
        main_steps: Mapping[Any, int] | None = None,
        steps: Iterable[int] = (),
        interval: int | None = None,
        intervals: Iterable[int] = (),
        horizon: int | None = None,
    ) -> "StepGrid":
        """From options of the config; a level may be "70", 70 or 0.7."""
        by_level = {percent(level): int(step) for level, step in (main_steps or {}).items()}
        checkpoints = tuple(sorted(int(step) for step in steps))
        periods = tuple(sorted(int(p) for p in intervals))
        return cls(by_level, checkpoints, int(interval or 0), periods, int(horizon or 0))

    def completed(self, masks: pd.DataFrame) -> "StepGrid":
        """With main steps and interval, where they were not given, of the rows that are marked as main."""
        main = masks[(masks["main"] == 1) & (masks["ablation"] == "") & (masks["init"] != "random")]
        trained = main[main["kind"].isin(TAMT_KINDS)]
        found = {int(level): int(step) for level, step in zip(trained["level"], trained["step"], strict=True)}
        intervals = main.loc[main["kind"].isin(IMP_KINDS), "interval"]
        interval = self.interval or (int(intervals.iloc[0]) if len(intervals) else 0)
        return replace(self, main_steps={**found, **self.main_steps}, interval=interval)

    def address(self, which: Which) -> Address:
        """The address of a setting; step or interval 0 where the main one is not known."""
        level = percent(which.sparsity)
        if which.kind in TAMT_KINDS:
            step = self.main_steps.get(level, 0) if which.step is None else which.step
            return Address(which.model, which.kind, level, which.init, step, 0, which.ablation)
        if which.kind in IMP_KINDS:
            interval = self.interval if which.interval is None else which.interval
            return Address(which.model, which.kind, level, interval=interval)
        return Address(which.model, which.kind, level)


def percent(level: Any) -> int:
    """A level or sparsity as whole percent: "70", 70 and 0.7 are all 70."""
    try:
        value = float(level)
    except (TypeError, ValueError):
        raise TicketsError(f"'{level}' is no sparsity; write 70 or 0.7.") from None
    return round(100 * value) if value <= 1 else round(value)
