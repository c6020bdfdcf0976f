"""Whether everything that the config asks for is there, and nothing that it does not know."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from tickets.audit.check import Check, Options, Unit
from tickets.audit.report import Part
from tickets.audit.subject import LOCAL, Subject
from tickets.papers.registry import cell_stages, preset_data
from tickets.provenance.snakemake_records import ARCHIVE

MANY = 3
"""Missing files of one folder that are named."""
OPEN = ("logs", "report")
"""Folders in which anything may lie."""
BESIDE = ("run.json", "predictions.safetensors", "predictions.json")
"""Files of a run beside its metrics; of predictions not every run has any."""
TOKENIZER = (".json", ".txt")


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """All at once: it only looks at names."""
    return [Unit(check_files)]


def check_files(subject: Subject) -> Part:
    """Missing files by job, with the command that makes them; then files that nothing asks for."""
    part = Part()
    wanted = dict(_wanted(subject))
    missing: dict[str, list[Path]] = defaultdict(list)
    for path, target in wanted.items():
        if (subject.root / path).is_file():
            part.items += 1
        elif subject.pulled(path):
            part.items += 1
            missing[target].append(path)
        else:
            part.skip(subject.why_absent(path))
    for target, paths in missing.items():
        for folder in dict.fromkeys(path.parent for path in paths):
            names = [path.name for path in paths if path.parent == folder]
            part.fault(
                subject.root / folder,
                f"{', '.join(names[:MANY])} missing",
                f"`snakemake --cores all {target}`",
            )
    if not subject.source.papers:
        _strangers(subject, part, set(wanted))
    return part


def _strangers(subject: Subject, part: Part, wanted: set[Path]) -> None:
    folders = {path.parent for path in wanted if path.name == "metrics.json"}
    models = {subject.config.settings.model_folder(role) for role in subject.config.settings.roles}
    extra: dict[Path, list[str]] = defaultdict(list)
    for file in sorted(subject.root.rglob("*")):
        path = file.relative_to(subject.root)
        if file.is_dir() or path in wanted or path.parts[0] in OPEN or path.name in LOCAL:
            continue
        known = (path.name in BESIDE and path.parent in folders) or path == Path(ARCHIVE)
        known |= path.parent in models and path.suffix in TOKENIZER
        known |= path.suffix == ".dvc"
        if not known:
            extra[path.parent].append(path.name)
    for folder, names in extra.items():
        what = "a run or mask" if folder.parts[1:2] in (("runs",), ("masks",)) else "something"
        part.fault(
            subject.root / folder,
            f"{', '.join(names[:MANY])}: {what} that the config does not know",
            "Delete it, or restore the config that it belongs to.",
        )


def _wanted(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Every file that the config asks for, and the Snakemake target that makes it."""
    root = subject.root
    for job in subject.jobs:
        outputs = [*job.outputs, *(run.folder / "run.json" for run in job.runs)]
        target = str(root / job.record)
        yield from ((path, target) for path in outputs)
        if subject.config.settings.execution.predictions:
            yield from ((path, target) for run in job.runs for path in _predictions(run.folder, run.task))
    for item in subject.artifacts:
        yield from ((path.relative_to(root), item.id) for path in item.outputs(root / item.paper))
    for id, chapter in subject.chapters.items():
        yield from ((Path(id, f"{frame.name}.csv"), f"{id}_{frame.name}_frame") for frame in chapter.frames)
    for id, paper in subject.papers.items():
        stages = cell_stages(subject.config, paper)
        yield from ((Path(id, "cells", f"{stage}.csv"), f"{id}_cells_{stage}") for stage in stages)
        yield from ((Path(id, name), f"{id}_cells") for name in ("cells.csv", "costs.csv"))
        yield from ((Path(id, name), f"{id}_claims") for name in ("claims.json", "claims.md"))
        yield from ((Path(id, name), f"{id}_{name[:-5]}") for name in ("facts.json", "headline.json"))
    for path in preset_data(subject.config):
        yield path, str(root / path)
    for role in subject.config.settings.roles:
        files = subject.config.settings.model_files(role)
        yield from ((path, f"pretrained_model_{role}") for path in files)


def _predictions(folder: Path, task: str) -> list[Path]:
    """Where a run keeps what it predicted; masked words are too many."""
    from tickets.data.tasks import task as lookup

    kind = lookup(task).kind
    return [] if kind == "mlm" else [folder / f"predictions.{'json' if kind == 'span' else 'safetensors'}"]


CHECK = Check("completeness", "files there ← files that the config asks for", units)
