"""Results of `tamt` at the smallest scale: masks, what is left of pre-training under them, scores; see
test_micro_results.py."""

from contextlib import chdir
from pathlib import Path

import pytest

from mask_world import TamtPlace
from tickets.papers.tamt.addresses import full_losses_file, run, training_file
from tickets.papers.tamt.methods import Method
from tickets.versions import PAPER_VERSIONS, VERSIONS

MASKS = {
    1: {
        "omp": [4.693032861725102, 0.11265735369084812, 0.12805622746576026, 0.22531479891253317, 0.5],
        "omp mask": "44ce5af344f73e5d",
        "random": [5.0260644928226625, 0.6452176803041522, 0.6479212591321406, 1.2904353951808156, 0.5],
        "random mask": "f3d836c1f40631b7",
        "imp": [
            4.7077731000698675,
            0.16296671780689462,
            0.17830583566131813,
            0.3259335215850847,
            0.5008802816901409,
        ],
        "imp mask": "44068ec806604f34",
        "imp-rewind": [
            4.696309903772866,
            0.11748288808072485,
            0.13135915742671178,
            0.2349658710768492,
            0.5008802816901409,
        ],
        "imp-rewind mask": "10c90f9f35048392",
        "tamt-mlm": [4.618001302083333, 0.8035613959428014, 0.807384160708408, 1.607122801607702, 0.5],
        "tamt-mlm mask": "ff9e0bf37b605ee6",
        "tamt-kd": [4.6332660457952235, 0.2772083870793988, 0.2948464492319624, 0.5544168458252055, 0.5],
        "tamt-kd mask": "70a6380c35327e0d",
        "tamt-mlm-kd": [4.6803851864202235, 0.5877499916113731, 0.5736566457908285, 1.175500021293396, 0.5],
        "tamt-mlm-kd mask": "d34858e69735d823",
        "roberta tamt-kd": [
            4.807859839462653,
            0.22986005373844287,
            0.22951573689546947,
            0.4597187521753878,
            0.5,
        ],
        "roberta tamt-kd mask": "4a0fd3983739efa3",
        "full": [4.612329994759908],
        "tamt-mlm training": [
            4.666823387145996,
            0.5,
            1819260.7958317448,
            4.7240309715271,
            0.5184859154929577,
            856994.2107026147,
            4.983886003494263,
            0.4918573943661972,
            534879.8405993658,
        ],
        "tamt-kd training": [
            0.36527353525161743,
            0.5,
            2131.1418524745754,
            0.3279922902584076,
            0.3554137323943662,
            1377.5192057998536,
            0.4372619390487671,
            0.5,
            940.5733222937519,
        ],
        "tamt-mlm-kd training": [
            4.716838359832764,
            0.5,
            1144826.704394324,
            4.748544692993164,
            0.49383802816901406,
            1040732.9968801051,
            5.4977216720581055,
            0.4964788732394366,
            380752.120557709,
        ],
        "imp-rewind training": [
            4.910628318786621,
            4.572061061859131,
            4.833524703979492,
            4.281245946884155,
            4.412659645080566,
            4.071394920349121,
            4.550456285476685,
            4.4244208335876465,
            4.607230186462402,
            4.559158086776733,
        ],
    }
}
PROTOCOL = {
    1: {
        "scores": [29.268292682926827, 29.268292682926827, 29.268292682926827, 44.44444444444444, 2],
        "outputs": [
            28.602397918701172,
            18.839826583862305,
            30.18293571472168,
            19.888835906982422,
            11.064691543579102,
        ],
    }
}
MADE = {
    "omp": ("omp", "50", 1),
    "random": ("random", "50", 2),
    "imp": ("imp", "50", 1),
    "imp-rewind": ("imp-rewind", "50", 1),
    "tamt-mlm": ("tamt-mlm", "50", 1),
    "tamt-kd": ("tamt-kd", "50", 1),
    "tamt-mlm-kd": ("tamt-mlm-kd", "50", 1),
    "roberta tamt-kd": ("tamt-kd", "50", 1, "roberta"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Masks of one sparsity, a kind each, under dropout."""
    with chdir(tmp_path_factory.mktemp("golden")):
        found = TamtPlace.new(Path.cwd(), models=["base", "roberta"])
        for model in ("base", "roberta"):
            for method in ("omp", "random"):
                found.make("baseline_masks", model=model, method=method)
        for method in ("imp", "imp-rewind"):
            found.make("imp_masks", method=method, mask="1")
        for method in ("tamt-mlm", "tamt-kd", "tamt-mlm-kd"):
            found.make("mask_training", method=method, level="50", mask="1")
        found.make("mask_training", model="roberta", method="tamt-kd", level="50", mask="1")
        found.make("methods", task="mnli", method="tamt-kd", level="50", mask="1")
    return found


def numbers(place):
    found = {}
    for name, parts in MADE.items():
        losses = place.losses(*parts)
        found[name] = [
            losses[key] for key in ("mlm_loss", "kd_loss", "kd_loss_unpadded", "kd_mse", "removed")
        ]
        found[f"{name} mask"] = place.mask(*parts).digest()[:16]
    found["full"] = [place.log(full_losses_file("base"))["mlm_loss"]]
    for method in ("tamt-mlm", "tamt-kd", "tamt-mlm-kd"):
        rows = place.log(training_file(Method(method), "50", 1, "base"))["rows"]
        found[f"{method} training"] = [row[key] for row in rows for key in ("loss", "removed", "grad_ratio")]
    rows = place.log(training_file(Method("imp-rewind"), "all", 1, "base"))["rows"]
    found["imp-rewind training"] = [row["loss"] for row in rows]
    return found


def protocol(place):
    metrics = place.metrics(run("mnli", "tamt-kd", "50", 1, 2))
    extra = metrics["extra"]
    names = ("score_final", "score_first", "score_release", "best_step")
    return {
        "scores": [metrics["score"], *(extra[name] for name in names)],
        "outputs": [
            float(values.abs().sum())
            for _, values in sorted(place.outputs(run("mnli", "tamt-kd", "50", 1, 2)).items())
        ],
    }


def check(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == (values if isinstance(values, str) else pytest.approx(values, rel=1e-5)), name


def test_masks(place):
    check(numbers(place), MASKS[PAPER_VERSIONS["tamt"]["masks"] * VERSIONS["engine"]])


def test_protocol(place):
    check(protocol(place), PROTOCOL[PAPER_VERSIONS["tamt"]["protocol"] * VERSIONS["engine"]])
