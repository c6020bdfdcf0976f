# Before any experiment: the data of each task, encoded once, and the pre-trained models.
from tickets.cluster import gpu_request
from tickets.jobs.identity import data_identity, model_identity

DATA = preset_data(CONFIG)
# What a profile gives to all rules; a `gres` among it takes the place of `gpu`.
PROFILE_RESOURCES = workflow.resource_settings.default_resources or {}
# Of models with a tokenizer of their own.
OWN_DATA = [key for key in DATA.values() if key[2]]


rule encode:
    output:
        str(ROOT / "data" / "{task}-{max_length}.safetensors"),
    log:
        str(ROOT / "logs" / "encode" / "{task}-{max_length}.log"),
    wildcard_constraints:
        task="|".join(sorted({task for task, _, _ in DATA.values()})),
        max_length="[0-9]+",
    resources:
        **gpu_request(0, PROFILE_RESOURCES),
        runtime=lambda wildcards, attempt: 60 * attempt,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
    params:
        identity=lambda wildcards: data_identity(
            CONFIG, wildcards.task, int(wildcards.max_length)
        ),
    message:
        "encode {wildcards.task}"
    shell:
        "tickets encode {wildcards.task} {wildcards.max_length} > {log} 2>&1"


if OWN_DATA:

    rule encode_own:
        output:
            str(ROOT / "data" / "{role}" / "{task}-{max_length}.safetensors"),
        log:
            str(ROOT / "logs" / "encode" / "{role}" / "{task}-{max_length}.log"),
        wildcard_constraints:
            role="|".join(CONFIG.settings.own_tokenizers),
            task="|".join(sorted({task for task, _, _ in OWN_DATA})),
            max_length="[0-9]+",
        resources:
            **gpu_request(0, PROFILE_RESOURCES),
            runtime=lambda wildcards, attempt: 60 * attempt,
            mem_mb=lambda wildcards, attempt: 4000 * attempt,
        params:
            identity=lambda wildcards: data_identity(
                CONFIG, wildcards.task, int(wildcards.max_length), wildcards.role
            ),
        message:
            "encode {wildcards.task} for {wildcards.role}"
        shell:
            "tickets encode {wildcards.task} {wildcards.max_length} {wildcards.role} > {log} 2>&1"


for role in CONFIG.settings.roles:

    rule:
        name:
            f"pretrained_model_{role}"
        output:
            below(CONFIG.settings.model_files(role)),
        log:
            str(ROOT / "logs" / f"model_{role}.log"),
        priority: 100
        resources:
            **gpu_request(0, PROFILE_RESOURCES),
            runtime=lambda wildcards, attempt: EXECUTION.runtime * attempt,
            mem_mb=lambda wildcards, attempt: EXECUTION.mem_mb * attempt,
        params:
            role=role,
            identity=model_identity(CONFIG, role),
        message:
            "pre-trained model {params.role}"
        shell:
            "tickets model {params.role} > {log} 2>&1"
