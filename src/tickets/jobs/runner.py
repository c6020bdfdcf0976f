"""Run one job from start to published results."""

from importlib import import_module
from pathlib import Path

import torch

from tickets.config import Config
from tickets.grid import Job
from tickets.jobs.context import Context
from tickets.jobs.files import publish, write_json
from tickets.jobs.records import job_cost
from tickets.training.checkpoint import discard
from tickets.training.interrupt import stop_on_signals


def run_job(config: Config, job: Job, checkpoint_steps: int | None = None, root: Path | None = None) -> None:
    """Train all runs of a job and publish its outputs; a repeated call continues where the last one stopped.

    Snakemake deletes the declared outputs of a failed job, so finished runs wait in the staging folder, keyed by
    the job's fingerprint, and are published together at the end.
    """
    torch.set_num_threads(config.settings.execution.threads)
    with stop_on_signals() as stop:
        context = Context(config, job, stop, root)
        context.checkpoint_steps = checkpoint_steps
        module, name = job.stage.execute.split(":")
        getattr(import_module(module), name)(context)
    write_json(context.results / job.record, job_cost(context))
    missing = [path for path in job.outputs if not (context.results / path).exists()]
    assert not missing, f"job {job.name} did not make {missing[0]}"
    for staged in sorted(context.results.rglob("*")):
        if staged.is_file():
            publish(staged, context.root / staged.relative_to(context.results))
    discard(context.staging)
    context.progress.finish()
