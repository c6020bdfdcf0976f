"""Every artifact of the paper on made-up runs: complete, as little as a small preset leaves, and none at all."""

from pathlib import Path

import pytest
from drawing import BY_STEM, make
from figure_cells import evidence, world

from artifact_checks import check_equal_bytes, check_sources, check_told, check_without_cells, heavy_imports
from tickets.figures import tableio
from tickets.papers.tamt.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.papers.tamt.stages import Stages

PAPER = Path(__file__).parents[4] / "paper" / "tamt"
PRINTED = {f"tamt_table{i}" for i in range(1, 4)} | {f"tamt_fig{i}" for i in range(1, 18)}
TABLES = [a for a in ARTIFACTS if a.kind == "table"]
FIGURES = [a for a in ARTIFACTS if a.kind == "figure" and a.stem != "fig5_published"]
# what small presets leave out shows up in these
PARTLY = {"fig4", "fig9"}


@pytest.fixture(scope="module")
def made(ours, micro, published):
    """What an artifact's function returns in one of the worlds."""
    worlds = {"paper": ours, "micro": micro, "": evidence("")}
    return lambda artifact, of: make(artifact.stem, worlds[of], published)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Tidy files of a small preset and further options."""
    cells, frames, options = world("micro")
    folder = tmp_path_factory.mktemp("small")
    for name, frame in {"cells": cells, **frames}.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder, options


def test_ids_are_unique_and_every_printed_item_is_made_or_explained():
    check_told(ARTIFACTS, NOT_REPRODUCED, PRINTED)
    assert all(len(a.caption) > 20 and "..)" not in a.caption + a.notes for a in ARTIFACTS)


def test_stages_and_frames_exist():
    check_sources(ARTIFACTS, Stages, {"pretraining", "training", "distances"})


@pytest.mark.parametrize("of", ["paper", "micro", ""])
@pytest.mark.parametrize("artifact", TABLES, ids=lambda a: a.stem)
def test_tables_keep_their_rows(artifact, of, made):
    shown, expected = (tableio.lines(made(artifact, name)) for name in (of, "paper"))
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
def test_a_complete_world_leaves_nothing_not_run(stem, made):
    printed = [ln for ln in tableio.lines(made(BY_STEM[stem], "paper")) if ln.kind == "ours"]
    assert [ln.label for ln in printed if "not run" in ln.cells] == []


@pytest.mark.parametrize("of", ["paper", "micro", ""])
@pytest.mark.parametrize("artifact", FIGURES, ids=lambda a: a.stem)
def test_figures_are_drawn_and_say_what_was_not_run(artifact, of, made):
    figure, drawn = made(artifact, of)
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
def test_rendering_twice_gives_equal_bytes(stem, small, tmp_path):
    folder, options = small
    artifact = BY_STEM[stem]
    frames = {name: folder / f"{name}.csv" for name in artifact.frames}
    cells = folder / "cells.csv"
    check_equal_bytes(artifact, cells, tmp_path, frames=frames, paper_dir=PAPER, options=options)


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda a: a.stem)
def test_a_preset_may_have_no_cells_at_all(artifact, tmp_path):
    check_without_cells(artifact, tmp_path, PAPER)


def test_registry_imports_nothing_heavy():
    assert heavy_imports("tickets.papers.tamt.artifacts") == "[]"
