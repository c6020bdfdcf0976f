"""What the report shows of a paper, or of all together, read from its results folder; missing files become gaps."""

import base64
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from tickets.data.tasks import TASKS
from tickets.errors import TicketsError
from tickets.figures import tableio
from tickets.figures.artifact import Artifact
from tickets.figures.render import read_frame
from tickets.papers.registry import PAPERS

VERDICTS = ("reproduced", "not reproduced", "inconclusive", "not run")
_CIRCUMSTANCES = {
    "python": "Python",
    "torch": "PyTorch",
    "cuda": "CUDA",
    "gpu": "GPU",
    "cpu": "CPU",
    "threads": "Threads a run",
    "precision": "Precision",
    "mode": "Mode",
    "platform": "Platform",
    "lock_sha256": "Lock file (sha256)",
}
_COST_NAMES = {
    "seconds": "run seconds",
    "cpu_seconds": "CPU seconds",
    "gpu_seconds": "GPU seconds",
    "peak_memory_mb": "peak MB",
}
_SUMMED = ("runs", "steps", "seconds", "gpu_seconds")


@dataclass(frozen=True)
class Item:
    """An artifact as shown: `lines` and `columns` of a table or the `image` (data URI) of a figure."""

    artifact: Artifact
    csv: str = ""
    image: str = ""
    columns: tuple[str, ...] = ()
    lines: tuple[tableio.Line, ...] = ()

    @property
    def made(self) -> bool:
        """Whether its files are there."""
        return bool(self.csv)


