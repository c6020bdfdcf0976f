"""The commands behind the rules: what they refuse, and in which words (the runs themselves: tests of jobs)."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from tickets.papers.registry import PAPERS, artifacts
from tickets.provenance.collect import COLUMNS
from tiny_engine import build_preset, three_papers, tiny_preset, two_papers

LEFT_OUT = "presets.tiny: there is no section 'supertickets', so this paper is not run."
RUN = "lth/runs/rte/pretrained/oneshot/from-any/sparsity70/seed1"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Data, model and the one-shot runs of the tiny preset."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("tiny")
        patch.chdir(folder)
        raw = tiny_preset()
        (folder / "config.yaml").write_text(yaml.safe_dump(raw))
        config = build_preset(raw)
        from tickets.jobs.runner import run_job

        for stage in PAPERS["lth"].stages(config):
            if stage.name == "oneshot":
                for job in stage.jobs():
                    run_job(config, job)
    return folder


@pytest.fixture
def root(template, tmp_path, monkeypatch):
    """A copy of the template as working directory; results/tiny in it."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("TICKETS_CONFIG", "TICKETS_PRESET"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "results" / "tiny"


@pytest.fixture
def listed(tickets, root, monkeypatch):
    """What `tickets list` prints, line by line by target."""
    (root.parents[1] / "paper").symlink_to(Path(__file__).parents[3] / "paper")
    monkeypatch.setenv("COLUMNS", "200")

    def lines():
        done = tickets("list")
        assert done.code == 0
        return {line.split()[0]: line for line in done.out.splitlines() if "│" in line}

    return lines


def test_collect_writes_the_rows_of_a_stage(tickets, root):
    assert tickets("collect", "lth", "oneshot").code == 0
    with (root / "lth/cells/oneshot.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    (row,) = (row for row in rows if row["path"] == RUN)
    metrics = json.loads((root / RUN / "metrics.json").read_text())
    assert float(row["score"]) == metrics["score"] == float(row["accuracy"])
    assert (row["sparsity"], row["method"], row["source"], row["rule"]) == ("0.7", "oneshot", "any", "")


def without(key):
    def change(text):
        content = json.loads(text)
        target = content["scores"]["dev"] if key == "accuracy" else content
        del target[key]
        return json.dumps(content)

    return change


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[:40], "not valid JSON"),
        (lambda text: "[]", "expected a JSON object"),
        (lambda text: "{}", "not the metrics of a run (no 'scores')"),
        (without("accuracy"), "not the metrics of a run (no 'accuracy')"),
        (without("resolved"), "not the metrics of a run (no 'resolved')"),
        (lambda text: text.replace('"dev": {', '"dev": 3, "x": {'), "not the metrics of a run ("),
    ],
)
def test_damaged_metrics_are_named(refused, root, damage, words):
    path = root / RUN / "metrics.json"
    path.write_text(damage(path.read_text()))
    message = refused("collect", "lth", "oneshot")
    assert message.startswith(f"results/tiny/{RUN}/metrics.json: {words}")
    assert "again" in message
    assert not (root / "lth/cells/oneshot.csv").exists()


def test_missing_runs_parts_and_records_are_named(refused, root):
    assert "sparsity00/seed1/metrics.json: not found." in refused("collect", "lth", "imp")
    assert (
        refused("collect", "lth") == "results/tiny/lth/cells/imp.csv: not found. Run its `cells` rule first."
    )


@pytest.fixture
def merged(root, tickets):
    """Every stage's part of cells.csv: the one-shot rows, and no rows where nothing ran."""
    assert tickets("collect", "lth", "oneshot").code == 0
    part = root / "lth/cells/oneshot.csv"
    from tickets.config import load_config

    config = load_config(root.parents[1] / "config.yaml")
    for stage in PAPERS["lth"].stages(config):
        if stage.name != "oneshot":
            (part.parent / f"{stage.name}.csv").write_text(part.read_text().splitlines()[0] + "\n")
    return part


def cut_columns(text):
    return "".join(",".join(line.split(",")[:10]) + "\n" for line in text.splitlines())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_columns, "columns missing: replicate, fingerprint, metric, score, test_score, accuracy"),
        (lambda text: text[:-60], "has "),
        (lambda text: "", "not a CSV file"),
        (lambda text: text.replace("shared_with", "shared_with,extra", 1), "other columns than expected"),
    ],
)
def test_a_damaged_part_of_the_cells_is_named(refused, merged, damage, words):
    merged.write_text(damage(merged.read_text()))
    message = refused("collect", "lth")
    assert message.startswith("results/tiny/lth/cells/oneshot.csv: ")
    assert words in message
    assert not merged.parents[1].joinpath("cells.csv").exists()


