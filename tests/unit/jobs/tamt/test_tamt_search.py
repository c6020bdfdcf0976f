"""Mask training as a job: which masks it keeps, of what training, and that a run is a prefix of a longer one."""

from contextlib import chdir
from dataclasses import asdict

import pytest
import torch

from mask_world import DOCUMENTS, LAST, TEXT, WORDS_TRAINING
from tickets.models.hf import load_folder
from tickets.papers.tamt import mask_search
from tickets.papers.tamt.addresses import mask, training_file
from tickets.papers.tamt.methods import Method
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS
from tickets.training.distillation import DistillationObjective
from tickets.training.objective import TaskObjective

SEARCHES = ("tamt-mlm", "tamt-kd", "tamt-mlm-kd", "tamt-mlm-random", "tamt-kd-random", "tamt-mlm.always",
            "tamt-kd.always", "tamt-kd.calm", "tamt-kd.adamw", "tamt-kd.unpadded")  # fmt: skip
KEPT = [("tamt-mlm", "70"), ("tamt-mlm.step2", "70"), ("tamt-mlm.step8", "70"), ("tamt-mlm", "50"),
        ("tamt-kd", "70"), ("tamt-kd.step4", "70"), ("tamt-mlm-kd", "50"), ("tamt-mlm-random.step8", "70"),
        ("tamt-kd.adamw", "70")]  # fmt: skip


class Searches:
    """Notes what every training is, and trains it."""

    def __init__(self, patch):
        self.calls = []
        train = mask_search.train

        def watched(model, objective, recipe, schedule, steps, **options):
            way = options["through"]
            call = {
                "start": model.body(), "heads": model.head_values(), "model": model, "objective": objective.objective,
                "recipe": recipe, "schedule": schedule, "steps": steps, "seed": options["seed"], "policy": way.policy,
                "first": way.start, "batches": [objective.objective.order(step).tolist() for step in range(steps)],
            }  # fmt: skip
            trained = train(model, objective, recipe, schedule, steps, **options)
            way.close()
            self.calls.append(call | {"end": model.body(), "end_heads": model.head_values(), "way": way})
            return trained

        patch.setattr(mask_search, "train", watched)


