from pathlib import Path

import pandas as pd
import pytest
from tamt_world import AVG5, OPTIONS, SIZES, STEPS, cells, frames, moved, rewound, without

from tickets.papers.claims import evaluate_claims, load_claims, write_claims
from tickets.papers.tamt.claims import PREDICATES
from tickets.papers.tamt.evidence import Evidence
from tickets.papers.tamt.judging import rank, settled, step_like

PAPER = Path(__file__).parents[4] / "paper" / "tamt"
CLAIMS = {claim.id: claim for claim in load_claims(PAPER / "claims.yaml", PREDICATES)}
NOT_PRINTED = ["C03", "C05", "C09", "C10", "C11", "C13", "C14", "C22", "C23", "C27", "C28", "C29"]
SCALED = 0.01
AGAINST_IMP = [f"C{n:02}" for n in (4, 6, 7, 12, 14, 15, 16, 18, 19, 21, 23, 24, 26, 27, 28, 29)]


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return cells(seeds=2, few_seeds=1)


@pytest.fixture(scope="module")
def files() -> dict[str, pd.DataFrame]:
    return frames()


@pytest.fixture(scope="module")
def world(runs, files) -> Evidence:
    return evidence(runs, files)


@pytest.fixture(scope="module")
def bert(runs, files) -> Evidence:
    """The world without RoBERTa."""
    base = {name: frame[frame["model"] == "base"] for name, frame in files.items()}
    return evidence(runs[runs["model"] == "base"], base)


@pytest.fixture(scope="module")
def rewinding(runs, files) -> Evidence:
    """The world with IMP that rewinds beside the reference."""
    return evidence(rewound(runs, 30.0), files)


@pytest.fixture(scope="module")
def nothing() -> Evidence:
    return Evidence.from_frames(pd.DataFrame(columns=["task", "score"]), {}, None)


def evidence(runs, files, **options):
    return Evidence.from_frames(runs, files, SIZES, **OPTIONS | options)


def judge(id, found, published):
    return PREDICATES[CLAIMS[id].predicate](found, published)


def test_every_claim_of_the_spec_is_there_once():
    assert list(CLAIMS) == [*(f"C{i:02}" for i in range(1, 31)), "O01"]
    assert {claim.predicate for claim in CLAIMS.values()} == set(PREDICATES)


@pytest.mark.parametrize("id", CLAIMS)
def test_published_values_give_the_specs_verdicts(id, published):
    status = "not run" if id in NOT_PRINTED else "reproduced"
    assert judge(id, published, published).status == status
    assert CLAIMS[id].published == status


def test_published_efficiency_is_8_4_where_2k_steps_count(published):
    verdict = judge("C21", published, published)
    mlm, kd = verdict.figures["tamt-mlm"], verdict.figures["tamt-kd"]
    # under the plain rule 1K steps are enough (67.5 against 67.33); better by a deviation are 2K: the paper's 8.4
    assert (mlm["step"], mlm["strict"]) == (1000, 2000)
    assert mlm["fewer_steps"] == pytest.approx(16.752)
    assert mlm["strict_fewer_steps"] == pytest.approx(8.376)
    assert mlm["strict_fewer_steps"] * mlm["imp_pace"] / mlm["pace"] == pytest.approx(8.65, abs=0.005)
    assert (kd["step"], round(kd["fewer_steps"], 2), round(kd["less_time"], 1)) == (2000, 8.38, 7.1)
    assert "8.38 times fewer (step 2000) to be better by a deviation of IMP" in verdict.reason


def test_published_details_of_the_spec(published):
    def found(id):
        return judge(id, published, published)

    assert found("C26").figures["first step above IMP"] == {"tamt-mlm": 3000, "tamt-kd": 10000}
    assert found("C26").figures["bound"] == 3000
    apart = {s: round(f["apart"], 1) for s, f in found("C08").figures.items() if f["apart"] is not None}
    assert apart == {"50 %": 0.6, "60 %": 1.2, "70 %": 0.8, "80 %": 2.6}
    assert set(found("C24").figures.values()) == {0.75, 0.6}
    weakest = max(found("C15").figures["rho"].values())
    assert weakest == pytest.approx(-0.306, abs=5e-4)
    # Rand is not part of the pooled points
    assert found("O01").figures == {"tamt-mlm": pytest.approx(1.845), "full": 2.14}
    assert "Figure 5's average of five" in found("C07").reason
    assert "no published values for 6 of the claim's 12 cases" in found("C07").reason


