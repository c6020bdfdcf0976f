"""`snakemake --profile slurm` on a real Slurm: three chains of IMP, each disturbed in another way while it trains.

Of the three, one runs out of memory and is killed, one is cancelled by hand, and one has its node taken by a job of
higher priority. A second checkout makes the same without Slurm and in peace.
"""

import re
import signal
import subprocess
import sys
import textwrap
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest
from slurm_cluster import MODEL, Cluster, obstacle, wait_for
from small import ROOT, checkout, environment, jobs_of, read_json, recipe, small_preset

from tickets.config import load_config

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(obstacle()), reason=obstacle() or "Slurm is there")]

MEMORY, MINUTES = 1500, 10
STARVED, CANCELLED, PREEMPTED = "mlm", "rte", "cola"
CHAINS = (STARVED, CANCELLED, PREEMPTED)
RECORDS = [f"results/small/lth/jobs/imp/{task}.json" for task in CHAINS]
FIELDS = ("JobIDRaw", "JobName", "Comment", "State", "AllocTRES", "ReqMem", "TimelimitRaw", "SubmitLine")
STOPPED = re.compile(r"stopped by signal 15 after step (\d+) of (\d+); the same command continues from there")

# Python runs this before `tickets`: a note of what Slurm gave to the process; a long time to answer SIGTERM, as a step
# and a checkpoint of a large model take; and for one chain an appetite for memory, from its first checkpoint on, that
# the first attempt's request does not satisfy and the second's does.
SITECUSTOMIZE = f"""
    import json, os, signal, sys, threading, time
    from pathlib import Path

    words = sys.orig_argv[1:]
    if words and words[0].endswith("/tickets") and "SLURM_JOB_ID" in os.environ:
        seen = {{name: value for name, value in os.environ.items() if name.startswith(("SLURM_", "CUDA_"))}}
        note = Path(os.environ["NOTES"], f"{{os.environ['SLURM_JOB_ID']}}-{{os.getpid()}}.json")
        note.write_text(json.dumps({{"command": words[1:], "environment": seen}}))

        def eat():
            while not any(Path(".tickets/inflight").glob("small/imp-{STARVED}-*/checkpoints/*/*.safetensors")):
                time.sleep(0.05)
            held = b"x" * {MEMORY * 4 // 3 << 20}
            time.sleep(3)

        install = signal.signal

        def slowly(number, handler):
            if number != signal.SIGTERM or not callable(handler):
                return install(number, handler)
            return install(number, lambda *arguments: (time.sleep(2), handler(*arguments)))

        signal.signal = slowly
        if words[1:] == ["run", "lth", "imp", "task={STARVED}"]:
            threading.Thread(target=eat, daemon=True).start()
"""


def slurm_preset():
    """IMP on three tasks, long enough to be disturbed; the GPUs asked for are not used."""
    preset = small_preset()
    preset = {key: preset[key] for key in ("seed", "model", "data", "lth")}
    preset["lth"]["recipes"] |= {task: recipe(200) for task in CHAINS}
    preset["lth"]["replicates"]["imp"] = 1
    preset["execution"] = {
        "device": "cpu",
        "gpus": 1,
        "mem_mb": MEMORY,
        "runtime": MINUTES,
        "checkpoint_seconds": 0.2,
    }
    return preset


@dataclass
class Story:
    """What happened."""

    folder: Path
    peaceful: Path
    output: str
    jobs: list[dict[str, str]]
    notes: list[dict]
    stopped: dict[str, tuple[int, int]] = field(default_factory=dict)

    def attempts(self, comment):
        """Allocations of a job, in the order of their starts."""
        return [job for job in self.jobs if job["Comment"] == comment]

    @cached_property
    def config(self):
        return load_config(self.folder / "config.yaml")

    def chain(self, task):
        """The grid's job of a chain."""
        return next(j for j in jobs_of(self.config) if (j.stage.name, j.axes.get("task")) == ("imp", task))


def comment(task):
    """By which Slurm knows a chain's job."""
    return f"rule_lth_imp_wildcards_{task}"


