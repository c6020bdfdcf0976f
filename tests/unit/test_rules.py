"""Rules from stages, and the check of Snakemake's command line."""

import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from tickets.config import load_config, parse_config
from tickets.errors import TicketsError
from tickets.grid import Cell, Stage
from tickets.papers.registry import PAPERS, papers
from tickets.rules import check_words, plans
from tickets.spec import RunAddress
from tiny_engine import tiny_preset, two_models

CONFIG = parse_config(tiny_preset())
RULES = {"all", "tables", "figures", "encode", "lth_fig9", "lth_fig2a", "lth_table2"}
THETA_0 = [f"models/tiny-bert/{name}" for name in ("config.json", "model.safetensors", "run.json")]
RUN = RunAddress("lth", "rte", "w", "imp", "any", "70", 1)
WHY = {"lth_fig1": "it is a drawing."}


def stage(axes, skip=lambda axes: False, pack=(), split=()):
    def cell(a):
        source = a.get("source", a["task"])
        return Cell(
            (RunAddress("lth", a["task"], a.get("variant", "w"), "imp", source, "70", 1),),
            needs_tasks=("rte",),
        )

    identity, length = (lambda address: str(address)), (lambda task: 64)
    return Stage("lth", "stage", "", axes, cell, identity, "m:f", length, skip, pack, split)


def expanded(rule):
    """All jobs that a rule with wildcards stands for: (outputs, command, identity) of each."""
    names = list(rule.constraints)
    for values in product(*(rule.constraints[name].replace("\\", "").split("|") for name in names)):
        wildcards = dict(zip(names, values, strict=True))
        space = SimpleNamespace(**wildcards)
        outputs = tuple(path.format(**wildcards) for path in rule.outputs)
        yield outputs, rule.command(space), rule.identity(space), tuple(rule.inputs(space))


def diagonal(axes):
    return axes["source"] == axes["task"]


AXES = {"variant": ("a", "b.c"), "source": ("rte", "mlm+qnli"), "task": ("rte", "sst-2")}
HOLES = (("a", "rte", "rte"), ("b.c", "mlm+qnli", "sst-2"))


@pytest.mark.parametrize(
    ("made", "rules"),
    [
        (stage({"task": ("rte", "sst-2")}), 1),
        (stage(AXES), 1),
        (stage({"source": ("rte", "mlm"), "task": ("rte", "mlm", "cola")}, diagonal), 3),
        (stage(AXES, diagonal), 2),
        (stage(AXES, lambda a: a["variant"] == "a" and a["task"] == "rte"), 2),
        (stage(AXES, lambda a: tuple(a.values()) in HOLES), 6),
        (stage(AXES, pack=("variant", "source")), 2),
        (stage(AXES, diagonal, pack=("task",)), 4),
        (stage({"task": ()}), 0),
        (stage(AXES, split=("variant",)), 2),
        (stage(AXES, split=("source", "variant")), 4),
        (stage(AXES, split=("variant", "source", "task")), 8),
        (stage(AXES, diagonal, split=("variant",)), 4),
        (stage(AXES, diagonal, split=("source",)), 2),
        (stage(AXES, lambda a: a["variant"] == "a" and a["task"] == "rte", split=("variant",)), 2),
        (stage(AXES, lambda a: a["variant"] == "a", split=("variant",)), 1),
        (stage(AXES, split=("variant",), pack=("task",)), 4),
    ],
)
def test_the_rules_of_a_stage_stand_for_its_jobs_and_no_others(made, rules):
    found = plans(CONFIG, [made])
    jobs = list(made.jobs())
    assert [len(found), len({rule.name for rule in found})] == [rules, rules]
    root = CONFIG.root
    expected = {
        (
            tuple(str(root / path) for path in job.outputs),
            " ".join(["lth", "stage", *(f"{k}={v}" for k, v in job.axes.items())]),
            job.fingerprint,
            tuple(str(root / path) for path in (*THETA_0, *job.inputs)),
        )
        for job in jobs
    }
    assert {job for rule in found for job in expanded(rule)} == expected
    assert sum(1 for rule in found for _ in expanded(rule)) == len(jobs)


def numbered(a):
    """Looks at its seed, as a cell does that counts or compares."""
    replicate = int(a["seed"])
    runs = (RunAddress("lth", a["task"], "w", "imp", "any", "70", replicate),)
    return Cell(runs if replicate > 1 else (*runs, runs[0].at("00")), needs_tasks=(a["task"],))


