import json
from pathlib import Path

import pandas as pd
import pytest
from lth_world import DENSE, SIZES, build, overlap

from tickets.errors import TicketsError
from tickets.papers.claims import ClaimResult, evaluate_claims, load_claims, write_claims
from tickets.papers.lth.claims import PREDICATES
from tickets.papers.lth.evidence import Evidence, PublishedEvidence
from tickets.papers.lth.tasks import TASKS
from tickets.papers.verdict import Verdict, at_least, decide

PAPER = Path(__file__).parents[3] / "paper" / "lth"
CLAIMS = load_claims(PAPER / "claims.yaml", PREDICATES)
IDS = [claim.id for claim in CLAIMS]
# column "pub" of the spec's section 7: yes / conflicting, partly / no / no values
PUB = {
    "reproduced": "X1 X2 X3 X4 X6 X7 X8 B1 B2 B3 U1 U2 U3 U4 U7 D1",
    "inconclusive": "X5 U5",
    "not reproduced": "D2",
    "not run": "R1 R2 R3 U6 U8 M1 O1",
}


@pytest.fixture(scope="module")
def published() -> PublishedEvidence:
    return PublishedEvidence(PAPER)


@pytest.fixture(scope="module")
def cells(published) -> pd.DataFrame:
    """The world, with the dense level of each task where X8 wants it."""
    levels = {task: published.tables.hf_reported(task) for task in TASKS if task != "mlm"}
    frame = build()
    return frame.assign(score=frame["score"] + frame["task"].map(levels).sub(DENSE).fillna(0.0))


def judge(id, published, cells, overlaps=None, sizes=SIZES):
    claim = next(claim for claim in CLAIMS if claim.id == id)
    return PREDICATES[claim.predicate](
        Evidence.from_frames(cells, None if overlaps is None else {"overlap": overlaps}, sizes), published
    )


def shifted(cells, points, **address):
    """The world with the scores at an address moved by some points."""
    chosen = pd.Series(True, index=cells.index)
    for name, value in address.items():
        chosen &= cells[name] == value
    assert chosen.any()
    return cells.assign(score=cells["score"] + points * chosen)


def test_every_claim_of_the_spec_is_there_once():
    wanted = [f"X{i}" for i in range(1, 9)] + ["B1", "B2", "B3", "R1", "R2", "R3"]
    wanted += [f"U{i}" for i in range(1, 9)] + ["M1", "O1", "D1", "D2"]
    assert sorted(IDS) == sorted(wanted)
    assert {claim.predicate for claim in CLAIMS} == set(PREDICATES)


@pytest.mark.parametrize(("status", "ids"), PUB.items(), ids=lambda value: value.replace(" ", "-"))
def test_published_values_give_the_specs_verdicts(status, ids, published):
    for claim in CLAIMS:
        if claim.id in ids.split():
            assert PREDICATES[claim.predicate](published, published).status == status, claim.id
            assert claim.published == status
    assert sorted(" ".join(PUB.values()).split()) == sorted(IDS)


def test_published_details_of_the_spec(published):
    def figures(name):
        return PREDICATES[name](published, published).figures

    assert figures("x5_two_point_rule")["minus_dense_at_0.7"]["squad"]["figure"] == pytest.approx(-2.83)
    assert figures("x5_two_point_rule")["minus_dense_at_0.7"]["squad"]["table"] == pytest.approx(-1.7)
    size = figures("x6_unrelated_to_size")
    assert (round(size["winning"]["rho"], 2), round(size["winning"]["p"], 2)) == (0.18, 0.62)
    assert round(size["strict"]["rho"], 2) == 0.10
    assert list(figures("u2_others_rarely")["targets_reached"].values()) == [2, 2, 1, 0, 2, 1, 1, 1, 1, 4]
    assert min(figures("u1_mlm_universal")["D"].values()) == pytest.approx(0.06)
    better = figures("u4_one_shot")["targets_one_shot_better"].values()
    assert (min(better), max(better)) == (6, 9)
    excess = figures("u5_broad_universality")["excess_gap"]
    assert (round(excess["qqp"], 6), round(excess["mrpc"], 6), round(excess["cola"], 6)) == (1.5, 1.6, 2.6)
    assert round(figures("u7_larger_sources")["rho"], 2) == 0.77
    d2 = PREDICATES["d2_size_matched"](published, published)
    assert "fails for squad" in d2.reason
    assert "0.30" in d2.reason


@pytest.mark.parametrize("id", IDS)
def test_every_claim_is_reproduced_in_a_world_where_it_holds(id, published, cells):
    if id == "U6":  # at 50 % it contradicts U5, where three targets share these cells
        cells = shifted(cells, 0.3, source="mlm", sparsity=0.5)
    verdict = judge(id, published, cells, overlap())
    assert verdict.status == "reproduced", verdict.reason


@pytest.mark.parametrize("id", IDS)
def test_nothing_is_decided_without_runs(id, published, cells):
    verdict = judge(id, published, cells.iloc[:0], None, None)
    assert verdict.status == "not run"
    assert verdict.reason


