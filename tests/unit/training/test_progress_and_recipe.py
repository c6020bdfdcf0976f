"""What a person sees of a run, and how long a recipe says it is."""

import io

import pytest
from pydantic import ValidationError

from tickets.training.progress import Progress, clock
from tickets.training.recipe import Recipe
from tiny_engine import tiny_recipe


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_whole_lines_and_not_one_a_step():
    stream = io.StringIO()
    progress = Progress("imp-rte", 100, stream, every=3600)
    progress.start("rte imp 30 %, seed 1")
    for _ in range(40):
        progress.step()
    progress.skip(60, "finished earlier")
    progress.finish()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "imp-rte: rte imp 30 %, seed 1 (0/100 steps done)"
    assert lines[1] == "imp-rte: finished earlier: 60 steps skipped"
    assert lines[2].startswith("imp-rte: done, 40 steps trained in ")
    assert len(lines) == 3


def test_a_line_says_what_how_far_how_fast_and_how_long():
    progress = Progress("imp-rte", 100, io.StringIO())
    progress.run = "round 3"
    progress.skip(50, "resumed from checkpoint")
    for _ in range(10):
        progress.step()
    line = progress.line(progress.begun + 2.0, loss=0.25)
    assert line == "imp-rte: round 3  60/100 steps (60 %)  5.0 steps/s  8.0 s left  loss 0.2500"
    assert Progress("a", 0, io.StringIO()).line(0.0) == "a:   0/0 steps (0 %)  0.0 steps/s  ? left"


def test_lines_are_at_most_one_every_so_often():
    stream = io.StringIO()
    progress = Progress("imp-rte", 100, stream, every=0.0)
    for _ in range(3):
        progress.step()
    assert len(stream.getvalue().splitlines()) == 3


def test_a_terminal_gets_one_line_that_is_rewritten():
    stream = Terminal()
    progress = Progress("imp-rte", 10, stream)
    progress._last = float("-inf")
    progress.step()
    progress.finish()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().startswith("\r\x1b[Kimp-rte: ")
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "0:01:00"),
        (61, "0:01:01"),
        (3725, "1:02:05"),
        (float("inf"), "?"),
    ],
)
def test_clock(seconds, shown):
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("n_train", "batch", "epochs", "steps"),
    [
        # spec lth section 3.1: iterations an epoch keep the last partial batch
        (392_702, 32, 3, 36_816),
        (363_846, 32, 3, 34_113),
        (5_749, 32, 3, 540),
        (635, 32, 3, 60),
        (104_743, 32, 3, 9_822),
        (3_668, 32, 3, 345),
        (2_490, 32, 3, 234),
        (67_349, 32, 3, 6_315),
        (8_551, 32, 3, 804),
        (88_641, 16, 2, 11_082),
        (10, 32, 0.1, 1),
    ],
)
def test_o19_steps_of_the_papers_tasks(n_train, batch, epochs, steps):
    recipe = Recipe(epochs=epochs, batch_size=batch)
    assert recipe.total_steps(n_train) == steps


def test_defaults_are_the_papers():
    recipe = Recipe(steps=10_000)
    assert recipe.total_steps(7) == 10_000
    facts = recipe.model_dump()
    expected = {
        "batch_size": 32,
        "learning_rate": 2e-5,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.0,
    }
    assert {name: facts[name] for name in expected} == expected
    assert (facts["warmup"], facts["clip"], facts["mlm_probability"]) == (0.0, 1.0, 0.15)


@pytest.mark.parametrize("wrong", [{}, {"steps": 3, "epochs": 1.0}])
def test_a_length_is_given_once(wrong):
    with pytest.raises(ValidationError, match="give exactly one of 'steps' and 'epochs'"):
        Recipe(**wrong)
    assert tiny_recipe().steps == 6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"schedule": "jump"}, "schedule 'jump' rises over the warm-up: give 'warmup'"),
        ({"schedule": "triangular"}, "schedule 'triangular' rises over the warm-up"),
        ({"optimizer": "adam"}, "'adamw', 'adamw-reference', 'adamax' or 'bertadam'"),
        ({"eps": 0.0}, "greater than 0"),
        ({"weight_decay": -0.1}, "greater than or equal to 0"),
        ({"betas": (0.9, 1.0)}, "less than 1"),
        ({"clip": 0.0}, "greater than 0"),
    ],
)
def test_what_cannot_be_trained_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        tiny_recipe(**wrong)


def test_fields_younger_than_the_first_results_do_not_change_their_fingerprints():
    """A dump names `decay`, `schedule` and `order` only where they are not what they used to be."""
    old = {
        "steps", "epochs", "batch_size", "learning_rate", "optimizer", "betas", "eps", "weight_decay", "warmup", "clip",
        "mlm_probability", "max_length",
    }  # fmt: skip
    assert set(tiny_recipe().model_dump()) == set(tiny_recipe().model_dump(mode="json")) == old
    assert set(tiny_recipe(decay="all", schedule="linear", order="reshuffled").model_dump()) == old
    new = tiny_recipe(decay="weights", schedule="jump", warmup=0.1, order="blocks")
    later = {"decay": "weights", "schedule": "jump", "order": "blocks"}
    assert new.model_dump(mode="json") == {**tiny_recipe(warmup=0.1).model_dump(mode="json"), **later}
    assert Recipe(**new.model_dump()) == new
    assert Recipe(**tiny_recipe().model_dump()) == tiny_recipe()


def test_steps_of_several_tasks_follow_from_their_common_epoch():
    assert Recipe(epochs=5).steps_of(29_806) == 149_030
    assert Recipe(steps=7).steps_of(29_806) == 7
    assert Recipe(epochs=1).steps_per_epoch(33) == 2