def test_a_split_axis_is_no_wildcard_so_its_cells_may_look_at_it():
    axes = {"task": ("rte", "sst-2"), "seed": ("1", "2")}
    made = replace(stage(axes, split=("seed",)), cell=numbered)
    found = plans(CONFIG, [made])
    assert [(rule.name, set(rule.constraints)) for rule in found] == [
        ("lth_stage_1", {"task"}), ("lth_stage_2", {"task"})
    ]  # fmt: skip
    assert [len(rule.outputs) for rule in found] == [3, 2]
    assert found[0].message == "lth stage {wildcards.task} 1"
    assert found[1].log == str(CONFIG.root / "logs" / "lth" / "stage" / "{task}_to_2.log")
    with pytest.raises(ValueError, match="invalid literal"):
        plans(CONFIG, [replace(made, split=())])


def test_a_job_waits_for_the_models_that_it_names():
    config = parse_config(two_models())
    for models in (("base",), ("large",), ("large", "base")):
        made = replace(stage({"task": ("rte",)}), cell=lambda a, m=models: Cell((RUN,), needs_models=m))
        (rule,) = plans(config, [made])
        folders = ["tiny-bert" if role == "base" else "tiny-large" for role in models]
        assert rule.inputs(SimpleNamespace(task="rte")) == [
            f"results/tiny/models/{folder}/{name}"
            for folder in folders
            for name in ("config.json", "model.safetensors", "run.json")
        ]


SHIPPED = Path(__file__).parents[2] / "config.yaml"


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
@pytest.mark.parametrize("paper", list(PAPERS))
def test_the_rules_of_a_shipped_preset_declare_exactly_what_its_jobs_make(preset, paper):
    config = load_config(SHIPPED, preset)
    stages = PAPERS[paper].stages(config)
    rules = plans(config, stages)
    jobs = [job for stage in stages for job in stage.jobs()]
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(rule.name.isidentifier() for rule in rules)
    found = [job for rule in rules for job in expanded(rule)]
    assert len(found) == len(jobs)
    root = config.root
    assert {outputs: (words, identity) for outputs, words, identity, _ in found} == {
        tuple(str(root / path) for path in job.outputs): (
            " ".join([paper, job.stage.name, *(f"{k}={v}" for k, v in job.axes.items())]),
            job.fingerprint,
        )
        for job in jobs
    }


def test_the_largest_preset_is_planned_in_seconds():
    """Snakemake reads the workflow anew in every job. Measured: 1.4 s of CPU on one slow core."""
    config = load_config(SHIPPED, "paper")
    begun = time.process_time()
    for paper in papers(config).values():
        plans(config, paper.stages(config))
    assert time.process_time() - begun < 10


def test_a_rule_has_a_log_with_the_wildcards_of_its_outputs_and_a_name_snakemake_takes():
    for rule in plans(CONFIG, [stage(AXES, diagonal), stage(AXES, pack=("variant",))]):
        assert rule.name.isidentifier()
        for wildcard in rule.constraints:
            assert f"{{{wildcard}}}" in rule.log
            assert f"{{wildcards.{wildcard}}}" in rule.message
            assert all(f"{{{wildcard}}}" in path for path in rule.outputs)


def check(*words, program="/somewhere/bin/snakemake"):
    check_words([program, *words], RULES, WHY)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("lth_fig99", "unknown target 'lth_fig99'; did you mean 'lth_fig9'? `tickets list` shows them all."),
        ("tabels", "unknown target 'tabels'; did you mean 'tables'? `tickets list` shows them all."),
        ("zebra", "unknown target 'zebra'; `tickets list` shows them all."),
        ("lth_fig1", "lth_fig1 is not reproduced: it is a drawing."),
    ],
)
@pytest.mark.parametrize(
    "program", ["/somewhere/bin/snakemake", "/lib/python3.11/site-packages/snakemake/__main__.py"]
)
def test_an_unknown_target_is_refused_with_what_was_meant(word, message, program):
    for words in ([word], ["--cores", "2", "lth_fig9", word, "-n"], [word, "--config", "preset=micro"]):
        with pytest.raises(TicketsError) as refused:
            check(*words, program=program)
        assert str(refused.value) == message


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("lth_fig9", "tables", "-n"),
        ("results/micro/report/index.html",),
        ("--jobname", "zebra", "--cores", "all"),
        ("--config", "preset=micro", "--quiet", "reason"),
        ("--profile", "slurm", "lth_fig2a"),
    ],
)
def test_rules_paths_and_values_of_options_pass(words):
    check(*words)


def test_other_programs_that_read_the_workflow_are_not_asked():
    check("zebra", program="/bin/pytest")
