"""Bytes that jobs leave below results/, and what a running one needs beside. Imports no torch."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tickets.config import Config
from tickets.data.tasks import task as lookup
from tickets.grid import Cell, Job
from tickets.models.config import EncoderConfig
from tickets.planning.data import Data
from tickets.planning.shapes import parameters, prunable_weights
from tickets.planning.work import Work

FLOAT = 4
RUN_FILES, ANSWER, JOB_FILE, SMALL_FILE = 4_700, 27, 2_000, 4_500
"""Bytes of a run's metrics.json and run.json, of a stored answer, of a job's record, of another small file (micro)."""
MASK_HEADER, TENSOR_HEADER = 2_600, 85
"""Bytes of a mask's header, and more of it for each of its tensors."""
RENDERED = 35e6
"""Tables, figures and report of three papers; hardly more with a larger preset."""
MOMENTS = 2
"""Of an optimizer, each as large as the model."""


def job_bytes(job: Job, works: Iterable[Work], shapes: Mapping[str, EncoderConfig], data: Data) -> float:
    """What a job publishes."""
    made = sum(_cell_bytes(job.stage.paper, cell, shapes) for cell in job.plans())
    predictions = sum(_prediction_bytes(work, data, job.tokenizer) for work in works)
    keep = data.config.settings.execution.predictions
    return made + JOB_FILE + (predictions if keep else 0.0)


def _cell_bytes(paper: str, cell: Cell, shapes: Mapping[str, EncoderConfig]) -> float:
    shape = shapes[cell.needs_models[0]]
    weights = sum(path.name == "model.safetensors" for path in cell.files)
    small = len(cell.files) - weights
    masks = len(cell.masks) * mask_bytes(paper, shape)
    return len(cell.runs) * RUN_FILES + masks + weights * FLOAT * parameters(shape) + small * SMALL_FILE


def mask_bytes(paper: str, shape: EncoderConfig) -> float:
    """A bit-packed mask file: over weights, or (supertickets) over heads and FFNs."""
    if paper == "supertickets":
        return 1_000
    tensors = 6 * shape.layers + 2
    return prunable_weights(shape, words=paper == "tamt") / 8 + MASK_HEADER + TENSOR_HEADER * tensors


def _prediction_bytes(work: Work, data: Data, tokenizer: str) -> float:
    if not work.kept:
        return 0.0
    found = 0.0
    for exam in work.exams:
        facts, task = data.of(exam.task, exam.max_length, tokenizer), lookup(exam.task)
        dev = sum(n for split, n in facts.rows.items() if split.startswith("dev"))
        rows = min(work.kept, exam.times) * dev + exam.held_out * facts.rows.get("test", 0)
        found += rows * (ANSWER if task.kind == "span" else task.outputs * FLOAT)
    return work.count * found


def data_bytes(config: Config, data: Data, files: Mapping[Path, tuple[str, int, str]]) -> float:
    """Encoded data: of the files that are there their size, else rows x (ids, segments, offsets) of full width."""
    found = 0.0
    for path, (task, max_length, role) in files.items():
        there = config.root / path
        if there.exists():
            found += there.stat().st_size
            continue
        facts = data.of(task, max_length, role)
        width = max_length if facts.source == "official" else 20
        token = 5 + (8 if lookup(task).kind == "span" else 0)
        found += sum(facts.rows.values()) * (width * token + 12)
    return found


def model_bytes(shape: EncoderConfig) -> float:
    """A pre-trained model."""
    return FLOAT * parameters(shape)


def inflight_bytes(shape: EncoderConfig) -> float:
    """Checkpoint of a running job at its largest: weights and moments, while the next is written beside the last."""
    return 2 * (1 + MOMENTS) * FLOAT * parameters(shape)
