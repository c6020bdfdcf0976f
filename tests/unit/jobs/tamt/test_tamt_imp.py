"""Iterative magnitude pruning on masked words: what a chain prunes, what it rewinds, and what goes on."""

import json
from contextlib import chdir
from itertools import product
from pathlib import Path

import pytest
import torch

from mask_world import TEXT, TamtPlace
from tickets.models.hf import load_folder
from tickets.papers.tamt import imp as imp_module
from tickets.papers.tamt.addresses import mask, training_file
from tickets.papers.tamt.imp import Chain
from tickets.papers.tamt.methods import Method
from tickets.pruning.local import prune_local
from tickets.pruning.magnitude import imp_fraction
from tickets.pruning.mask import Mask

LEVELS = [str(percent) for percent in range(20, 100, 10)]
LONG = {
    "main_steps": dict.fromkeys(LEVELS, 2),
    "grid": {"levels": {"base": LEVELS, "roberta": LEVELS}, "baseline_levels": LEVELS, "step_levels": []},
    "imp": {
        "recipe": TEXT | {"learning_rate": 1e-2},
        "interval": 2,
        "intervals": [],
        "distance_intervals": [],
    },
}
FLAVOURS = ("imp", "imp-rewind")


class Rounds:
    """Notes a chain's weights and masks around its training and around every pruning."""

    def __init__(self, patch, chain=Chain):
        self.trainings, self.prunings = [], []
        train, prune = imp_module.train, chain.next_mask

        def watched(model, objective, recipe, schedule, steps, **options):
            call = {"body": model.body(), "heads": model.head_values(), "schedule": schedule, "steps": steps}
            trained = train(model, objective, recipe, schedule, steps, **options)
            names = ("mask", "seed", "first_step", "moments")
            call |= {name: options.get(name) for name in names}
            self.trainings.append(call | {"end": model.body(), "end_heads": model.head_values()})
            return trained

        def next_mask(chain, model, mask, round):
            before = {"body": model.body(), "heads": model.head_values(), "mask": mask, "round": round}
            found = prune(chain, model, mask, round)
            after = {"after": model.body(), "after_heads": model.head_values(), "pruned": found}
            self.prunings.append(before | after)
            return found

        patch.setattr(imp_module, "train", watched)
        patch.setattr(chain, "next_mask", next_mask)
        patch.setattr(imp_module, "Chain", chain)


def theta0(place, role="base"):
    return load_folder(place.root / place.config.settings.model_folder(role))


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Both flavours of both models with every sparsity, and what was seen of their rounds."""
    seen = {}
    with chdir(tmp_path_factory.mktemp("long")):
        place = TamtPlace.new(Path.cwd(), models=["base", "roberta"], **LONG)
        for model, flavour in product(("base", "roberta"), FLAVOURS):
            with pytest.MonkeyPatch.context() as patch:
                seen[model, flavour] = Rounds(patch)
                place.make("imp_masks", model=model, method=flavour, mask="1")
    return place, seen


BOTH = pytest.mark.parametrize("model", ["base", "roberta"])
EITHER = pytest.mark.parametrize("flavour", FLAVOURS)


def zeros_by_hand(n):
    """What is gone after every pruning: a tenth of all each time, as a rounded share of what is left."""
    left, gone = n, []
    for j in range(9):
        left -= round(left / (10 - j))
        gone.append(n - left)
    return gone


def test_the_rule_by_hand_is_the_oracle():
    assert zeros_by_hand(100) == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert zeros_by_hand(64) == [6, 12, 18, 25, 31, 38, 44, 51, 57]
    assert zeros_by_hand(589_824)[-1] == 530_841


@BOTH
@EITHER
def test_o10_zero_counts_and_nesting(long, model, flavour):
    place, _ = long
    before = None
    for j, level in enumerate(LEVELS, 1):
        found = place.mask(flavour, level, 1, model)
        for name, kept in found.items():
            assert int((~kept).sum()) == zeros_by_hand(kept.numel())[j], (level, name)
            assert before is None or not (kept & ~before[name]).any(), "what is pruned stays so"
        assert found.sparsity == pytest.approx(int(level) / 100, abs=2e-3)
        before = found


@BOTH
@EITHER
def test_each_pruning_ranks_the_weights_of_its_moment(long, model, flavour):
    """The smallest of those left go, matrix by matrix, by weights as trained, not as they began."""
    place, seen = long
    start = theta0(place, model).body
    moved = 0
    for event in seen[model, flavour].prunings:
        for name, kept in event["pruned"].items():
            alive = event["mask"][name]
            gone = alive & ~kept
            weights = event["body"][name].abs()
            assert int(gone.sum()) == round(int(alive.sum()) / (10 - event["round"]))
            assert weights[gone].max() <= weights[kept].min()
        by_start = prune_local(
            {n: start[n] for n in event["mask"]}, event["mask"], imp_fraction(event["round"])
        )
        moved += by_start != event["pruned"]
    assert [event["round"] for event in seen[model, flavour].prunings] == list(range(9))
    assert moved == 8, "training changes what is pruned, in every round but the first, where there was none"


def check_rewound(rounds, start):
    """O11: after every pruning all tensors of the encoder are those of theta_0, bit for bit, and the head goes on."""
    assert len(rounds.prunings) > 2
    for event in rounds.prunings:
        assert same(event["after"], start.body), event["round"]
        assert same(event["after_heads"], event["heads"])
        if event["round"]:
            assert not same(event["body"], start.body), "it was trained"
            assert not same(event["heads"], start.heads)
    ends = [call["end_heads"] for call in rounds.trainings]
    assert all(same(call["heads"], end) for call, end in zip(rounds.trainings[1:], ends, strict=False))
    assert all(same(call["body"], start.body) for call in rounds.trainings)


@BOTH
def test_o11_rewinding_restores_every_bit(long, model):
    place, seen = long
    check_rewound(seen[model, "imp-rewind"], theta0(place, model))


@BOTH
def test_o11_without_rewinding_a_pruning_changes_no_weight(long, model):
    _, seen = long
    rounds = seen[model, "imp"]
    for event in rounds.prunings:
        assert same(event["after"], event["body"])
        assert same(event["after_heads"], event["heads"])
    for call, before in zip(rounds.trainings[1:], rounds.trainings, strict=False):
        assert same(call["body"], before["end"])
        assert same(call["heads"], before["end_heads"])


class AliasedChain(Chain):
    """As in the authors' release (A12): the weights to rewind to are kept as references to the live parameters."""

    def __init__(self, lab, cell):
        super().__init__(lab, cell)
        self.saved = None

    def next_mask(self, model, mask, round):
        if self.saved is None:
            self.saved = {name: model.parameters.view(name) for name in model.body_names}
        weights = {name: model.parameters.view(name) for name in mask}
        pruned = prune_local(weights, mask, imp_fraction(round))
        for name, value in self.saved.items():
            model.parameters.view(name).copy_(value)
        return pruned


