"""Every artifact of the paper on made-up cells: complete, as little as a small preset leaves, and none at all."""

from pathlib import Path

import pandas as pd
import pytest
from cells import SIZES, build, importance

from artifact_checks import check_equal_bytes, check_sources, check_told, check_without_cells, heavy_imports
from tickets.figures import tableio
from tickets.figures.style import house_style
from tickets.papers.supertickets.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.papers.supertickets.evidence import Evidence, PublishedEvidence
from tickets.papers.supertickets.stages import Stages

PAPER = Path(__file__).parents[4] / "paper" / "supertickets"
PRINTED = {f"supertickets_table{i}" for i in range(1, 10)} | {f"supertickets_fig{i}" for i in range(1, 8)}
BY_STEM = {a.stem: a for a in ARTIFACTS}
TABLES = [a for a in ARTIFACTS if a.kind == "table"]
FIGURES = [a for a in ARTIFACTS if a.kind == "figure"]
FACTS = {task: {"train_examples": size, "dev_examples": 500} for task, size in SIZES.items()}
DRAWS = 50


def everything() -> pd.DataFrame:
    """All tasks have random and losing tickets and reruns."""
    tasks = tuple(SIZES)[:8]
    return build(panels=tasks, reruns=tasks, replicates=3)


def small() -> pd.DataFrame:
    """One model, three replicates, random and losing tickets on some tasks, one training subset missing."""
    frame = build(models=("base",), replicates=3, panels=("rte", "mrpc", "mnli"), reruns=("rte", "cola"))
    return frame[~frame["variant"].isin(["data20", "data0.1", "data0.1-extended"])]


@pytest.fixture(scope="module")
def worlds():
    published, cells = PublishedEvidence(PAPER), everything()
    both = {"importance": variants(importance())}
    one = {"importance": importance(models=("base",), layers=2, heads=8)}
    return {
        "full": (Evidence.from_frames(cells, both, SIZES, bootstrap=DRAWS), published, FACTS),
        "small": (Evidence.from_frames(small(), one, bootstrap=DRAWS), published, FACTS),
        "empty": (Evidence.from_frames(cells.iloc[:0]), published, {}),
    }


def variants(scores: pd.DataFrame) -> pd.DataFrame:
    """The frame with all four definitions of importance."""
    token = scores[scores["variant"] == "token"]
    return pd.concat([scores, *(token.assign(variant=v) for v in ("batch", "triangular"))])


def make(artifact, world):
    with house_style():
        return artifact.function()(*world)


def test_ids_are_unique_and_every_printed_item_is_made_or_explained():
    check_told(ARTIFACTS, NOT_REPRODUCED, PRINTED)


def test_stages_and_frames_exist():
    check_sources(ARTIFACTS, Stages, {"importance"})


@pytest.mark.parametrize("world", ["full", "small", "empty"])
@pytest.mark.parametrize("artifact", TABLES, ids=lambda a: a.stem)
def test_tables_keep_their_shape(artifact, world, worlds):
    frame, whole = make(artifact, worlds[world]), make(artifact, worlds["full"])
    assert list(frame.columns) == list(whole.columns)
    shown, expected = tableio.lines(frame), tableio.lines(whole)
    labels = list(dict.fromkeys(ln.label for ln in expected))
    if artifact.extra and world == "small":  # our own tables leave out a model without any run
        labels = [label for label in labels if "large" not in label]
    assert list(dict.fromkeys(ln.label for ln in shown)) == labels
    if world == "empty":
        assert {c for ln in shown if ln.kind == "ours" for c in ln.cells} == {"not run"}


# The training subsets of Figure 5 have no large runs, which `phases` shows as not run
@pytest.mark.parametrize("stem", [a.stem for a in TABLES if a.stem != "phases"])
def test_a_complete_world_leaves_nothing_not_run(stem, worlds):
    cells = [
        (ln.label, c)
        for ln in tableio.lines(make(BY_STEM[stem], worlds["full"]))
        if ln.kind == "ours"
        for c in ln.cells
    ]
    assert [label for label, text in cells if text == "not run"] == []


@pytest.mark.parametrize("world", ["full", "small", "empty"])
@pytest.mark.parametrize("artifact", FIGURES, ids=lambda a: a.stem)
def test_figures_are_drawn_and_say_what_was_not_run(artifact, world, worlds):
    figure, drawn = make(artifact, worlds[world])
    texts = [t.get_text() for axes in figure.axes for t in axes.texts]
    assert ("not run" in texts) == (world != "full") or artifact.stem in ("fig1", "fig7")
    ours = drawn if "series" not in drawn else drawn[~drawn["series"].str.startswith("published")]
    assert ours.empty == (world == "empty")
    if world == "empty":
        assert set(texts) == {"not run"}


@pytest.mark.parametrize("stem", ["table1", "selection", "fig3", "fig4", "fig6"])
def test_rendering_twice_gives_equal_bytes(stem, tmp_path):
    small().to_csv(tmp_path / "cells.csv", index=False)
    importance(models=("base",)).to_csv(tmp_path / "importance.csv", index=False)
    artifact = BY_STEM[stem]
    frames = {name: tmp_path / f"{name}.csv" for name in artifact.frames}
    check_equal_bytes(artifact, tmp_path / "cells.csv", tmp_path, frames=frames, paper_dir=PAPER)


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda a: a.stem)
def test_a_preset_may_have_no_cells_at_all(artifact, tmp_path):
    check_without_cells(artifact, tmp_path, PAPER)


def test_registry_imports_nothing_heavy():
    assert heavy_imports("tickets.papers.supertickets.artifacts") == "[]"
