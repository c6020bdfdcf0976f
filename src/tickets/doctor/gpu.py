"""GPUs: what the driver sees, what torch sees, and how several are shared out."""

import json
from dataclasses import dataclass

from tickets.doctor.check import Finding, State
from tickets.doctor.surroundings import Surroundings

_QUERY = (
    "nvidia-smi",
    "--query-gpu=name,memory.total,memory.used,driver_version",
    "--format=csv,noheader,nounits",
)
_PROBE = """
import json, torch
devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
works = bool(devices) and bool((torch.ones(2, device="cuda") * 2).sum().item() == 4)
print(json.dumps({"version": torch.__version__, "cuda": torch.version.cuda, "devices": devices, "works": works}))
"""
_SECONDS = 30.0  # of starting CUDA for the first time, on a machine with several GPUs


@dataclass(frozen=True)
class Card:
    """A GPU as the driver lists it; memory in MB."""

    name: str
    total: int
    used: int
    driver: str


def cards(here: Surroundings) -> list[Card]:
    """GPUs of this machine; none without nvidia-smi, or where it fails."""
    answer = here.ask(*_QUERY)
    found = []
    for line in answer.out.splitlines() if answer is not None and answer.good else ():
        words = [word.strip() for word in line.split(",")]
        if len(words) == 4:
            total, used = (int(word) if word.isdecimal() else 0 for word in words[1:3])
            found.append(Card(words[0], total, used, words[3]))
    return found


def elsewhere(here: Surroundings) -> bool:
    """Whether jobs of the preset cannot run here, but can be sent to a cluster."""
    return here.needs_gpu and here.slurm and not cards(here)


def driver(here: Surroundings) -> Finding:
    """What nvidia-smi says."""
    if here.which("nvidia-smi") is None:
        return _without(here, "no nvidia-smi")
    answer = here.ask(*_QUERY)
    if answer is not None and not answer.good:
        said = (answer.error or answer.out or f"exit status {answer.code}").splitlines()[0]
        state: State = "error" if here.needs_gpu and not here.slurm else "warning"
        return Finding(
            state, f"nvidia-smi fails: {said}", "Repair or load the NVIDIA driver (reboot after an update)."
        )
    found = cards(here)
    if not found:
        return _without(here, "nvidia-smi lists no GPU")
    names = "; ".join(f"{card.name}, {card.total:,} MB, {card.used:,} used" for card in found)
    return Finding("ok", f"{len(found)}: {names}; driver {found[0].driver}")


def _without(here: Surroundings, found: str) -> Finding:
    if not here.needs_gpu:
        return Finding("not needed", f"{found}; preset {here.config.preset} runs on the CPU")
    if here.slurm:
        return Finding("ok", f"{found}; fine on a login node: jobs get theirs from Slurm")
    advice = "Run on a machine with a GPU, or submit to Slurm from one that can; `--preset micro` needs none."
    return Finding("error", f"{found}, and preset {here.config.preset} needs a GPU", advice)


def torch(here: Surroundings) -> Finding:
    """Whether torch can use what the driver sees; asked in a process of its own, which can be ended."""
    answer = here.ask(
        here.python, "-c", _PROBE, seconds=_SECONDS if here.which("nvidia-smi") else 2 * _SECONDS
    )
    if answer is None or not answer.good:
        said = "not found" if answer is None else (answer.error.splitlines() or ["no reason given"])[-1]
        return Finding("error", f"torch does not work: {said}", "`pip install -r envs/requirements.txt`.")
    facts = json.loads(answer.out.splitlines()[-1])
    build = f"torch {facts['version']}, " + (f"CUDA {facts['cuda']}" if facts["cuda"] else "a CPU build")
    if facts["works"]:
        return Finding("ok", f"{build}, computes on {', '.join(facts['devices'])}")
    if not cards(here):
        state: State = "ok" if not here.needs_gpu or here.slurm else "error"
        advice = "" if state == "ok" else "See the line above."
        return Finding(state, f"{build}, no GPU", advice)
    state = "error" if here.needs_gpu else "warning"
    if not facts["cuda"]:
        pinned = facts["version"].split("+")[0]
        advice = (
            f"Install torch {pinned} with CUDA: https://pytorch.org/get-started/locally/ names the index."
        )
        return Finding(state, f"{build}, which cannot use the GPU of this machine", advice)
    hidden = here.environment.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and not facts["devices"]:
        return Finding(
            state, f"{build}; CUDA_VISIBLE_DEVICES={hidden!r} hides the GPU", "Unset it, or name the GPU."
        )
    advice = (
        f"The driver is too old for CUDA {facts['cuda']}, or broken: compare `nvidia-smi` with torch's build."
    )
    return Finding(state, f"{build}, cannot compute on the GPU", advice)


def several(here: Surroundings) -> Finding:
    """What to say to Snakemake, so that as many jobs train as there are GPUs."""
    count = len(cards(here))
    if not here.config.settings.execution.gpus or (not count and here.slurm):
        return Finding("not needed", "jobs of the preset ask for none" if count else "no GPU on this machine")
    if not count:
        return Finding("not needed", "no GPU on this machine")
    threads = here.config.settings.execution.threads
    command = f"snakemake --cores {max(count * threads, 1)} --resources gpu={count}"
    share = here.environment.get("TICKETS_JOBS_PER_GPU")
    shared = f" TICKETS_JOBS_PER_GPU={share}: as many share one." if share else ""
    return Finding(
        "ok", f"{count}; each job claims one. `{command}` trains on {'all' if count > 1 else 'it'}.{shared}"
    )