def counts(place, *parts):
    """Zeros by matrix, and how many there are to be."""
    level = int(parts[1])
    return {
        name: (int((~kept).sum()), kept.numel() * level // 100) for name, kept in place.mask(*parts).items()
    }


@pytest.mark.parametrize(("method", "level"), KEPT)
def test_masks_are_as_sparse_as_their_address_says(finished, method, level):
    """Scores that tie with the threshold are pruned too (strict): rows of words that no text holds."""
    for name, (zeros, wanted) in counts(finished, method, level, 1).items():
        assert zeros >= wanted, name
        assert zeros <= 1.03 * wanted, name


def test_exact_masks_have_exact_counts(fresh):
    place = fresh(scores={"ties": "exact"}, grid={"step_levels": []})
    place.make("baseline_masks", method="omp")
    place.make("mask_training", method="tamt-kd", level="70", mask="1")
    assert all(zeros == wanted for zeros, wanted in counts(place, "tamt-kd", "70", 1).values())


@pytest.mark.parametrize(
    ("method", "start"), [("tamt-mlm", "omp"), ("tamt-kd", "omp"), ("tamt-mlm-random.step8", "random")]
)
def test_the_pooler_keeps_the_mask_it_started_with(finished, method, start):
    """Section 1.3: no loss of pre-training reaches it."""
    for seed in (1, 2):
        before = finished.mask(start, "70", 1 if start == "omp" else seed)
        after = finished.mask(method, "70", seed)
        assert torch.equal(after[POOLER], before[POOLER])
        moved = [name for name in after if not torch.equal(after[name], before[name])]
        assert set(moved) == set(after) - {POOLER}, "all others are trained, words too"


def test_roberta_has_masks_without_a_pooler(finished):
    for method in ("tamt-mlm", "tamt-kd", "tamt-mlm-kd", "imp", "imp-rewind", "omp", "random"):
        found = finished.mask(method, "50", 1, "roberta")
        assert POOLER not in found
        assert WORDS in found
        assert finished.mask(method, "50", 1).digest() != found.digest()


def test_checkpoints_seeds_starts_and_ablations_are_all_different_masks(finished):
    addresses = [m for job in finished.jobs("mask_training") for c in job.plans() for m in c.masks]
    digests = {finished.mask(m.method, m.level, m.replicate, m.model).digest() for m in addresses}
    assert len(digests) == len(addresses) == len(set(addresses))


def test_masks_leave_their_start_step_by_step(finished):
    start = finished.mask("omp", "70", 1)
    for objective in ("mlm", "kd"):
        tokens = [f"tamt-{objective}{step}" for step in (".step2", ".step4", "", ".step8")]
        shared = [(start & finished.mask(token, "70", 1)).kept for token in tokens]
        assert shared == sorted(shared, reverse=True)
        assert shared[-1] < 0.99 * start.kept


@pytest.mark.parametrize("method", ["tamt-mlm", "tamt-kd", "tamt-kd-random"])
def test_o20_other_checkpoints_and_a_longer_run_save_the_same_mask(finished, fresh, method):
    """A run to twice as many steps, with another list of checkpoints and another main step."""
    place = fresh(steps=[4, LAST, 2 * LAST], main_steps={"50": 2, "70": LAST})
    for base in ("omp", "random"):
        place.make("baseline_masks", method=base)
    place.make("mask_training", method=method, level="70", mask="2")
    (cell,) = place.job("mask_training", method=method, level="70", mask="2").plans()
    assert [m.method for m in cell.masks] == [f"{method}.step4", method, f"{method}.step16"]
    for here, there in ((f"{method}.step4", f"{method}.step4"), (method, f"{method}.step8")):
        assert place.mask(here, "70", 2).digest() == finished.mask(there, "70", 2).digest()
    assert place.mask(f"{method}.step16", "70", 2).digest() != place.mask(method, "70", 2).digest()


def test_a_job_of_many_trainings_makes_what_single_jobs_make(finished, fresh):
    """Nothing of one training is left for the next: weights, heads, lookups, thresholds."""
    place = fresh(pack={"mask_training": ["method", "level", "mask"]})
    for base in ("omp", "random"):
        place.make("baseline_masks", method=base)
    job = place.make("mask_training")
    assert len(job.plans()) > 20
    for address in (m for cell in job.plans() for m in cell.masks):
        parts = (address.method, address.level, address.replicate)
        assert place.mask(*parts).digest() == finished.mask(*parts).digest(), parts
        assert place.losses(*parts) == pytest.approx(finished.losses(*parts)), parts


@pytest.fixture(scope="module")
def seen(made):
    """Every way to train, at 70 % and mask seed 1, as it happens."""
    found = {}
    for method in SEARCHES:
        with chdir(made.folder), pytest.MonkeyPatch.context() as patch:
            spy = Searches(patch)
            made.make("mask_training", method=method, level="70", mask="1")
        (found[method],) = spy.calls
    return found


@pytest.mark.parametrize("method", SEARCHES)
def test_o18_theta_0_stays_and_the_first_mask_is_that_of_the_address(finished, seen, method):
    call, start = seen[method], load_folder(finished.root / "models" / "tiny-bert")
    for moment in ("start", "end"):
        assert all(torch.equal(call[moment][name], start.body[name]) for name in start.body)
    origin = ("random", "70", 1) if "random" in method else ("omp", "70", 1)
    assert call["first"] == finished.mask(*origin)
    assert call["steps"] == (6 if "." in method or method == "tamt-mlm-kd" else LAST)
    if "kd" in method and "mlm" not in method:
        assert call["heads"] == {}
    else:
        names = set(start.heads) & set(call["heads"])
        assert names == set(call["heads"])
        assert all(torch.equal(call["heads"][name], start.heads[name]) for name in names), (
            "O18: its own MLM head"
        )


def test_recipes_and_thresholds_are_those_of_the_objective_or_the_ablation(seen):
    words = asdict(seen["tamt-mlm"]["policy"])
    assert (words["every"], words["shift"], words["at_first"], words["at_epoch_end"]) == (3, 0, False, False)
    documents = asdict(seen["tamt-kd"]["policy"])
    cadence = (documents["every"], documents["shift"], documents["at_first"], documents["at_epoch_end"])
    assert cadence == (2, 1, True, True)
    assert asdict(seen["tamt-mlm-kd"]["policy"]) == asdict(seen["tamt-mlm-random"]["policy"]) == words
    assert {name: asdict(seen[name]["policy"])["every"] for name in SEARCHES if "always" in name} == {
        "tamt-mlm.always": 1, "tamt-kd.always": 1
    }  # fmt: skip
    assert (words["phi"], words["alpha"]) == (0.01, 2.0)
    for method, call in seen.items():
        recipe = call["recipe"]
        own = DOCUMENTS if "kd" in method and method not in ("tamt-kd.adamw", "tamt-mlm-kd") else TEXT
        assert recipe.learning_rate == own["learning_rate"], method
        assert recipe.optimizer == own.get("optimizer", "adamw"), method
        assert call["schedule"](0) == recipe.learning_rate
        assert call["schedule"](3) == pytest.approx(recipe.learning_rate * (1 - 3 / TEXT["steps"])), "O15"


def test_objectives_and_teachers(seen):
    for method, call in seen.items():
        objective = call["objective"]
        if method.startswith("tamt-mlm") and method != "tamt-mlm-kd":
            assert isinstance(objective, TaskObjective)
            continue
        assert isinstance(objective, DistillationObjective)
        both = method == "tamt-mlm-kd"
        assert (objective.words is not None) == both
        assert objective.teacher_dropout == (not both and method != "tamt-kd.calm"), "A8"
        assert (objective.width is None) == (method == "tamt-kd.unpadded"), "A7"
        assert all(torch.equal(objective.teacher.body()[n], value) for n, value in call["start"].items())
    # A23: both objectives on blocks of text at once, in their batches; the documents leave the last batch out.
    assert len({len(b) for b in seen["tamt-kd"]["batches"]}) == 1
    assert seen["tamt-mlm-kd"]["objective"].steps_per_epoch == seen["tamt-mlm"]["objective"].steps_per_epoch
    documents = seen["tamt-kd.adamw"]["objective"]
    assert documents.steps_per_epoch == seen["tamt-kd"]["objective"].steps_per_epoch
    assert documents.steps_per_epoch == len(documents.train) // 8


def test_mask_seeds_draw_other_batches_from_one_start(made, monkeypatch):
    monkeypatch.chdir(made.folder)
    spy = Searches(monkeypatch)
    for seed in ("1", "2"):
        made.make("mask_training", method="tamt-mlm", level="50", mask=seed)
    one, other = spy.calls
    assert one["first"] == other["first"], "section 1.5: OMP starts are the same for all mask seeds"
    assert one["batches"] != other["batches"]
    assert one["seed"] != other["seed"]


@pytest.mark.parametrize(
    ("method", "last"), [("tamt-mlm", 8), ("tamt-kd", 8), ("tamt-mlm-kd", 6), ("tamt-kd.calm", 6)]
)
def test_the_log_of_a_training(finished, method, last):
    log = finished.log(training_file(Method.parse(method), "70", 1, "base"))
    rows = {row["step"]: row for row in log["rows"]}
    assert list(rows) == sorted({1, last, *range(2, last, 2)})
    for row in rows.values():
        assert set(row) == {"step", "loss", "removed", "grad_ratio"}
        assert 0 < row["loss"] < 10
        assert row["grad_ratio"] > 0
        assert 0.3 < row["removed"] < 0.72, "it drifts between updates (section 1.8)"
    assert log["seconds_per_step"] > 0


def test_the_log_tells_losses_and_gradients_as_they_were(fresh, monkeypatch):
    place = fresh(log_every=4, grid={"step_levels": []}, main_steps={"50": 4, "70": 6})
    place.make("baseline_masks", method="omp")
    losses, ratios = [], []
    plain = TaskObjective.loss
    collect = mask_search.Scores.collect

    def loss(self, model, step):
        found = plain(self, model, step)
        losses.append(float(found.detach()))
        return found

    def watched(self, step):
        collect(self, step)
        into = self.store.grad[: self._scores_total].double()
        ratios.append(float((into.square().mean()).sqrt()) / 1e-8)

    monkeypatch.setattr(TaskObjective, "loss", loss)
    monkeypatch.setattr(mask_search.Scores, "collect", watched)
    place.make("mask_training", method="tamt-mlm", level="70", mask="1")
    rows = place.log(training_file(Method("tamt-mlm"), "70", 1, "base"))["rows"]
    assert [row["step"] for row in rows] == [1, 4, 6]
    means = [losses[0], sum(losses[1:4]) / 3, sum(losses[4:6]) / 2]
    assert [row["loss"] for row in rows] == pytest.approx(means, rel=1e-6)
    assert [row["grad_ratio"] for row in rows] == pytest.approx([ratios[0], ratios[3], ratios[5]], rel=1e-4)
    assert len(losses) == 6


def test_thresholds_that_always_move_keep_the_sparsity(finished):
    """A5: between updates it drifts."""

    def drift(token):
        rows = finished.log(training_file(Method.parse(token), "70", 1, "base"))["rows"]
        return max(abs(row["removed"] - 0.7) for row in rows)

    assert drift("tamt-mlm.always") < 0.02
    assert drift("tamt-mlm.always") <= drift("tamt-mlm")


def test_a_training_needs_steps_that_its_config_gives(fresh):
    place = fresh(mask_training={"mlm": WORDS_TRAINING | {"recipe": TEXT | {"steps": None, "epochs": 1}}})
    place.make("baseline_masks", method="omp")
    with pytest.MonkeyPatch.context() as patch:
        spy = Searches(patch)
        place.make("mask_training", method="tamt-mlm", level="50", mask="1")
    (call,) = spy.calls
    epoch = call["objective"].steps_per_epoch
    assert call["schedule"](2) == pytest.approx(TEXT["learning_rate"] * (1 - 2 / epoch)), (
        "T is an epoch's steps"
    )


def test_masks_say_where_they_come_from(finished):
    facts = Mask.provenance(finished.root / mask("tamt-kd.step2", "70", 2).file)
    assert facts["spec"]["method"]["step"] == 2
    assert facts["spec"]["mask"]["replicate"] == 2
