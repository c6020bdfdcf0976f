"""Where results are kept: free space, git, DVC."""

import configparser
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tickets.doctor.check import Finding, listing
from tickets.doctor.machine import existing
from tickets.doctor.software import installed_version
from tickets.doctor.surroundings import Surroundings

_GB = 1e9
_SPARE = 1.0  # GB that should stay free whatever a preset needs


def disk(here: Surroundings) -> Finding:
    """Free space where results and running jobs are, against what the preset still has to write."""
    from tickets.planning.numbers import size
    from tickets.planning.plan import Plan

    plan = Plan(here.config)
    open_jobs = plan.everything - plan.done
    preset = here.config.settings
    prepared = all(
        (here.results / path).exists() for role in preset.roles for path in preset.model_files(role)
    )
    needed = plan.cost(open_jobs).disk + (0 if prepared else plan.fixed_disk) + plan.inflight(open_jobs)
    places = {str(existing(path)): existing(path) for path in (here.results, here.root / ".tickets")}
    free = {name: shutil.disk_usage(place).free / _GB for name, place in places.items()}
    said = "; ".join(f"{gb:,.1f} GB free at {name}" for name, gb in free.items())
    found = f"{said}; preset {here.config.preset} still writes {size(needed)}"
    least = min(free.values())
    if least < needed / _GB:
        return Finding(
            "error", found, "Make room, or make results/ a link to a larger disk, before you start."
        )
    if least < needed / _GB + _SPARE:
        return Finding("warning", found, "It may just fit; make room before you start.")
    return Finding("ok", found)


def git(here: Surroundings) -> Finding:
    """The commit that birth certificates will name, and whether it is what would run."""
    commit = here.ask("git", "rev-parse", "--short=10", "HEAD")
    if commit is None or not commit.good:
        why = "no git on the PATH" if commit is None else "not a git checkout"
        return Finding(
            "warning", why, "Results will not say which commit made them. Clone the repository with git."
        )
    status = here.ask("git", "status", "--porcelain", "--untracked-files=no")
    lines = status.out.splitlines() if status is not None else []
    changed = [line.split(maxsplit=1)[-1] for line in lines]
    results = [name for name in changed if name.startswith("results/")]
    code = [name for name in changed if name not in results]
    said = [f"commit {commit.out}"]
    said += [f"changed: {listing(code, 4)}"] if code else []
    said += [f"{len(results)} files of results changed"] if results else []
    if code:
        return Finding(
            "warning", "; ".join(said), "Results made now are marked as of a changed tree; commit first."
        )
    if results:
        return Finding("ok", "; ".join(said) + " (`git diff --stat results`, `tickets audit`)")
    return Finding("ok", "; ".join(said) + ", nothing changed")


@dataclass(frozen=True)
class Remote:
    """DVC's default remote."""

    name: str
    url: str


def dvc(here: Surroundings) -> Finding:
    """DVC, and the remote that artifacts come from."""
    version = installed_version("dvc")
    if version is None:
        return Finding(
            "warning",
            "not installed",
            "`pip install -r envs/requirements.txt`; needed to pull artifacts only.",
        )
    if not (here.root / ".dvc").is_dir():
        return Finding(
            "warning", f"{version}, but no .dvc here", "Run in the repository's root, or clone it with git."
        )
    remote = default_remote(here.root)
    if remote is None:
        advice = "Nothing can be pulled or pushed. `dvc remote add --default NAME URL` names a place for artifacts."
        return Finding("warning", f"{version}; no remote", advice)
    found = f"{version}; remote {remote.name}: {remote.url}"
    why = unreachable(here, remote)
    if why:
        return Finding(
            "warning",
            f"{found}, {why}",
            "Correct it (`dvc remote modify`), or mount or connect what it needs.",
        )
    tried = Path(remote.url).is_absolute() or here.network
    return Finding("ok", found + ("" if tried else " (not tried; --network does)"))


def default_remote(root: Path) -> Remote | None:
    """From .dvc/config and .dvc/config.local; a relative folder is relative to .dvc."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([root / ".dvc" / "config", root / ".dvc" / "config.local"], encoding="utf-8")
    name = parser.get("core", "remote", fallback=None)
    section = next((s for s in parser.sections() if s.strip("'\"") == f'remote "{name}'), None)
    if name is None or section is None:
        return None
    url = parser.get(section, "url", fallback="")
    if "://" not in url and url and not Path(url).is_absolute():
        url = str((root / ".dvc" / url).resolve())
    return Remote(name, url)


def unreachable(here: Surroundings, remote: Remote) -> str:
    """Why a remote cannot be used; '' if it can, or if that was not tried."""
    if "://" not in remote.url:
        return "" if Path(remote.url).is_dir() else "which is not there"
    parts = urlsplit(remote.url)
    if not here.network or parts.scheme not in ("http", "https", "ssh", "sftp", "webdav", "webdavs"):
        return ""
    port = parts.port or {"http": 80, "webdav": 80, "ssh": 22, "sftp": 22}.get(parts.scheme, 443)
    why = here.unreachable(parts.hostname or "", port)
    return f"which cannot be reached ({why})" if why else ""


def tracked(here: Surroundings) -> Finding:
    """What dvc.lock lists of the active preset, and what of it is here."""
    path = here.root / "dvc.lock"
    if not path.exists():
        return Finding("not needed", "no dvc.lock: nothing is tracked yet")
    stages = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("stages", {})
    outs: list[dict[str, Any]] = [out for stage in stages.values() for out in stage.get("outs", ())]
    own = f"results/{here.config.preset}/"
    names = [str(out["path"]) for out in outs if str(out["path"]).startswith(own)]
    missing = [name for name in names if not (here.root / name).exists()]
    if not names:
        return Finding("not needed", f"nothing of preset {here.config.preset} is tracked")
    if missing:
        advice = "`dvc pull` brings them; without, `snakemake` makes them, and tables draw from what git has."
        return Finding("warning", f"{len(missing)} of {len(names)} not here: {listing(missing, 4)}", advice)
    return Finding("ok", f"all {len(names)} of preset {here.config.preset} are here")
