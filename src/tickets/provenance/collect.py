"""From runs to tidy tables: cells (one row a run), costs (one row a stage) and the preset's recipe facts.

Uses the standard library only, so that collecting costs a fraction of a second.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tickets.errors import TicketsError
from tickets.grid import Stage
from tickets.jobs.files import read_json
from tickets.spec import RunAddress

ADVICE = "Delete it, then Snakemake runs its job again."
METRICS = (
    "accuracy", "accuracy_mismatched", "f1", "matthews", "pearson", "spearman", "exact_match", "loss",
)  # fmt: skip
COLUMNS = (
    "paper", "stage", "model", "task", "variant", "weights", "method", "source", "rule", "sparsity", "replicate",
    "fingerprint", "metric", "score", "test_score", *METRICS, "removed", "n_dev", "steps", "seconds",
    "path", "shared_with",
)  # fmt: skip
PHASES = ("start", "data", "training", "evaluation")
COST_COLUMNS = (
    "stage", "title", "jobs", "runs", "steps", "seconds", "cpu_seconds", "gpu_seconds", "peak_memory_mb",
    *(f"{phase}_seconds" for phase in PHASES),
)  # fmt: skip


def collect_stage(root: Path, stage: Stage, out: Path, extra: Sequence[str] = ()) -> int:
    """Write the rows of a stage's runs below `root` to `out`; returns how many. Every run must be there.

    extra: the paper's own columns.
    """
    rows = [cell_row(root, stage.name, run, extra) for job in stage.jobs() for run in job.runs]
    write_csv(out, (*COLUMNS, *extra), rows)
    return len(rows)


def cell_row(root: Path, stage: str, run: RunAddress, extra: Sequence[str] = ()) -> dict[str, Any]:
    """The row of one run. Raises `TicketsError` if its metrics are missing or damaged."""
    path = root / run.metrics
    metrics = read_json(path)
    try:
        own = metrics.get("extra", {})
        return _row(stage, run, metrics) | {column: own.get(column, "") for column in extra}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TicketsError(f"{path}: not the metrics of a run ({_short(error)}). {ADVICE}") from None


def _row(stage: str, run: RunAddress, metrics: Mapping[str, Any]) -> dict[str, Any]:
    scores = {**metrics["scores"]["dev"], **metrics["scores"].get("dev_mismatched", {})}
    test, metric = metrics["scores"].get("test", {}), metrics["metric"]
    return {
        "paper": run.paper,
        "stage": stage,
        "model": run.model or "base",
        "task": run.task,
        "variant": run.variant,
        "weights": run.weights,
        "method": run.method,
        "source": run.source,
        "rule": run.rule,
        "sparsity": int(metrics["resolved"]) / 100,
        "replicate": run.replicate,
        "fingerprint": metrics["fingerprint"],
        "metric": metric,
        "score": scores[metric] if metric in METRICS else metrics["score"],  # the latter a mean of several
        "test_score": test.get(metric, ""),
        **{column: scores.get(column, "") for column in METRICS},
        "removed": metrics["removed"],
        "n_dev": metrics["n_dev"],
        "steps": metrics["steps"],
        "seconds": metrics["seconds"],
        "path": run.folder.as_posix(),
        "shared_with": metrics.get("shared_with", ""),
    }


def merge_cells(parts: Sequence[Path], out: Path, extra: Sequence[str] = ()) -> None:
    """cells.csv: the stages' rows, one below the other. Raises `TicketsError` for a missing or damaged part."""
    columns = (*COLUMNS, *extra)
    write_csv(out, columns, [row for part in parts for row in _read_part(part, columns)])


def _read_part(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    advice = "Delete it and run its `cells` rule again."
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = csv.reader(file)
    except FileNotFoundError:
        raise TicketsError(f"{path}: not found. Run its `cells` rule first.") from None
    except (ValueError, csv.Error):
        raise TicketsError(f"{path}: not a CSV file. {advice}") from None
    if header != list(columns):
        missing = [name for name in columns if name not in header]
        wrong = f"columns missing: {', '.join(missing)}" if missing else "other columns than expected"
        raise TicketsError(f"{path}: {wrong}. {advice}")
    for number, line in enumerate(lines, 2):
        if len(line) != len(header):
            raise TicketsError(f"{path}: line {number} has {len(line)} of {len(header)} values. {advice}")
    return [dict(zip(header, line, strict=True)) for line in lines]


def collect_costs(root: Path, stages: Iterable[Stage], out: Path) -> None:
    """costs.csv: what each stage ran and what it cost, from the jobs' own records."""
    rows = []
    for stage in stages:
        costs = [_cost(root / job.record) for job in stage.jobs()]
        if not costs:
            continue
        total = {key: round(sum(cost[key] for cost in costs), 2) for key in costs[0]}
        rows.append(
            {"stage": stage.name, "title": stage.title, "jobs": len(costs)}
            | total
            | {"peak_memory_mb": max(cost["peak_memory_mb"] for cost in costs)}
        )
    write_csv(out, COST_COLUMNS, rows)


def _cost(path: Path) -> dict[str, float]:
    """The numbers of a job's record. Raises `TicketsError` if it is missing or damaged."""
    record = read_json(path)
    try:
        numbers = {key: record[key] for key in COST_COLUMNS[3:9]}
        phases = {f"{phase}_seconds": record["phases"].get(phase, 0.0) for phase in PHASES}
        return {key: value + 0 for key, value in (numbers | phases).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise TicketsError(f"{path}: not the record of a job ({_short(error)}). {ADVICE}") from None


def _short(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def write_csv(out: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV file in one rename."""
    text = csv_text(columns, rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(out)


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The text of a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
