"""What Snakemake plans for the presets that ship, and what reading the workflow costs."""

import subprocess
import sys
import textwrap

import pytest
import yaml
from small import ROOT, checkout, environment, jobs_of, message, plan, snakemake

from tickets.config import load_config
from tickets.papers.registry import artifacts, chapters, papers, preset_data
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
    found_papers = papers(config)
    with_runs = {(job.stage.paper, job.stage.name) for job in jobs if job.runs}
    found = plan(own, "--config", f"preset={preset}")
    (effective,) = (own / ".tickets" / "config").glob(f"{preset}-*.json")
    assert load_config(effective, preset) == config, "what jobs read is what was parsed"
    assert "Exception" not in found.output, "no rule is tried for a job that there is none of"
    assert {text for text in found.jobs if text in {message(job) for job in jobs}} == {
        message(job) for job in jobs
    }
    encoded = found.rules["encode"] + found.rules.get("encode_own", 0)
    assert encoded == len(preset_data(config)), "each task once for each length and tokenizer"
    used = {role for job in jobs for role in job.models}
    assert {name for name in found.rules if name.startswith("pretrained_model")} == {
        f"pretrained_model_{role}" for role in used
    }
    frames = {f"{id}_{frame.name}_frame" for id, found in chapters(config).items() for frame in found.frames}
    of_papers = {f"{id}_{part}" for id in found_papers for part in ("cells", "facts", "claims", "headline")}
    once = frames | of_papers | set(artifacts(config)) | {"report_page", "all"}
    once |= {f"{paper}_cells_{stage}" for paper, stage in with_runs}
    assert {name: found.rules[name] for name in once} == dict.fromkeys(once, 1)
    assert sum(found.rules.values()) == len(jobs) + encoded + len(used) + len(once)


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
def test_every_rule_stands_for_all_combinations_of_its_wildcards(own, preset):
    """Else Snakemake would try jobs that there are none of, and warn of each."""
    config = load_config(own / "config.yaml", preset)
    found = [rule for paper in papers(config).values() for rule in plans(config, paper.stages(config))]
    combinations = 0
    for rule in found:
        size = 1
        for values in rule.constraints.values():
            size *= len(values.split("|"))
        combinations += size
    assert combinations == len(jobs_of(config))
    assert len({rule.name for rule in found}) == len(found)


def test_a_preset_without_a_paper_has_none_of_its_rules(own):
    done = snakemake(own, "--list-rules")
    assert done.returncode == 0, done.stdout
    rules = set(done.stdout.split())
    assert {
        "lth_imp",
        "lth",
        "supertickets",
        "supertickets_multitask_base_mt_dnn",
        "pretrained_model_base",
    } <= rules
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    del raw["presets"]["micro"]["supertickets"]
    (own / "config.yaml").write_text(yaml.safe_dump(raw))
    try:
        done = snakemake(own, "--list-rules")
    finally:
        (own / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    assert done.returncode == 0, done.stdout
    left = set(done.stdout.split())
    assert [rule for rule in left if rule.startswith("supertickets")] == []
    assert left == {rule for rule in rules if not rule.startswith("supertickets")}


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