@dataclass(frozen=True)
class Grid:
    """Numbers behind a claim that share their names: one row a case."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Claim:
    """One claim with our verdict and, as a check on the predicate, the one on the published numbers."""

    id: str
    title: str
    source: str
    verdict: str
    reason: str
    published: str
    published_reason: str
    numbers: tuple[tuple[str, str], ...]
    grids: tuple[Grid, ...]


@dataclass(frozen=True)
class Paper:
    """Everything the report shows of one paper; without `runs` (all papers together) only tables and figures."""

    id: str
    runs: bool
    title: str
    citation: str
    tables: tuple[Item, ...]
    figures: tuple[Item, ...]
    claims: tuple[Claim, ...]
    verdicts: Mapping[str, int]
    cost_columns: tuple[str, ...]
    costs: tuple[tuple[str, ...], ...]
    total: Mapping[str, float]
    not_reproduced: Mapping[str, str]
    circumstances: tuple[tuple[str, str], ...]


def load_paper(paper: str, folder: Path, page_dir: Path) -> Paper:
    """Read results/<preset>/<paper> (`folder`); links are relative to `page_dir`.

    Raises `TicketsError` for a paper without a registry and for a file that cannot be read.
    """
    if find_spec(f"tickets.papers.{paper}") is None or find_spec(f"tickets.papers.{paper}.artifacts") is None:
        raise TicketsError(f"paper '{paper}': no registry of artifacts. Check the list of papers.")
    registry = import_module(f"tickets.papers.{paper}.artifacts")
    items = [_item(a, folder, page_dir) for a in registry.ARTIFACTS]
    claims = load_claims(folder / "claims.json")
    counts = Counter(claim.verdict for claim in claims)
    frame = load_costs(folder)
    return Paper(
        id=paper,
        runs=paper in PAPERS,
        title=registry.TITLE,
        citation=registry.CITATION,
        tables=tuple(item for item in items if item.artifact.kind == "table"),
        figures=tuple(item for item in items if item.artifact.kind == "figure"),
        claims=claims,
        verdicts={verdict: counts[verdict] for verdict in VERDICTS},
        cost_columns=tuple(_COST_NAMES.get(c, c.replace("_", " ")) for c in frame.columns),
        costs=tuple(tuple(_text(v) for v in row) for row in frame.itertuples(index=False)),
        total={c: float(frame[c].sum()) if c in frame.columns else 0.0 for c in _SUMMED},
        not_reproduced=registry.NOT_REPRODUCED,
        circumstances=circumstances(folder.glob("runs/**/run.json")),
    )


def _item(artifact: Artifact, folder: Path, page_dir: Path) -> Item:
    files = {path.suffix: path for path in artifact.outputs(folder)}
    if not all(path.exists() for path in files.values()):
        return Item(artifact)
    link = os.path.relpath(files[".csv"], page_dir).replace(os.sep, "/")
    if artifact.kind == "figure":
        data = base64.b64encode(files[".png"].read_bytes()).decode()
        return Item(artifact, link, image=f"data:image/png;base64,{data}")
    frame = tableio.read_csv(str(files[".csv"]))
    return Item(artifact, link, columns=tuple(frame.columns[2:]), lines=tuple(tableio.lines(frame)))


def load_claims(path: Path) -> tuple[Claim, ...]:
    """Claims of claims.json, or none if it has not been made."""
    if not path.exists():
        return ()
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["claims"]
        return tuple(_claim(entry) for entry in entries)
    except (ValueError, KeyError, TypeError) as error:
        raise TicketsError(f"{path}: not a claims file ({error!r}). Delete it and make it again.") from None


def _claim(entry: Mapping[str, Any]) -> Claim:
    ours, published = entry["ours"], entry["published_verdict"]
    figures = ours.get("figures", {})
    if ours["status"] not in VERDICTS:
        raise ValueError(f"unknown verdict '{ours['status']}'")
    return Claim(
        id=entry["id"],
        title=entry["title"],
        source=entry.get("source", ""),
        verdict=ours["status"],
        reason=ours.get("reason", ""),
        published=published["status"],
        published_reason=entry.get("why") or published.get("reason", ""),
        numbers=tuple((_name(n), _text(v)) for n, v in figures.items() if not _is_row(v)),
        grids=_grids({name: value for name, value in figures.items() if _is_row(value)}),
    )


def _is_row(value: Any) -> bool:
    return isinstance(value, Mapping) and not any(isinstance(item, Mapping) for item in value.values())


def _grids(rows: Mapping[str, Mapping[str, Any]]) -> tuple[Grid, ...]:
    """Rows with equal columns in one grid each, in order of appearance."""
    shapes = dict.fromkeys(tuple(row) for row in rows.values())
    return tuple(
        Grid(
            tuple(_name(column) for column in shape),
            tuple(
                (_name(name), tuple(_text(v) for v in row.values()))
                for name, row in rows.items()
                if tuple(row) == shape
            ),
        )
        for shape in shapes
    )


def _name(key: object) -> str:
    """A key as a heading: task ids by their titles, words apart."""
    return TASKS[str(key)].title if str(key) in TASKS else str(key).replace("_", " ")


def load_costs(folder: Path) -> pd.DataFrame:
    """costs.csv (stage, runs, steps, seconds and what else it has); else summed up from cells.csv."""
    if (folder / "costs.csv").exists():
        return read_frame(folder / "costs.csv")
    if not (folder / "cells.csv").exists():
        return pd.DataFrame(columns=["stage", "runs", "steps", "seconds"])
    cells = read_frame(folder / "cells.csv").drop_duplicates("fingerprint")
    grouped = cells.groupby("stage", sort=False)
    return grouped.agg(
        runs=("fingerprint", "size"), steps=("steps", "sum"), seconds=("seconds", "sum")
    ).reset_index()


def circumstances(paths: Iterable[Path]) -> tuple[tuple[str, str], ...]:
    """Where the runs were made, from their run.json: each fact with all the values it had."""
    seen: dict[str, Counter[str]] = {name: Counter() for name in ("Code", *_CIRCUMSTANCES.values())}
    for path in paths:
        try:
            facts = json.loads(path.read_text(encoding="utf-8")).get("circumstances", {})
        except (OSError, ValueError):
            continue  # the audit reports broken certificates; the report shows the others
        code = facts.get("code") or {}
        if code:
            commit = (code.get("commit") or "no commit")[:12] + (" with changes" if code.get("dirty") else "")
            seen["Code"][f"{code.get('version')}, {commit}"] += 1
        for key, name in _CIRCUMSTANCES.items():
            if facts.get(key) is not None:
                seen[name][str(facts[key])] += 1
    return tuple((name, _listing(values)) for name, values in seen.items() if values)


def _listing(values: Counter[str]) -> str:
    if len(values) == 1:
        return next(iter(values))
    return "; ".join(f"{value} ({count} runs)" for value, count in values.most_common())


def _text(value: Any) -> str:
    """A number, list or mapping as a person reads it."""
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return (f"{value:,.3g}" if abs(value) < 1 else f"{value:,.1f}").replace("-", "−")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_name(name)}: {_text(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return str(value)
