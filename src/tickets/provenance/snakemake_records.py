"""What Snakemake knows of a preset's files, packed so that it travels with them.

Snakemake keeps a record of every output below `.snakemake/metadata`: parameters, set and checksums of the inputs, text
of the rule. Without them a pulled result looks older than its inputs, and everything is trained again. The archive
`results/<preset>/snakemake.tar.gz` holds the records, and of each file that they are about its sha256 and date.
"""

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickets.errors import TicketsError
from tickets.jobs.files import file_hash, write_json
from tickets.provenance.records_archive import Archive, Entry, read_archive, write_archive

ARCHIVE = "snakemake.tar.gz"
STATE = Path(".snakemake")
STAMPS = Path(".tickets", "records")


@dataclass(frozen=True)
class Restored:
    """How many records were put back, and of how many files they were not: why, and one of them as an example."""

    restored: int
    newer: int  # a record made here is younger
    missing: tuple[str, ...]
    different: tuple[str, ...]
    undated: int  # files that keep the date of today

    def __str__(self) -> str:
        parts = [f"{self.restored} restored"]
        if self.newer:
            parts.append(f"{self.newer} made here later and kept")
        for files, what in ((self.missing, "without their file"), (self.different, "of files that differ")):
            if files:
                parts.append(f"{len(files)} {what} (e.g. {files[0]})")
        return ", ".join(parts)


def save(root: Path, state: Path = STATE) -> int:
    """Pack the records of all files below `root` (results/<preset>) into its archive; returns how many.

    Equal files, dates and records give equal bytes. Records of files that are gone or not complete stay behind.
    """
    paths = [path for path in _files(root) if _record(state, "metadata", path).is_file()]
    done = [path for path in paths if not _record(state, "incomplete", path).exists()]
    if not done:
        raise TicketsError(
            f"{state / 'metadata'}: no records of files below {root}. Run `snakemake` there first."
        )
    entries = {}
    for path, digest in zip(done, _hashes(done), strict=True):
        record = _read_record(_record(state, "metadata", path))
        if record is None:
            raise TicketsError(
                f"{path}: Snakemake's record of it is damaged. Delete the file and make it again."
            )
        # In a container or out of it: what made a run is in its run.json, and no reason to make it again elsewhere.
        record["software_stack_hash"] = None
        entries[path.as_posix()] = Entry(digest, path.stat().st_mtime_ns, record)
    write_archive(root / ARCHIVE, Archive(root.as_posix(), entries))
    _stamp(root, ())
    return len(entries)


def restore(root: Path, state: Path = STATE) -> Restored:
    """Put back the records of the files whose sha256 is the archive's, with the files' dates.

    A record that was made here later stays, and so does every other record. A file keeps today's date if something
    made here was made from it: the date is all that says whether that is still up to date.
    """
    archive = read_archive(root / ARCHIVE)
    if archive.root != root.as_posix():
        raise TicketsError(
            f"{root / ARCHIVE}: holds the records of {archive.root}. Put it back where it is from."
        )
    there = [path for path in archive.entries if os.path.isfile(path)]
    digests = dict(zip(there, _hashes(map(Path, there)), strict=True))
    same = [path for path, digest in digests.items() if digest == archive.entries[path].sha256]
    known = {path: _read_record(_record(state, "metadata", Path(path))) for path in same}
    newer = {path for path in same if _younger(known[path], archive.entries[path].record)}
    for folder in ("metadata", "incomplete"):  # one without the other is an older Snakemake's to be migrated
        (state / folder).mkdir(parents=True, exist_ok=True)
    pulled = [path for path in same if path not in newer]
    keep = _inputs_of_others(root, state, set(pulled))
    undated = 0
    for path in pulled:
        entry = archive.entries[path]
        _write_record(_record(state, "metadata", Path(path)), entry.record)
        _record(state, "incomplete", Path(path)).unlink(missing_ok=True)
        undated += not _set_date(path, entry.mtime_ns, path in keep)
    missing, different = set(archive.entries) - set(there), set(there) - set(same)
    _stamp(root, missing)
    return Restored(len(pulled), len(newer), tuple(sorted(missing)), tuple(sorted(different)), undated)


def restore_if_new(root: Path, state: Path = STATE) -> Restored | None:
    """`restore`, unless this archive was looked at before and no folder has changed whose files it lacked then."""
    try:
        seen = json.loads(_stamp_file(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        seen = None
    now = _identity(root / ARCHIVE)
    if now is None:
        return None
    if seen and seen.get("archive") == now:
        waiting = seen.get("waiting", {})
        if all(_identity(Path(folder)) == before for folder, before in waiting.items()):
            return None
    return restore(root, state)


def _files(root: Path) -> list[Path]:
    """All results that somebody made or pulled, in a fixed order."""
    skipped = {root / "logs"}
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name) not in skipped]
        found += [Path(folder, name) for name in names]
    return sorted(path for path in found if path != root / ARCHIVE)


def _hashes(paths: Iterable[Path]) -> Iterator[str]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        yield from pool.map(file_hash, paths)


def _record(state: Path, kind: str, path: Path) -> Path:
    """Where Snakemake keeps the record of a file: its name in base 64, cut into folders where it is too long."""
    try:
        longest = os.pathconf(state, "PC_NAME_MAX") or 255
    except (OSError, ValueError):
        longest = 255
    name, part = urlsafe_b64encode(path.as_posix().encode()).decode(), longest - 1
    pieces = [name[i : i + part] for i in range(0, len(name), part)]
    return Path(state, kind, *(f"@{piece}" for piece in pieces[:-1]), pieces[-1])


def _read_record(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write_record(path: Path, record: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name("part")  # too short a name for base 64 of any result, and longer ones may not fit
    part.write_text(json.dumps(record), encoding="utf-8")
    part.replace(path)


def _younger(here: Mapping[str, Any] | None, packed: Mapping[str, Any]) -> bool:
    return here is not None and (here.get("endtime") or 0) > (packed.get("endtime") or 0)


def _inputs_of_others(root: Path, state: Path, pulled: set[str]) -> set[str]:
    """What the files below `root` that are not as in the archive, or not in it, were made from."""
    made_here = [path for path in _files(root) if path.as_posix() not in pulled]
    records = (_read_record(_record(state, "metadata", path)) for path in made_here)
    return {path for record in records if record for path in record.get("input") or ()}


def _set_date(path: str, mtime_ns: int, keep: bool) -> bool:
    now = os.stat(path).st_mtime_ns
    if now == mtime_ns:
        return True
    if keep:
        return False
    try:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    except PermissionError:
        return False
    return True


def _identity(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _stamp_file(root: Path) -> Path:
    return STAMPS / f"{root.name}.json"


def _stamp(root: Path, waiting: Iterable[str]) -> None:
    """Remember the archive, and the state of the folders (lth/runs) in which files of it are missing."""
    depth = len(root.parts) + 2
    folders = sorted({Path(*Path(path).parts[:depth]).as_posix() for path in waiting})
    state = {folder: _identity(Path(folder)) for folder in folders}
    write_json(_stamp_file(root), {"archive": _identity(root / ARCHIVE), "waiting": state})
