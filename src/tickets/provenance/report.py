"""The report a person opens: one HTML page with everything inside it, no network, no scripts."""

import hashlib
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tickets.errors import TicketsError
from tickets.figures.render import write_atomically
from tickets.provenance.report_data import VERDICTS, load_paper

BANNERS = {
    "micro": (
        "Micro scale: this shows the pipeline, not the papers",
        "A model of two small layers, pre-trained by this pipeline on a synthetic language, stands in for BERT, and "
        "generated tasks with the formats of GLUE and SQuAD stand in for the real ones. WNLI's labels are random by "
        "design. Absolute scores do not compare with published ones, and a verdict speaks of this small model only: "
        "it is no evidence for or against a paper. Few replicates make every standard deviation uncertain.",
    ),
    "mini": (
        "Mini scale: the real model on the small tasks",
        "bert-base-uncased on the small tasks with few seeds. Scores compare with published ones task by task; "
        "with so few replicates, standard deviations and everything judged by them are uncertain.",
    ),
    "paper": (
        "Paper scale",
        "Models, tasks, seeds and sparsities as published. Where the papers leave something open or contradict "
        "their released code, the choice made here is noted at the table or figure concerned.",
    ),
}
_PACKAGES = ("numpy", "pandas", "scipy", "matplotlib", "torch", "transformers", "snakemake")
_CLASSES = {"reproduced": "yes", "not reproduced": "no", "inconclusive": "open", "not run": "none"}


def write_report(preset: str, results_dir: Path, papers: Sequence[str], out: Path) -> None:
    """Write the page `out`; see `report_page`."""
    write_atomically(out, report_page(preset, results_dir, papers, out.parent).encode())


def report_page(preset: str, results_dir: Path, papers: Sequence[str], folder: Path) -> str:
    """The page as it is in `folder`, from results_dir/<paper>/ (`results_dir` is results/<preset>) for each paper.

    Reads tables/, figures/, claims.json, costs.csv (else cells.csv) and the runs' certificates. What was not made
    is named as missing, with the command that makes it. Raises `TicketsError` for unknown papers and broken files.
    """
    if not papers:
        raise TicketsError("no papers given; name at least one, for example lth.")
    loaded = [load_paper(paper, results_dir / paper, folder) for paper in papers]
    title, text = BANNERS.get(
        preset, (f"Preset {preset}", "A preset of your own; read config.yaml for its scale.")
    )
    page = _environment().get_template("report.html.jinja")
    html: str = page.render(
        preset=preset,
        banner_title=title,
        banner_text=text,
        papers=loaded,
        verdicts=VERDICTS,
        verdict_class=_CLASSES,
        inputs=_inputs(results_dir, papers),
        made_with=_made_with(),
    )
    return html


def _environment() -> Environment:
    loader = PackageLoader("tickets.figures", "templates")
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["duration"] = duration
    made.filters["count"] = lambda value: f"{int(value):,}"
    return made


def duration(seconds: float) -> str:
    """Seconds as "42 s", "7 min 5 s" or "3 h 20 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def _inputs(results_dir: Path, papers: Sequence[str]) -> list[tuple[str, str]]:
    """The files that all numbers come from, with their sha256: the tidy ones at the top of each paper's folder."""
    found = [
        path.relative_to(results_dir)
        for paper in papers
        for path in sorted((results_dir / paper).glob("*.*"))
        if path.suffix in (".csv", ".json")
    ]
    return [
        (path.as_posix(), hashlib.sha256((results_dir / path).read_bytes()).hexdigest()) for path in found
    ]


def _made_with() -> list[tuple[str, str]]:
    """Versions of what drew this page; the runs' own are in their certificates."""
    rows = [("Python", platform.python_version())]
    for name in ("winning-tickets", *_PACKAGES):
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return rows