def test_o11_fails_on_the_aliasing_of_the_release(long, fresh):
    """The regression test: a theta_0 that shares memory with what is trained restores nothing."""
    with pytest.MonkeyPatch.context() as patch:
        place = fresh(**LONG)
        rounds = Rounds(patch, AliasedChain)
        place.make("imp_masks", method="imp-rewind", mask="1")
    with pytest.raises(AssertionError):
        check_rewound(rounds, theta0(place))
    trained = rounds.prunings[3]
    assert same(trained["after"], trained["body"]), (
        "its rewinding does nothing: such numbers are those of 'imp'"
    )
    finished, seen = long
    check_rewound(seen["base", "imp-rewind"], theta0(finished))


@EITHER
def test_o15_every_round_starts_the_optimizer_and_its_schedule_afresh(long, flavour):
    place, seen = long
    imp = place.config.settings.tamt.imp
    calls = seen["base", flavour].trainings
    assert [call["first_step"] for call in calls] == [2 * j for j in range(8)], "the text goes on"
    for call in calls:
        assert call["steps"] == imp.interval
        assert call["moments"] is None
        assert call["schedule"](0) == imp.recipe.learning_rate
        assert call["schedule"](1) == pytest.approx(imp.recipe.learning_rate * (1 - 1 / imp.recipe.steps))
    assert len({call["seed"] for call in calls}) == 1


@EITHER
def test_masked_words_come_back_to_no_lookup_but_decode_and_train(long, flavour):
    """The table is tied: pruned entries still learn as a decoder (section 2.3)."""
    _, seen = long
    words = "embeddings.word_embeddings.weight"
    call = seen["base", flavour].trainings[-1]
    gone = ~call["mask"][words]
    assert (call["end"][words][gone] != 0).any()
    assert not torch.equal(call["end"][words][gone], call["body"][words][gone])
    matrix = "encoder.layer.0.output.dense.weight"
    assert (call["end"][matrix][~call["mask"][matrix]] == 0).all()


def test_flavours_and_seeds_lead_to_other_masks(finished):
    digests = {
        (method, seed): finished.mask(method, "70", seed).digest()
        for method in ("imp", "imp-rewind", "imp.every2", "imp.every1", "omp")
        for seed in (1, 2)
        if (method, seed) != ("omp", 2)
    }
    assert len(set(digests.values())) == len(digests)


def test_a_chain_is_the_same_whatever_sparsities_are_asked_of_it(finished, fresh):
    """Else a new sparsity in the grid would change masks whose fingerprints do not move."""
    place = fresh(grid={"levels": {"base": ["70"]}})
    place.make("imp_masks", method="imp-rewind", mask="2")
    assert place.mask("imp-rewind", "70", 2).digest() == finished.mask("imp-rewind", "70", 2).digest()


@pytest.mark.parametrize(
    ("method", "interval", "rounds"), [("imp", 3, 6), ("imp.every2", 2, 6), ("imp.every1", 1, 6)]
)
def test_the_log_of_a_chain(finished, method, interval, rounds):
    log = finished.log(training_file(Method.parse(method), "all", 1, "base"))
    last = interval * rounds
    steps = [row["step"] for row in log["rows"]]
    assert steps == sorted({1, last, *range(2, last, 2)})
    for row in log["rows"]:
        assert row["level"] == 10 * ((row["step"] - 1) // interval + 1)
        assert row["removed"] == pytest.approx(row["level"] / 100, abs=5e-3)
        assert 0 < row["loss"] < 10
    assert log["seconds_per_step"] > 0


def test_masks_say_how_they_were_made(finished):
    path = finished.root / mask("imp.every2", "70", 2).file
    method = Mask.provenance(path)["spec"]["method"]
    assert method["interval"] == 2
    assert method["recipe"]["learning_rate"] == TEXT["learning_rate"]
    losses = json.loads((path.parent / "losses.json").read_text())
    assert losses["removed_with_pooler"] == finished.mask("imp.every2", "70", 2).sparsity
