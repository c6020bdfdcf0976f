"""Every artifact of the paper on made-up cells: complete, partial, and none at all."""

from pathlib import Path

import pandas as pd
import pytest
from lth_fixture import full_cells, overlap_frame, part_cells

from artifact_checks import heavy_imports
from tickets.errors import TicketsError
from tickets.figures import tableio
from tickets.figures.render import read_cells, render_artifact
from tickets.figures.style import house_style
from tickets.papers.lth.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.papers.lth.evidence import Evidence, PublishedEvidence

PAPER_DIR = Path(__file__).parents[3] / "paper" / "lth"
PUBLISHED_ITEMS = {f"lth_table{i}" for i in range(1, 9)} | {f"lth_fig{i}" for i in range(1, 12) if i != 3}
PUBLISHED_ITEMS |= {"lth_fig2a", "lth_fig2b"}  # fig2b is the final version's Figure 3
BY_STEM = {a.stem: a for a in ARTIFACTS}
FIGURES = [a for a in ARTIFACTS if a.kind == "figure"]
TABLES = [a for a in ARTIFACTS if a.kind == "table"]


@pytest.fixture(scope="session")
def worlds():
    published = PublishedEvidence(PAPER_DIR)
    full, part, overlap = full_cells(), part_cells(), overlap_frame()
    return {
        "full": (Evidence.from_frames(full, {"overlap": overlap}), published),
        "part": (Evidence.from_frames(part), published),
        "empty": (Evidence.from_frames(full.iloc[:0]), published),
    }


def make(artifact, world):
    with house_style():
        return artifact.function()(*world, {})


def test_ids_are_unique_and_carry_the_paper():
    ids = [a.id for a in ARTIFACTS]
    assert len(set(ids)) == len(ids)
    assert all(id.startswith("lth_") for id in ids)


def test_every_published_item_is_made_or_explained():
    assert {a.id for a in ARTIFACTS if not a.extra} | set(NOT_REPRODUCED) == PUBLISHED_ITEMS
    assert all(reason.endswith(".") for reason in NOT_REPRODUCED.values())


@pytest.mark.parametrize("world", ["full", "part", "empty"])
@pytest.mark.parametrize("artifact", TABLES, ids=lambda a: a.stem)
def test_tables_keep_their_shape(artifact, world, worlds):
    frame, whole = make(artifact, worlds[world]), make(artifact, worlds["full"])
    assert list(frame.columns) == list(whole.columns)
    shown, expected = tableio.lines(frame), tableio.lines(whole)
    assert list(dict.fromkeys(ln.label for ln in shown)) == list(dict.fromkeys(ln.label for ln in expected))
    if world == "empty":
        ours = {c for ln in shown if ln.kind == "ours" and "independent" not in ln.label for c in ln.cells}
        assert ours <= {"not run", tableio.NOT_APPLICABLE}


@pytest.mark.parametrize("artifact", TABLES, ids=lambda a: a.stem)
def test_full_world_leaves_nothing_not_run(artifact, worlds):
    cells = [c for ln in tableio.lines(make(artifact, worlds["full"])) if ln.kind == "ours" for c in ln.cells]
    # The MLM mask of a chain without rewinding has no run of its own on MLM in every preset; here it has.
    assert "not run" not in cells


@pytest.mark.parametrize("world", ["full", "part", "empty"])
@pytest.mark.parametrize("artifact", FIGURES, ids=lambda a: a.stem)
def test_figures_draw_exactly_their_frame(artifact, world, worlds):
    figure, drawn = make(artifact, worlds[world])
    if artifact.stem == "fig11":
        seen = sum(
            len(line.get_xdata()) for axes in figure.axes for line in axes.lines if len(line.get_xdata())
        )
        lines = drawn[drawn["series"] == "full model"]
        ours = set(drawn[drawn["series"] != "published IMP"]["task"])
        assert seen == len(drawn[drawn["task"].isin(ours)]) + len(lines)  # a horizontal line has two points
        return
    texts = sorted(t.get_text() for axes in figure.axes for t in axes.texts)
    assert texts == sorted(drawn["text"])
    assert ("not run" in set(drawn["text"])) == (world != "full")


@pytest.mark.parametrize("stem", ["fig2", "fig2a", "fig2b", "fig5"])
def test_transfer_maps_are_twelve_by_eleven_however_little_ran(stem, worlds):
    _, drawn = make(BY_STEM[stem], worlds["part"])
    ours = drawn[(drawn["panel"] == "Ours") & (drawn["column"] != "dark/run")]
    assert (ours["row"].nunique(), ours["column"].nunique(), len(ours)) == (12, 11, 132)


def test_o22_figure_logic_on_the_published_figure_2(worlds):
    """O22: counts off the diagonal; the one-shot row is 5 if the rounded tie counts (the paper prints 4)."""
    _, drawn = make(BY_STEM["fig2"], worlds["full"])
    counts = drawn[(drawn["panel"] == "Published") & (drawn["column"] == "dark/run")]
    assert [int(v) for v in counts["value"]] == [2, 2, 1, 0, 2, 1, 1, 1, 1, 4, 10, 5]


