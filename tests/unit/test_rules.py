"""Rules from stages, and the check of Snakemake's command line."""

from itertools import product
from types import SimpleNamespace

import pytest

from tickets.config import parse_config
from tickets.errors import TicketsError
from tickets.grid import Cell, Stage
from tickets.rules import check_words, plans
from tickets.spec import RunAddress
from tiny_engine import tiny_preset

CONFIG = parse_config(tiny_preset())
RULES = {"all", "tables", "figures", "encode", "lth_fig9", "lth_fig2a", "lth_table2"}
WHY = {"lth_fig1": "it is a drawing."}


def stage(axes, skip=lambda axes: False, pack=()):
    def cell(a):
        source = a.get("source", a["task"])
        return Cell(
            (RunAddress("lth", a["task"], a.get("variant", "w"), "imp", source, "70", 1),),
            needs_tasks=("rte",),
        )

    return Stage("lth", "stage", "", axes, cell, lambda address: str(address), "m:f", lambda task: 64, skip, pack)


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
            " ".join(["stage", *(f"{k}={v}" for k, v in job.axes.items())]),
            job.fingerprint,
            tuple(str(root / path) for path in job.inputs),
        )
        for job in jobs
    }
    assert {job for rule in found for job in expanded(rule)} == expected
    assert sum(1 for rule in found for _ in expanded(rule)) == len(jobs)


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
