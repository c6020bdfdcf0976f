"""What surrounds the runs: importance.csv, the command line's words, what a preset may not say."""

import csv
from copy import deepcopy

import pytest
import torch
import yaml

from ticket_world import HEADS, LAYERS, RECIPE, ticket_preset
from tickets.cli import main
from tickets.config import parse_config
from tickets.errors import TicketsError
from tickets.jobs.identity import data_identity, model_identity
from tickets.papers.registry import PAPERS
from tickets.papers.supertickets.addresses import importance_file, multitask, ticket
from tickets.papers.supertickets.identity import Identity
from tickets.papers.supertickets.importance_rows import COLUMNS, write_importance
from tickets.papers.supertickets.stages import Stages
from tickets.pruning.scores import VARIANTS, Importance, Scores


def test_importance_csv_has_every_score_of_every_trial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, made = parse_config(ticket_preset()), {}
    for task in ("rte", "sts-b", "mnli"):
        for seed in (1, 2):
            scores = {v: Scores(torch.rand(LAYERS, HEADS), torch.rand(LAYERS)) for v in VARIANTS}
            made[task, seed] = Importance(scores)
            made[task, seed].save(config.root / importance_file(task, seed, "base"), {})
    (frame,) = PAPERS["supertickets"].frames
    assert set(frame.inputs(config)) == {importance_file(t, s, "base") for t, s in made}
    write_importance(config, tmp_path / "importance.csv")
    with (tmp_path / "importance.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    keys = [tuple(row[name] for name in COLUMNS[:-2]) for row in rows]
    assert len(set(keys)) == len(rows) == 6 * 4 * (LAYERS * HEADS + LAYERS)
    for row in rows:
        scores = made[row["task"], int(row["replicate"])][row["variant"]]
        layer, index = int(row["layer"]), int(row["index"])
        if row["kind"] == "head":
            raw, vector = scores.heads[layer, index], scores.heads[layer]
        else:
            assert index == 0
            raw, vector = scores.ffns[layer], scores.ffns
        assert float(row["raw"]) == float(raw)
        assert float(row["normalised"]) == pytest.approx(float(raw) / float((vector**2).sum()) ** 0.5)
        assert row["model"] == "base"


def changed(path, value):
    raw = ticket_preset()
    *parents, last = path.split(".")
    section = raw["presets"]["tiny"]["supertickets"]
    for key in parents:
        section = section.setdefault(key, {})
    section[last] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("head_dropout", {"default": 0.1, "clola": 0.05}, "unknown task 'clola'; did you mean 'cola'?"),
        (
            "subset_recipes",
            {"50.0": RECIPE},
            "subset_recipes: '50.0' is no percentage as paths have it; write '50'",
        ),
        ("subset_recipes", {"many": RECIPE}, "subset_recipes: 'many' is no percentage"),
        ("replicates.families", 3, "'families' needs a trial for each replicate: at most 'trial' (2)"),
        ("replicates.multitask", 3, "'multitask' needs a trial for each replicate"),
        ("grid.subset_percents", [0], "grid.subset_percents.0: Input should be greater than 0"),
        ("grid.domain_percents", [101], "grid.domain_percents.0: Input should be less than or equal to 100"),
        ("grid.subset_task", "snli", "'snli' is not one of this paper's tasks"),
        (
            "recipes",
            {"rte": RECIPE, "sts-b": RECIPE, "mnli": RECIPE},
            "neither 'snli' nor 'default' is given",
        ),
    ],
)
def test_a_preset_may_not_say_what_cannot_be_meant(path, value, message):
    with pytest.raises(TicketsError) as caught:
        parse_config(changed(path, value))
    assert message in str(caught.value)


FULL = ticket("winning", "rte", "00", 1, "base")
SHARED = {m: multitask(m, "rte", 1, "base") for m in ("ticket-share", "ticket-share-mismatched")}


@pytest.mark.parametrize(
    ("path", "value", "moved"),
    [
        ("grid.mismatch", ["rte", "sts-b"], {"ticket-share-mismatched"}),
        ("grid.mismatch", ["rte", "cola"], set()),
        ("grid.finetune", ["rte"], set()),
        ("grid.families", [], set()),
    ],
)
def test_which_tickets_are_mismatched_is_part_of_what_shares_them(path, value, moved):
    before, after = (Identity(parse_config(raw)) for raw in (ticket_preset(), changed(path, value)))
    found = {m for m, address in SHARED.items() if before.fingerprint(address) != after.fingerprint(address)}
    assert found == moved
    assert before.fingerprint(FULL) == after.fingerprint(FULL)


def jobs(raw):
    config = parse_config(raw)
    return config, {job.name: job.fingerprint for stage in Stages(config).all() for job in stage.jobs()}


@pytest.mark.parametrize(
    ("path", "value", "stages"),
    [
        ("tickets.importance", "example", {"trial", "trial_source", "families", "reruns", "subsets",
                                           "subset_families", "mismatch", "multitask", "finetune", "domain"}),
        ("head_dropout", {"default": 0.1, "mnli": 0.2}, {"trial_source", "families", "subsets",
                                                         "subset_families", "multitask", "finetune", "domain"}),
        ("recipes.snli", RECIPE | {"steps": 9}, {"domain"}),
        ("multitask_recipe", RECIPE | {"steps": 9}, {"multitask", "finetune", "domain"}),
    ],
)  # fmt: skip
def test_jobs_that_a_change_sets_going_and_inputs_that_it_leaves_alone(path, value, stages):
    (config, before), (other, after) = jobs(ticket_preset()), jobs(changed(path, value))
    moved = {name.split("-")[0] for name in before if before[name] != after[name]}
    assert moved == stages
    assert data_identity(config, "rte", 24) == data_identity(other, "rte", 24)
    assert model_identity(config) == model_identity(other)


def test_packing_moves_jobs_together_and_no_run():
    packed = deepcopy(ticket_preset(pack={"default": ["seed"], "domain": ["init"]}))
    configs = [parse_config(raw) for raw in (ticket_preset(), packed)]
    runs = [
        {a: Identity(c).fingerprint(a) for s in Stages(c).all() for job in s.jobs() for a in job.runs}
        for c in configs
    ]
    assert runs[0] == runs[1]
    counts = [sum(1 for stage in Stages(c).all() for _ in stage.jobs()) for c in configs]
    assert counts[1] < counts[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trial", "model=base", "task=rte", "seed=9"],
         "stage 'trial' has no job {'model': 'base', 'task': 'rte', 'seed': '9'}; its axes are model: base, "
         "task: rte sts-b mnli, seed: 1 2"),
        (["trial", "model=base", "task=mnli", "seed=1"], "stage 'trial' has no job"),
        (["trial", "task=rte"], "its axes are model: base"),
        (["tryal"], "unknown stage 'tryal'; the stages are trial, trial_source, families"),
        (["trial", "rte"], "'rte': axis values are given as name=value"),
    ],
)  # fmt: skip
def test_axes_that_name_no_job_are_refused(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(ticket_preset()))
    for name in ("TICKETS_CONFIG", "TICKETS_PRESET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as end:
        main(["run", "supertickets", *words])
    assert end.value.code == 1
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "results").exists()
