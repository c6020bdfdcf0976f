"""A preset so small that the whole pipeline runs in a test, and Snakemake to run it with."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tickets.papers.registry import papers

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "paper", "config.yaml")
CHAINED = ("rte", "cola", "sts-b", "squad", "mlm")
OTHERS = ("mnli", "qqp", "wnli", "qnli", "mrpc", "sst-2", "snli", "scitail", "wikitext", "wikitext-pairs")


def recipe(steps, **changes):
    return {"steps": steps, "batch_size": 8, "learning_rate": 2e-3, "max_length": 64} | changes


def adamax(steps, **changes):
    """As `supertickets` trains."""
    own = {"optimizer": "adamax", "eps": 1e-6, "weight_decay": 0.01, "decay": "weights"}
    return recipe(steps, learning_rate=1e-2, **own, warmup=0.1, schedule="jump", **changes)


def small_preset():
    """All papers on all kinds of tasks; every stage of each has at least one run or mask."""
    sizes = {"train": 24, "dev": 16, "test": 16}
    shape = {
        "hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 24, "max_positions": 64,
        "initializer_range": 0.3,  # so that so small a model does not answer everything alike
    }  # fmt: skip
    pretraining = {"pairs": 400, "recipe": recipe(20)}
    return {
        "seed": 3,
        "model": {"name": "small-bert", "shape": shape, "pretraining": pretraining},
        "models": {
            "large": {"name": "small-large", "shape": {**shape, "layers": 3}, "pretraining": pretraining}
        },
        "data": {"source": "synthetic", "sizes": dict.fromkeys((*CHAINED, *OTHERS), sizes)},
        "execution": {"device": "cpu", "threads": 1},
        "lth": small_lth(),
        "supertickets": small_supertickets(),
        "tamt": small_tamt(),
    }


def small_lth():
    """Five tasks of all kinds."""
    return {
        "tasks": list(CHAINED),
        "recipes": {task: recipe(steps) for task, steps in zip(CHAINED, (5, 4, 4, 3, 3), strict=True)}
        | {"default": recipe(3)},
        "multitask_recipe": recipe(3),
        "replicates": {
            "imp": 2, "baselines": 1, "oneshot": 1, "transfer": 1, "mlm_ticket": 1, "rewind": 1,
            "rewind_transfer": 1, "multitask": 1, "datasize": 1, "ablations": 1,
        },
        "grid": {
            "transfer_sources": ["squad", "mlm"],
            "transfer_targets": ["rte", "mlm"],
            "winning_sources": ["mlm"],
            "mlm_ticket_targets": ["rte"],
            "strict_baselines": ["rte", "cola"],
            "rewindings": ["rewind50", "standard"],
            "rewind_tasks": ["rte", "cola"],
            "rewind_sources": ["mlm"],
            "rewind_targets": ["rte", "sts-b"],
            "norewind_targets": ["rte"],
            "multitask": [["mlm", "cola"]],
            "multitask_targets": ["rte", "cola"],
            "datasize": {"cola": 16},
            "profile_tasks": ["rte"],
        },
        "rewind_method": "shortcut",
        "pack": {"default": ["task", "source", "variant", "combo"], "imp": [], "baselines": [], "transfer": []},
    }  # fmt: skip


def small_supertickets():
    """Three tasks: of one metric, of two, and with two dev sets; tokens of one are fewer than in `lth`."""
    return {
        "models": ["base", "large"],
        "tasks": ["rte", "sts-b", "mnli"],
        "recipes": {"default": adamax(4), "rte": adamax(4, max_length=48)},
        "subset_recipes": {"10": adamax(3)},
        "multitask_recipe": adamax(5),
        "evaluations": 2,
        "extended_batch": 4,
        "extended_steps": 6,
        "replicates": {
            "trial": 2, "families": 2, "reruns": 2, "subsets": 1, "mismatch": 1, "multitask": 1, "finetune": 2,
            "domain": 1,
        },
        "grid": {
            "families": ["mnli"],
            "reruns": ["mnli"],
            "subset_percents": [10],
            "mismatch": ["rte"],
            "finetune": ["rte"],
            "rate_tasks": ["rte"],
            "domain_percents": [1, 100],
            "extended_percents": [1],
        },
        "pack": {
            "default": ["model", "seed", "family"],
            "multitask": ["model", "seed"],
            "finetune": ["model", "rate", "method"],
            "domain": ["model", "init", "task"],
        },
    }  # fmt: skip


def small_tamt():
    """Two tasks, two sparsities and one mask seed; curves, few data and an ablation at one of the sparsities."""
    words = {"recipe": recipe(8, learning_rate=5e-3), "threshold": {"every": 2}}
    documents = recipe(8, optimizer="bertadam", eps=1e-6, clip_scope="tensor", drop_last=True)
    return {
        "models": ["base"],
        "tasks": ["mnli", "cola"],
        "recipes": {"default": recipe(4)},
        "evaluate_every": {"default": 2},
        "mask_training": {
            "mlm": words,
            "kd": {"recipe": documents, "threshold": {"every": 2, "shift": 1}, "teacher_dropout": True},
        },
        "imp": {"recipe": recipe(8), "interval": 2, "intervals": [1], "distance_intervals": []},
        "main_steps": {"50": 3, "70": 4},
        "steps": [2, 5],
        "log_every": 2,
        "replicates": {"masks": 1, "finetune": 2, "few": 2, "ablations": 1},
        "grid": {
            "baseline_levels": ["50", "70"],
            "levels": {"base": ["50", "70"]},
            "objectives": ["mlm", "kd"],
            "step_levels": ["70"],
            "interval_levels": ["70"],
            "few": {"cola": {"10": {"steps": 3, "every": 2}}},
            "ablations": ["calm"],
        },
        "pack": {
            "default": ["model", "task", "method", "level", "mask", "size"],
            "mask_training": ["model", "level", "mask"],
            "methods": ["model", "task", "level", "mask"],
        },
    }


def checkout(folder, preset=None):
    """What Snakemake needs of the repository, with the small preset as the only one."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source, target = ROOT / part, folder / part
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    if preset != "own":
        write_config(folder, preset or small_preset())
    return folder


