"""The machine itself: cores, memory, text, locks on files."""

import fcntl
import locale
import os
import sys
import tempfile
from pathlib import Path

from tickets.doctor.check import Finding, State
from tickets.doctor.gpu import elsewhere
from tickets.doctor.surroundings import Surroundings

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def cores(here: Surroundings) -> Finding:
    """Cores that this process may use, against the threads of a job."""
    if elsewhere(here):
        return Finding("not needed", f"{usable_cores()} usable; jobs run on the cluster's nodes")
    usable, threads = usable_cores(), here.config.settings.execution.threads
    jobs = max(1, usable // threads)
    found = (
        f"{usable} usable; a job has {threads} thread{'s' if threads > 1 else ''}, so {jobs} run side by side"
    )
    if usable < threads:
        return Finding(
            "warning", f"{usable} usable, but a job has {threads} threads",
            f"Lower presets.{here.config.preset}.execution.threads, or run where there are more.",
        )  # fmt: skip
    return Finding("ok", found)


def usable_cores() -> int:
    """Cores that the scheduler gives to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory(here: Surroundings) -> Finding:
    """Free memory against what a job of the preset is given on a cluster."""
    needed, known = here.config.settings.execution.mem_mb, memory_mb()
    if known is None:
        return Finding(
            "warning", "this system does not say how much there is", f"A job may take {needed:,} MB."
        )
    total, free = known
    found = f"{free:,} of {total:,} MB free"
    if elsewhere(here):
        return Finding("not needed", f"{found}; jobs run on the cluster's nodes")
    found += f"; a job may take {needed:,} MB"
    if total < needed:
        return Finding("warning", found, "Run on a larger machine; jobs may be killed here.")
    advice = "End other programs, or run fewer jobs at once (`snakemake --cores`)."
    return Finding("warning", found, advice) if free < needed else Finding("ok", found)


def memory_mb() -> tuple[int, int] | None:
    """Memory of the machine, or of the container if that is less, and what of it is free."""
    if not _MEMINFO.exists():
        return None
    lines = (line.split() for line in _MEMINFO.read_text().splitlines())
    kilobytes = {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) > 1}
    total, free = kilobytes["MemTotal"] // 1024, kilobytes["MemAvailable"] // 1024
    if _CGROUP.exists() and (limit := _CGROUP.read_text().strip()).isdecimal():
        total = min(total, int(limit) // 2**20)
    return total, min(free, total)


def text(here: Surroundings) -> Finding:
    """Encodings of file names and of files opened without one."""
    files, preferred = sys.getfilesystemencoding(), locale.getpreferredencoding(False)
    found = f"file names {files}, text {preferred}"
    if {files.lower().replace("-", ""), preferred.lower().replace("-", "")} != {"utf8"}:
        return Finding(
            "warning", found, "`export LC_ALL=C.UTF-8`: logs, tables and other people's files are UTF-8."
        )
    return Finding("ok", found)


def locks(here: Surroundings) -> Finding:
    """Whether locks on files hold where the claims on GPUs are kept, and in the checkout."""
    chosen = here.environment.get("TICKETS_GPU_LOCKS")
    places = [Path(chosen) if chosen else Path("/tmp"), here.root]
    broken = [f"{place.absolute()} ({why})" for place in places if (why := lock_fails(place))]
    if not broken:
        return Finding("ok", "hold in " + " and ".join(str(place.absolute()) for place in places))
    state: State = "error" if here.config.settings.execution.gpus and lock_fails(places[0]) else "warning"
    advice = "Name a folder on a local disk in TICKETS_GPU_LOCKS: jobs claim their GPU by a lock there."
    return Finding(state, f"do not hold in {' and '.join(broken)}", advice)


def lock_fails(folder: Path) -> str:
    """Why a lock on a file in a folder (or the nearest one above that exists) is worth nothing; '' if it holds."""
    try:
        with tempfile.NamedTemporaryFile(dir=existing(folder), prefix=".tickets-lock-") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open(file.name, "rb") as second:
                try:
                    fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return ""
        return "two get the same lock"
    except OSError as error:
        return error.strerror or str(error)


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
