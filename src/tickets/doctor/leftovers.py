"""What stopped or running work left behind, and container engines."""

import os
import time
from pathlib import Path

from tickets.doctor.check import Finding, listing
from tickets.doctor.surroundings import Surroundings
from tickets.papers.registry import papers

_SECONDS = 2.0  # for looking through the results
_ENGINES = ("apptainer", "singularity", "docker", "podman")


def running(here: Surroundings) -> list[int]:
    """Processes of Snakemake that run in this checkout, as far as this user may see them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")[:3]
            same = (folder / "cwd").resolve() == here.root.resolve()
        except OSError:
            continue
        if same and any(os.path.basename(word) in (b"snakemake", b"snakemake.exe") for word in words):
            found.append(int(folder.name))
    return sorted(found)


def unfinished(here: Surroundings) -> Finding:
    """Jobs that were stopped: those of today's config continue, the others never will."""
    folder = here.root / ".tickets" / "inflight" / here.config.preset
    found = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not found:
        return Finding("ok", "none")
    wanted = {
        f"{job.name[:80]}-{job.fingerprint[:16]}"
        for paper in papers(here.config).values()
        for stage in paper.stages(here.config)
        for job in stage.jobs()
    }
    stale = [name for name in found if name not in wanted]
    alive = [name for name in found if name in wanted]
    said = (
        [f"{len(alive)} stopped or running: {listing(alive, 3)}; each continues when it is run again"]
        if alive
        else []
    )
    if not stale:
        return Finding("ok", "; ".join(said))
    said.append(f"{len(stale)} of another config: {listing(stale, 3)}")
    where = folder.relative_to(here.root)
    return Finding(
        "warning", "; ".join(said), f"The latter never continue: delete them below {where} (rm -r)."
    )


def parts(here: Surroundings) -> Finding:
    """Files that a killed process was writing."""
    found: list[str] = []
    end = time.monotonic() + _SECONDS
    for folder, _, files in os.walk(here.results):
        found += [os.path.join(os.path.relpath(folder, here.root), f) for f in files if f.endswith(".part")]
        if time.monotonic() > end:
            break
    if not found:
        return Finding("ok", "none")
    if running(here):
        return Finding("ok", f"{len(found)}, of jobs that run now")
    return Finding(
        "warning", f"{len(found)}: {listing(found, 3)}", "Killed jobs were writing them; delete them."
    )


def lock(here: Surroundings) -> Finding:
    """Snakemake's lock of the folder."""
    folder = here.root / ".snakemake" / "locks"
    locked = folder.is_dir() and any(folder.iterdir())
    pids = running(here)
    if pids:
        return Finding("ok", f"Snakemake runs here now (process {', '.join(map(str, pids))})")
    if locked:
        advice = "`snakemake --unlock`, unless one runs here on another machine."
        return Finding("warning", "the folder is locked, but no Snakemake runs here: it was killed", advice)
    return Finding("ok", "not locked")


def containers(here: Surroundings) -> Finding:
    """Engines that can run the image."""
    there = [name for name in _ENGINES if here.which(name)]
    if not there:
        return Finding("not needed", "no container engine; the pipeline runs without")
    said = []
    for name in there:
        answer = here.ask(name, "--version" if name != "docker" else "version")
        why = "" if answer is not None and answer.good else " (does not work here)"
        said.append(name + why)
    return Finding("ok", ", ".join(said))