def write_config(folder, preset):
    (folder / "config.yaml").write_text(yaml.safe_dump({"preset": "small", "presets": {"small": preset}}))


def environment():
    """As a user's shell, and as little as possible of this test session."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TICKETS_", "PYTEST"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}


def snakemake(folder, *arguments, cores=2):
    """Run Snakemake as a user would; returns the finished process with stdout and stderr together.

    cores  None: as many as the default profile says
    """
    given = [] if cores is None else ["--cores", str(cores)]
    command = [sys.executable, "-m", "snakemake", *given, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@dataclass(frozen=True)
class Plan:
    """What a dry run would do: number of jobs by rule, and every job's message ('lth imp rte')."""

    rules: dict[str, int]
    jobs: set[str]
    output: str = field(repr=False)


def plan(folder, *arguments):
    """What Snakemake would do now."""
    done = snakemake(folder, "--dry-run", *arguments)
    assert done.returncode == 0, done.stdout
    if "Nothing to be done" in done.stdout:
        return Plan({}, set(), done.stdout)
    table = done.stdout.rpartition("Job stats:")[2].partition("\n\n")[0]
    rules = {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
    assert rules.pop("total") == sum(rules.values())
    return Plan(rules, messages(done.stdout), done.stdout)


def messages(output):
    """The messages of all jobs that a (dry) run starts."""
    return set(re.findall(r"^Job \d+: (.*)$", output, re.MULTILINE))


def jobs_of(config):
    """Every job that trains, from the grid of every paper."""
    return [
        job for paper in papers(config).values() for stage in paper.stages(config) for job in stage.jobs()
    ]


def message(job):
    """The message by which Snakemake announces a job."""
    return " ".join([job.stage.paper, job.stage.name, *job.axes.values()])


def involves(job, task):
    """Whether the task is a target of the job or one of those whose chain made or chose a mask of it.

    An MLM chain with as many sequences as the task has ('mlm@cola') reads nothing of the task but that number.
    """
    addresses = [address for cell in job.plans() for address in (*cell.runs, *cell.masks)]
    return any(task in (getattr(a, "task", ""), *re.split(r"\+", a.source.split("@")[0])) for a in addresses)


def readers(jobs, changed):
    """The changed jobs and all that read what they write, directly or not."""
    found = list(changed)
    while True:
        written = {path for job in found for path in job.outputs}
        more = [job for job in jobs if job not in found and written & set(job.inputs)]
        if not more:
            return found
        found += more


def read_json(path):
    return json.loads(path.read_text())