@pytest.mark.parametrize("id", CLAIMS)
def test_every_claim_is_reproduced_in_a_world_where_it_holds(id, world, published):
    verdict = judge(id, world, published)
    assert verdict.status == "reproduced", verdict.reason


@pytest.mark.parametrize("id", CLAIMS)
def test_nothing_is_decided_without_runs(id, nothing, published):
    verdict = judge(id, nothing, published)
    assert verdict.status == "not run"
    assert verdict.reason


# what is changed (kind, points and the rest of an address), and which claims that must break
BROKEN = [
    ("C01", {"kind": "random", "points": 30, "sparsity": 0.5}),
    ("C02", {"kind": "random", "points": -60, "sparsity": 0.9}),
    ("C03", {"kind": "random", "points": -60, "sparsity": 0.1, "task": "rte"}),
    ("C04", {"kind": "imp", "points": -20, "sparsity": 0.5}),
    ("C05", {"kind": "random", "points": 30, "sparsity": 0.3, "model": "roberta"}),
    ("C06", {"kind": "imp", "points": -20, "sparsity": 0.7}),
    ("C07", {"kind": "tamt-kd", "points": -20, "sparsity": 0.7}),
    ("C07", {"kind": "tamt-mlm-kd", "points": -20, "sparsity": 0.9}),
    ("C08", {"kind": "tamt-kd", "points": -5, "sparsity": 0.9}),
    ("C09", {"kind": "tamt-kd", "points": 4, "sparsity": 0.8, "model": "roberta"}),
    ("C10", {"kind": "tamt-mlm", "points": -1.5, "sparsity": 0.3, "model": "roberta"}),
    ("C11", {"kind": "tamt-mlm-kd", "points": -1, "model": "roberta"}),
    ("C11", {"kind": "tamt-mlm-kd", "points": -2.5, "sparsity": 0.9, "model": "base"}),
    ("C12", {"kind": "imp", "points": 25, "sparsity": 0.9, "model": "base"}),
    ("C13", {"kind": "omp", "points": 5, "sparsity": 0.9, "model": "roberta"}),
    ("C14", {"kind": "tamt-kd", "points": 3, "task": "mrpc"}),
    ("C19", {"kind": "imp", "points": 3, "sparsity": 0.5}),
    ("C20", {"kind": "imp", "points": 40, "interval": 3}),
    ("C21", {"kind": "tamt-mlm", "points": -1, "sparsity": 0.7, "init": "omp", "model": "base"}),
    ("C22", {"kind": "tamt-kd", "points": 30, "init": "random"}),
    ("C25", {"kind": "tamt-mlm", "points": 3, "sparsity": 0.6, "task": "cola"}),
    ("C26", {"kind": "tamt-kd", "points": 14, "sparsity": 0.8, "model": "base"}),
    ("C27", {"kind": "tamt-kd", "points": 20, "n_train": 1000, "task": "squad"}),
    ("C28", {"kind": "tamt-kd", "points": -20, "n_train": 1000, "task": "sst-2"}),
    ("C29", {"kind": "tamt-mlm", "points": 20, "n_train": 1000, "task": "cola"}),
]


@pytest.mark.parametrize(("id", "change"), BROKEN, ids=[id for id, _ in BROKEN])
def test_claims_on_scores_fail_where_they_do_not_hold(id, change, runs, files, published):
    verdict = judge(id, evidence(moved(runs, **change), files), published)
    assert verdict.status == "not reproduced", verdict.reason


BROKEN_FILES = [
    ("C01", "pretraining", "mlm_loss", {"kind": "omp", "points": 9}),
    ("C15", "pretraining", "kd_loss", {"kind": "tamt-kd", "points": 3, "step": 375}),
    ("C16", "pretraining", "kd_loss", {"kind": "tamt-mlm", "points": -1, "sparsity": 0.6}),
    (
        "C17",
        "pretraining",
        "mlm_loss",
        {"kind": "tamt-kd", "points": -9, "step": (15, 30, 45), "sparsity": 0.7},
    ),
    ("C18", "pretraining", "kd_loss", {"kind": "imp", "points": 1, "sparsity": 0.6}),
    ("C19", "pretraining", "mlm_loss", {"kind": "random", "points": 3, "sparsity": 0.8}),
    ("C21", "training", "seconds_per_step", {"kind": "tamt-mlm", "points": 1}),
    ("C23", "distances", "jaccard_macro", {"kind_b": "tamt-kd", "kind_a": "omp", "points": -0.2}),
    ("C23", "distances", "jaccard_macro", {"step_a": 15, "points": -0.5}),
    (
        "C24",
        "distances",
        "jaccard_macro",
        {"kind_a": "imp", "kind_b": "tamt-mlm", "points": 0.1, "sparsity": 0.8},
    ),
    ("O01", "pretraining", "mlm_loss", {"kind": "full", "points": -1}),
]