def test_a_damaged_record_of_a_job_is_named(refused, merged):
    jobs = merged.parents[1] / "jobs"
    record = jobs / "imp" / "rte.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    for content, words in (("{}", "not the record of a job (no 'runs')"), ("{", "not valid JSON")):
        record.write_text(content)
        message = refused("collect", "lth")
        assert message.startswith(f"results/tiny/lth/jobs/imp/rte.json: {words}")


def test_an_artifact_is_drawn_from_what_there_is_and_damage_is_named(tickets, refused, merged):
    shutil.copytree(Path(__file__).parents[3] / "paper", "paper")
    assert tickets("render", "lth_table5").code == 0
    merged.with_name("imp.csv").unlink()
    assert "results/tiny/lth/cells/imp.csv: no such file." in refused("render", "lth_table5")
    part = merged.with_name("imp.csv")
    part.write_text(cut_columns(merged.read_text()))
    assert "results/tiny/lth/cells/imp.csv: columns missing: replicate, score." in refused(
        "render", "lth_table5"
    )
    part.write_text("")
    assert "results/tiny/lth/cells/imp.csv: not a readable CSV" in refused("render", "lth_table5")
    assert "results/tiny/lth/overlap.csv: no such file." in refused("render", "lth_fig10")
    part.write_text(merged.read_text())
    (part.parents[1] / "overlap.csv").write_text("source_a,source_b\n")
    assert "overlap.csv: columns missing: replicate_a" in refused("render", "lth_fig10")
    assert (
        refused("render", "lth_table1")
        == "results/tiny/lth/facts.json: not found. Run `tickets facts` first."
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "lth", "impp"], "unknown stage 'impp'; "),
        (["run", "nlp", "imp"], "unknown paper 'nlp'; the papers are lth, supertickets, tamt."),
        (["run", "lth", "imp"], "stage 'imp' has no job {}; its axes are task: rte mlm"),
        (
            ["run", "lth", "imp", "task=cola"],
            "stage 'imp' has no job {'task': 'cola'}; its axes are task: rte mlm",
        ),
        (["run", "lth", "imp", "tasks=rte"], "stage 'imp' has no job {'tasks': 'rte'}; "),
        (["run", "lth", "imp", "rte"], "'rte': axis values are given as name=value, e.g. task=rte."),
        (["run", "lth", "imp", "task=rte", "task=mlm"], "'task=mlm': the axis 'task' is given twice; "),
        (["run", "lth", "transfer", "source=rte", "task=rte"], "stage 'transfer' has no job "),
        (["collect", "lth", "impp"], "unknown stage 'impp'; "),
        (
            ["render", "lth_fig99"],
            "unknown artifact 'lth_fig99'; did you mean 'lth_fig9'? `tickets list` shows",
        ),
        (["render", "lth_fig1"], "lth_fig1 is not reproduced: Figure 1 is a schematic drawing"),
        (["encode", "rtee", "32"], "unknown task 'rtee'; did you mean 'rte'? The tasks are: mnli, "),
        (["encode", "zzz", "32"], "unknown task 'zzz'. The tasks are: mnli, "),
        (["list", "--preset", "tinny"], "config.yaml: preset 'tinny' is not defined; did you mean 'tiny'?"),
        (
            ["list", "--config", "none.yaml"],
            "none.yaml: not found. Run in the repository's root, or name the file",
        ),
        (["frame", "lth", "importance"], "paper 'lth' has no frame 'importance'; it has overlap."),
        (["frame", "nlp", "overlap"], "unknown paper 'nlp'; the papers are lth, supertickets, tamt."),
        (
            ["frame", "lth", "overlap"],
            "results/tiny/lth/masks/imp/from-rte/sparsity60/seed1/mask.safetensors: ",
        ),
        (["model", "large"], "models: there is no model 'large'; there are base."),
        (["facts", "nlp"], "unknown paper 'nlp'; the papers are lth, supertickets, tamt."),
        (["facts", "supertickets"], LEFT_OUT),
        (["collect", "supertickets"], LEFT_OUT),
        (["collect", "supertickets", "trial"], LEFT_OUT),
        (["run", "supertickets", "trial", "task=rte"], LEFT_OUT),
        (["frame", "supertickets", "importance"], LEFT_OUT),
        (
            ["claims", "supertickets"],
            "results/tiny/supertickets/facts.json: not found. Run `tickets facts` first.",
        ),
        (["facts", "lth", "--preset", "micro"], "config.yaml: preset 'micro' is not defined"),
    ],
)
def test_wrong_words_are_answered_with_what_there_is(refused, root, words, message):
    assert refused(*words).startswith(message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["encode", "rte"], "Missing argument 'max_length'"),
        (["encode", "rte", "long"], "Invalid value for 'max_length'"),
        (["encode", "rte", "2"], "Input should be greater than or equal to 3"),
        (["frame", "lth"], "Missing argument 'name'"),
        (["facts"], "Missing argument 'paper'"),
        (["model", "base", "large"], "unexpected extra argument"),
    ],
)
def test_missing_and_superfluous_words_end_in_a_usage_error(tickets, root, words, message):
    done = tickets(*words)
    assert done.code == 2
    assert message in done.err
    assert not list(root.rglob("*.part"))


