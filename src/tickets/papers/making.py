"""From a preset's collected results to the files of one table or figure."""

from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.figures.artifact import Artifact
from tickets.figures.render import render_artifact
from tickets.jobs.files import read_json
from tickets.papers.registry import cells_read, chapter


def render(
    config: Config, item: Artifact, out: Path | None = None, pictures: bool = True
) -> tuple[Path, ...]:
    """Make an artifact below `out` (default: where it belongs); `pictures` as in `render_artifact`."""
    folder = config.root / item.paper
    return render_artifact(
        item,
        [config.root / path for path in cells_read(config, item)],
        out or folder,
        config.preset,
        frames={name: folder / f"{name}.csv" for name in item.frames},
        facts=read_facts(folder) if item.facts else None,
        options=chapter(item.paper).evidence_options(config),
        pictures=pictures,
    )


def read_facts(folder: Path) -> dict[str, dict[str, Any]]:
    """The recipe facts of a paper's results."""
    return read_json(folder / "facts.json", "Run `tickets facts` first.")
