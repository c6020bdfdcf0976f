"""What Snakemake plans for the presets that ship, and what reading the workflow costs."""

import subprocess
import sys
import textwrap

import pytest
from small import ROOT, checkout, environment, jobs_of, message, plan, snakemake

from tickets.config import load_config
from tickets.data.tasks import TASKS
from tickets.papers.registry import artifacts
from tickets.rules import plans

HEAVY = ("torch", "transformers", "pandas", "matplotlib", "sklearn", "scipy", "datasets", "evaluate")
PARSED = ("tickets.config", "tickets.rules", "tickets.grid", "tickets.spec", "tickets.papers.registry",
          "tickets.jobs.identity", "tickets.data.tasks", "tickets.cli")  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The repository's own config, nothing built."""
    return checkout(tmp_path_factory.mktemp("own"), preset="own")


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
def test_a_preset_plans_the_jobs_of_its_stages_each_once(own, preset):
    config = load_config(own / "config.yaml", preset)
    jobs = jobs_of(config)
    needed = {task for job in jobs for cell in job.plans() for task in cell.needs_tasks}
    with_runs = {job.stage.name for job in jobs if job.runs}
    found = plan(own, "--config", f"preset={preset}")
    (effective,) = (own / ".tickets" / "config").glob(f"{preset}-*.json")
    assert load_config(effective, preset) == config, "what jobs read is what was parsed"
    assert "Exception" not in found.output, "no rule is tried for a job that there is none of"
    assert {text for text in found.jobs if text in {message(job) for job in jobs}} == {
        message(job) for job in jobs
    }
    # cells, facts, overlap, claims, report and all: one each
    others = len(with_runs) + 6 + len(artifacts()) + 1
    assert needed <= set(TASKS)
    assert sum(found.rules.values()) == len(jobs) + found.rules["encode"] + others
    assert len(needed) <= found.rules["encode"] <= len(TASKS)


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
def test_every_rule_stands_for_all_combinations_of_its_wildcards(own, preset):
    """Else Snakemake would try jobs that there are none of, and warn of each."""
    from tickets.papers.registry import PAPERS

    config = load_config(own / "config.yaml", preset)
    found = plans(config, PAPERS["lth"].stages(config))
    combinations = 0
    for rule in found:
        size = 1
        for values in rule.constraints.values():
            size *= len(values.split("|"))
        combinations += size
    assert combinations == len(jobs_of(config))
    assert len({rule.name for rule in found}) == len(found)


def test_modules_that_the_workflow_reads_import_nothing_heavy():
    code = f"import sys, {', '.join(PARSED)}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), text=True, capture_output=True, check=True
    )
    assert done.stdout.split() == []


def test_reading_the_workflow_imports_nothing_heavy_on_our_behalf(own):
    """Snakemake itself imports pandas, so the question is who asks: any module or rule file of ours."""
    code = f"""
        import builtins, sys
        from snakemake.cli import main
        plain = builtins.__import__
        def watched(name, globals=None, *rest, **more):
            who = (globals or {{}}).get("__name__", "")
            if name.split(".")[0] in {HEAVY!r} and not who.startswith("snakemake."):
                raise SystemExit(f"{{who}} imports {{name}}")
            return plain(name, globals, *rest, **more)
        builtins.__import__ = watched
        sys.argv = ["snakemake", "-n", "--quiet", "all"]
        try:
            main()
        except SystemExit as end:
            print("end:", end.code)
        print("torch" in sys.modules, "matplotlib" in sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=own,
        env=environment(),
        text=True,
        capture_output=True,
    )
    assert done.stdout.splitlines()[-2:] == ["end: 0", "False False"], done.stdout + done.stderr


def test_the_snakefile_fits_a_screen_and_rules_only_call_the_command():
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 40
    for file in (ROOT / "workflow").rglob("*.smk"):
        words = file.read_text().split()
        assert not {"run:", "script:", "notebook:"} & set(words), file
    shells = [
        line.strip() for file in (ROOT / "workflow").rglob("*.smk") for line in file.read_text().splitlines()
        if line.strip().startswith('"tickets ')
    ]  # fmt: skip
    assert len(shells) >= 8


def test_snakemakes_linter_and_formatter_have_nothing_to_say(own):
    done = snakemake(own, "--lint")
    assert done.returncode == 0, done.stdout
    assert "good condition" in done.stdout
    tool = [sys.executable, "-m", "snakefmt", "--check", str(ROOT / "Snakefile"), str(ROOT / "workflow")]
    done = subprocess.run(tool, env=environment(), text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schemas_are_up_to_date():
    from tickets.schemas import documents

    there = {path.name: path.read_text() for path in (ROOT / "workflow" / "schemas").iterdir()}
    assert there == documents(), "run make schemas"