def test_encode_writes_a_file_for_each_length(tickets, root):
    there = root / "data" / "rte-32.safetensors"
    before = there.read_bytes()
    assert tickets("encode", "rte", "48").code == 0
    assert {path.name for path in there.parent.glob("rte-*")} == {"rte-32.safetensors", "rte-48.safetensors"}
    assert there.read_bytes() == before


def test_facts_are_those_of_the_paper_and_its_lengths(tickets, root, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(two_papers()))
    assert tickets("facts", "lth").code == 0
    facts = json.loads((root / "lth" / "facts.json").read_text())
    assert {task: facts[task]["max_length"] for task in facts} == {"rte": 32, "mlm": 32}
    missing = "data/mnli-24.safetensors: encoded data not found. Run the `encode` rule first."
    assert tickets("facts", "supertickets").err.endswith(missing + "\n")
    for task in ("rte", "sts-b", "mnli", "snli", "scitail"):
        assert tickets("encode", task, "24").code == 0
    assert tickets("facts", "supertickets").code == 0
    facts = json.loads((root / "supertickets" / "facts.json").read_text())
    assert {task: facts[task]["max_length"] for task in facts} == dict.fromkeys(
        ("rte", "sts-b", "mnli", "snli", "scitail"), 24
    )
    assert facts["rte"]["steps"] == 4


def test_list_has_the_targets_of_all_papers(listed, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(three_papers()))
    assert {*artifacts(), *PAPERS["supertickets"].not_reproduced} <= listed().keys()


def test_missing_and_damaged_data_are_named(refused, root):
    data = root / "data" / "rte-32.safetensors"
    whole = data.read_bytes()
    for command in (["facts", "lth"], ["run", "lth", "oneshot", "task=rte"]):
        data.write_bytes(whole[:100])
        assert "data/rte-32.safetensors: not a readable safetensors file" in refused(*command)
        data.unlink()
        assert "data/rte-32.safetensors: encoded data not found. Run the `encode` rule first." in refused(
            *command
        )
    data.write_bytes((root / "models" / "tiny-bert" / "model.safetensors").read_bytes())
    assert "not the data of a task" in refused("facts", "lth")


def test_a_missing_model_and_a_damaged_mask_are_named(refused, root, tickets):
    data = sorted((root / "models" / "tiny-bert").iterdir())
    mask = root / "lth/masks/imp/from-mlm/sparsity70/seed1/mask.safetensors"
    mask.parent.mkdir(parents=True)
    mask.write_bytes(b"no mask")
    message = refused("run", "lth", "transfer", "source=mlm", "task=rte")
    assert message.startswith(f"results/tiny/{mask.relative_to(root)}: not a readable safetensors file")
    for path in data:
        path.unlink()
    assert "results/tiny/models/tiny-bert" in refused("run", "lth", "oneshot", "task=mlm")
    assert not list(root.rglob("*.part"))


def test_list_shows_every_target_with_its_state_and_the_reason_of_the_others(listed, root):
    lines = listed()
    for item in PAPERS["lth"].artifacts:
        assert "not made" in lines[item.id]
        assert item.number in lines[item.id]
    assert not any(name.startswith("supertickets_") for name in lines), (
        "the preset has no section of that paper"
    )
    for id, reason in PAPERS["lth"].not_reproduced.items():
        assert reason in lines[id]
        assert "not reproduced" in lines[id]
    for path in artifacts()["lth_fig2"].outputs(root / "lth"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert "not made" in lines["lth_fig2"]
    assert "not made" not in listed()["lth_fig2"]
    assert "not made" in listed()["lth_fig2a"]


def test_the_environment_names_config_and_preset_as_the_rules_do(tickets, root, monkeypatch, tmp_path):
    (tmp_path / "config.yaml").rename(tmp_path / "other.yaml")
    monkeypatch.setenv("TICKETS_CONFIG", "other.yaml")
    assert tickets("collect", "lth", "oneshot").code == 0
    monkeypatch.setenv("TICKETS_PRESET", "none")
    assert tickets("collect", "lth", "oneshot").code == 1
