"""Two results folders: joined by address, measured by the spread over seeds, judged in one sentence."""

import random

import pytest

from compared_world import SEEDS, TABLE, TASKS, write_results
from tickets.comparing.report import against_folder
from tickets.errors import TicketsError

ONE = "lth/runs/rte/pretrained/imp/from-rte/sparsity70/seed1"
ALL = 18


def add(row, points):
    row["score"] = str(float(row["score"]) + points)


def one(points):
    return lambda row: add(row, points) if row["path"] == ONE else None


def test_a_copy_is_the_same_to_the_bit(against):
    report = against()
    assert report.conclusion.kind == "identical"
    assert report.conclusion.sentence == f"the same to the bit: {ALL} runs, 1 tables."
    (paper,) = [p for p in report.runs.papers if p.both]
    assert (paper.both, paper.identical, paper.same_spec, paper.only_here, paper.only_there) == (
        ALL,
        ALL,
        ALL,
        0,
        0,
    )
    assert (report.good, report.warnings, report.runs.pairs) == (True, (), ())


def test_time_is_no_result(against):
    assert against(change=lambda row: row.update(seconds="99.0")).conclusion.kind == "identical"


def test_the_yardstick_is_the_spread_over_seeds_here(against):
    noise = against(change=one(1.0)).runs.noise
    assert noise.by_task == pytest.approx({("lth", task): 1.0 for task in TASKS})
    assert noise.by_paper == pytest.approx({"lth": 1.0})


@pytest.mark.parametrize(("points", "kind"), [(2.8, "within noise"), (2.9, "different"), (-2.9, "different")])
def test_one_changed_run_is_judged_by_two_sds_of_a_difference_of_seeds(against, points, kind):
    report = against(change=one(points))  # 2 sqrt(2) sd = 2.83
    (pair,) = report.runs.pairs
    assert pair.here.path == ONE
    assert pair.gap == pytest.approx(-points)
    assert report.runs.in_noise(pair) == pytest.approx(abs(points) / 2**0.5)
    assert report.conclusion.kind == kind
    assert f"1 of {ALL} runs differs, by {abs(points):.2f} points" in report.conclusion.sentence


def test_other_seeds_everywhere_are_within_noise(against):
    draw = random.Random(5)
    report = against(change=lambda row: add(row, draw.gauss(0, 2**0.5)))
    assert len(report.runs.pairs) == ALL
    assert report.conclusion.kind == "within noise"


def test_a_task_that_moved_as_a_whole_is_named_although_no_run_is_outside(against):
    report = against(
        change=lambda row: add(row, 0.75 + 0.01 * int(row["replicate"])) if row["task"] == "cola" else None
    )
    assert not any(shift.outside for shift in report.runs.shifts)
    assert report.conclusion.kind == "different"
    assert "shifted as a whole: lth cola by -0.77 on average" in report.conclusion.sentence
    assert "rte" not in report.conclusion.sentence


def test_a_shift_that_is_small_for_a_seed_is_noise(against):
    report = against(change=lambda row: add(row, 0.4) if row["task"] == "cola" else None)
    assert report.conclusion.kind == "within noise"


def test_groups_say_how_many_and_how_far(against):
    shifts = {(s.by, s.name): s for s in against(change=one(3.0)).runs.shifts}
    rte = shifts["task", "rte"]
    assert (rte.n, rte.differing, rte.higher, rte.lower, rte.outside) == (9, 1, 0, 1, 1)
    assert rte.mean == pytest.approx(-3 / 9)
    assert rte.largest == pytest.approx(-3.0)
    assert rte.noise == pytest.approx(1.0)
    assert rte.p == pytest.approx(0.3466, abs=1e-3)  # t = 1 with 8 degrees of freedom
    assert shifts["task", "cola"].p is None
    assert (shifts["stage", "imp"].n, shifts["method", "imp"].n, shifts["paper", "lth"].n) == (ALL, ALL, ALL)


def test_copied_numbers_are_no_evidence(against):
    """A run whose numbers are another's counts among the runs, not in means, tests or the yardstick."""

    def share(row):
        if row["replicate"] != "1":
            row["shared_with"] = ONE

    report = against(change=share)
    assert {s.n for s in report.runs.shifts if s.by == "task"} == {3}


