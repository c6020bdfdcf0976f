"""Trials as jobs: what a ticket starts from, what pairs it with its full model, and what the numbers follow from."""

import json
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
import torch

from ticket_world import LAYERS, RECIPE, TASKS, TicketPlace, Trainings, equal
from tickets.data.subsets import subset_rows
from tickets.models.body_file import load_body
from tickets.models.heads import Head
from tickets.models.hf import load_folder
from tickets.models.model import Model
from tickets.models.removal import gates
from tickets.papers.supertickets.addresses import LEVELS, importance_file, mask, ticket, weights_file
from tickets.papers.supertickets.cell_columns import SELECTIONS
from tickets.papers.supertickets.lab import TicketLab
from tickets.papers.supertickets.selection import judge_point, super_level
from tickets.papers.supertickets.terms import METRICS
from tickets.papers.supertickets.trial import _scores, fine
from tickets.papers.supertickets.trial import ticket as ticket_of
from tickets.pruning.families import losing, winning
from tickets.pruning.importance import importance
from tickets.pruning.remaining import remaining
from tickets.pruning.scores import VARIANTS, Importance, Scores
from tickets.pruning.structured import StructuredMask
from tickets.training.checkpoint import discard
from tickets.training.evaluate import predict
from tickets.training.resident import Resident

HEAD_SIZE = 4
COUNTS = {1: (1, 0), 2: (2, 0), 3: (3, 0), 4: (4, 1), 5: (6, 1), 6: (7, 1), 7: (8, 1), 8: (9, 2)}
"""Level -> heads and FFNs removed of 3 x 4 and 3 (spec section 1.3)."""
SHORT = {"recipes": {"default": RECIPE | {"steps": 2}}, "evaluations": 1}


def theta0(place):
    return load_folder(place.root / "models" / "tiny-bert").body


def reduced(body, structure):
    """What is left of a body, by slices."""
    left = dict(body)
    for layer in range(LAYERS):
        rows = structure.heads[layer].repeat_interleave(HEAD_SIZE)
        at = f"encoder.layer.{layer}."
        for part in ("query", "key", "value"):
            for kind in ("weight", "bias"):
                left[f"{at}attention.self.{part}.{kind}"] = left[f"{at}attention.self.{part}.{kind}"][rows]
        out = f"{at}attention.output.dense.weight"
        left[out] = left[out][:, rows]
        if not structure.ffns[layer]:
            for name in ("intermediate.dense", "output.dense"):
                for kind in ("weight", "bias"):
                    del left[f"{at}{name}.{kind}"]
    return {name: value for name, value in left.items() if value.numel()}


@pytest.fixture
def lab(finished):
    context = finished.context(finished.trial("mnli"))
    yield TicketLab(context)
    discard(context.staging)


