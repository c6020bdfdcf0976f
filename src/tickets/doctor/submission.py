"""The sbatch line that Snakemake would send for a training job, made by its own plugin and shown to Slurm."""

import ast
import shlex
from collections.abc import Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from tickets.cluster import gpu_request
from tickets.doctor.check import Finding
from tickets.doctor.slurm import PROFILE, answering, defaults
from tickets.doctor.surroundings import Surroundings


class _Resources(dict[str, Any]):
    """Resources as the plugin reads them: by key and by attribute."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


@answering
def line(here: Surroundings) -> Finding:
    """Let Slurm judge the line (`--test-only`: it answers when the job could start, and starts nothing)."""
    sent = submission(here)
    # The plugin's own options of the submission stay; where Slurm writes its log does not matter here.
    answer = here.ask(*shlex.split(sent), "--test-only", "--wrap", "true")
    if answer is None or not answer.good:
        said = "no sbatch" if answer is None else " ".join((answer.error or answer.out).split())
        own = f"presets.{here.config.preset}.execution (threads, mem_mb, runtime)"
        advice = f"Correct {PROFILE} (account, partition, way to ask for GPUs) or {own}."
        return Finding("error", f"refused: {said} ({sent})", advice)
    return Finding("ok", sent)


def submission(here: Surroundings) -> str:
    """The line for a training job of the preset at its first attempt, without what is peculiar to a job."""
    plugin = "snakemake_executor_plugin_slurm"
    make = import_module(f"{plugin}.submit_string").get_submit_command
    gres = import_module(f"{plugin}.utils").set_gres_string
    execution, profile = here.config.settings.execution, defaults(here)
    given = {name: _value(value) for name, value in profile.items()}
    own = {**gpu_request(execution.gpus, given), "runtime": execution.runtime, "mem_mb": execution.mem_mb}
    resources = _Resources({k: v for k, v in (given | own).items() if v is not None})
    job = SimpleNamespace(resources=resources, threads=execution.threads)
    account, partition = (given.get(f"slurm_{name}") for name in ("account", "partition"))
    known = {
        "run_uuid": f"{here.slurm_profile.get('slurm-jobname-prefix', 'snakemake')}_doctor",
        "slurm_logfile": "/dev/null",
        "comment_str": "doctor",
        "account": f"-A {shlex.quote(str(account))}" if account else "",
        "partition": f"-p {shlex.quote(str(partition))}" if partition else "",
        "workdir": "",
    }
    return " ".join((make(job, known, _settings(here.slurm_profile)) + gres(job)).split())


def _settings(profile: Mapping[str, Any]) -> SimpleNamespace:
    """The plugin's settings that shape the line."""
    switches = {
        name: bool(profile.get(f"slurm-{name.replace('_', '-')}")) for name in ("requeue", "no_requeue")
    }
    texts = {name: profile.get(f"slurm-{name}") for name in ("qos", "reservation")}
    return SimpleNamespace(**switches, **texts)


def _value(text: Any) -> Any:
    """Snakemake evaluates default resources as Python, and takes what is none for text."""
    if not isinstance(text, str):
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
