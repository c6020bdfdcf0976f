"""Claims of GPUs, without one: many processes, a list of ids, and ends of every kind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tickets.config import parse_config
from tickets.errors import TicketsError
from tickets.jobs import context as context_module
from tickets.jobs.context import Context
from tickets.jobs.devices import Device, jobs_per_gpu, lock_folder, places, take, visible, wait_for
from tickets.training.interrupt import Interrupted, StopRequest
from tiny_engine import tiny_preset

LISTING = """GPU 0: NVIDIA H200 (UUID: GPU-aaaa-0)
GPU 1: NVIDIA H200 (UUID: GPU-bbbb-1)
  MIG 3g.71gb     Device  0: (UUID: MIG-cccc-2)
  MIG 1g.18gb     Device  1: (UUID: MIG-dddd-3)
"""
CHILD = """
import os, sys, time
from pathlib import Path
from tickets.jobs.devices import take
name, log, hold = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
claim = take(name, lambda: False, Path(sys.argv[4]))
held = os.environ["CUDA_VISIBLE_DEVICES"]
flag = log / f"{held}.taken"
flag.touch(exist_ok=False)  # fails if anybody else has the device
(log / f"{name}.on").write_text(held)
time.sleep(hold)
flag.unlink()
"""


def start(name, tmp_path, hold=0.1, ids="0,1", **extra):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM")}
    environment |= {"CUDA_VISIBLE_DEVICES": ids, **extra}
    command = [sys.executable, "-c", CHILD, name, str(tmp_path), str(hold), str(tmp_path)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def outside(monkeypatch):
    """No scheduler, and nothing set by hand."""
    for name in ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES", "TICKETS_JOBS_PER_GPU", "TICKETS_GPU_LOCKS"):
        monkeypatch.setenv(name, "")  # so that it is put back whatever the code under test does
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "")  # no nvidia-smi
    return monkeypatch


def test_many_processes_are_all_served_and_never_two_at_once_on_a_device(tmp_path):
    children = [start(f"job{i}", tmp_path) for i in range(8)]
    ends = [child.communicate(timeout=60)[1] for child in children]
    assert [child.returncode for child in children] == [0] * 8, ends
    served = [(tmp_path / f"job{i}.on").read_text() for i in range(8)]
    assert set(served) == {"0", "1"}
    assert not list(tmp_path.glob("*.taken"))
    assert all(f"job{i}: GPU {held}\n" in err for i, (held, err) in enumerate(zip(served, ends, strict=True)))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_gives_its_device_back(tmp_path, how):
    first = start("first", tmp_path, hold=60, ids="7")
    until(lambda: (tmp_path / "first.on").exists())
    second = start("second", tmp_path, ids="7")
    time.sleep(0.5)
    assert not (tmp_path / "second.on").exists()
    (tmp_path / "7.taken").unlink()
    first.send_signal(how)
    first.communicate()
    error = second.communicate(timeout=30)[1]
    assert second.returncode == 0, error
    assert f"second: waits for a GPU: 7 is with first (process {first.pid})\n" in error


def test_in_one_process_too_a_device_is_taken_once_until_it_is_given_back(tmp_path):
    devices = [Device("0", "a"), Device("1", "b")]
    claims = [wait_for(devices, f"job{i}", lambda: False, tmp_path) for i in range(2)]
    assert [claim.device.token for claim in claims] == ["0", "1"]
    with pytest.raises(Interrupted, match="third"):
        wait_for(devices, "third", lambda: True, tmp_path)
    claims[1].close()
    claims[1].close()
    assert wait_for(devices, "third", lambda: True, tmp_path).device.token == "1"


def test_jobs_that_share_go_to_the_emptiest_device_first(tmp_path):
    devices = [Device("0", "a"), Device("1", "b")]
    claims = [wait_for(devices, f"job{i}", lambda: False, tmp_path, share=2) for i in range(4)]
    assert [claim.device.token for claim in claims] == ["0", "1", "0", "1"]
    with pytest.raises(Interrupted):
        wait_for(devices, "fifth", lambda: True, tmp_path, share=2)


def test_a_lock_file_that_was_deleted_is_made_again(tmp_path):
    device = [Device("0", "a")]
    wait_for(device, "one", lambda: False, tmp_path).close()
    (tmp_path / "a.0.lock").unlink()
    held = wait_for(device, "two", lambda: False, tmp_path)
    assert (tmp_path / "a.0.lock").read_text().startswith("two (process ")
    held.close()


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (None, ["GPU-aaaa-0", "MIG-cccc-2", "MIG-dddd-3"]),
        ("0", ["GPU-aaaa-0"]),
        ("1, 0", ["MIG-cccc-2", "GPU-aaaa-0"]),
        ("GPU-aaaa", ["GPU-aaaa-0"]),
        ("0,GPU-aaaa-0", ["GPU-aaaa-0"]),
        ("MIG-dddd-3,0", ["MIG-dddd-3", "GPU-aaaa-0"]),
        ("0,-1,1", ["GPU-aaaa-0"]),
        ("", []),
        ("-1", []),
    ],
)
def test_one_device_has_one_lock_whatever_it_is_called(ids, found):
    environment = {} if ids is None else {"CUDA_VISIBLE_DEVICES": ids}
    devices = visible(environment, LISTING)
    assert [device.key for device in devices] == found
    if ids and "-1" not in ids and len(found) == ids.count(",") + 1:
        assert [device.token for device in devices] == ids.replace(" ", "").split(",")


def test_without_a_list_devices_go_by_number_on_this_host_and_by_slurm_job():
    outside, one, two = (
        visible({"CUDA_VISIBLE_DEVICES": "0,1"} | job, "")
        for job in ({}, {"SLURM_JOB_ID": "41"}, {"SLURM_JOB_ID": "42"})
    )
    assert [device.token for device in outside] == ["0", "1"]
    assert len({device.key for device in (*outside, *one, *two)}) == 6
    assert visible({}, "") == []


def test_a_claim_hides_the_other_devices(outside, tmp_path):
    outside.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    first = take("a", lambda: False, tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4"
    outside.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    second = take("b", lambda: False, tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    assert (first.device.token, second.device.token) == ("4", "5")


def test_one_device_from_slurm_needs_no_claim_and_several_do(outside, tmp_path, capsys):
    outside.setenv("SLURM_JOB_ID", "12")
    outside.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert take("a", lambda: False, tmp_path) is None
    assert capsys.readouterr().err == "a: GPU 0, from Slurm\n"
    assert not list(tmp_path.iterdir())
    outside.setenv("CUDA_VISIBLE_DEVICES", "0,1")  # a group of jobs in one allocation
    held = take("b", lambda: False, tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    held.close()


def test_nothing_is_claimed_where_nothing_is_listed(outside, tmp_path):
    assert take("a", lambda: False, tmp_path) is None
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_locks_lie_outside_the_checkout_and_do_not_follow_the_temporary_folder_of_a_job(outside, tmp_path):
    outside.setenv("TMPDIR", str(tmp_path))
    usual = lock_folder()
    assert usual == Path("/tmp") / f"tickets-gpus-{os.getuid()}"
    assert usual.stat().st_mode & 0o077 == 0
    outside.setenv("TICKETS_GPU_LOCKS", str(tmp_path / "new" / "locks"))
    assert lock_folder().is_dir()
    (tmp_path / "file").touch()
    outside.setenv("TICKETS_GPU_LOCKS", str(tmp_path / "file" / "locks"))
    with pytest.raises(TicketsError, match="TICKETS_GPU_LOCKS"):
        lock_folder()


def test_places_are_devices_times_jobs_that_share_one():
    assert places({"CUDA_VISIBLE_DEVICES": "0,1"}) == 2
    assert places({"CUDA_VISIBLE_DEVICES": "0,1", "TICKETS_JOBS_PER_GPU": "3"}) == 6
    assert places({"CUDA_VISIBLE_DEVICES": ""}) == 0


@pytest.mark.parametrize("text", ["0", "-1", "two", ""])
def test_how_many_may_share_is_a_number(text):
    assert jobs_per_gpu({}) == 1
    assert jobs_per_gpu({"TICKETS_JOBS_PER_GPU": "3"}) == 3
    with pytest.raises(TicketsError, match="TICKETS_JOBS_PER_GPU"):
        jobs_per_gpu({"TICKETS_JOBS_PER_GPU": text})


@pytest.mark.parametrize(
    ("gpus", "device", "asked"), [(1, "cuda", 1), (1, "auto", 1), (0, "auto", 0), (1, "cpu", 0)]
)
def test_a_job_claims_before_cuda_starts_and_only_where_its_preset_asks_for_a_gpu(
    monkeypatch, tmp_path, gpus, device, asked
):
    raw = tiny_preset()
    raw["presets"]["tiny"]["execution"] = {"device": device, "gpus": gpus}
    config = parse_config(raw)
    order = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(context_module, "take", lambda job, stop: order.append(f"claim {job} {stop()}"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(order.append("start")))
    context = Context(config, _job(config), StopRequest())
    if device == "cuda":
        with pytest.raises(TicketsError, match="no GPU is visible"):
            _ = context.device
    else:
        assert context.device.type == "cpu"
    claims = [entry for entry in order if entry.startswith("claim")]
    assert len(claims) == asked
    if asked:
        assert order[0] == "claim imp-rte False"
        assert "waiting" in context.seconds


def _job(config):
    from job_world import job_of

    return job_of(config, "imp", task="rte")