class Disturber:
    """Follows the chains' jobs and gets in their way."""

    def __init__(self, cluster, folder, process):
        self.cluster, self.folder, self.process = cluster, folder, process

    def log(self, task):
        path = self.folder / "results/small/logs/lth/imp" / f"{task}.log"
        return path.read_text() if path.exists() else ""

    def in_training(self, task):
        """Slurm's id of the chain's job and its node, once some steps are done."""
        assert self.process.poll() is None, (self.folder / "output.txt").read_text()[-6000:]
        begun = re.search(r"\([1-9]\d*/\d+ steps done\)", self.log(task))
        lines = self.cluster.run("squeue", "--noheader", "--states=R", "--format=%i|%N|%k").splitlines()
        found = [line.split("|")[:2] for line in lines if line.endswith("|" + comment(task))]
        return found[0] if begun and found else None

    def cancel(self, task):
        job, _ = wait_for(lambda: self.in_training(task), 90, f"{task} in training")
        self.cluster.run("scancel", job)
        return self.saved(task)

    def preempt(self, task):
        _, node = wait_for(lambda: self.in_training(task), 90, f"{task} in training")
        self.cluster.run(
            "sbatch", "--partition=urgent", f"--nodelist={node}", "--exclusive", "--output=/dev/null",
            "--job-name=urgent", "--wrap=sleep 1",
        )  # fmt: skip
        return self.saved(task)

    def saved(self, task):
        """The step at which the chain's run stopped, of how many; its log says so until the next attempt begins."""
        found = wait_for(lambda: STOPPED.search(self.log(task)), 30, f"a checkpoint of {task}")
        return int(found[1]), int(found[2])


def with_profile(folder):
    """The small checkout, with the repository's link to its profile for Slurm."""
    checkout(folder, slurm_preset())
    (folder / "slurm").symlink_to((ROOT / "slurm").readlink())
    return folder


