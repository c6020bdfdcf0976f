"""A finished comparison: what it found, as a page for people, as plain values for machines, and as an exit status."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from tickets.comparing.conclusion import Conclusion, conclude
from tickets.comparing.outputs import Outputs, compare_outputs
from tickets.comparing.published import (
    ArtifactComparison,
    ClaimsComparison,
    compare_claims,
    compare_published,
)
from tickets.comparing.runs import Pair, Runs, compare_runs
from tickets.comparing.selection import select
from tickets.comparing.sides import Side, find_side
from tickets.config import Config
from tickets.errors import TicketsError


@dataclass(frozen=True)
class PublishedReport:
    """Ours against the papers. Good whatever it finds: that numbers are not the published ones is no fault.

    chosen  artifacts that were asked for by name, not as part of a paper
    """

    preset: str
    artifacts: tuple[ArtifactComparison, ...]
    claims: tuple[ClaimsComparison, ...]
    chosen: tuple[str, ...] = ()
    good: bool = True

    @property
    def without(self) -> tuple[str, ...]:
        """Artifacts asked for by name that are made, but hold no published number."""
        return tuple(id for id in self.chosen if id not in {item.id for item in self.artifacts})

    def show(self, console: Console) -> None:
        """Print it."""
        from tickets.comparing.show_published import show_published

        show_published(console, self)

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        claims = [
            {
                "paper": found.paper,
                "verdicts": [{"ours": a, "published": b, "n": n} for (a, b), n in found.verdicts.items()],
                "apart": [
                    dict(zip(("id", "title", "ours", "published"), row, strict=True)) for row in found.apart
                ],
            }
            for found in self.claims
        ]
        artifacts = [asdict(item) for item in self.artifacts]
        found = {"against": "papers", "preset": self.preset, "artifacts": artifacts, "claims": claims}
        return {key: plain(value) for key, value in found.items()}


@dataclass(frozen=True)
class FolderReport:
    """Here against there; good if they are the same to the bit or within seed noise."""

    here: Side
    there: Side
    runs: Runs
    outputs: Outputs
    conclusion: Conclusion

    @property
    def good(self) -> bool:
        """Whether the two agree."""
        return self.conclusion.same

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why differences may not mean what they seem to."""
        found, both, same = [], self.runs.total("both"), self.runs.total("same_spec")
        if self.here.preset != self.there.preset:
            found.append(
                f"these are two presets, {self.here.preset} here and {self.there.preset} there: models, data and "
                "recipes differ, so most of what follows compares experiments, not machines."
            )
        if same < both:
            found.append(
                f"{both - same:,} of {both:,} runs have another fingerprint: the config or a version in "
                "src/tickets/versions.py changed between the two, and these runs were asked for something else."
            )
        return tuple(found)

    def made_with(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Circumstances of the first run that both have, on each side."""
        pair = next(iter(self.runs.all_pairs), None)
        return (
            ({}, {}) if pair is None else (self.here.made_with(pair.here), self.there.made_with(pair.there))
        )

    def show(self, console: Console) -> None:
        """Print it."""
        from tickets.comparing.show_folders import show_folders

        show_folders(console, self)

    def draw(self, path: Path) -> None:
        """Draw the scores of both sides."""
        from tickets.comparing.scatter import draw_scores

        draw_scores(self, path)

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        circumstances = self.made_with()
        found = {
            "against": "folder",
            "conclusion": asdict(self.conclusion) | {"same": self.good},
            "here": {"folder": str(self.here.root), "preset": self.here.preset} | circumstances[0],
            "there": {"folder": str(self.there.root), "preset": self.there.preset} | circumstances[1],
            "warnings": self.warnings,
            "papers": [asdict(paper) for paper in self.runs.papers],
            "seed_noise": [
                {"paper": paper, "task": task, "sd": sd}
                for (paper, task), sd in self.runs.noise.by_task.items()
            ],
            "groups": [asdict(shift) for shift in self.runs.shifts],
            "runs": [self._run(pair) for pair in self.runs.pairs],
            "claims": {"compared": self.outputs.claims, "flips": [asdict(f) for f in self.outputs.flips]},
            "tables": {"compared": self.outputs.tables, "cells": [asdict(c) for c in self.outputs.cells]},
        }
        return {key: plain(value) for key, value in found.items()}

    def _run(self, pair: Pair) -> dict[str, Any]:
        scores = {"here": pair.here.score, "there": pair.there.score, "difference": pair.gap}
        return {"path": pair.here.path} | scores | {"in_noise": self.runs.in_noise(pair)}


def against_papers(config: Config, names: Sequence[str]) -> PublishedReport:
    """Our tables, figures and verdicts beside the published ones."""
    selection = select(config, names)
    side = Side(config.root)
    found = compare_published(selection, side)
    if not any(item.made for item in found):
        raise TicketsError(
            f"{config.root}: none of these tables and figures is made, or none holds published numbers. Run "
            "`snakemake tables`; `tickets list` shows what there is."
        )
    claims = compare_claims([paper for paper in selection.papers if paper in selection.whole], side)
    chosen = tuple(name for name in names if name not in selection.whole)
    return PublishedReport(config.preset, found, claims, chosen)


def against_folder(config: Config, names: Sequence[str], folder: Path) -> FolderReport:
    """Our runs, verdicts and tables beside those of another results folder."""
    selection = select(config, names)
    here, there = Side(config.root), find_side(folder, config.preset)
    ours = {paper: here.runs(paper, stages) for paper, stages in selection.stages.items()}
    if not any(ours.values()):
        raise TicketsError(
            f"{config.root}: no collected runs here. Run `snakemake`, or name another --preset."
        )
    runs = compare_runs(ours, {paper: there.runs(paper, selection.stages[paper]) for paper in ours})
    outputs = compare_outputs(selection, here, there)
    return FolderReport(here, there, runs, outputs, conclude(runs, outputs))


def plain(value: Any) -> Any:
    """As JSON can hold it: no NaN (null), no infinity (a word), no tuples."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
