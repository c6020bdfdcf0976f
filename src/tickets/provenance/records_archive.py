"""The archive that Snakemake's records travel in: a tar of plain JSON files, the same bytes for the same records."""

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tickets.errors import TicketsError

_FORMAT = 1
_MANIFEST, _RECORDS = "manifest.json", "records/"


@dataclass(frozen=True)
class Entry:
    """One result: sha256 of its bytes, its date in ns, and Snakemake's record of it."""

    sha256: str
    mtime_ns: int
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Archive:
    """The records of a preset. root: results/<preset>; entries: path from the repository's root -> entry."""

    root: str
    entries: Mapping[str, Entry]


def write_archive(path: Path, archive: Archive) -> None:
    """Write an archive in one rename: `manifest.json` (hash and date by file) and a record a file below `records/`."""
    files = {name: {"sha256": e.sha256, "mtime_ns": e.mtime_ns} for name, e in archive.entries.items()}
    members = {_MANIFEST: {"format": _FORMAT, "root": archive.root, "files": files}}
    members |= {_RECORDS + name: dict(entry.record) for name, entry in archive.entries.items()}
    part = path.with_name(path.name + ".part")
    with (
        part.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in sorted(members.items()):
            data = (json.dumps(content, sort_keys=True, ensure_ascii=False) + "\n").encode()
            member = tarfile.TarInfo(name)  # date, user and group are 0
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    part.replace(path)


def read_archive(path: Path) -> Archive:
    """Read an archive; nothing of it is unpacked onto disk. `TicketsError` if it is not one, or damaged."""
    advice = (
        f"`dvc checkout --force {path}` brings it back; without it, `tickets records save` makes a new one."
    )
    try:
        with tarfile.open(path, "r:gz") as tar:
            members = {m.name: json.loads(_bytes(tar, m)) for m in tar if m.isfile()}
        manifest = members.pop(_MANIFEST)
        if manifest["format"] != _FORMAT:
            raise TicketsError(f"{path}: format {manifest['format']} is not known here. Use a newer version.")
        entries = {
            _inside(name, manifest["root"]): Entry(
                str(file["sha256"]), int(file["mtime_ns"]), dict(members[_RECORDS + name])
            )
            for name, file in manifest["files"].items()
        }
    except FileNotFoundError:
        raise TicketsError(f"{path}: not found. `dvc pull {path}` brings it if it was saved.") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise TicketsError(f"{path}: damaged, or no archive of records ({error}). {advice}") from None
    return Archive(str(manifest["root"]), entries)


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def _inside(name: str, root: str) -> str:
    if not PurePosixPath(name).is_relative_to(root) or ".." in PurePosixPath(name).parts:
        raise ValueError(f"{name} is not below {root}")
    return name