@contextmanager
def running(folder, *arguments, **more):
    """Snakemake in the background; interrupted, should it still run at the end."""
    with (folder / "output.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=folder, env=environment() | more, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def output_of(process, folder):
    """What it printed, when it has ended well."""
    process.wait(240)
    output = (folder / "output.txt").read_text()
    assert process.returncode == 0, output[-6000:]
    return output


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two checkouts, and what watches jobs from outside."""
    top = tmp_path_factory.mktemp("slurm")
    for name in ("slurm", "local"):
        with_profile(top / name)
    for name in ("site", "notes"):
        (top / name).mkdir()
    (top / "site" / "sitecustomize.py").write_text(textwrap.dedent(SITECUSTOMIZE))
    return top


@pytest.fixture(scope="module")
def undisturbed(place):
    """The same jobs without Slurm, beginning now: the folder, and a call that waits for the end."""
    with running(place / "local", "--cores", "1", *RECORDS) as process:
        yield place / "local", lambda: output_of(process, place / "local")


@pytest.fixture(scope="module")
def cluster(undisturbed, place):
    with Cluster(place / "cluster") as found:
        yield found


@contextmanager
def submitting(cluster, place, *arguments):
    """`snakemake --profile slurm`, with less waiting than the profile has for a real cluster."""
    user = cluster.environment
    more = {"PATH": f"{Path(sys.executable).parent}:{user['PATH']}", "PYTHONPATH": str(place / "site")}
    command = (
        "--profile", "slurm", "--config", "preset=small", "--latency-wait=5",
        "--slurm-init-seconds-before-status-checks=2", *arguments,
    )  # fmt: skip
    with running(place / "slurm", *command, **user | more, NOTES=str(place / "notes")) as process:
        yield process


@pytest.fixture(scope="module")
def story(cluster, place, undisturbed):
    """Both runs, done."""
    folder, (peaceful, end_of_peace) = place / "slurm", undisturbed
    report = ("--slurm-efficiency-report", f"--slurm-efficiency-report-path={place}")
    with submitting(cluster, place, *report, "--", *RECORDS) as process:
        disturber = Disturber(cluster, folder, process)
        stopped = {CANCELLED: disturber.cancel(CANCELLED), PREEMPTED: disturber.preempt(PREEMPTED)}
        output = output_of(process, folder)
    jobs = cluster.accounts(*FIELDS)
    end_of_peace()
    notes = [read_json(path) for path in sorted((place / "notes").iterdir())]
    return Story(folder, peaceful, output, jobs, notes, stopped)


def test_every_job_goes_through_sbatch_under_one_name(story):
    jobs = [job for job in story.jobs if job["JobName"] != "urgent"]
    assert len({job["JobName"] for job in jobs}) == 1
    assert jobs[0]["JobName"].startswith("tickets_")
    assert {job["Comment"] for job in jobs} == {
        "rule_data_encode",
        "rule_pretrained_model_base",
        *map(comment, CHAINS),
    }
    assert all("--requeue" in job["SubmitLine"] and "--signal=TERM@120" in job["SubmitLine"] for job in jobs)


def test_short_jobs_share_a_submission(story):
    (encoding,) = story.attempts("rule_data_encode")
    assert encoding["State"] == "COMPLETED"
    encoded = {note["command"][1] for note in story.notes if note["command"][0] == "encode"}
    assert encoded == set(CHAINS)


def test_training_gets_a_gpu_and_nothing_else_does(story):
    for job in story.jobs:
        if job["JobName"] != "urgent":
            assert ("gres/gpu=1" in job["AllocTRES"]) == ("lth_imp" in job["Comment"])
    visible = defaultdict(set)
    for note in story.notes:
        visible[note["command"][0]].add(note["environment"].get("CUDA_VISIBLE_DEVICES"))
    assert visible == {"encode": {None}, "model": {None}, "run": {"0"}}


def test_a_job_out_of_memory_is_tried_again_with_twice_as_much_and_twice_the_time(story):
    first, second = story.attempts(comment(STARVED))
    assert first["State"] in ("FAILED", "OUT_OF_MEMORY")
    assert second["State"] == "COMPLETED"
    assert [first["ReqMem"], second["ReqMem"]] == [f"{MEMORY}M", f"{2 * MEMORY}M"]
    assert [int(first["TimelimitRaw"]), int(second["TimelimitRaw"])] == [MINUTES, 2 * MINUTES]


def test_a_cancelled_job_saves_its_state_and_is_submitted_again(story):
    first, second = story.attempts(comment(CANCELLED))
    assert first["State"].startswith("CANCELLED")
    assert second["State"] == "COMPLETED"
    assert first["JobIDRaw"] != second["JobIDRaw"]
    assert STOPPED.search(story.output), "the failed job's log is shown"


def test_a_preempted_job_saves_its_state_and_slurm_starts_it_again(story):
    first, second = story.attempts(comment(PREEMPTED))
    assert [first["State"], second["State"]] == ["PREEMPTED", "COMPLETED"]
    assert first["JobIDRaw"] == second["JobIDRaw"]
    assert first["ReqMem"] == second["ReqMem"], "no fault of the job, so no more of anything"


@pytest.mark.parametrize("task", CHAINS)
def test_a_disturbed_chain_ends_with_the_bits_of_an_undisturbed_one(story, task):
    job = story.chain(task)
    made = {Path(path) for path in job.outputs}
    assert len([path for path in made if path.name == "mask.safetensors"]) >= 9
    root = story.config.root
    for path in sorted(made):
        here, there = story.folder / root / path, story.peaceful / root / path
        if path.suffix == ".safetensors":
            assert here.read_bytes() == there.read_bytes(), path
        elif path.name == "metrics.json":
            assert read_json(here) | {"seconds": 0} == read_json(there) | {"seconds": 0}, path
    assert resumed(story.folder / root, job) >= 1
    assert resumed(story.peaceful / root, job) == 0
    if task in story.stopped:
        step, steps = story.stopped[task]
        assert 0 < step < steps, "it was stopped amid a run"


def resumed(root, job):
    """How often the job's runs went on from a checkpoint."""
    return sum(read_json((root / run.metrics).with_name("run.json"))["cost"]["resumed"] for run in job.runs)


def test_the_efficiency_report_names_the_rules(story):
    (report,) = story.folder.parent.glob("efficiency_report_tickets_*.csv")
    assert comment(CANCELLED) in report.read_text()


def test_a_gres_of_the_profile_takes_the_place_of_the_rules_gpu(story, cluster, place):
    gpu = f"gpu:{MODEL}:1"
    target = "results/small/lth/jobs/transfer/mlm/rte.json"
    with submitting(cluster, place, "--default-resources", f"gres={gpu}", "--", target) as process:
        output_of(process, place / "slurm")
    (job,) = (job for job in cluster.accounts(*FIELDS) if "transfer" in job["Comment"])
    assert "gres/gpu=1" in job["AllocTRES"]
    assert f"--gres={gpu}" in job["SubmitLine"]
    assert "--gpus" not in job["SubmitLine"]
    (note,) = (place / "notes").glob(f"{job['JobIDRaw']}-*.json")
    assert read_json(note)["environment"]["CUDA_VISIBLE_DEVICES"] == "0"