def test_o19_level_0_through_the_cut_reproduces_the_full_model(finished, lab, monkeypatch):
    spy = Trainings(monkeypatch)
    address = ticket("winning", "mnli", "00", 1, "base")
    start = fine(lab, address, lab.full("base"))
    plain = lab.finetune(start, "plain")
    lab.forget()
    monkeypatch.setattr(StructuredMask, "is_full", property(lambda self: False))
    cut = lab.finetune(start, "cut")
    assert [call["structure"] is None for call in spy.calls] == [True, False]
    assert equal(spy.calls[0]["body"], theta0(finished))
    assert not equal(plain.body, theta0(finished))
    published = finished.outputs(address)
    for tuned in (plain, cut):
        assert equal(tuned.body, plain.body)
        assert equal(tuned.heads, plain.heads)
        assert tuned.course.chosen == plain.course.chosen
        assert tuned.course.trained.final_loss == finished.metrics(address)["extra"]["train_loss"]
        for number, point in enumerate(tuned.course.found, 1):
            for split, values in point["mnli"].outputs.items():
                assert torch.equal(values, published[f"{split}.{number}"])


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """What every training of two trials and their relatives starts from, by address."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("calls")
        patch.chdir(folder)
        place, spy, found = TicketPlace.new(folder, **SHORT), Trainings(patch), {}
        jobs = [
            place.trial("rte", "1"),
            place.trial("rte", "2"),
            place.job("families", task="rte", family="random", seed="1"),
            place.job("families", task="rte", family="losing", seed="1"),
            place.job("reruns", task="rte", seed="1"),
            place.job("mismatch", task="rte", seed="1"),
            place.job("subsets", percent="50", seed="1"),
        ]
        for job in jobs:
            spy.calls.clear()
            place.run(job)
            assert len(spy.calls) == len(job.runs)
            found |= dict(zip(job.runs, spy.calls, strict=True))
        return place, found


def test_o19_every_run_starts_from_what_its_ticket_keeps_of_theta0(calls):
    place, found = calls
    body = theta0(place)
    for address, call in found.items():
        level = LEVELS.index(address.level)
        if level == 0:
            assert call["structure"] is None
            assert equal(call["body"], body)
            continue
        own = place.mask(mask(address.method, address.task, address.level, address.replicate, "base",
                              address.variant))  # fmt: skip
        assert call["structure"] == own
        assert (own.removed_heads, own.removed_ffns) == COUNTS[level]
        assert equal(call["body"], reduced(body, own))


def paired(one, other):
    return (
        equal(one["heads"], other["heads"]),
        one["seed"] == other["seed"],
        one["batches"] == other["batches"],
    )


def test_levels_families_and_rates_of_a_replicate_share_head_and_order(calls):
    _, found = calls
    first = found[ticket("winning", "rte", "00", 1, "base")]
    same = [
        call
        for address, call in found.items()
        if address.task == "rte" and address.replicate == 1 and address.method != "rerun"
    ]
    assert len(same) == 9 + 8 + 8 + 9
    for call in same:
        assert paired(first, call) == (True, True, True)
    assert first["heads"]["classifier.weight"].std() > 0


def test_replicates_and_reruns_have_heads_and_orders_of_their_own(calls):
    _, found = calls
    draws = [call for address, call in found.items() if address.method == "rerun"]
    different = [found[ticket("winning", "rte", "00", r, "base")] for r in (1, 2)] + draws
    assert len(draws) == 8
    assert len({call["seed"] for call in different}) == 10
    assert len({tuple(map(tuple, call["batches"])) for call in different}) == 10
    assert len({call["heads"]["classifier.weight"].numpy().tobytes() for call in different}) == 10
    assert all(equal(call["body"], different[0]["body"]) for call in different)
    second = [found[ticket("winning", "rte", level, 2, "base")] for level in LEVELS]
    assert all(paired(second[0], call) == (True, True, True) for call in second)


def test_a_second_rate_finds_the_ticket_and_the_first_trains_it(calls):
    place, found = calls
    for address, call in found.items():
        if address.task != "rte":
            continue
        factor = 4.0 if address.variant == "lr2" else 1.0
        assert call["recipe"].learning_rate == pytest.approx(factor * RECIPE["learning_rate"])
    scores = Importance.load(place.root / importance_file("rte", 1, "base", "lr2"))["token"]
    for level in (1, 5, 8):
        assert place.mask(mask("mismatched", "rte", LEVELS[level], 1, "base")) == winning(
            scores, *COUNTS[level]
        )


def test_a_subset_trains_on_its_rows_alone(calls):
    place, found = calls
    of_subset = {a: call for a, call in found.items() if a.variant == "data50"}
    context = place.context(place.trial("mnli"))
    train = context.data("mnli").splits["train"]
    rows = subset_rows(len(train), 50, "mnli")
    assert [a.level for a in of_subset] == list(LEVELS)
    for call in of_subset.values():
        assert torch.equal(call["objective"].train.split.ids, train.ids[rows])
        assert call["batches"] == next(iter(of_subset.values()))["batches"]


def test_a_run_ends_with_the_weights_of_its_best_point(finished, lab):
    """Judged once more, as a full model under gates; whichever point was best."""
    levels = {
        m["extra"]["epoch_full"]: level for level, m in zip(LEVELS, finished.levels("mnli"), strict=True)
    }
    assert set(levels) == {1, 2, 3}
    resident = Resident(lab.context.data("mnli").splits["dev"], lab.shape("base"))
    for epoch, level in levels.items():
        address = ticket("winning", "mnli", level, 1, "base")
        own = finished.mask(address.mask) if level != "00" else lab.full("base")
        tuned = lab.finetune(fine(lab, address, own), level)
        lab.forget()
        model = Model(lab.shape("base"), (Head("classification", 3),))
        model.load_body(tuned.body)
        model.load_heads(tuned.heads)
        published = finished.outputs(address)
        values = predict(model, model.heads[0], resident, gates(own))
        assert torch.allclose(values, published[f"dev.{epoch}"], atol=1e-5)
        for other in {1, 2, 3} - {epoch}:
            assert not torch.allclose(values, published[f"dev.{other}"], atol=1e-3)


def test_tickets_follow_from_the_importance_of_the_best_full_model(finished, lab):
    """Swept again, from weights that were trained again."""
    full = ticket("winning", "mnli", "00", 1, "base")
    saved = Importance.load(finished.root / importance_file("mnli", 1, "base"))
    tuned = lab.finetune(fine(lab, full, lab.full("base")), "again")
    model = Model(lab.shape("base"), (Head("classification", 3),))
    model.load_body(tuned.body)
    model.load_heads(tuned.heads)
    again = importance(model, model.heads[0], lab.resident("mnli", "base"), RECIPE["batch_size"])
    for variant in ("token", "example", "batch", "triangular"):
        assert torch.equal(again[variant].heads, saved[variant].heads)
        assert torch.equal(again[variant].ffns, saved[variant].ffns)
    for k in range(1, 9):
        assert finished.mask(mask("winning", "mnli", LEVELS[k], 1, "base")) == winning(
            saved["token"], *COUNTS[k]
        )


@pytest.mark.parametrize("rule", VARIANTS)
def test_the_preset_says_which_importance_ranks_and_whether_a_head_is_protected(fresh, rule):
    """Scores by which a layer loses all its heads unless one is protected; 7 FFN levels of 10 are 2, of 12 are 1."""
    heads = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0.9, 0.1, 0.1]])
    found = Importance(
        {
            name: Scores(heads.roll((k, k // 3), (0, 1)), torch.tensor([1.0, 2.0, 3.0]).roll(k))
            for k, name in enumerate(VARIANTS)
        }
    )
    tickets = []
    for protect, counts, ffns in ((True, "floor", 2), (False, "release", 1)):
        place = fresh(tickets={"importance": rule, "protect": protect, "ffn_counts": counts})
        lab = TicketLab(place.context(place.trial("rte")))
        path = importance_file("rte", 1, "base")
        found.save(place.root / path, {})
        for method, choose_ticket in (("winning", winning), ("losing", losing)):
            own = ticket_of(lab, ticket(method, "rte", "70", 1, "base"), _scores(lab, path))
            assert own == choose_ticket(found[rule], 8, ffns, protect=protect)
            assert bool(own.heads.any(1).all()) == protect
            tickets.append(own)
    assert all(one != other for one, other in combinations(tickets, 2))


def test_random_tickets_are_drawn_anew_for_every_level_seed_task_model_and_subset(finished):
    lab = TicketLab(finished.context(finished.trial("mnli")))
    scores = Importance.load(finished.root / importance_file("mnli", 1, "base"))["token"]
    base = ticket("random", "mnli", "50", 1, "base")
    others = [replace(base, **c) for c in ({"replicate": 2}, {"task": "rte"}, {"model": "large"},
                                           {"variant": "data50"})]  # fmt: skip
    found = [ticket_of(lab, address, scores) for address in (base, *others)]
    assert {(t.removed_heads, t.removed_ffns) for t in found} == {COUNTS[5]}
    assert len({t.heads.numpy().tobytes() for t in found}) == 5
    assert ticket_of(lab, base, scores) == found[0]
    levels = [ticket_of(lab, base.at(level), scores) for level in LEVELS[1:]]
    assert [(t.removed_heads, t.removed_ffns) for t in levels] == list(COUNTS.values())
    assert any(bool((~low.heads & high.heads).any()) for low, high in pairwise(levels)), "not nested"


@pytest.mark.parametrize(("layers", "heads"), [(4, 4), (4, 2), (3, 4)])
def test_drawing_with_replacement_repeats_the_release(fresh, monkeypatch, layers, heads):
    """Fewer heads than asked; more layers than heads leave the last layers alone (B2). 3 x 4 has no such decoding."""
    place = fresh(tickets={"random_sampling": "with"})
    lab = TicketLab(place.context(place.trial("rte")))
    scores = Scores(torch.rand(layers, heads), torch.rand(layers))
    seen = torch.zeros(layers, heads, dtype=torch.bool)
    short = 0
    for replicate in range(60):
        found = ticket_of(lab, ticket("random", "rte", "80", replicate, "base"), scores)
        asked = min(8 * layers * heads // 10, layers * (heads - 1))
        assert found.removed_heads <= asked
        short += found.removed_heads < asked
        seen |= ~found.heads
    assert short > 40
    reached = layers * heads // layers if layers > heads else layers
    assert seen[:reached].all()
    assert not seen[reached:].any()


@pytest.mark.parametrize("task", TASKS)
def test_recorded_numbers_follow_from_the_stored_predictions_alone(finished, task):
    data = finished.context(finished.trial(task)).data(task)
    for level in LEVELS:
        address = ticket("winning", task, level, 1, "base")
        outputs, metrics = finished.outputs(address), finished.metrics(address)
        splits = {name.split(".")[0] for name in outputs}
        assert splits == ({"dev", "dev_mismatched"} if task == "mnli" else {"dev"})
        points = [
            judge_point(n, task, data, {split: outputs[f"{split}.{n}"] for split in sorted(splits)})
            for n in (1, 2, 3)
        ]
        extra = metrics["extra"]
        for selection in SELECTIONS:
            seen = [
                (-round(p.choice(task, selection).score, 9), p.choice(task, selection).loss) for p in points
            ]
            at = min(range(3), key=lambda i: (*seen[i], i))
            assert extra[f"epoch_{selection}"] == at + 1
            assert extra[f"select_{selection}"] == points[at].choice(task, selection).score
            assert extra[f"select_loss_{selection}"] == points[at].choice(task, selection).loss
        best = points[extra["epoch_full"] - 1]
        assert metrics["score"] == best.score(task, "full")
        assert extra["p10"] == points[extra["epoch_p10"] - 1].score(task, "full")
        assert extra["rest"] == points[extra["epoch_p10"] - 1].score(task, "rest")
        assert extra["half"] == points[extra["epoch_half"] - 1].score(task, "other_half")
        flat = {name: value for scores in metrics["scores"].values() for name, value in scores.items()}
        assert flat.pop("loss") == best.losses["full"]
        assert flat == best.metrics["full"]
        assert set(METRICS[task]) <= set(flat)


def test_runs_differ_in_the_epoch_that_they_keep(finished):
    """Otherwise the tests of what is kept would prove nothing."""
    epochs = [[m["extra"][f"epoch_{s}"] for s in SELECTIONS] for t in TASKS for m in finished.levels(t)]
    assert {epoch for one in epochs for epoch in one} == {1, 2, 3}
    assert any(len(set(one)) > 1 for one in epochs)


def test_a_run_records_its_size_rate_and_steps(finished):
    shape = load_folder(finished.root / "models" / "tiny-bert").config
    for k, metrics in enumerate(finished.levels("sts-b")):
        heads, ffns = COUNTS[k] if k else (0, 0)
        extra = metrics["extra"]
        assert (extra["heads_removed"], extra["ffns_removed"]) == (heads, ffns)
        assert extra["remaining"] == remaining(shape, heads, ffns) == 1 - metrics["removed"]
        assert (extra["learning_rate"], metrics["steps"], metrics["n_dev"]) == (
            RECIPE["learning_rate"],
            6,
            41,
        )
        assert (metrics["resolved"], metrics["metric"]) == (LEVELS[k], "pearson + spearman")
        certificate = json.loads(
            (finished.root / ticket("winning", "sts-b", LEVELS[k], 1, "base").folder / "run.json").read_text()
        )
        assert certificate["identity"]["fingerprint"] == metrics["fingerprint"]
        if k:
            own = finished.mask(mask("winning", "sts-b", LEVELS[k], 1, "base")).mask().digest()
            assert certificate["inputs"]["mask_sha256"] == own


def test_mnli_leaves_the_weights_of_full_model_and_super_ticket(finished, lab):
    """Trained once more; what a ticket removes has theta_0's values, so that it can be loaded whole."""
    level = super_level(finished.levels("mnli"), "full")
    assert 0 < level < 8, "a later level must not overwrite the best"
    for kind, at in (("full", 0), ("super", level)):
        address = ticket("winning", "mnli", LEVELS[at], 1, "base")
        own = finished.mask(address.mask) if at else lab.full("base")
        tuned = lab.finetune(fine(lab, address, own), kind)
        lab.forget()
        saved = load_body(finished.root / weights_file(f"mnli-{kind}", 1, "base"))
        assert equal(saved, tuned.body)
        for layer in range(LAYERS):
            rows = ~own.heads[layer].repeat_interleave(HEAD_SIZE)
            name = f"encoder.layer.{layer}.attention.self.query.weight"
            assert torch.equal(saved[name][rows], theta0(finished)[name][rows])
            assert not torch.equal(saved[name][~rows], theta0(finished)[name][~rows])
            down = f"encoder.layer.{layer}.output.dense.weight"
            assert torch.equal(saved[down], theta0(finished)[down]) == (not own.ffns[layer])


