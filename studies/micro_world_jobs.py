"""What the studies of several micro worlds share: a world's network and data, and which jobs are done.

Both are looked at before anything is made, so that a study that was stopped continues.
"""

from collections.abc import Iterable

from tickets.config import Config
from tickets.grid import Job, data_file
from tickets.jobs.files import read_json
from tickets.jobs.identity import model_identity
from tickets.jobs.prepare import encode, place_model


def prepare(config: Config, jobs: Iterable[Job]) -> None:
    """Pre-train the world's network and encode the tasks of these jobs, where that has not been done."""
    certificate = config.root / config.settings.model_folder("base") / "run.json"
    if not certificate.exists() or read_json(certificate)["identity"]["fingerprint"] != model_identity(
        config
    ):
        place_model(config)
    for job in jobs:
        for task in job.tasks:
            length = job.stage.max_length(task)
            if not (config.root / data_file(task, length)).exists():
                encode(config, task, length)


def finished(config: Config, job: Job) -> bool:
    """Whether a job's outputs lie there, made under this config."""
    if not all((config.root / path).exists() for path in job.outputs):
        return False
    made = {run: read_json(config.root / run.metrics)["fingerprint"] for run in job.runs}
    return all(job.stage.identity(run) == found for run, found in made.items())
