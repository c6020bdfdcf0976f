# Named targets besides `all`, each paper's id and each artifact's id.
import os

from tickets.jobs.devices import places
from tickets.rules import check_words


rule prepare:
    input:
        below(DATA),
        [path for role in CONFIG.settings.roles for path in model_paths(role)],


rule tables:
    input:
        [
            path
            for item in ARTIFACTS
            if item.kind == "table"
            for path in outputs_of(item)
        ],


rule figures:
    input:
        [
            path
            for item in ARTIFACTS
            if item.kind == "figure"
            for path in outputs_of(item)
        ],


try:
    check_words(sys.argv, {rule.name for rule in workflow.rules}, NOT_REPRODUCED)
except TicketsError as error:
    raise WorkflowError(str(error)) from None


onstart:
    # Snakemake's rate limit looks at all waiting jobs again once a second for every job that has finished. With hundreds
    # of short jobs its process ends up doing nothing else; jobs on this machine need no such limit.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
        # Where nobody said how many GPUs there are (`--resources gpu=2`), as many jobs run as find one.
        if EXECUTION.gpus and "gpu" not in workflow.global_resources:
            if found := places(os.environ):
                for known in (
                    workflow.scheduler.global_resources,
                    workflow.scheduler.resources,
                ):
                    known["gpu"] = found
