"""Slurm: programs, controller, partitions and their GPUs, accounting.

What is wrong with it is an error only where the preset cannot do without: it needs a GPU, and there is none here.
"""

import getpass
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps

from tickets.doctor.check import Finding, listing
from tickets.doctor.gpu import elsewhere
from tickets.doctor.software import installed_version
from tickets.doctor.surroundings import Surroundings

_NEEDED = ("sbatch", "squeue", "scancel", "sinfo", "scontrol")
_PLUGIN = "snakemake-executor-plugin-slurm"
PROFILE = "workflow/profiles/slurm/config.yaml"
_NONE = Finding("not needed", "no Slurm here (no sbatch on the PATH)")


Look = Callable[[Surroundings], Finding]


def in_slurm(look: Look) -> Look:
    """A check of Slurm: not needed where there is none, and its errors only warnings where the preset needs none."""

    @wraps(look)
    def checked(here: Surroundings) -> Finding:
        if not here.slurm:
            return _NONE
        finding = look(here)
        return finding if elsewhere(here) or finding.state != "error" else replace(finding, state="warning")

    return checked


def answering(look: Look) -> Look:
    """A check of Slurm that the controller has to answer."""

    @wraps(look)
    def checked(here: Surroundings) -> Finding:
        if ping(here) is None:
            return Finding("not needed", "not known: the controller does not answer")
        return look(here)

    return in_slurm(checked)


@dataclass(frozen=True)
class Partition:
    """A partition as sinfo lists it; `minutes` is the longest job, None without a limit."""

    name: str
    default: bool
    up: bool
    minutes: int | None
    gpus: tuple[str, ...]


@in_slurm
def programs(here: Surroundings) -> Finding:
    """Slurm's programs and Snakemake's plugin."""
    missing = [name for name in _NEEDED if here.which(name) is None]
    if missing:
        return Finding("error", f"not on the PATH: {', '.join(missing)}", "Load the cluster's Slurm module.")
    version = installed_version(_PLUGIN)
    if version is None:
        return Finding("error", f"{_PLUGIN} is not installed", "`pip install -r envs/requirements.txt`.")
    answer = here.ask("sbatch", "--version")
    slurm = answer.out if answer is not None and answer.good else "Slurm, version unknown"
    return Finding("ok", f"{slurm}; {_PLUGIN} {version}")


@in_slurm
def controller(here: Surroundings) -> Finding:
    """Whether slurmctld answers."""
    said = ping(here)
    if said is not None:
        return Finding("ok", said)
    answer = here.ask("scontrol", "ping")
    why = "no scontrol" if answer is None else (answer.error or answer.out or "no answer").splitlines()[0]
    advice = (
        "Ask with `scontrol ping`; it may be down, or this host does not belong to the cluster (SLURM_CONF)."
    )
    return Finding("error", f"does not answer: {why}", advice)


def ping(here: Surroundings) -> str | None:
    """What the controller says when it is up."""
    answer = here.ask("scontrol", "ping")
    return (
        answer.out.splitlines()[0] if answer is not None and answer.good and "is UP" in answer.out else None
    )


def partitions(here: Surroundings) -> list[Partition]:
    """All partitions; several lines of sinfo for one (nodes that differ) become one."""
    answer = here.ask("sinfo", "--noheader", "--format=%P|%a|%l|%G")
    found: dict[str, Partition] = {}
    for line in answer.out.splitlines() if answer is not None and answer.good else ():
        name, state, limit, gres = (word.strip() for word in line.split("|", 3))
        plain, before = name.rstrip("*"), found.get(name.rstrip("*"))
        gpus = {
            re.sub(r"\(.*?\)", "", word) for word in re.split(r",(?![^(]*\))", gres) if word.startswith("gpu")
        }
        known = tuple(sorted({*(before.gpus if before else ()), *gpus}))
        found[plain] = Partition(plain, name.endswith("*"), state == "up", minutes(limit), known)
    return list(found.values())


