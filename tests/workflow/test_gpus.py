"""`snakemake --resources gpu=M`: as many training jobs at once as there are GPUs, whatever the cores."""

import re

import pytest
from small import checkout, small_preset, snakemake

TASKS = ("rte", "cola", "sts-b", "squad", "mlm")


def most_at_once(output, message):
    """Jobs with such a message that ran side by side, from the order in which Snakemake says it."""
    running, most = set(), 0
    for started, what, finished in re.findall(
        r"^(?:Job (\d+): (.*)|Finished jobid: (\d+) .*)$", output, re.MULTILINE
    ):
        if started and what.startswith(message):
            running.add(started)
        running.discard(finished)
        most = max(most, len(running))
    return most


@pytest.fixture
def folder(tmp_path):
    """A checkout whose jobs ask for a GPU each."""
    preset = small_preset()
    preset["execution"]["gpus"] = 1
    for other in ("supertickets", "tamt", "models"):
        del preset[other]
    return checkout(tmp_path, preset)


def run(folder, tasks, *options):
    """Chains of these tasks on four cores; how many of them ran at once at most."""
    records = [f"results/small/lth/jobs/imp/{task}.json" for task in tasks]
    done = snakemake(folder, *records, *options, cores=4)
    assert done.returncode == 0, done.stdout[-3000:]
    assert len(re.findall(r"^Job \d+: lth imp ", done.stdout, re.MULTILINE)) == len(tasks)
    return most_at_once(done.stdout, "lth imp")


def test_never_more_training_jobs_than_gpus(folder):
    assert run(folder, TASKS, "--resources", "gpu=2") == 2


def test_without_a_number_as_many_as_this_machine_shows(folder, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert run(folder, TASKS[:2]) == 1