@pytest.mark.parametrize(("id", "frame", "column", "change"), BROKEN_FILES, ids=[b[0] for b in BROKEN_FILES])
def test_claims_on_masks_fail_where_they_do_not_hold(id, frame, column, change, runs, files, published):
    changed = files | {frame: moved(files[frame], column=column, **change)}
    verdict = judge(id, evidence(runs, changed), published)
    assert verdict.status == "not reproduced", verdict.reason


def test_c30_is_reported_and_no_gate(runs, files, published):
    slow = files | {"training": moved(files["training"], 1, "seconds_per_step", kind="imp", model="base")}
    verdict = judge("C30", evidence(runs, slow), published)
    assert verdict.status == "inconclusive"
    assert "base IMP faster than KD" in verdict.reason
    assert "no gate" in verdict.reason


NEEDS_ROBERTA = ["C05", "C09", "C10", "C13"]


@pytest.mark.parametrize("id", CLAIMS)
def test_with_bert_alone_nothing_is_said_of_roberta(id, bert, published):
    verdict = judge(id, bert, published)
    about_both = "inconclusive" if id in ("C11", "C30") else "reproduced"
    assert verdict.status == ("not run" if id in NEEDS_ROBERTA else about_both), verdict.reason


def test_a_missing_kind_leaves_a_claim_open_and_named(runs, files, published):
    found = evidence(without(runs, ["tamt-mlm-kd"]), files)
    verdict = judge("C07", found, published)
    assert verdict.status == "inconclusive"
    assert "not run: tamt-mlm-kd 60 %" in verdict.reason
    assert judge("C08", found, published).status == "inconclusive"
    assert judge("C11", found, published).status == "not run"
    assert judge("C06", found, published).status == "reproduced"
    # two variants can show that they are not close, not that all three are
    apart = evidence(moved(without(runs, ["tamt-mlm-kd"]), -9, kind="tamt-kd", sparsity=0.5), files)
    assert judge("C08", apart, published).status == "not reproduced"


def test_c07_is_open_where_masks_differ_too_much(runs, files, published):
    wild = moved(runs, 6.0, kind="tamt-mlm", mask_seed=1, sparsity=0.6)
    wild = moved(wild, -6.0, kind="tamt-mlm", mask_seed=2, sparsity=0.6)
    verdict = judge("C07", evidence(wild, files), published)
    assert verdict.status == "inconclusive"
    assert "|z| below 2 (or unknown) for tamt-mlm 60 %" in verdict.reason
    # a wrong direction elsewhere, beyond doubt, decides
    lost = moved(wild, -20.0, kind="tamt-kd", sparsity=0.8)
    assert judge("C07", evidence(lost, files), published).status == "not reproduced"


def test_c07_a_slightly_wrong_direction_is_open_too(runs, files, published):
    near = moved(runs, -2.4, kind="tamt-mlm", sparsity=0.6, model="base")
    verdict = judge("C07", evidence(near, files), published)
    assert verdict.status == "inconclusive"
    assert -2 < verdict.figures["tamt-mlm 60 %"]["z"] < 0


def test_c07_with_one_mask_takes_the_deviation_of_finetuning_seeds(runs, files, published):
    one = evidence(runs[runs["mask_seed"] == 1], files)
    assert judge("C07", one, published).status == "reproduced"
    single = evidence(runs[(runs["mask_seed"] == 1) & (runs["replicate"] == 1)], files)
    verdict = judge("C07", single, published)
    assert verdict.status == "inconclusive"
    assert "unknown" in verdict.reason


@pytest.mark.parametrize("id", AGAINST_IMP)
def test_imp_with_rewinding_stands_beside_and_decides_nothing(id, rewinding, published):
    verdict = judge(id, rewinding, published)
    assert verdict.status == "reproduced"
    assert "against IMP with rewinding: " in verdict.reason
    assert set(verdict.figures) == {"imp", "imp-rewind"}


def test_rewinding_alone_is_told_apart(rewinding, published):
    verdict = judge("C07", rewinding, published)
    assert verdict.figures["imp"]["status"] == "reproduced"
    assert verdict.figures["imp-rewind"]["status"] == "not reproduced"


