"""From runs to tidy tables: cells (one row a run), costs (one row a stage) and the preset's recipe facts.

Uses the standard library only, so that collecting costs a fraction of a second.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tickets.data.tasks import task as lookup
from tickets.grid import Stage
from tickets.jobs.files import read_json
from tickets.spec import RunAddress

METRICS = (
    "accuracy", "accuracy_mismatched", "f1", "matthews", "pearson", "spearman", "exact_match", "loss",
)  # fmt: skip
COLUMNS = (
    "paper", "stage", "task", "weights", "method", "source", "rule", "sparsity", "replicate", "fingerprint",
    "metric", "score", "test_score", *METRICS, "removed", "n_dev", "steps", "seconds", "path", "shared_with",
)  # fmt: skip
PHASES = ("start", "data", "training", "evaluation")
COST_COLUMNS = (
    "stage", "title", "jobs", "runs", "steps", "seconds", "cpu_seconds", "gpu_seconds", "peak_memory_mb",
    *(f"{phase}_seconds" for phase in PHASES),
)  # fmt: skip


def collect_stage(root: Path, stage: Stage, out: Path) -> int:
    """Write the rows of a stage's runs below `root` to `out`; returns how many. Every run must be there."""
    rows = [cell_row(root, stage.name, run) for job in stage.jobs() for run in job.runs]
    write_csv(out, COLUMNS, rows)
    return len(rows)


def cell_row(root: Path, stage: str, run: RunAddress) -> dict[str, Any]:
    """The row of one run. Raises `TicketsError` if its metrics are missing or damaged."""
    metrics = read_json(root / run.metrics)
    scores = {**metrics["scores"]["dev"], **metrics["scores"].get("dev_mismatched", {})}
    name = lookup(run.task).metrics[0]
    test = metrics["scores"].get("test", {})
    return {
        "paper": run.paper,
        "stage": stage,
        "task": run.task,
        "weights": run.weights,
        "method": run.method,
        "source": run.source,
        "rule": run.rule,
        "sparsity": int(metrics["resolved"]) / 100,
        "replicate": run.replicate,
        "fingerprint": metrics["fingerprint"],
        "metric": name,
        "score": scores[name],
        "test_score": test.get(name, ""),
        **{column: scores.get(column, "") for column in METRICS},
        "removed": metrics["removed"],
        "n_dev": metrics["n_dev"],
        "steps": metrics["steps"],
        "seconds": metrics["seconds"],
        "path": run.folder.as_posix(),
        "shared_with": metrics.get("shared_with", ""),
    }


def merge_cells(parts: Sequence[Path], out: Path) -> None:
    """cells.csv: the stages' rows, one below the other."""
    rows: list[dict[str, str]] = []
    for part in parts:
        with part.open(newline="") as file:
            rows += list(csv.DictReader(file))
    write_csv(out, COLUMNS, rows)


def collect_costs(root: Path, stages: Iterable[Stage], out: Path) -> None:
    """costs.csv: what each stage ran and what it cost, from the jobs' own records."""
    rows = []
    for stage in stages:
        records = [read_json(root / job.record) for job in stage.jobs()]
        if not records:
            continue
        total = {
            key: sum(r[key] for r in records)
            for key in ("runs", "steps", "seconds", "cpu_seconds", "gpu_seconds")
        }
        rows.append(
            {"stage": stage.name, "title": stage.title, "jobs": len(records)}
            | {key: round(value, 2) for key, value in total.items()}
            | {"peak_memory_mb": max(r["peak_memory_mb"] for r in records)}
            | {f"{p}_seconds": round(sum(r["phases"].get(p, 0.0) for r in records), 2) for p in PHASES}
        )
    write_csv(out, COST_COLUMNS, rows)


def write_csv(out: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV file in one rename."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text(text.getvalue())
    part.replace(out)
