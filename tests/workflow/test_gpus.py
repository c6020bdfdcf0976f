"""`snakemake --resources gpu=M`: as many training jobs at once as there are GPUs, whatever the cores."""

import re

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


def test_never_more_training_jobs_than_gpus(tmp_path):
    preset = small_preset()
    preset["execution"]["gpus"] = 1
    for other in ("supertickets", "tamt", "models"):
        del preset[other]
    folder = checkout(tmp_path, preset)
    records = [f"results/small/lth/jobs/imp/{task}.json" for task in TASKS]
    done = snakemake(folder, *records, "--resources", "gpu=2", cores=4)
    assert done.returncode == 0, done.stdout[-3000:]
    assert len(re.findall(r"^Job \d+: lth imp ", done.stdout, re.MULTILINE)) == len(TASKS)
    assert most_at_once(done.stdout, "lth imp") == 2
