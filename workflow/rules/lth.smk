# Experiments of Chen et al. 2020. One rule a stage of src/tickets/papers/lth/stages.py, named lth_<stage>; a job
# is a cell: one task x method x source with all its replicates.
for plan in rule_plans("lth"):

    rule:
        name:
            plan.name
        input:
            model=rules.pretrained_model.output,
            given=plan.inputs,
        output:
            plan.outputs,
        log:
            plan.log,
        wildcard_constraints:
            **plan.constraints,
        priority: plan.priority
        threads: EXECUTION.threads
        resources:
            gpu=EXECUTION.gpus,
            runtime=lambda wildcards, attempt: EXECUTION.runtime * attempt,
            mem_mb=lambda wildcards, attempt: EXECUTION.mem_mb * attempt,
        params:
            job=plan.command,
            identity=plan.identity,
        message:
            plan.message
        shell:
            "tickets run lth {params.job} > {log} 2>&1"
