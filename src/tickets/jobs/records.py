"""Results of a run on disk: `metrics.json`, `run.json` (its birth certificate) and its predictions."""

import os
import platform
import resource
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tickets.data.tasks import task
from tickets.jobs.context import Context
from tickets.jobs.devices import VISIBLE
from tickets.jobs.files import file_hash, read_json, write_json
from tickets.jobs.scoring import Evaluation
from tickets.spec import RunAddress
from tickets.training.loop import Trained

SCHEMA = 1
LOCK = Path("envs/requirements.txt")


@dataclass(frozen=True)
class Scored:
    """What is known of a finished run.

    evaluation  scores by split, with the outputs that they follow from
    metric      what `score` is: the name of a metric or of a mean of several
    extra       the paper's own numbers, columns of its cells
    """

    evaluation: Evaluation
    metric: str
    score: float
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def primary(cls, name: str, evaluation: Evaluation) -> "Scored":
        """By a task's first metric."""
        metric = task(name).metrics[0]
        return cls(evaluation, metric, evaluation.dev[metric])


def record(
    context: Context,
    address: RunAddress,
    *,
    spec: dict[str, Any],
    fingerprint: str,
    resolved: RunAddress,
    scored: Scored,
    trained: Trained,
    removed: float,
    inputs: dict[str, str | None],
    seeds: dict[str, int],
) -> None:
    """Stage the three files of a finished run."""
    folder, evaluation = context.results / address.folder, scored.evaluation
    outputs = {name: values.contiguous() for name, values in evaluation.outputs.items()}
    if outputs and context.config.settings.execution.predictions:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(outputs, folder / "predictions.safetensors")
    if evaluation.answers and context.config.settings.execution.predictions:
        write_json(folder / "predictions.json", evaluation.answers)
    certificate = {
        "schema": SCHEMA,
        "identity": {"fingerprint": fingerprint, "spec": spec},
        "resolved": {"level": resolved.level, "sparsity": resolved.mask.sparsity},
        "inputs": inputs,
        "seeds": seeds,
        "cost": cost(context, trained),
        "circumstances": circumstances(str(context.device)),
    }
    write_json(folder / "run.json", certificate)
    metrics = {
        "schema": SCHEMA,
        "fingerprint": fingerprint,
        "resolved": resolved.level,
        "removed": removed,
        "n_dev": _rows_of_dev(context, address, evaluation),
        "steps": trained.steps,
        "seconds": round(trained.seconds, 3),
    }
    write_json(folder / "metrics.json", metrics | _numbers(scored))


def _numbers(scored: Scored) -> dict[str, Any]:
    scores = {name: dict(values) for name, values in scored.evaluation.scores.items()}
    numbers = {"metric": scored.metric, "score": scored.score, "scores": scores}
    return numbers | ({"extra": dict(scored.extra)} if scored.extra else {})


def _rows_of_dev(context: Context, address: RunAddress, evaluation: Evaluation) -> int:
    rows = len(evaluation.outputs.get("dev", ())) or len(evaluation.answers.get("dev", {}))
    return rows or len(context.data(address.task).splits["dev"])


def finished(context: Context, address: RunAddress, fingerprint: str) -> bool:
    """Whether this job (or an earlier attempt at it) has already staged the run."""
    path = context.results / address.metrics
    return path.exists() and read_json(path)["fingerprint"] == fingerprint


def cost(context: Context, trained: Trained) -> dict[str, Any]:
    """What the run cost; peak memory is the process's so far, in MB."""
    gpu = context.device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() / 2**20 if gpu else None
    return {
        "steps": trained.steps,
        "seconds": round(trained.seconds, 3),
        "gpu_seconds": round(trained.seconds, 3) if gpu else 0.0,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_gpu_memory_mb": None if peak is None else round(peak),
        "resumed": trained.resumed,
        "final_loss": trained.final_loss,
    }


def job_cost(context: Context) -> dict[str, Any]:
    """What a whole job cost: wall and CPU seconds, seconds by phase, steps trained by this attempt."""
    job = context.job
    gpu = context.device.type == "cuda"
    wall = time.monotonic() - context.begun
    return {
        "stage": job.stage.name,
        "axes": dict(job.axes),
        "fingerprint": context.fingerprint,
        "runs": len(job.runs),
        "steps": context.progress.trained,
        "seconds": round(wall, 3),
        "cpu_seconds": round(time.process_time(), 3),
        "gpu_seconds": round(wall - context.seconds["waiting"], 3) if gpu else 0.0,
        "phases": {name: round(value, 3) for name, value in context.seconds.items()},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "circumstances": circumstances(str(context.device)),
    }


@cache
def circumstances(device: str) -> dict[str, Any]:
    """Where and with what the process runs; volatile, never part of an identity."""
    gpu = torch.cuda.get_device_properties(torch.device(device)) if device.startswith("cuda") else None
    return {
        "code": {"version": metadata.version("winning-tickets"), **_commit()},
        "lock_sha256": file_hash(LOCK) if LOCK.exists() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "device": device,
        "gpu": None if gpu is None else gpu.name,
        "gpu_uuid": None if gpu is None else str(gpu.uuid),
        "visible_devices": None if gpu is None else os.environ.get(VISIBLE),
        "cpu": _cpu(),
        "threads": torch.get_num_threads(),
        "precision": "fp32",
        "mode": "exact" if device == "cpu" or torch.are_deterministic_algorithms_enabled() else "fast",
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _commit() -> dict[str, Any]:
    """What the code is: the commit of its checkout, else what the image was built from."""
    return _checkout(Path(__file__).parent) or _image()


def _checkout(folder: Path) -> dict[str, Any] | None:
    answers = []
    # Results are in git too; that this run replaces some does not make its code another.
    state = ["status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)results"]
    for command in (["rev-parse", "HEAD"], state):
        try:
            done = subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            return None
        answers.append(done.stdout.strip())
    return {"commit": answers[0], "dirty": bool(answers[1])}


def _image() -> dict[str, Any]:
    # `<commit>` or `<commit>-dirty`, as `git describe --always --dirty` says it; the Dockerfile's COMMIT.
    commit = os.environ.get("TICKETS_COMMIT")
    if not commit:
        return {"commit": None, "dirty": None}
    return {"commit": commit.removesuffix("-dirty"), "dirty": commit.endswith("-dirty")}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
