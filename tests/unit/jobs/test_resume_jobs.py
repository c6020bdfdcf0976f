"""A whole IMP chain job, killed and started again, publishes what an undisturbed one does."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from job_world import job_of
from tickets.config import parse_config
from tickets.errors import TicketsError
from tickets.jobs import runner
from tickets.jobs.runner import run_job
from tickets.papers.lth import lab as lab_module
from tickets.training.checkpoint import Checkpoint
from tickets.training.interrupt import Interrupted
from tiny_engine import results, tiny_preset

STOPPED = 75
AGAIN = """
import sys
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from tiny_engine import tiny_preset
from tickets.config import parse_config
from tickets.grid import find_stage
from tickets.jobs.runner import run_job
from tickets.papers.lth.stages import Stages
config = parse_config(tiny_preset())
run_job(config, find_stage(Stages(config).all(), {stage!r}).job({axes!r}), checkpoint_steps=1)
"""


def numbers(root):
    """What the metrics files say, without what may differ: how long it took."""
    found = {}
    for path in sorted(root.rglob("metrics.json")):
        facts = json.loads(path.read_text())
        found[path.relative_to(root).as_posix()] = {k: v for k, v in facts.items() if k != "seconds"}
    return found


def only(root, task):
    """Results of one task's chain."""
    weights = {name: content for name, content in results(root).items() if f"from-{task}" in name}
    return weights, {name: facts for name, facts in numbers(root).items() if f"from-{task}" in name}


def check_outputs(root):
    """Whatever is published is whole."""
    for path in (root / "lth").rglob("*.json") if root.exists() else ():
        json.loads(path.read_text())
    for path in (root / "lth").rglob("*.safetensors") if root.exists() else ():
        load_file(path)


def in_child(place, job, checkpoint_steps=1):
    pid = os.fork()
    if pid == 0:
        try:
            run_job(place.config, job, checkpoint_steps)
            os._exit(0)
        except Interrupted:
            os._exit(STOPPED)
        except BaseException:
            os._exit(1)
    return pid


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)


