# Winning Tickets: three papers on lottery tickets, from data to every table, figure and claim.
# Start at workflow/rules/experiments.smk.
from snakemake.utils import min_version

min_version("9.12")


configfile: "config.yaml"


container: "winning-tickets.sif"  # of ./Dockerfile, used on request: docs/how-to/run-in-a-container.md


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/results.smk"


rule all:
    default_target: True
    input:
        rules.report_page.output,
        rules.report_page.input,  # so that a deleted table comes back
        job_records(),  # in a fresh clone the tables are there, but not what they were made from
    message:
        f"everything of the preset {CONFIG.preset}"


include: "workflow/rules/targets.smk"
