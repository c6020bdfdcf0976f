"""The two results folders of a comparison: where they are and what was collected in them. Imports nothing heavy."""

import csv
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickets.errors import TicketsError
from tickets.papers.registry import CROSS, PAPERS

_UNCOMPARED = ("seconds", "fingerprint")
"""Columns of cells.csv that say how fast a machine is, or what was asked for, but not what was computed."""
_NEEDED = ("stage", "task", "method", "fingerprint", "score", "path", "shared_with")


@dataclass(frozen=True)
class Run:
    """A row of cells.csv; `columns` are all of them as text, so that equal text means equal bits."""

    paper: str
    columns: Mapping[str, str]
    score: float

    @property
    def path(self) -> str:
        """Its address below results/<preset>."""
        return self.columns["path"]

    @property
    def group(self) -> str:
        """The address without its seed: what its replicates share."""
        return self.path.rpartition("/")[0]

    @property
    def own(self) -> bool:
        """Whether it was trained, rather than being another run's numbers under a second address."""
        return not self.columns["shared_with"]

    def differs_in(self, other: "Run") -> list[str]:
        """Columns of results that both have and that are not equal."""
        return [k for k, v in self.columns.items() if k not in _UNCOMPARED and other.columns.get(k, v) != v]


@dataclass(frozen=True)
class Side:
    """A results folder: results/<preset> of some checkout."""

    root: Path

    @property
    def preset(self) -> str:
        """Its preset, which the folder is named after."""
        return self.root.resolve().name

    def runs(self, paper: str, stages: Collection[str] | None = None) -> dict[str, Run]:
        """The collected runs of a paper (of these stages) by address; none where nothing was collected."""
        whole = self.root / paper / "cells.csv"
        parts = [whole] if whole.exists() else sorted((self.root / paper / "cells").glob("*.csv"))
        found = [run for part in parts for run in _read(paper, part)]
        return {run.path: run for run in found if stages is None or run.columns["stage"] in stages}

    def claims(self, paper: str) -> dict[str, dict[str, Any]]:
        """The entries of a paper's claims.json by id; none where there is no such file."""
        path = self.root / paper / "claims.json"
        if not path.exists():
            return {}
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))["claims"]
            for entry in entries:
                _ = entry["title"], entry["ours"]["status"], entry["published_verdict"]["status"]
            return {entry["id"]: entry for entry in entries}
        except (ValueError, KeyError, TypeError) as error:
            raise TicketsError(
                f"{path}: not a file of claims ({error!r}). Make it again with Snakemake."
            ) from None

    def made_with(self, run: Run) -> dict[str, Any]:
        """Where and with what a run was made, in few words; empty where its run.json is not here."""
        path = self.root / run.path / "run.json"
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))["circumstances"]
            commit = facts["code"]["commit"]
            short = commit and commit[:10] + ("+" if facts["code"]["dirty"] else "")
            return {
                "commit": short,
                "torch": facts["torch"],
                "device": facts["gpu"] or facts["cpu"],
                "mode": facts["mode"],
                "host": facts["host"],
            }
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # only said in passing; `tickets audit` is what complains of a damaged run


def _read(paper: str, path: Path) -> list[Run]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        missing = [name for name in _NEEDED if rows and name not in rows[0]]
        if missing:
            raise TicketsError(
                f"{path}: columns missing: {', '.join(missing)}. Collect it again with Snakemake."
            )
        return [Run(paper, row, float(row["score"])) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError, TypeError) as error:
        raise TicketsError(
            f"{path}: not readable as cells ({error}). Collect it again with Snakemake."
        ) from None


def find_side(folder: Path, preset: str) -> Side:
    """The results that a path given by hand means: results/<preset> itself, or a checkout that has some.

    preset  which of a checkout's presets to take where it has several
    """
    if not folder.is_dir():
        raise TicketsError(f"--with {folder}: no such folder. Name a results/<preset> folder or a checkout.")
    if _is_results(folder):
        return Side(folder)
    inner = folder / "results" if (folder / "results").is_dir() else folder
    found = sorted(child for child in inner.iterdir() if child.is_dir() and _is_results(child))
    same = [child for child in found if child.name == preset]
    if len(same or found) == 1:
        return Side((same or found)[0])
    if not found:
        raise TicketsError(
            f"--with {folder}: no collected results there. Name a results/<preset> folder with "
            f"<paper>/cells.csv in it (papers: {', '.join(PAPERS)}), or a checkout that has one."
        )
    names = ", ".join(child.name for child in found)
    raise TicketsError(f"--with {folder}: has the presets {names}, but not {preset}. Name one: {found[0]}.")


def _is_results(folder: Path) -> bool:
    return any(
        (folder / id / name).exists()
        for id in (*PAPERS, CROSS.id)
        for name in ("cells.csv", "cells", "tables")
    )