@pytest.mark.parametrize("id", [id for id in IDS if id not in {"M1", "O1", "R2", "D1", "D2", "X7", "B3"}])
def test_a_partial_grid_is_inconclusive(id, published, cells):
    few = cells[cells["task"].isin(["mnli", "rte", "sst-2", "mlm"])]
    few = few[few["source"].isin(["mnli", "rte", "sst-2", "mlm", "any"])]
    verdict = judge(id, published, few)
    assert verdict.status == "inconclusive", verdict.reason
    assert " of " in verdict.reason or "fails" not in verdict.reason


COUNTER_EXAMPLES = {
    "X1": {"points": -30, "task": "squad", "sparsity": 0.4, "source": "squad", "weights": "pretrained"},
    "X2": {"points": 30, "task": "cola", "sparsity": 0.8, "source": "cola"},
    "X3": {"points": 30, "task": "cola", "sparsity": 0.8, "source": "cola"},
    "X4": {"points": 0.2, "task": "cola", "sparsity": 0.5, "method": "imp", "weights": "pretrained"},
    "X5": {"points": 9, "task": "rte", "sparsity": 0.7, "source": "rte"},
    "X8": {"points": 60, "task": "cola", "sparsity": 0.0},
    "B1": {"points": 20.1, "task": "wnli", "method": "random"},
    "B2": {"points": 20, "task": "qqp", "method": "random"},
    "R1": {"points": 1, "task": "cola", "weights": "rewind20", "rule": "winning"},
    "R2": {"points": 3, "task": "rte", "weights": "rewind50", "rule": "winning"},
    "R3": {"points": 4, "task": "rte", "weights": "standard", "rule": "winning"},
    "U1": {"points": -0.1, "task": "rte", "source": "mlm", "sparsity": 0.7, "weights": "pretrained"},
    "U2": {"points": 5, "source": "qqp", "sparsity": 0.7, "weights": "pretrained"},
    "U3": {"points": 5, "source": "cola", "sparsity": 0.7, "weights": "pretrained"},
    "U4": {"points": 1, "method": "oneshot", "sparsity": 0.7},
    "U6": {"points": -0.1, "task": "rte", "source": "mlm", "sparsity": 0.5},
    "U7": {"points": -9, "source": "mlm", "sparsity": 0.7, "weights": "pretrained"},
    "U8": {"points": 1, "source": "mlm", "weights": "rewind50", "sparsity": 0.7},
    "M1": {"points": 2, "source": "mlm+qnli"},
    "D1": {"points": 1, "source": "mlm@cola"},
    "D2": {"points": -1, "source": "mlm@cola"},
}


@pytest.mark.parametrize("id", COUNTER_EXAMPLES)
def test_a_counter_example_decides(id, published, cells):
    change = dict(COUNTER_EXAMPLES[id])
    damaged = shifted(cells, change.pop("points"), **change)
    if id == "U7":  # reverse the order of all sources, not only that of MLM
        size = damaged["source"].map(SIZES)
        far = (damaged["sparsity"] == 0.7) & (damaged["source"] != damaged["task"])
        damaged = damaged.assign(score=damaged["score"] - (size / 1e5).where(far, 0.0).fillna(0.0))
    if id == "U8":
        damaged = shifted(damaged, 2, source="mlm", sparsity=0.7, weights="rewind05")
    verdict = judge(id, published, damaged)
    assert verdict.status == "not reproduced", verdict.reason


def test_x6_needs_no_correlation_with_size(published, cells):
    stars = {task: rank for rank, task in enumerate(sorted(SIZES, key=SIZES.get))}
    verdict = judge("X6", published, cells, sizes=dict.fromkeys(SIZES, 1))
    assert verdict.status == "inconclusive"  # constant sizes say nothing
    by_star = {"squad": 1, "sts-b": 2, "mrpc": 3, "cola": 4, "rte": 5, "sst-2": 6, "mnli": 7, "qnli": 8}
    verdict = judge("X6", published, cells, sizes={**stars, **by_star, "qqp": 9, "wnli": 10})
    assert verdict.status == "not reproduced"


def test_x7_fails_when_sts_b_no_longer_depends_on_the_metric(published, cells):
    sts, second = cells["task"] == "sts-b", cells["spearman"]
    verdict = judge("X7", published, cells.assign(spearman=second.where(~sts, cells["score"])))
    assert verdict.status == "not reproduced"
    assert "sts-b" in verdict.reason


def test_b3_allows_two_exceptions(published, cells):
    two = shifted(shifted(cells, -5, task="rte", weights="shuffled"), -5, task="wnli", weights="shuffled")
    assert judge("B3", published, two).status == "reproduced"
    three = shifted(two, -5, task="cola", weights="shuffled")
    assert judge("B3", published, three).status == "not reproduced"


def test_wnli_baselines_need_only_a_lead(published, cells):
    close = shifted(cells, 19.85, task="wnli", method="random")  # ticket leads by .2, std is .158
    closer = shifted(cells, 19.95, task="wnli", method="random")  # by .1
    assert judge("B1", published, close).status == "reproduced"
    assert judge("B1", published, closer).status == "reproduced"
    assert (
        judge("B1", published, shifted(cells, 19.85, task="rte", method="random")).status == "not reproduced"
    )


