# Winning Tickets: three papers on lottery tickets, from data to every table, figure and claim.
# Start at workflow/rules/lth.smk for the first paper's experiments.
from snakemake.utils import min_version

min_version("9.12")


configfile: "config.yaml"


container: "docker://winning-tickets:0.1.0"  # built from ./Dockerfile; used with --software-deployment-method apptainer


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/lth.smk"
include: "workflow/rules/results.smk"


rule all:
    default_target: True
    input:
        rules.report_page.output,


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
