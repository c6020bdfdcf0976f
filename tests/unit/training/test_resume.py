"""A killed run continues from its last checkpoint to the same final bits."""

import os
import random
import signal
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from tickets.errors import TicketsError
from tickets.models.heads import Head
from tickets.models.removal import gates
from tickets.pruning.mask import Mask
from tickets.pruning.structured import StructuredMask
from tickets.training import checkpoint as inflight
from tickets.training.checkpoint import Checkpoint, discard
from tickets.training.freeze import structure_keep
from tickets.training.interrupt import Interrupted, stop_on_signals
from tickets.training.loop import Watch, train
from tickets.training.multitask import UnionObjective
from tickets.training.objective import TaskObjective
from tickets.training.schedule import LinearDecay, WarmupDecay
from tiny_engine import randomise, tiny_model, tiny_recipe, tiny_task

STEPS = 12


class Run:
    """One masked training run with dropout; each call is a fresh attempt in what could be a fresh process."""

    def __init__(self, kind="classification", optimizer="adamw"):
        self.recipe = tiny_recipe(optimizer=optimizer, weight_decay=0.01)
        self.data = tiny_task(kind)
        self.head = Head(kind, 2) if kind == "classification" else Head(kind)

    def __call__(self, watch=None, after_step=None, steps=STEPS):
        model = tiny_model(self.head, hidden_dropout=0.1, attention_dropout=0.1)
        generator = torch.Generator().manual_seed(3)
        mask = Mask({n: torch.rand(s, generator=generator) < 0.5 for n, s in model.prunable.items()})
        objective = TaskObjective(self.data, self.head, self.recipe, model, seed=4)
        schedule = LinearDecay(1e-3, steps)
        trained = train(
            model,
            objective,
            self.recipe,
            schedule,
            steps,
            seed=4,
            mask=mask,
            watch=watch,
            after_step=after_step,
        )
        tensors = {
            "flat": model.parameters.flat.data,
            **trained.moments,
            "loss": torch.tensor(trained.final_loss),
        }
        return {name: value.clone() for name, value in tensors.items()}, trained


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def in_child(work):
    """Run `work` in a process of its own; returns its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return pid


def outcome(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [("classification", "adamw"), ("mlm", "adamw-reference"), ("classification", "adamax")],
)
def test_kill_9_at_given_steps(tmp_path, kind, optimizer):
    run, out = Run(kind, optimizer), tmp_path / "out.safetensors"
    expected, _ = run()

    def attempt(kill_at):
        def work():
            watch = Watch(Checkpoint(tmp_path, "me"), checkpoint_steps=2)
            result, trained = run(watch, lambda step: die() if step == kill_at else None)
            assert trained.resumed == 2  # the second attempt died before it had saved anything
            save_file(result, out)

        return outcome(in_child(work))

    assert [attempt(kill_at) for kill_at in (5, 6, 11)] == [-signal.SIGKILL] * 3
    assert not out.exists()
    assert attempt(None) == 0
    assert same(load_file(out), expected)


def test_kill_9_at_random_moments(tmp_path):
    run, out, dice = Run(), tmp_path / "out.safetensors", random.Random(0)
    begun = time.monotonic()
    expected, _ = run(steps=40)
    duration = time.monotonic() - begun

    def work():
        save_file(run(Watch(Checkpoint(tmp_path, "me"), checkpoint_steps=1), steps=40)[0], out)

    for _ in range(12):
        pid = in_child(work)
        time.sleep(dice.random() * duration)
        os.kill(pid, signal.SIGKILL)
        outcome(pid)
        out.unlink(missing_ok=True)
    assert outcome(in_child(work)) == 0
    assert same(load_file(out), expected)


def test_kill_9_in_the_middle_of_a_save(tmp_path, monkeypatch):
    run, out = Run(), tmp_path / "out.safetensors"
    expected, _ = run()

    def work():
        result, _ = run(Watch(Checkpoint(tmp_path, "me"), checkpoint_steps=3))
        save_file(result, out)

    def half_a_save(tensors, path, metadata):
        save_file(tensors, path, metadata=metadata)
        if '"step": 6' in metadata["facts"]:
            path.write_bytes(path.read_bytes()[:1000])
            die()

    with monkeypatch.context() as patch:
        patch.setattr(inflight, "save_file", half_a_save)
        assert outcome(in_child(work)) == -signal.SIGKILL
    tensors, facts = Checkpoint(tmp_path, "me").load()
    assert facts["step"] == 3
    assert int(tensors["steps"]) == 3
    assert outcome(in_child(work)) == 0
    assert same(load_file(out), expected)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops_and_the_same_call_continues(tmp_path, number):
    run, checkpoint = Run(), Checkpoint(tmp_path, "me")
    expected, _ = run()
    before = signal.getsignal(number)
    with (
        stop_on_signals() as stop,
        pytest.raises(Interrupted, match=rf"signal {int(number)} after step 7 of 12"),
    ):
        run(Watch(checkpoint, stop=stop), lambda step: os.kill(os.getpid(), number) if step == 7 else None)
    assert signal.getsignal(number) is before
    saved = checkpoint.load()
    assert saved is not None
    assert saved[1]["step"] == 7
    result, trained = run(Watch(checkpoint))
    assert trained.resumed == 1
    assert trained.seconds > 0
    assert same(result, expected)


def test_a_signal_at_the_last_step_lets_the_run_finish(tmp_path):
    run = Run()
    with stop_on_signals() as stop:
        at_end = lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == STEPS else None  # noqa: E731
        result, _ = run(Watch(Checkpoint(tmp_path, "me"), stop=stop), at_end)
    assert same(result, run()[0])


def test_watching_changes_no_bit_and_each_step_resumes(tmp_path):
    run = Run()
    expected, _ = run()
    assert same(run(Watch(Checkpoint(tmp_path / "a", "me"), checkpoint_steps=1))[0], expected)
    for kill_at in (1, 4, 11):
        checkpoint = Checkpoint(tmp_path / str(kill_at), "me")

        def stop(step, kill_at=kill_at):
            if step == kill_at + 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(Watch(checkpoint, checkpoint_steps=1), stop)
        assert checkpoint.load()[1]["step"] == kill_at
        assert same(run(Watch(checkpoint))[0], expected)


def test_after_step_hears_of_steps_made_again_and_never_of_those_before_the_checkpoint(tmp_path):
    run, heard = Run(), []
    watch = Watch(Checkpoint(tmp_path, "me"), checkpoint_steps=4)

    def stop_after(last):
        def listen(step):
            heard.append(step)
            if step == last:
                raise KeyboardInterrupt

        return listen

    for last in (6, 10):
        with pytest.raises(KeyboardInterrupt):
            run(watch, stop_after(last))
    run(watch, heard.append)
    assert heard == [*range(1, 7), *range(5, 11), *range(9, 13)]


def test_what_after_step_wrote_of_a_step_is_there_when_its_checkpoint_is(tmp_path):
    """So an evaluation that is stored before `after_step` returns is never missing after a resume."""
    run, checkpoint, seen = Run(), Checkpoint(tmp_path, "me"), []

    def evaluate(step):
        saved = checkpoint.load()
        seen.append(0 if saved is None else saved[1]["step"])

    run(Watch(checkpoint, checkpoint_steps=1), evaluate)
    assert seen == list(range(STEPS))


def test_looking_at_the_model_after_a_step_changes_no_bit():
    run = Run()
    plain, _ = run()

    def look(step):
        torch.manual_seed(step)
        torch.rand(3)

    assert same(run(after_step=look)[0], plain)


@pytest.mark.parametrize("strict", [True, False])
def test_ticket_sharing_resumes_in_the_middle_of_an_epoch(tmp_path, strict):
    heads = {"one": Head("classification", 2, "one:"), "two": Head("classification", 2, "two:")}
    recipe = tiny_recipe(optimizer="adamax", eps=1e-6, weight_decay=0.01, decay="weights", order="blocks")
    tickets = {
        "one": StructuredMask(torch.tensor([[False, True], [True, True]]), torch.tensor([True, False])),
        "two": StructuredMask(torch.tensor([[True, True], [True, False]]), torch.tensor([True, True])),
    }

    def attempt(watch=None, after_step=None):
        model = tiny_model(*heads.values(), hidden_dropout=0.1)
        parts = {
            task: TaskObjective(tiny_task(seed=k), head, recipe, model, 4, gates=gates(tickets[task]))
            for k, (task, head) in enumerate(heads.items())
        }
        objective = UnionObjective(parts, 3)
        keeps = {task: structure_keep(model, ticket) for task, ticket in tickets.items()}
        keep_at = (lambda step: keeps[objective.task_of(step)]) if strict else None
        schedule = WarmupDecay(0.01, STEPS, 0.1)
        trained = train(
            model, objective, recipe, schedule, STEPS,
            seed=4, keep_at=keep_at, watch=watch, after_step=after_step,
        )  # fmt: skip
        return {"flat": model.parameters.flat.data, **trained.moments}

    def stop(step):
        if step == 9:
            raise KeyboardInterrupt

    watch = Watch(Checkpoint(tmp_path, "me"), checkpoint_steps=4)
    with pytest.raises(KeyboardInterrupt):
        attempt(watch, stop)
    assert watch.checkpoint.load()[1]["step"] == 8
    assert same(attempt(watch), attempt())


def test_time_makes_a_checkpoint_due(tmp_path):
    run = Run()
    run(Watch(Checkpoint(tmp_path / "never", "me"), checkpoint_seconds=3600))
    assert Checkpoint(tmp_path / "never", "me").load() is None
    run(Watch(Checkpoint(tmp_path / "always", "me"), checkpoint_seconds=0))
    assert Checkpoint(tmp_path / "always", "me").load()[1]["step"] == STEPS - 1


def test_damaged_and_foreign_checkpoints_are_errors_never_restarts(tmp_path):
    run, checkpoint = Run(), Checkpoint(tmp_path, "me")
    run(Watch(checkpoint, checkpoint_steps=4))
    with pytest.raises(TicketsError) as caught:
        run(Watch(Checkpoint(tmp_path, "somebody else")))
    path = tmp_path / "step.safetensors"
    assert str(caught.value) == (
        f"{path}: belongs to another run. Delete {tmp_path} to start the run afresh."
    )
    good = path.read_bytes()
    for bad in (good[: len(good) // 2], b"", b"\xff" * 200):
        path.unlink()
        path.write_bytes(bad)
        with pytest.raises(TicketsError) as caught:
            run(Watch(checkpoint))
        assert str(caught.value).startswith(f"{path}: checkpoint is damaged (")
        assert str(caught.value).endswith(f"Delete {tmp_path} to start the run afresh.")
        assert path.read_bytes() == bad
    save_file({"flat": torch.zeros(3)}, path)
    with pytest.raises(TicketsError, match="belongs to another run"):
        run(Watch(checkpoint))


def test_a_checkpoint_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TicketsError, match=r"cannot write the checkpoint \(.*Check the free space"):
        Checkpoint(tmp_path / "file", "me").save({"a": torch.zeros(1)}, {})


def test_a_checkpoint_is_a_copy_and_clears(tmp_path):
    checkpoint, value = Checkpoint(tmp_path / "deep" / "er", "me", "other"), torch.ones(3)
    assert checkpoint.load() is None
    checkpoint.save({"a": value}, {"step": 1})
    value.zero_()
    assert checkpoint.load()[0]["a"].tolist() == [1, 1, 1]
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == ["other.safetensors"]
    checkpoint.clear()
    checkpoint.clear()
    assert checkpoint.load() is None


def test_discarding_half_way_leaves_no_state_behind(tmp_path, monkeypatch):
    folder = tmp_path / "job"
    Checkpoint(folder / "chains", "me").save({"a": torch.zeros(1)}, {})

    def crash(path, ignore_errors):
        if path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(inflight.shutil, "rmtree", crash)
        with pytest.raises(KeyboardInterrupt):
            discard(folder)
    assert not folder.exists()
    Checkpoint(folder, "me").save({"a": torch.zeros(1)}, {})
    discard(folder)
    discard(folder)
    assert list(tmp_path.iterdir()) == []


def test_divergence_is_an_error_that_says_what_to_do():
    run = Run()
    run.recipe = tiny_recipe(learning_rate=1e30)
    model = tiny_model(run.head)
    randomise(model)
    objective = TaskObjective(run.data, run.head, run.recipe, model, seed=4)
    with pytest.raises(
        TicketsError, match=r"training diverged: loss is \w+ after 4 steps; lower the learning rate"
    ):
        train(model, objective, run.recipe, LinearDecay(1e30, 4), 4, seed=4)
