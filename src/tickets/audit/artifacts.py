"""Tables, figures and claims, made again from tidy files and compared byte by byte."""

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from tickets.audit.check import Check, Options, Unit
from tickets.audit.pictures import damaged, only_compressed_otherwise
from tickets.audit.report import Part
from tickets.audit.subject import Subject
from tickets.audit.tidy import unlike
from tickets.figures.artifact import Artifact
from tickets.papers.registry import artifact, cells_read

PICTURES = (".pdf", ".png")
LOCK = Path("envs/requirements.txt")
DRAWING = ("contourpy", "fonttools", "matplotlib", "numpy", "pandas", "pillow", "scipy")
"""Packages whose version may move a pixel."""


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One an artifact, figures first since they take longest, and one a paper's claims."""
    for item in sorted(subject.artifacts, key=lambda item: item.kind):
        yield Unit(check_artifact, {"id": item.id, "pixels": not options.quick})
    for id in subject.papers:
        yield Unit(check_claims, {"paper": id})


def check_artifact(subject: Subject, id: str, pixels: bool) -> Part:
    """Make a table or figure again; without `pixels`, of a figure only what is drawn."""
    part, item, folder = Part(), artifact(id), subject.root / artifact(id).paper
    files = item.outputs(folder)
    if not subject.have(_needed(subject, item), part, len(files)):
        return part
    from tickets.papers.making import render

    with TemporaryDirectory() as temporary:
        made = render(subject.config, item, Path(temporary), pictures=pixels)
        again = {path.suffix: path.read_bytes() for path in made}
    compare_files(part, {path: again[path.suffix] for path in files if path.suffix in again}, id, item.paper)
    return part


def check_claims(subject: Subject, paper: str) -> Part:
    """Judge all claims of a paper again."""
    part, folder, found = Part(), subject.root / paper, subject.papers[paper]
    inputs = [Path(paper, "cells.csv"), Path(paper, "facts.json")]
    inputs += [Path(paper, f"{frame.name}.csv") for frame in found.frames]
    files = (folder / "claims.json", folder / "claims.md")
    inputs += [Path(paper, file.name) for file in files]
    if not subject.have(inputs, part, len(files)):
        return part
    from tickets.papers.judge import judge
    from tickets.papers.making import read_facts

    with TemporaryDirectory() as temporary:
        judge(subject.config, found, read_facts(folder), Path(temporary))
        compare_files(
            part,
            {path: (Path(temporary) / path.name).read_bytes() for path in files},
            f"{paper}_claims",
            paper,
        )
    return part


def _needed(subject: Subject, item: Artifact) -> list[Path]:
    """What a table or figure is made of, and its files."""
    frames = [Path(item.paper, f"{name}.csv") for name in item.frames]
    facts = [Path(item.paper, "facts.json")] if item.facts else []
    return [*cells_read(subject.config, item), *frames, *facts, *item.outputs(Path(item.paper))]


def compare_files(part: Part, again: dict[Path, bytes], target: str, paper: str) -> None:
    """Compare files of one artifact; what follows from one difference is one finding."""
    part.items += len(again)
    odd = {path: words for path, data in again.items() if (words := unlike_picture(part, path, data))}
    if not odd:
        return
    first = next((path for path in odd if path.suffix in (".csv", ".json")), next(iter(odd)))
    others = [path.suffix[1:] for path in odd if path != first]
    also = f" (and its {', '.join(others)})" if others else ""
    if any(" / published" in words for words in odd[first]):
        also += f"; published numbers come from paper/{paper}/"
    part.fault(
        first,
        f"{'; '.join(odd[first])}{also}",
        f"If the inputs are right (cells, frames, paper/), `snakemake --force {target}` makes it again; "
        "else put the input right.",
    )


def unlike_picture(part: Part, path: Path, again: bytes) -> list[str]:
    """`unlike`, where a picture may depart for reasons that are no fault: these become notes."""
    if path.suffix not in PICTURES:
        return unlike(path, again)
    stored = path.read_bytes()
    if stored == again:
        return []
    if damaged(stored, path.suffix):
        return ["the picture is damaged"]
    if only_compressed_otherwise(stored, again, path.suffix):
        part.note("pictures are the same, but were compressed by another zlib")
        return []
    if others := other_versions():
        part.note(f"pictures differ in bytes, their data do not; other versions than in {LOCK}: {others}")
        return []
    return ["the picture is another than is drawn from the same data"]


def other_versions() -> str:
    """Packages that draw and are not of the version in the lock file."""
    if not LOCK.exists():
        return f"no {LOCK}"
    pinned = dict(line.strip().lower().split("==") for line in LOCK.read_text().splitlines() if "==" in line)
    found = {name: metadata.version(name) for name in DRAWING}
    return ", ".join(f"{name} {version}" for name, version in found.items() if pinned.get(name) != version)


CHECK = Check(
    "artifacts",
    "tables, figures, claims ← cells, frames, paper/",
    units,
)
