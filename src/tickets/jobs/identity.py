"""Fingerprints of the prepared inputs: data and pre-trained model; what of them every run depends on.

Imports no torch.
"""

from typing import Any

from tickets.config import Config, Preset
from tickets.data.tasks import STREAMS
from tickets.spec import fingerprint
from tickets.versions import VERSIONS


def data_identity(config: Config, task: str, max_length: int, role: str = "") -> str:
    """Everything in the config that a task's encoded data depend on; `role` as in `grid.data_file`."""
    data, model = config.settings.data, config.settings.model_of(role or "base")
    facts = data.model_dump(mode="json", exclude={"sizes", "files", "wikitext_sequences"})
    facts |= {"sizes": data.sizes.get(task), "files": data.files.get(task), "task": task}
    facts["max_length"] = max_length
    if task in STREAMS:
        facts["wikitext_sequences"] = data.wikitext_sequences
    facts["tokenizer"] = None if model.shape else [str(model.path), model.hub, model.revision]
    return fingerprint(facts | {"versions": [VERSIONS["world"], VERSIONS["encoding"]]})


def model_identity(config: Config, role: str = "base") -> str:
    """Everything in the config that theta_0 depends on."""
    preset, model = config.settings, config.settings.model_of(role)
    own = model.shape is not None
    facts = {
        "model": model.model_dump(mode="json"),
        "world_seed": preset.data.world_seed if own else None,
        "seed": preset.seed if own else None,
        "versions": [VERSIONS["world"], VERSIONS["engine"]] if own else [],
    }
    return fingerprint(facts)


def run_facts(preset: Preset, role: str) -> dict[str, Any]:
    """What every run of a preset depends on, whatever the paper: root seed, model, arithmetic."""
    return {
        "preset_seed": preset.seed,
        "model": preset.model_of(role).model_dump(mode="json", exclude={"path"}),
        "precision": preset.execution.precision,
    }


def task_facts(preset: Preset, task: str) -> dict[str, Any]:
    """What a run depends on of a task's data, however they are encoded."""
    data = preset.data
    facts = data.model_dump(mode="json", include={"source", "revision", "world_seed"})
    return facts | {"sizes": data.sizes.get(task, {}), "files": data.files.get(task, {})}