def test_the_selection_of_the_preset_decides_whose_weights_are_kept(fresh):
    selection = "half"
    place = fresh(selection=selection)
    place.run(place.trial("mnli"))
    metrics = place.levels("mnli")
    level = super_level(metrics, selection)
    at = metrics[level]["extra"][f"epoch_{selection}"]
    address = ticket("winning", "mnli", LEVELS[level], 1, "base")
    lab = TicketLab(place.context(place.trial("mnli")))
    own = place.mask(address.mask) if level else lab.full("base")
    tuned = lab.finetune(fine(lab, address, own), "again")
    assert tuned.course.chosen[selection] + 1 == at
    assert equal(load_body(place.root / weights_file("mnli-super", 1, "base")), tuned.body)
    assert super_level(metrics, "full") != level or tuned.course.chosen["full"] + 1 != at


def test_phases_of_a_job_do_not_overlap(finished, monkeypatch):
    """Evaluation happens during training, and is not counted as both."""
    context = finished.context(finished.trial("mnli"))
    clock = iter([0.0, 1.0, 4.0, 6.0])
    monkeypatch.setattr("tickets.jobs.context.time.monotonic", lambda: next(clock))
    with context.timed("training"), context.timed("evaluation"):
        pass
    assert (context.seconds["training"], context.seconds["evaluation"]) == pytest.approx((3.0, 3.0))
