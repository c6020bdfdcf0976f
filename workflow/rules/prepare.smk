# Before any experiment: the data of each task, encoded once, and the pre-trained model.
from tickets.data.tasks import TASKS
from tickets.jobs.identity import data_identity, model_identity, recipes_identity

MODEL = ROOT / "models" / CONFIG.settings.model.name


rule encode:
    output:
        str(ROOT / "data" / "{task}.safetensors"),
    log:
        str(ROOT / "logs" / "encode" / "{task}.log"),
    wildcard_constraints:
        task="|".join(TASKS),
    params:
        identity=lambda wildcards: data_identity(CONFIG, wildcards.task),
    message:
        "encode {wildcards.task}"
    shell:
        "tickets encode {wildcards.task} > {log} 2>&1"


rule pretrained_model:
    output:
        str(MODEL / "config.json"),
        str(MODEL / "model.safetensors"),
        str(MODEL / "run.json"),
    log:
        str(ROOT / "logs" / "model.log"),
    priority: 100
    resources:
        runtime=lambda wildcards, attempt: EXECUTION.runtime * attempt,
        mem_mb=lambda wildcards, attempt: EXECUTION.mem_mb * attempt,
    params:
        identity=model_identity(CONFIG),
    message:
        "pre-trained model {CONFIG.settings.model.name}"
    shell:
        "tickets model > {log} 2>&1"
