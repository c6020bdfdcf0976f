# The validated config and the few functions that rules need; everything else lives in src/tickets.
import sys
from pathlib import Path

from snakemake.settings.types import DeploymentMethod
from tickets.config import parse_config
from tickets.errors import TicketsError
from tickets.jobs.files import write_json
from tickets.papers.registry import (
    artifacts,
    cell_stages,
    cells_read,
    chapters,
    paper_tasks,
    papers,
    preset_data,
)
from tickets.provenance.snakemake_records import restore_if_new
from tickets.rules import plans
from tickets.spec import fingerprint

try:
    CONFIG = parse_config(config, where=str(workflow.configfiles[-1]))
except TicketsError as error:
    raise WorkflowError(str(error)) from None

ROOT = CONFIG.root
if workflow.is_main_process:  # before it decides what is out of date
    try:
        RECORDS = restore_if_new(ROOT)
    except TicketsError as error:
        raise WorkflowError(str(error)) from None
    if RECORDS is not None:
        sys.stderr.write(f"Snakemake's records of pulled results: {RECORDS}\n")
PAPERS = papers(CONFIG)
CHAPTERS = chapters(CONFIG)  # the papers, and `cross`, which is made of all of them
ARTIFACTS = list(artifacts(CONFIG).values())
NOT_REPRODUCED = {
    id: why for found in CHAPTERS.values() for id, why in found.not_reproduced.items()
}
EXECUTION = CONFIG.settings.execution

# Jobs read the config as it is after all overrides. A changed config is another file, so that jobs which wait or
# run now keep the one they were planned with.
EFFECTIVE = Path(
    ".tickets", "config", f"{CONFIG.preset}-{fingerprint(config)[:12]}.json"
)
if not EFFECTIVE.exists():
    write_json(EFFECTIVE, config)

# Jobs find the commands of this environment; in a container those of the image, which are on its PATH.
CONTAINED = DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
COMMANDS = "" if CONTAINED else f'PATH="{Path(sys.executable).parent}:$PATH" '

# A cluster's SIGTERM goes to every process of a job. The trap keeps bash waiting while `tickets` writes its checkpoint.
shell.prefix(
    f"set -euo pipefail; trap : TERM; export {COMMANDS}TICKETS_CONFIG={EFFECTIVE} "
    f"TICKETS_PRESET={CONFIG.preset} OMP_NUM_THREADS={EXECUTION.threads}; "
)


def below(paths):
    """Paths below results/<preset>, as strings."""
    return [str(ROOT / path) for path in paths]


def model_paths(role):
    """Files of a pre-trained model."""
    return below(CONFIG.settings.model_files(role))


def outputs_of(item):
    """Files of a table or figure."""
    return [str(path) for path in item.outputs(ROOT / item.paper)]


def published(paper):
    """What a paper prints, file by file: a folder's date does not change with what its files say."""
    files = Path("paper", paper).glob("*.*")
    return sorted(str(path) for path in files if path.suffix in (".csv", ".yaml"))


def metrics_of(stage):
    """Metrics of all runs of a stage, as an input function."""
    return lambda wildcards: below(
        run.metrics for job in stage.jobs() for run in job.runs
    )


def records_of(paper):
    """Records of all jobs of a paper, as an input function."""
    return lambda wildcards: below(
        job.record for stage in paper.stages(CONFIG) for job in stage.jobs()
    )


def job_files(paper):
    """Files of all jobs of a paper, as an input function: they are thousands, and few ask for them."""

    def files(wildcards):
        jobs = (job for stage in paper.stages(CONFIG) for job in stage.jobs())
        return below(path for job in jobs for path in job.outputs)

    return files


def job_records():
    """What the jobs of all papers leave when they are done."""
    stages = (stage for paper in PAPERS.values() for stage in paper.stages(CONFIG))
    return below(job.record for stage in stages for job in stage.jobs())


def rule_plans():
    """Rules of all papers' stages."""
    return [
        plan
        for paper in PAPERS.values()
        for plan in plans(CONFIG, paper.stages(CONFIG))
    ]
