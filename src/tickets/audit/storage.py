"""What others recorded of the files: DVC (md5) and Snakemake's records (sha256)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from tickets.audit.check import Check, Options, Unit
from tickets.audit.report import Part
from tickets.audit.subject import Subject
from tickets.errors import TicketsError
from tickets.jobs.files import file_hash
from tickets.provenance.records_archive import read_archive
from tickets.provenance.snakemake_records import ARCHIVE

LOCK = Path("dvc.lock")
CACHE = Path(".dvc", "cache", "files", "md5")
DIR = ".dir"
REMEDY = "`dvc checkout` brings back the recorded file; if the new one is right, `dvc commit` records it."


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One a tracked output, and one for Snakemake's records."""
    yield from (Unit(check_output, {"path": path, "entry": entry}) for path, entry in _tracked(subject))
    yield Unit(check_records)


def _tracked(subject: Subject) -> list[tuple[Path, dict[str, Any]]]:
    """What DVC tracks at or below results/<preset>, with what it recorded: of stages (dvc.lock) and of *.dvc files."""
    found: dict[Path, dict[str, Any]] = {}
    for stage in (_yaml(LOCK).get("stages") or {}).values() if LOCK.exists() else ():
        found |= {Path(out["path"]): out for out in stage.get("outs") or ()}
    places = (Path().glob("*.dvc"), subject.root.parent.glob("*.dvc"), subject.root.rglob("*.dvc"))
    for file in chain.from_iterable(places):
        if file.is_file():
            found |= {file.parent / out["path"]: out for out in _yaml(file).get("outs") or ()}
    return sorted((path, out) for path, out in found.items() if path.is_relative_to(subject.root))


def _yaml(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TicketsError(f"{path}: cannot be read as YAML ({error}). Restore it from git.") from None
    return content if isinstance(content, dict) else {}


def check_output(subject: Subject, path: Path, entry: Mapping[str, Any]) -> Part:
    """A file or folder with the md5 that DVC has of it."""
    part, recorded = Part(), str(entry.get("md5", ""))
    count = int(entry.get("nfiles", 1))
    if entry.get("hash", "md5") != "md5" or not recorded:
        part.skip("outputs that DVC records without an md5", count)
    elif not path.exists():
        part.skip(f"{path} is not here: `dvc pull`", count)
    elif not recorded.endswith(DIR):
        part.items += 1
        if md5(path) != recorded:
            part.fault(path, "its md5 is not the one in dvc.lock", REMEDY)
    else:
        _check_folder(part, path, recorded, count)
    return part


def _check_folder(part: Part, path: Path, recorded: str, count: int) -> None:
    there = {
        file.relative_to(path).as_posix(): md5(file)
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != ".gitignore"
    }
    part.items += len(there)
    if folder_md5(there) == recorded:
        return
    listing = _listing(recorded)
    if listing is None:
        words = f"its {len(there)} files are not the {count} that dvc.lock records; which of them, only the cache knows"
        part.fault(path, words, f"`dvc fetch` brings the list of files; audit again. {REMEDY}")
        return
    for name in sorted(listing.keys() | there.keys()):
        if name not in there:
            part.fault(path / name, "is recorded by DVC, but missing", REMEDY)
        elif name not in listing:
            part.fault(path / name, "is not recorded by DVC", REMEDY)
        elif there[name] != listing[name]:
            part.fault(path / name, "its md5 is not the one that DVC recorded", REMEDY)


def _listing(recorded: str) -> dict[str, str] | None:
    """File -> md5 of a recorded folder, from DVC's cache; None where it is not there, or damaged."""
    file = CACHE / recorded[:2] / recorded[2:]
    try:
        data = file.read_bytes()
        if hashlib.md5(data, usedforsecurity=False).hexdigest() + DIR != recorded:
            return None
        return {entry["relpath"]: entry["md5"] for entry in json.loads(data)}
    except (OSError, ValueError, KeyError):
        return None


def md5(path: Path) -> str:
    """md5 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def folder_md5(files: Mapping[str, str]) -> str:
    """What DVC records of a folder: the md5 of its sorted list of files."""
    listed = [{"md5": files[name], "relpath": name} for name in sorted(files)]
    return hashlib.md5(json.dumps(listed).encode(), usedforsecurity=False).hexdigest() + DIR


def check_records(subject: Subject) -> Part:
    """Every file with the sha256 that Snakemake's archived records have of it."""
    part, path = Part(), subject.root / ARCHIVE
    if not path.is_file():
        part.note(f"there is no {path}, so Snakemake's records are not checked")
        return part
    try:
        archive = read_archive(path)
    except TicketsError as error:
        part.fault(
            path, str(error).partition(": ")[2], "Restore it, or make it again: `tickets records save`."
        )
        return part
    for name, entry in archive.entries.items():
        file = Path(name)
        if not file.is_file():
            part.skip(subject.why_absent(file.relative_to(subject.root)))
            continue
        part.items += 1
        if file_hash(file) != entry.sha256:
            part.fault(
                file,
                "is not the file that Snakemake recorded",
                "Restore it (`dvc checkout`, `git checkout`); if it is right, `tickets records save` after the run.",
            )
    return part


CHECK = Check("storage", "files ← hashes kept by DVC and Snakemake", units)