def test_other_columns_count_even_if_scores_agree(against):
    report = against(change=lambda row: row.update(loss="0.25") if row["path"] == ONE else None)
    assert not report.good
    assert (
        report.conclusion.sentence
        == f"different: all {ALL} scores agree, but other columns do not: loss (1)."
    )


def test_an_edited_table_cell_and_a_flipped_verdict_are_found(against):
    verdicts = {"C1": ("not reproduced", "reproduced"), "C2": ("not reproduced", "reproduced")}
    report = against(table=TABLE.replace("96.0,53.0", "96.0,63.0"), claims=verdicts)
    (cell,) = report.outputs.cells
    assert (cell.artifact, cell.row, cell.column, cell.here, cell.there) == (
        "lth_table8", "IMP mask", "CoLA", 53.0, 63.0
    )  # fmt: skip
    (flip,) = report.outputs.flips
    assert (flip.id, flip.here, flip.there) == ("C1", "reproduced", "not reproduced")
    assert report.outputs.claims == 2
    assert report.conclusion.sentence.startswith(
        f"different: all {ALL} runs agree, but 1 verdicts and 1 cells of 1"
    )


def test_rows_of_time_are_no_change(against):
    timed = TABLE + '"BERT: seconds a step, this machine",ours,0.5,0.25\n'
    assert against(table=timed).conclusion.kind == "identical"


def test_what_only_one_side_has_is_counted(against):
    def rename(row):
        if row["path"].endswith(f"seed{SEEDS[-1]}"):
            row["path"] = row["path"].replace("imp", "oneshot")

    (paper,) = [p for p in against(change=rename).runs.papers if p.both]
    assert (paper.both, paper.only_here, paper.only_there) == (12, 6, 6)


def test_another_preset_and_another_spec_are_warned_of(against):
    report = against(preset="paper", change=lambda row: row.update(fingerprint="other"))
    presets, specs = report.warnings
    assert presets.startswith("these are two presets, micro here and paper there")
    assert specs.startswith(f"{ALL} of {ALL} runs have another fingerprint")


def test_without_replicates_any_difference_counts(config, here, tmp_path):
    def single(row):
        row["path"] += f"-{row['replicate']}/seed1"

    write_results(here / "results" / "micro", change=single)
    other = write_results(tmp_path / "there" / "micro", change=lambda row: (single(row), add(row, 0.1)))
    report = against_folder(config, (), other)
    assert report.conclusion.kind == "different"
    assert f"{ALL} without a yardstick" in report.conclusion.sentence


def test_one_artifact_takes_the_runs_of_its_stages_and_no_claims(against):
    report = against(
        "lth_fig2a", change=lambda row: row.update(stage="rewind") if row["task"] == "rte" else None
    )
    assert (report.runs.total("both"), report.runs.total("only_here"), report.outputs.claims) == (9, 9, 0)


@pytest.mark.parametrize("inner", ["", "results", "results/micro"])
def test_a_checkout_or_any_folder_of_it_will_do(config, here, inner):
    assert against_folder(config, (), here / inner).there.preset == "micro"


def test_a_folder_without_results_is_refused(config, tmp_path):
    with pytest.raises(TicketsError, match="no such folder"):
        against_folder(config, (), tmp_path / "nowhere")
    with pytest.raises(TicketsError, match=r"no collected results there\. Name a results/<preset> folder"):
        against_folder(config, (), tmp_path)


def test_two_foreign_presets_are_a_question(config, tmp_path):
    for preset in ("mini", "paper"):
        write_results(tmp_path / "two" / "results" / preset)
    with pytest.raises(TicketsError, match="has the presets mini, paper, but not micro"):
        against_folder(config, (), tmp_path / "two")


def test_nothing_of_ours_is_an_error(config, here, tmp_path):
    other = write_results(tmp_path / "there" / "micro")
    (here / "results" / "micro" / "lth" / "cells.csv").unlink()
    with pytest.raises(TicketsError, match=r"results/micro: no collected runs here"):
        against_folder(config, (), other)


def test_damaged_cells_are_named(against, here):
    (here / "results" / "micro" / "lth" / "cells.csv").write_text("paper,score\nlth,1\n")
    with pytest.raises(TicketsError, match=r"lth/cells\.csv: columns missing: stage"):
        against()