def minutes(limit: str) -> int | None:
    """Slurm's time ([days-]hours:minutes:seconds or minutes:seconds) in minutes; None for infinite."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if match is None:
        return None
    days, hours, rest = (int(group or 0) for group in match.groups()[:3])
    return days * 1440 + hours * 60 + rest


@answering
def usable(here: Surroundings) -> Finding:
    """Partitions, their GPUs, and whether the profile's jobs fit into the one that they would go to."""
    found = partitions(here)
    if not found:
        return Finding(
            "error", "sinfo lists no partition", "Ask with `sinfo`; you may not be allowed on any."
        )
    execution = here.config.settings.execution
    said = listing([f"{p.name}{'*' if p.default else ''} ({' '.join(p.gpus) or 'no GPU'})" for p in found], 8)
    with_gpu = [p.name for p in found if p.gpus and p.up]
    wanted = defaults(here).get("slurm_partition")
    chosen = next((p for p in found if (p.name == wanted if wanted else p.default)), None)
    if wanted and chosen is None:
        return Finding(
            "error", f"{said}; the profile asks for '{wanted}'", f"Correct slurm_partition in {PROFILE}."
        )
    if here.needs_gpu and not with_gpu:
        return Finding(
            "error", f"{said}; none that is up has GPUs", "Ask the cluster's people where GPUs are."
        )
    if here.needs_gpu and (chosen is None or not chosen.gpus):
        name = (
            "there is no default partition"
            if chosen is None
            else f"jobs would go to '{chosen.name}', without GPUs"
        )
        return Finding("error", f"{said}; {name}", f"Set slurm_partition: {with_gpu[0]} in {PROFILE}.")
    if chosen is not None and chosen.minutes is not None and chosen.minutes < execution.runtime:
        advice = (
            f"Lower presets.{here.config.preset}.execution.runtime; jobs continue from their checkpoints."
        )
        too_long = (
            f"'{chosen.name}' ends jobs after {chosen.minutes} minutes, these ask for {execution.runtime}"
        )
        return Finding("error", f"{said}; {too_long}", advice)
    return Finding("ok", said)


@answering
def gpu_style(here: Surroundings) -> Finding:
    """Which of the profile's two ways to ask for a GPU this cluster understands."""
    if not here.needs_gpu:
        return Finding("not needed", f"preset {here.config.preset} asks for no GPU")
    selects = setting(here, "SelectType")
    types = sorted({gpu.split(":")[1] for p in partitions(here) for gpu in p.gpus if gpu.count(":") == 2})
    models = f"; models: {', '.join(types)} (gpu_model, if it matters which)" if types else ""
    if selects is None:
        return Finding(
            "warning", "scontrol does not show the cluster's settings", f"Try both ways in {PROFILE}."
        )
    gres = "gres" in defaults(here)
    if selects != "select/cons_tres" and not gres:
        return Finding("error", f"{selects} refuses `sbatch --gpus`, and the profile uses it",
                       f'Uncomment `gres: "gpu:1"` (way 2) in {PROFILE}.')  # fmt: skip
    way = 'way 2 of the profile, `gres: "gpu:1"`' if gres else "way 1 of the profile, the resource `gpu`"
    return Finding("ok", f"{selects}; {way}{models}")


@answering
def accounting(here: Surroundings) -> Finding:
    """Whether jobs are recorded (sacct), and on whose account they run."""
    kind = setting(here, "AccountingStorageType")
    if kind is None:
        return Finding(
            "warning", "scontrol does not show the cluster's settings", "See whether `sacct` works."
        )
    profile = here.slurm_profile
    if not kind.endswith("slurmdbd"):
        lacking = [
            line
            for line, there in (
                ("slurm-status-command: squeue", profile.get("slurm-status-command") == "squeue"),
                ("slurm-no-account: true", profile.get("slurm-no-account") is True),
            )
            if not there
        ]
        if lacking:
            advice = f"Uncomment in {PROFILE}: {'; '.join(lacking)}."
            return Finding("error", f"off ({kind}): sacct and accounts do not work", advice)
        return Finding("ok", f"off ({kind}), and the profile knows")
    if here.which("sacct") is None:
        return Finding(
            "error", f"on ({kind}), but no sacct on the PATH", f"`slurm-status-command: squeue` in {PROFILE}."
        )
    account = defaults(here).get("slurm_account")
    if account:
        return Finding("ok", f"on; the profile's account: {account}")
    user = here.environment.get("USER") or getpass.getuser()
    answer = here.ask("sacctmgr", "--noheader", "--parsable2", "show", "user", user, "format=DefaultAccount")
    default = answer.out.splitlines()[0] if answer is not None and answer.good and answer.out else ""
    if not default:
        advice = f"Set slurm_account in {PROFILE}, or `slurm-no-account: true` if the cluster has none."
        return Finding("warning", f"on, but no default account of {user} is known", advice)
    return Finding("ok", f"on; default account {default}")


def setting(here: Surroundings, name: str) -> str | None:
    """A line of `scontrol show config`."""
    answer = here.ask("scontrol", "show", "config")
    found = re.search(rf"^{name}\s*=\s*(\S+)", answer.out, re.MULTILINE) if answer is not None else None
    return found[1] if found else None


def defaults(here: Surroundings) -> dict[str, object]:
    """`default-resources` of the profile."""
    found = here.slurm_profile.get("default-resources")
    return found if isinstance(found, dict) else {}
