"""Sparsities that a criterion will choose, before it has: from collected cells, else as published. Imports no torch."""

import csv
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

from tickets.config import Config
from tickets.errors import TicketsError
from tickets.papers.lth.addresses import LEVELS, PAPER
from tickets.papers.lth.settings import lth_settings
from tickets.papers.lth.tasks import TASKS
from tickets.spec import RunAddress, level_of
from tickets.stats.criteria import Rule, s_star
from tickets.stats.summary import summarise

PRINTED = Path("paper", PAPER, "sparsity.csv")


class AssumedLevels:
    """The level of every run: its own, or the one that its criterion is expected to choose."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.of = cache(self._of)

    def resolved(self, address: RunAddress) -> RunAddress:
        """The run at the level that its criterion is expected to choose."""
        if not address.rule:
            return address
        judge = address.source if address.rule == "own" else address.task
        return address.at(self.of(judge, "strict" if address.rule == "strict" else "winning"))

    def _of(self, task: str, rule: Rule) -> str:
        """Level of s*(task): of this preset's own chains if they have run, else the published one."""
        found = self._own(task, rule)
        return level_of(found) if found is not None else self._printed[rule][TASKS[task].title]

    def _own(self, task: str, rule: Rule) -> float | None:
        wanted = lth_settings(self.config).replicates.imp * len(LEVELS)
        scores: dict[float, list[float]] = {}
        for row in self._cells:
            if row["task"] == task:
                scores.setdefault(float(row["sparsity"]), []).append(float(row["score"]))
        if sum(map(len, scores.values())) != wanted:
            return None
        full, *subs = (summarise(scores.get(int(level) / 100, ())) for level in LEVELS)
        by_sparsity = {int(level) / 100: stat for level, stat in zip(LEVELS[1:], subs, strict=True)}
        return s_star(full, by_sparsity, rule, lth_settings(self.config).ddof)

    @cached_property
    def _cells(self) -> list[dict[str, str]]:
        path = self.config.root / PAPER / "cells" / "imp.csv"
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    @cached_property
    def _printed(self) -> Mapping[str, Mapping[str, str]]:
        try:
            with PRINTED.open(newline="", encoding="utf-8") as file:
                return {row["rule"]: row for row in csv.DictReader(file)}
        except FileNotFoundError:
            raise TicketsError(f"{PRINTED}: published values not found. Restore the file from git.") from None