def test_tables_2_4_6_7_show_the_published_numbers(worlds):
    table2 = {(ln.label, ln.kind): ln.cells for ln in tableio.lines(make(BY_STEM["table2"], worlds["full"]))}
    assert table2["Sparsity s* (%)", "published"][:4] == ("70", "90", "50", "90")
    assert table2["Full model", "published"][6] == "66.2 ± 3.6"
    assert table2["Random mask ⊙ θ₀", "published"][0] == "67.5"
    table4 = {(ln.label, ln.kind): ln.cells for ln in tableio.lines(make(BY_STEM["table4"], worlds["full"]))}
    assert table4["Full model", "published"][6] == "66.2 ± 4.4"
    table6 = {(ln.label, ln.kind): ln.cells for ln in tableio.lines(make(BY_STEM["table6"], worlds["full"]))}
    assert table6["IMP mask ⊙ θ₀", "published"] == (
        *("82.6 ± 0.2", "83.1 ± 0.1", "90.0 ± 0.2", "86.9 ± 0.1"),
        *("88.2 ± 0.2", "88.0 ± 0.2", "89.0 ± 0.3", "84.9 ± 0.4"),
    )
    table7 = {(ln.label, ln.kind): ln.cells for ln in tableio.lines(make(BY_STEM["table7"], worlds["full"]))}
    assert table7["Mask found on MLM", "published"][3] == "56.3 ± 1.0"


@pytest.mark.parametrize("artifact", [BY_STEM[s] for s in ("table2", "fig2a", "fig11")], ids=lambda a: a.stem)
def test_rendering_twice_gives_equal_bytes(artifact, tmp_path):
    cells = tmp_path / "cells.csv"
    part_cells().to_csv(cells, index=False)
    made = [
        render_artifact(artifact, [cells], tmp_path / d, "micro", paper_dir=PAPER_DIR) for d in ("a", "b")
    ]
    assert [p.suffix for p in made[0]] == (
        [".csv", ".md", ".tex"] if artifact.kind == "table" else [".pdf", ".png", ".csv"]
    )
    for first, second in zip(*made, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("stem", ["fig10", "overlap", "fig9", "table3"])
def test_a_preset_may_have_no_cells_at_all(stem, tmp_path):
    paths = render_artifact(BY_STEM[stem], [], tmp_path, "micro", paper_dir=PAPER_DIR)
    assert "not run" in next(p for p in paths if p.suffix == ".csv").read_text()


def test_cells_may_come_in_parts_that_overlap(tmp_path):
    cells = full_cells(1)
    cells.iloc[:300].to_csv(tmp_path / "a.csv", index=False)
    cells.iloc[200:].to_csv(tmp_path / "b.csv", index=False)
    cells.iloc[:0].to_csv(tmp_path / "c.csv", index=False)
    read = read_cells([tmp_path / f"{n}.csv" for n in "abc"])
    assert len(read) == len(cells)
    assert read["score"].dtype == float


def test_recipe_facts_fill_table_1(worlds):
    facts = {
        "rte": {"train_examples": 800, "steps": 150, "batch": 32, "learning_rate": 1e-3, "metric": "acc."}
    }
    frame = BY_STEM["table1"].function()(*worlds["part"], facts)
    rows = {(r["row"], r["value"]): r for r in frame.to_dict("records")}
    assert rows["Training examples", "ours"]["RTE"] == 800
    printed = {(ln.label, ln.kind): ln.cells for ln in tableio.lines(frame)}
    assert printed["Learning rate", "ours"][6] == "0.001"
    assert printed["Learning rate", "published"][9] == "3e−5"
    assert rows["Steps", "ours"]["SST-2"] == 150  # from the runs themselves


@pytest.mark.parametrize("content", [None, "", "a,b\n1,2\n"])
def test_bad_cells_end_in_one_message(content, tmp_path):
    path = tmp_path / "cells.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TicketsError, match=r"cells\.csv"):
        render_artifact(BY_STEM["table2"], [path], tmp_path, "micro", paper_dir=PAPER_DIR)
    assert not (tmp_path / "tables").exists()


def test_registry_imports_nothing_heavy():
    assert heavy_imports("tickets.papers.lth.artifacts") == "[]"


def test_overlap_diagonal_compares_replicates(worlds):
    _, drawn = make(BY_STEM["fig10"], worlds["full"])
    overlap = overlap_frame()
    same = overlap[
        (overlap["source_a"] == "rte") & (overlap["source_b"] == "rte") & (overlap["sparsity"] == 0.7)
    ]
    cell = drawn[(drawn["row"] == "RTE") & (drawn["column"] == "RTE") & drawn["panel"].str.contains("70 %")]
    assert cell["value"].item() == pytest.approx(same["kept_jaccard"].mean())
    # A mask against itself in the file is left out: it would lift the diagonal to 100.
    own = same.assign(replicate_b=same["replicate_a"], kept_jaccard=100.0)
    evidence = Evidence.from_frames(full_cells(1), {"overlap": pd.concat([overlap, own])})
    _, again = make(BY_STEM["fig10"], (evidence, worlds["full"][1]))
    assert again["value"].equals(drawn["value"])
