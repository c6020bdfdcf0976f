"""Render one artifact of a paper from its cells: the step behind every table and figure target."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from tickets.errors import TicketsError
from tickets.figures import tableio
from tickets.figures.artifact import Artifact

_COLUMNS = ("stage", "task", "weights", "method", "source", "rule", "sparsity", "replicate", "score")
_ABOUT = {
    "micro": "a tiny model on a synthetic language; absolute scores do not compare with published ones",
    "mini": "bert-base-uncased on the small tasks with few seeds",
    "paper": "models, data and seeds as published",
}


def render_artifact(
    artifact: Artifact,
    cells_paths: Sequence[Path],
    out_dir: Path,
    preset: str,
    *,
    frames: Mapping[str, Path] | None = None,
    paper_dir: Path | None = None,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
    options: Mapping[str, Any] | None = None,
    pictures: bool = True,
) -> tuple[Path, ...]:
    """Write the files of `artifact` below `out_dir` (results/<preset>/<paper>) and return their paths.

    cells_paths: the parts of cells.csv that the preset has (none: all is "not run"). frames: the paper's other
    tidy files by name. paper_dir: the published values (default paper/<paper>). facts: the preset's recipe, task
    id -> {train_examples, steps, batch, ...}. options: further arguments of the paper's Evidence. Without `pictures`
    a figure is only what is drawn (its csv). Each file appears complete or not at all; equal input gives equal bytes.
    Raises `TicketsError` for unreadable input.
    """
    published_dir = paper_dir or Path("paper") / artifact.paper
    facts = facts or {}
    ours, published = read_evidence(
        artifact.paper, cells_paths, frames or {}, published_dir, facts, options or {}
    )
    make = partial(artifact.function(), ours, published, facts)
    if artifact.kind == "table":
        files = _table_files(artifact, make, preset)
    else:
        files = _figure_files(artifact, make, preset, pictures)
    written = tuple(path for path in artifact.outputs(out_dir) if path.suffix[1:] in files)
    for path in written:
        write_atomically(path, files[path.suffix[1:]])
    return written


def read_evidence(
    paper: str,
    cells_paths: Sequence[Path],
    frames: Mapping[str, Path],
    paper_dir: Path,
    facts: Mapping[str, Mapping[str, Any]],
    options: Mapping[str, Any],
) -> tuple[Any, Any]:
    """A paper's `Evidence` of our runs and its `PublishedEvidence`; arguments as in `render_artifact`."""
    module = import_module(f"tickets.papers.{paper}.evidence")
    sizes = {t: int(f["train_examples"]) for t, f in facts.items() if f.get("train_examples") is not None}
    others = {name: read_frame(path) for name, path in frames.items()}
    ours = module.Evidence.from_frames(read_cells(cells_paths), others, sizes or None, **options)
    return ours, module.PublishedEvidence(paper_dir)


def describe_preset(preset: str) -> str:
    """One line that says what the numbers of a preset are worth."""
    return f"preset {preset}" + (f": {_ABOUT[preset]}" if preset in _ABOUT else "")


def _figure_files(
    artifact: Artifact, make: Callable[[], Any], preset: str, pictures: bool
) -> dict[str, bytes]:
    from tickets.figures.style import figure_files, house_style  # matplotlib; tables do without it

    with house_style():
        figure, drawn = make()
        footer = f"{artifact.number}, {describe_preset(preset)}"
        files = figure_files(figure, footer) if pictures else {}
    return files | {"csv": drawn.to_csv(index=False, lineterminator="\n").encode()}


def _table_files(artifact: Artifact, make: Callable[[], Any], preset: str) -> dict[str, bytes]:
    frame = make()
    heading = f"{artifact.number}: {artifact.title}"
    caption = " ".join(t for t in (artifact.caption, artifact.notes, f"({describe_preset(preset)}.)") if t)
    texts = {
        "csv": tableio.to_csv(frame),
        "md": tableio.to_markdown(frame, heading, caption),
        "tex": tableio.to_tex(frame, artifact.id, heading, caption),
    }
    return {suffix: text.encode() for suffix, text in texts.items()}


def read_cells(paths: Sequence[Path]) -> pd.DataFrame:
    """The parts of cells.csv as one frame, a run that two parts hold kept once; no parts, no runs."""
    if not paths:
        return pd.DataFrame(columns=list(_COLUMNS))
    frames = [read_frame(path, _COLUMNS) for path in paths]
    for path, frame in zip(paths, frames, strict=True):
        if frame["score"].isna().any():
            raise TicketsError(f"{path}: rows without a score. Delete it and run its stage again.")
    # An empty part would turn the columns of the others into text.
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(filled, ignore_index=True).drop_duplicates(ignore_index=True)


def read_frame(path: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
    """One CSV file that has at least these columns, or a `TicketsError` that names it and what is wrong."""
    try:
        frame = pd.read_csv(path, dtype={"rule": str}, keep_default_na=True)
    except FileNotFoundError:
        raise TicketsError(f"{path}: no such file. Run the stage that makes it first.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TicketsError(
            f"{path}: not a readable CSV ({error}). Delete it and run its stage again."
        ) from None
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise TicketsError(
            f"{path}: columns missing: {', '.join(missing)}. Delete it and run its stage again."
        )
    return frame


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the target and move into place, so that no reader sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TicketsError(f"{path}: could not be written ({error}). Check space and permissions.") from error
