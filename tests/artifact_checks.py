"""What holds of the artifacts of every paper: how they are told, rendered and imported."""

import subprocess
import sys

import pytest

from tickets.figures import style
from tickets.figures.render import render_artifact

HEAVY = ("pandas", "torch", "matplotlib", "numpy")


def check_told(artifacts, not_reproduced, printed):
    """Ids are unique, every printed item is made or explained, captions are sentences."""
    ids = [a.id for a in artifacts]
    assert len(set(ids)) == len(ids)
    assert {a.id for a in artifacts if not a.extra} | set(not_reproduced) == printed
    assert all(a.caption.endswith(".") and (not a.notes or a.notes.endswith(".")) for a in artifacts)


def check_sources(artifacts, stages, frames):
    """Artifacts are of stages that exist, and read all frames between them."""
    names = {name for name in vars(stages) if not name.startswith("_")}
    assert {stage for a in artifacts for stage in a.stages} <= names
    assert {frame for a in artifacts for frame in a.frames} == frames


def check_equal_bytes(artifact, cells, folder, **options):
    """Rendering twice writes the same files."""
    made = [render_artifact(artifact, [cells], folder / again, "micro", **options) for again in ("a", "b")]
    for first, second in zip(*made, strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert first.stat().st_size > 0


def check_without_cells(artifact, folder, paper_dir):
    """Its files are written though nothing ran; glyphs as outlines, since embedding fonts takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(style._RC, "pdf.fonttype", 3)
        paths = render_artifact(artifact, [], folder, "micro", paper_dir=paper_dir)
    assert all(path.stat().st_size > 0 for path in paths)


def heavy_imports(module):
    """Which heavy packages importing a module brings along."""
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
