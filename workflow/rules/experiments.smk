# The experiments of every paper. One rule a stage, named <paper>_<stage>; a job is a cell: one task x method x source
# with all its replicates. What the stages are, by paper:
#   lth           Chen et al. 2020   src/tickets/papers/lth/stages.py
#   supertickets  Liang et al. 2021  src/tickets/papers/supertickets/stages.py
#   tamt          Liu et al. 2022    src/tickets/papers/tamt/stages.py
# A cell that fails, runs out of time or memory is tried again with more of both (`retries` of the profile).
for plan in rule_plans():

    rule:
        name:
            plan.name
        input:
            plan.inputs,
        output:
            plan.outputs,
        log:
            plan.log,
        wildcard_constraints:
            **plan.constraints,
        priority: plan.priority
        threads: EXECUTION.threads
        resources:
            **gpu_request(EXECUTION.gpus, PROFILE_RESOURCES),
            runtime=lambda wildcards, attempt: EXECUTION.runtime * attempt,
            mem_mb=lambda wildcards, attempt: EXECUTION.mem_mb * attempt,
        params:
            job=plan.command,
            identity=plan.identity,
        message:
            plan.message
        shell:
            "tickets run {params.job} > {log} 2>&1"
