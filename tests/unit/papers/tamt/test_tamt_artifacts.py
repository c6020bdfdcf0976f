"""Every artifact of the paper on made-up runs: complete, as little as a small preset leaves, and none at all."""

import subprocess
import sys
from pathlib import Path

import pytest
from figure_cells import SIZES, world

from tickets.figures import tableio
from tickets.figures.render import render_artifact
from tickets.figures.style import house_style
from tickets.papers.tamt.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.papers.tamt.evidence import Evidence, PublishedEvidence
from tickets.papers.tamt.stages import Stages

PAPER = Path(__file__).parents[4] / "paper" / "tamt"
PRINTED = {f"tamt_table{i}" for i in range(1, 4)} | {f"tamt_fig{i}" for i in range(1, 18)}
BY_STEM = {a.stem: a for a in ARTIFACTS}
TABLES = [a for a in ARTIFACTS if a.kind == "table"]
FIGURES = [a for a in ARTIFACTS if a.kind == "figure" and a.stem != "fig5_published"]
_RECIPE = {"train_examples": 100, "dev_examples": 50, "epochs": 3.0, "evaluate_every": 50, "batch": 16}
_RECIPE |= {"max_length": 64, "learning_rate": 1e-3, "metric": "accuracy"}
FACTS = dict.fromkeys((*SIZES, "imp", "tamt-mlm", "tamt-kd", "tamt-mlm-kd"), _RECIPE)
# what small presets leave out shows up in these
PARTLY = {"fig4", "fig9"}


@pytest.fixture(scope="module")
def worlds():
    published, made = PublishedEvidence(PAPER), {}
    for name in ("paper", "micro", ""):
        cells, frames, options = world(name)
        evidence = Evidence.from_frames(cells, frames, SIZES if name else None, **options)
        made[name] = (evidence, published, FACTS if name else {})
    return made


@pytest.fixture(scope="module")
def make(worlds):
    """What an artifact's function returns in one of the worlds; made once."""
    made = {}

    def once(artifact, of):
        if (artifact.id, of) not in made:
            with house_style():
                made[artifact.id, of] = artifact.function()(*worlds[of])
        return made[artifact.id, of]

    return once


def test_ids_are_unique_and_every_printed_item_is_made_or_explained():
    ids = [a.id for a in ARTIFACTS]
    assert len(set(ids)) == len(ids)
    assert {a.id for a in ARTIFACTS if not a.extra} | set(NOT_REPRODUCED) == PRINTED
    assert all(a.caption.endswith(".") and (not a.notes or a.notes.endswith(".")) for a in ARTIFACTS)
    assert all(len(a.caption) > 20 and "..)" not in a.caption + a.notes for a in ARTIFACTS)


def test_stages_and_frames_exist():
    names = {name for name in vars(Stages) if not name.startswith("_")}
    assert {stage for a in ARTIFACTS for stage in a.stages} <= names
    assert {frame for a in ARTIFACTS for frame in a.frames} == {"pretraining", "training", "distances"}


@pytest.mark.parametrize("of", ["paper", "micro", ""])
@pytest.mark.parametrize("artifact", TABLES, ids=lambda a: a.stem)
def test_tables_keep_their_rows(artifact, of, make):
    shown, expected = (tableio.lines(make(artifact, name)) for name in (of, "paper"))
    labels = list(dict.fromkeys(ln.label for ln in expected))
    found = list(dict.fromkeys(ln.label for ln in shown))
    if artifact.stem in ("losses", "controls"):  # a model or sparsity that was not run has no rows there
        assert set(found) <= set(labels)
    else:
        assert found == labels
    if not of:
        assert {c for ln in shown if ln.kind == "ours" for c in ln.cells} <= {
            "not run",
            tableio.NOT_APPLICABLE,
        }


@pytest.mark.parametrize("stem", ["table1", "table2", "table3", "fidelity", "correlations"])
def test_a_complete_world_leaves_nothing_not_run(stem, make):
    printed = [ln for ln in tableio.lines(make(BY_STEM[stem], "paper")) if ln.kind == "ours"]
    assert [ln.label for ln in printed if "not run" in ln.cells] == []


@pytest.mark.parametrize("of", ["paper", "micro", ""])
@pytest.mark.parametrize("artifact", FIGURES, ids=lambda a: a.stem)
def test_figures_are_drawn_and_say_what_was_not_run(artifact, of, make):
    figure, drawn = make(artifact, of)
    texts = [t.get_text() for axes in figure.axes for t in axes.texts]
    blank = not of or (of == "micro" and artifact.stem in PARTLY)
    assert drawn.empty == blank
    assert ("not run" in texts) == blank
    if blank:
        assert texts == ["not run"]
    else:
        assert figure.legends
        drawn_axes = [axes for axes in figure.axes if axes.axison]
        assert all(axes.lines or axes.images or axes.collections or axes.texts for axes in drawn_axes)


@pytest.mark.parametrize("stem", ["losses", "correlations", "fig3", "fig5", "fig8"])
def test_rendering_twice_gives_equal_bytes(stem, tmp_path):
    cells, frames, options = world("micro")
    cells.to_csv(tmp_path / "cells.csv", index=False)
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    artifact, made = BY_STEM[stem], []
    paths = {name: tmp_path / f"{name}.csv" for name in artifact.frames}
    for folder in ("a", "b"):
        made.append(
            render_artifact(
                artifact, [tmp_path / "cells.csv"], tmp_path / folder, "micro", frames=paths, paper_dir=PAPER,
                options=options,
            )
        )  # fmt: skip
    for first, second in zip(*made, strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert first.stat().st_size > 0


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda a: a.stem)
def test_a_preset_may_have_no_cells_at_all(artifact, tmp_path):
    for path in render_artifact(artifact, [], tmp_path, "micro", paper_dir=PAPER):
        assert path.stat().st_size > 0


def test_registry_imports_nothing_heavy():
    heavy = ("pandas", "torch", "matplotlib", "numpy")
    code = f"import sys, tickets.papers.tamt.artifacts; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