def test_c21_compares_with_the_best_interval(runs, files, published):
    # a short interval that is better than all others: the steps that it took count
    best = moved(runs, 20.0, kind="imp", interval=14, task=AVG5)
    verdict = judge("C21", evidence(best, files), published)
    assert verdict.status == "not reproduced"
    assert verdict.figures["tamt-mlm"] is None
    near = moved(runs, 3.5, kind="imp", interval=14, task=AVG5)
    figures = judge("C21", evidence(near, files), published).figures["tamt-mlm"]
    assert figures["imp_step"] == 6 * 14
    assert figures["fewer_steps"] == pytest.approx(84 / figures["step"])


def test_c21_is_open_without_times(runs, files, published):
    untimed = {name: frame for name, frame in files.items() if name != "training"}
    assert judge("C21", evidence(runs, untimed), published).status == "inconclusive"


def test_c16_a_lower_loss_elsewhere_decides_though_a_kind_is_missing(runs, files, published):
    pretraining = files["pretraining"]
    no_random = pretraining[pretraining["kind"] != "random"]
    assert judge("C16", evidence(runs, files | {"pretraining": no_random}), published).status == "not run"
    lower = moved(no_random, -9, column="mlm_loss", kind="imp")
    assert judge("C16", evidence(runs, files | {"pretraining": lower}), published).status == "not reproduced"


def test_c17_judges_the_sparsities_with_checkpoints(runs, files, world, published):
    masks = files["pretraining"]
    curve = masks[(masks["sparsity"] == 0.7) | (masks["main"] == 1)]
    verdict = judge("C17", evidence(runs, files | {"pretraining": curve}), published)
    assert set(judge("C17", world, published).figures["rho"]) > {"70 % tamt-mlm"}
    assert verdict.status == "reproduced"


def test_claims_on_few_data_scale_with_the_training_set(runs, files, published):
    small = runs.assign(n_train=(runs["n_train"] * SCALED).round().astype(int))
    found = evidence(small, files)
    verdict = judge("C27", found, published)
    assert verdict.status == "reproduced", verdict.reason
    low, high = verdict.figures["mnli"]["between"]
    assert (round(low), round(high)) == (50, 501)
    # the same sizes as parts of a larger training set: the middle lies elsewhere
    whole = runs[runs["few"] == 0].assign(n_train=lambda f: f["n_train"] * 20)
    other = judge("C27", evidence(pd.concat([whole, runs[runs["few"] == 1]]), files), published)
    assert other.status == "not reproduced"


def test_c27_says_nothing_of_a_drop_below_a_size_that_was_not_run(runs, files, published):
    sizes = runs[~runs["n_train"].isin((5000, 10000))]
    verdict = judge("C27", evidence(sizes, files), published)
    assert verdict.figures["mnli"]["omp loses below and above"] is None
    assert verdict.figures["squad"]["omp loses below and above"] == pytest.approx((24, 1))


def test_c27_needs_the_whole_training_set(runs, files, published):
    few = evidence(runs[runs["few"] == 1], files)
    assert judge("C29", few, published).status == "not run"
    assert judge("C28", few, published).status == "reproduced"


def test_checkpoints_are_found_by_their_place_in_the_schedule(world, published):
    assert step_like(world, published, 3000) == 45
    assert step_like(world, published, 2000) == 30
    assert step_like(published, published, 3000) == 3000
    assert step_like(Evidence.from_frames(pd.DataFrame(), {}), published, 3000) == 3000
    assert STEPS[2] == 45


def test_rank_needs_three_points():
    assert rank([1, 2], [1, 2]) is None
    assert rank([1, 2, 3], [5, 5, 5]) is None
    assert rank([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


def test_settled_needs_no_z_of_published_numbers(world, published):
    checks, zs = {"a": True}, {"a": None}
    assert settled(published, checks, zs, {}).status == "reproduced"
    assert settled(world, checks, zs, {}).status == "inconclusive"
    assert settled(world, checks, {"a": 2.0}, {}).status == "reproduced"
    assert settled(world, {"a": False}, {"a": -1.9}, {}).status == "inconclusive"
    assert settled(world, {"a": False}, {"a": -2.1}, {}).status == "not reproduced"
    assert settled(world, {"a": None}, {"a": None}, {}).status == "not run"


def test_claims_are_written(world, published, tmp_path):
    results = evaluate_claims(PAPER / "claims.yaml", PREDICATES, world, published)
    write_claims(results, tmp_path / "claims.json", tmp_path / "claims.md", "micro", "tamt")
    text = (tmp_path / "claims.md").read_text()
    assert "Of 31 claims: 31 reproduced" in text
    assert '"C21"' in (tmp_path / "claims.json").read_text()