def test_u5_partly_is_inconclusive_and_neither_part_is_not(published, cells):
    far = shifted(cells, -5, task="cola", source="mlm", sparsity=0.5)
    assert judge("U5", published, far).status == "reproduced"
    for task, s in (("mrpc", 0.5), ("sts-b", 0.5)):
        far = shifted(far, -5, task=task, source="mlm", sparsity=s)
    verdict = judge("U5", published, far)
    assert verdict.status == "inconclusive"
    assert verdict.reason.startswith("partly")
    none = shifted(far, -5, task="rte", source="mlm", sparsity=0.6)
    assert judge("U5", published, none).status == "not reproduced"


def test_o1_fails_on_one_pair_or_on_mlm_and_counts_pairs(published, cells):
    low = overlap()
    pair = (low["source_a"] == "mnli") & (low["source_b"] == "rte")
    bad = low.assign(kept_jaccard=low["kept_jaccard"].where(~pair, 89.0))
    verdict = judge("O1", published, cells, bad)
    assert verdict.status == "not reproduced"
    assert "mnli-rte" in verdict.reason
    assert judge("O1", published, cells, overlap(mlm=96.0)).status == "not reproduced"
    some = low[low["source_a"].isin(["mnli", "qqp"])]
    assert judge("O1", published, cells, some).status == "inconclusive"
    assert judge("O1", published, cells, low.assign(sparsity=0.6)).status == "not run"


def test_o1_keeps_a_mask_apart_from_itself(published, cells):
    same = judge("O1", published, cells, overlap()).figures["same_task_other_replicate"]
    assert same["rte"] == 95.0


def test_a_short_chain_confirms_but_does_not_refute(published, cells):
    short = cells[cells["sparsity"] <= 0.5]
    assert judge("X1", published, short).status == "reproduced"
    shorter = cells[cells["sparsity"] <= 0.3]
    assert judge("X1", published, shorter).status == "not run"
    assert judge("X2", published, short).status == "not run"


def test_decide_counts_missing_cases_both_ways():
    assert decide({"a": True, "b": None}, {}).status == "inconclusive"
    assert decide({"a": False, "b": None}, {}).status == "not reproduced"
    assert decide({"a": True, "b": None, "c": False}, {}, accept=at_least(1)).status == "reproduced"
    assert decide({"a": True, "b": None, "c": False}, {}, accept=at_least(2)).status == "inconclusive"
    assert decide({"a": None}, {}, partial=True).status == "inconclusive"
    assert "1 of 1 (of 2 in the claim)" in decide({"a": True, "b": None}, {}).reason


def test_written_claims(tmp_path, published, cells):
    ours = Evidence.from_frames(cells[cells["task"] != "mlm"])
    results = evaluate_claims(PAPER / "claims.yaml", PREDICATES, ours, published)
    json_path, md_path = tmp_path / "out" / "claims.json", tmp_path / "out" / "claims.md"
    write_claims(results, json_path, md_path, "micro", "lth")
    document = json.loads(json_path.read_text())
    assert (document["paper"], document["preset"]) == ("lth", "micro")
    assert [claim["id"] for claim in document["claims"]] == IDS
    first = document["claims"][0]
    assert first["ours"]["figures"]["s_star"]["squad"] == 0.4
    assert first["published_verdict"]["status"] == "reproduced"
    page = md_path.read_text()
    assert "preset `micro`" in page
    assert page.count("\n| ") == len(IDS) + 1
    assert not list(tmp_path.rglob("*.part"))


def test_written_numbers_are_json(tmp_path):
    """Without NaN and infinity, which JSON does not have: t is infinite where all pairs differ alike."""
    figures = {"a": {"t": float("-inf"), "p": 0.0, "n": 2}, "b": [float("nan"), 1 / 3]}
    verdict = Verdict("inconclusive", figures)
    path = tmp_path / "claims.json"
    write_claims([ClaimResult(CLAIMS[0], verdict, verdict)], path, tmp_path / "claims.md", "micro", "lth")
    (claim,) = json.loads(path.read_text(), parse_constant=pytest.fail)["claims"]
    assert claim["ours"]["figures"] == {"a": {"t": "-inf", "p": 0.0, "n": 2}, "b": [None, 0.333333]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claims: [{id: X1}]", "X1"),
        (
            "claims: [{id: Q, title: t, source: s, predicate: no, published: not run, why: w}]",
            "unknown predicate",
        ),
        (
            "claims: [{id: Q, title: t, source: s, predicate: u1_mlm_universal, published: yes, why: w}]",
            "status",
        ),
        ("nothing: here", "no list"),
    ],
)
def test_damaged_claims_file_is_explained(tmp_path, text, message):
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(TicketsError, match=message):
        load_claims(path, PREDICATES)
    with pytest.raises(TicketsError, match="not found"):
        load_claims(tmp_path / "absent.yaml", PREDICATES)
