"""The other tidy files, made again from masks, scores and data: frames, facts, headline numbers, the report page."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tickets.audit.check import Check, Options, Unit
from tickets.audit.report import Part
from tickets.audit.subject import Subject
from tickets.audit.tidy import unlike
from tickets.grid import data_file
from tickets.papers.registry import chapter, frame, paper_tasks

HEADLINE = "headline.json"


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One a file."""
    for id, found in subject.chapters.items():
        if not options.quick:
            yield from (Unit(check_frame, {"chapter_id": id, "name": item.name}) for item in found.frames)
    for id in subject.papers:
        yield Unit(check_facts, {"paper": id})
        yield Unit(check_headline, {"paper": id})
    if not options.quick and not subject.source.papers:
        yield Unit(check_page)


def check_frame(subject: Subject, chapter_id: str, name: str) -> Part:
    """A frame against the masks, scores or logs that it is made of."""
    part, found = Part(), frame(chapter(chapter_id), name)
    file, settings = Path(chapter_id, f"{name}.csv"), subject.config.settings
    models = [path for role in found.models for path in settings.model_files(role)]
    if subject.have([file, *found.inputs(subject.config), *models], part):
        with TemporaryDirectory() as temporary:
            again = Path(temporary, file.name)
            found.write(subject.config, again)
            _compare(part, subject.root / file, again.read_bytes(), f"{chapter_id}_{name}_frame")
    return part


def check_facts(subject: Subject, paper: str) -> Part:
    """facts.json against the config and the sizes of the encoded data."""
    from tickets.provenance.facts import write_facts

    part, file, found = Part(), Path(paper, "facts.json"), subject.papers[paper]
    tasks = {*paper_tasks(subject.config, found), *(t.task for t in found.trained(subject.config).values())}
    data = [data_file(task, found.recipe(subject.config, task).max_length) for task in sorted(tasks)]
    if subject.have([file, *data], part):
        with TemporaryDirectory() as temporary:
            again = Path(temporary, file.name)
            write_facts(subject.config, found, again)
            _compare(part, subject.root / file, again.read_bytes(), f"{paper}_facts")
    return part


def check_headline(subject: Subject, paper: str) -> Part:
    """headline.json, where there is one, against cells and claims."""
    from tickets.provenance.headline import write_headline

    part, file, found = Part(), Path(paper, HEADLINE), subject.papers[paper]
    if not (subject.root / file).exists():
        return part
    inputs = [Path(paper, name) for name in ("cells.csv", "facts.json", "claims.json")]
    inputs += [Path(paper, f"{item.name}.csv") for item in found.frames]
    if subject.have(inputs, part):
        with TemporaryDirectory() as temporary:
            again = Path(temporary, HEADLINE)
            write_headline(subject.config, found, again)
            _compare(part, subject.root / file, again.read_bytes(), f"{paper}_headline")
    return part


def check_page(subject: Subject) -> Part:
    """The report page against everything that it shows."""
    from tickets.provenance.report import report_page

    part, file = Part(), Path("report", "index.html")
    runs = [run.folder / "run.json" for job in subject.jobs for run in job.runs]
    if subject.have([file, *runs], part):
        page, stored = subject.root / file, (subject.root / file).read_bytes()
        again = report_page(
            subject.config.preset, subject.root, tuple(subject.chapters), page.parent
        ).encode()
        part.items += 1
        if stored != again:
            words = unlike(page, again)
            remedy = (
                "`snakemake --force report_page` writes it again; its last section names package versions."
            )
            part.fault(page, "; ".join(words), remedy)
    return part


def _compare(part: Part, file: Path, again: bytes, target: str) -> None:
    part.items += 1
    if words := unlike(file, again):
        remedy = (
            f"If what it is made of is right, `snakemake --force {target}` makes it again; else restore that."
        )
        part.fault(file, "; ".join(words), remedy)


CHECK = Check("frames", "overlaps and other tidy files, facts, report ← masks, data, ...", units)