def outcome(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_kill_9_at_random_moments_of_a_chain(made, fresh):
    place, dice = fresh(), random.Random(1)
    job = place.job("imp", task="mlm")
    kills = 0
    for _ in range(5):
        pid = in_child(place, job)
        time.sleep(0.1 + dice.random())
        os.kill(pid, signal.SIGKILL)
        kills += outcome(pid) == -signal.SIGKILL
        check_outputs(place.root)
    assert kills >= 2
    assert outcome(in_child(place, job)) == 0
    assert only(place.root, "mlm") == only(made.root, "mlm")
    assert list(place.folder.rglob("*.part")) == []
    assert list((place.folder / ".tickets").rglob("*.safetensors")) == []


@pytest.mark.slow
def test_kill_9_of_a_fresh_process_then_sigterm(made, fresh):
    place = fresh()
    job, staged = place.job("imp", task="rte"), place.folder / ".tickets"
    script = AGAIN.format(tests=str(Path(__file__).parents[2]), stage="imp", axes={"task": "rte"})
    process = subprocess.Popen([sys.executable, "-c", script], cwd=place.folder, stderr=subprocess.DEVNULL)
    wait_until(lambda: any(staged.rglob("sparsity20/seed1/metrics.json")) or process.poll() is not None)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (place.root / "lth").exists()

    pid = in_child(place, job)
    wait_until(lambda: any(staged.rglob("sparsity30/seed2/metrics.json")))
    os.kill(pid, signal.SIGTERM)
    assert outcome(pid) == STOPPED
    assert not (place.root / "lth").exists()
    run_job(place.config, job, checkpoint_steps=1)
    assert only(place.root, "rte") == only(made.root, "rte")


def test_a_kill_while_publishing_ends_whole_and_without_parts(made, fresh, monkeypatch):
    place = fresh()
    job, publish = place.job("imp", task="rte"), runner.publish
    for limit in (1, 7, 40):
        count = 0

        def some(staged, final, limit=limit):
            nonlocal count
            count += 1
            if count > limit:
                raise KeyboardInterrupt
            publish(staged, final)

        with monkeypatch.context() as patch:
            patch.setattr(runner, "publish", some)
            with pytest.raises(KeyboardInterrupt):
                run_job(place.config, job)
        check_outputs(place.root)
    run_job(place.config, job)
    assert only(place.root, "rte") == only(made.root, "rte")
    assert list(place.folder.rglob("*.part")) == []


@pytest.mark.parametrize("stage", ["transfer", "code_profile", "rewind_source"])
def test_other_jobs_continue_too(finished, stage):
    axes = {
        "transfer": {"source": "mlm", "task": "rte"},
        "code_profile": {"task": "mlm"},
        "rewind_source": {"variant": "rewind50", "task": "mlm"},
    }[stage]
    job = finished.job(stage, **axes)
    run_job(finished.config, job)
    expected = {
        path: (finished.root / path).read_bytes() for path in job.outputs if path.suffix == ".safetensors"
    }
    scores = [json.loads((finished.root / run.metrics).read_text())["scores"] for run in job.runs]
    for path in job.outputs:
        (finished.root / path).unlink()
    dice = random.Random(2)
    for _ in range(3):
        pid = in_child(finished, job)
        time.sleep(0.05 + 0.3 * dice.random())
        os.kill(pid, signal.SIGKILL)
        outcome(pid)
    assert outcome(in_child(finished, job)) == 0
    assert expected == {path: (finished.root / path).read_bytes() for path in expected}
    assert scores == [json.loads((finished.root / run.metrics).read_text())["scores"] for run in job.runs]


def interrupted(place, job):
    """Run a job into a SIGTERM at about its 30th checkpoint."""
    save, count = Checkpoint.save, 0

    def counting(self, tensors, facts):
        nonlocal count
        count += 1
        if count == 30:
            os.kill(os.getpid(), signal.SIGTERM)
        save(self, tensors, facts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", counting)
        with pytest.raises(Interrupted):
            run_job(place.config, job, checkpoint_steps=1)


def test_sigterm_then_damaged_state_is_an_error_that_names_the_file(fresh):
    place = fresh()
    job = place.job("imp", task="rte")
    interrupted(place, job)
    (staging,) = (place.folder / ".tickets" / "inflight" / "tiny").iterdir()
    (chain,) = (staging / "chains").glob("*.safetensors")
    good = chain.read_bytes()
    chain.unlink()
    chain.write_bytes(good[:100])
    with pytest.raises(
        TicketsError, match=rf"{chain.name}: checkpoint is damaged .*Delete .*chains to start"
    ):
        run_job(place.config, job)
    assert not (place.root / "lth").exists()
    chain.unlink()
    chain.write_bytes(good)
    run_job(place.config, job)
    assert all((place.root / path).exists() for path in job.outputs)


def test_another_config_does_not_touch_a_stopped_job(fresh):
    place = fresh()
    interrupted(place, place.job("imp", task="rte"))
    raw = tiny_preset()
    raw["presets"]["tiny"]["lth"]["recipes"]["rte"] = {"steps": 2, "batch_size": 8, "max_length": 32}
    other = parse_config(raw)
    assert job_of(other, "imp", task="rte").fingerprint != place.job("imp", task="rte").fingerprint
    run_job(other, job_of(other, "imp", task="rte"))
    (staging,) = (place.folder / ".tickets" / "inflight" / "tiny").iterdir()
    assert list((staging / "chains").glob("*.safetensors"))


@pytest.mark.parametrize(
    ("stage", "axes", "expected"),
    [
        ("imp", {"task": "rte"}, 2),  # one for each replicate
        ("transfer", {"source": "mlm", "task": "rte"}, 1),
    ],
)
def test_few_checkpoints_are_on_disk_at_any_time(finished, monkeypatch, stage, axes, expected):
    """Each has the size of the model and Adam's moments; a chain of ten rounds must not keep ten of them."""
    save, most = Checkpoint.save, 0

    def counting(self, tensors, facts):
        nonlocal most
        save(self, tensors, facts)
        most = max(most, len(list((finished.folder / ".tickets").rglob("step.safetensors"))))

    monkeypatch.setattr(Checkpoint, "save", counting)
    run_job(finished.config, finished.job(stage, **axes), checkpoint_steps=2)
    assert most == expected


CONTINUED = {
    "head": "carry",
    "schedule": "span",
    "rewind": False,
    "prune_first": True,
    "optimizer": "continued",
}


@pytest.mark.parametrize(
    ("stage", "axes", "changes"),
    [
        ("imp", {"task": "rte"}, {}),
        ("code_profile", {"task": "rte"}, {}),
        ("code_profile", {"task": "mlm"}, {}),
        ("code_profile", {"task": "mlm"}, {"code_mlm_chain": CONTINUED}),
        ("rewind_source", {"variant": "standard", "task": "mlm"}, {}),
    ],
    ids=["imp", "release", "release-mlm", "continued", "standard"],
)
def test_a_round_is_entered_again_from_its_start(finished, tmp_path, monkeypatch, stage, axes, changes):
    """Without step checkpoints, what a round starts from (mask, body, head, moments) must come from the chain's."""
    config = parse_config(tiny_preset(**changes))
    job = job_of(config, stage, **axes)
    found = []
    for stops in ((), (2, 2, 1)):
        root = tmp_path / str(len(stops))
        shutil.copytree(finished.root, root)
        for stop in stops:
            with monkeypatch.context() as patch:
                patch.setattr(lab_module, "train", dying(lab_module.train, stop))
                with pytest.raises(KeyboardInterrupt):
                    run_job(config, job, root=root)
        run_job(config, job, root=root)
        weights = {path: (root / path).read_bytes() for path in job.outputs if path.suffix == ".safetensors"}
        scores = [json.loads((root / run.metrics).read_text())["scores"] for run in job.runs]
        found.append((weights, scores))
    assert found[0] == found[1]


def dying(train, stop):
    """`train`, which dies before its call number `stop`."""
    calls = 0

    def some(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls > stop:
            raise KeyboardInterrupt
        return train(*arguments, **options)

    return some
