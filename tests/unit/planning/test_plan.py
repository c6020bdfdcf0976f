"""The plan of the shipped presets: what targets need, counted once, and what is left."""

import json
from pathlib import Path

import pytest
import yaml

from tickets.config import load_config, parse_config
from tickets.errors import TicketsError
from tickets.papers.registry import artifacts
from tickets.planning.data import Data
from tickets.planning.listing import MADE, MISSING, STALE, state
from tickets.planning.plan import Plan
from tickets.planning.targets import find_target, find_targets, union

ROOT = Path(__file__).parents[3]
GOLDEN = {
    "lth": (537, 2_861, 3_993, 36_967_328),
    "supertickets": (331, 2_768, 2_551, 45_186_369),
    "tamt": (3_454, 10_259, 10_414, 90_324_050),
}
"""Jobs, runs, trainings and optimizer steps of the paper preset."""
TOTAL_FLOPS = 1.803e20


def config_of(preset, folder, monkeypatch):
    """A preset in a folder without results; `paper/` is where it is looked for."""
    (folder / "paper").symlink_to(ROOT / "paper")
    monkeypatch.chdir(folder)
    return load_config(ROOT / "config.yaml", preset)


@pytest.fixture
def micro(tmp_path, monkeypatch):
    return Plan(config_of("micro", tmp_path, monkeypatch))


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        plan = Plan(config_of("paper", tmp_path_factory.mktemp("paper"), patch))
        assert plan.artifacts
        assert not plan.done
        yield plan


def test_golden_totals_of_the_paper_preset(paper):
    found = {}
    for id in paper.papers:
        cost = paper.cost(paper.of_stage(id))
        found[id] = (cost.jobs, cost.runs, cost.trainings, cost.updates)
    assert found == GOLDEN
    assert paper.cost(paper.everything).flops.computed == pytest.approx(TOTAL_FLOPS, rel=1e-3)


def test_stages_and_papers_make_up_the_total(paper):
    whole = paper.cost(paper.everything)
    assert sum(paper.cost(jobs).runs for jobs in paper.stages.values()) == whole.runs
    assert union(paper.stages.values()) == paper.everything
    assert union(paper.of_stage(id) for id in paper.papers) == paper.everything


def test_what_two_figures_share_counts_once(paper):
    first, second = (find_target(paper, id) for id in ("lth_fig2a", "lth_fig5"))
    both = paper.cost(union([first.jobs, second.jobs]))
    assert both.runs < paper.cost(first.jobs).runs + paper.cost(second.jobs).runs
    stages = {paper.graph.jobs[n].stage.name for n in first.jobs}
    assert stages == {"imp", "oneshot", "transfer"}


def test_an_artifact_needs_what_its_runs_wait_for(paper):
    found = find_target(paper, "tamt_fig3").jobs
    stages = {paper.graph.jobs[n].stage.name for n in found}
    assert {"methods", "mask_training", "imp_masks", "baseline_masks"} <= stages
    assert "few" not in stages
    assert all(paper.graph.needs[n] <= found for n in found)


def test_sharing_is_said(paper):
    target = find_target(paper, "lth_table7")
    runs = paper.cost(target.jobs).runs
    assert 0 < target.shared <= runs
    assert target.others["lth_table2"] == 550
    assert "lth_table7" not in target.others
    assert list(target.others.values()) == sorted(target.others.values(), reverse=True)


def test_every_artifact_is_a_target_and_most_need_jobs(paper):
    assert paper.artifacts.keys() == artifacts(paper.config).keys()
    without = {id for id, jobs in paper.artifacts.items() if not jobs}
    assert without == {"supertickets_table9", "tamt_table1", "tamt_table2", "tamt_fig5_published"}, (
        "of recipes"
    )


def test_targets(paper):
    assert find_target(paper, "all").jobs == paper.everything
    assert [target.name for target in find_targets(paper, ())] == ["all"]
    assert find_target(paper, "tamt").jobs == paper.of_stage("tamt")
    transfers = find_target(paper, "lth_transfer").jobs
    assert transfers > paper.of_stage("lth", ["transfer"])
    assert transfers == paper.graph.closure(paper.of_stage("lth", ["transfer"]))
    cross = find_target(paper, "cross")
    assert {paper.graph.jobs[n].stage.paper for n in cross.jobs} == {"lth", "supertickets", "tamt"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lth_fig22a", "unknown target 'lth_fig22a' in preset 'paper'; did you mean 'lth_fig2a'"),
        ("nonsense", "A target is all, a paper, a stage"),
        ("tamt_fig2", "tamt_fig2 is not reproduced: "),
    ],
)
def test_a_target_that_there_is_not(paper, name, message):
    with pytest.raises(TicketsError, match=message):
        find_target(paper, name)


def test_longest_chain_of_the_paper(paper):
    seconds, chain = paper.graph.longest(paper.seconds, paper.everything)
    assert paper.graph.jobs[chain[0]].name == "imp-mnli"
    assert seconds == pytest.approx(sum(paper.seconds[n] for n in chain))
    assert max(paper.seconds) <= seconds < paper.time(paper.everything)


def finish(plan, job, fingerprint):
    path = plan.config.root / job.record
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"fingerprint": fingerprint}))


def test_what_is_done_is_not_left(micro):
    job = micro.graph.jobs[0]
    finish(micro, job, job.fingerprint)
    finish(micro, micro.graph.jobs[1], "of another config")
    broken = micro.config.root / micro.graph.jobs[2].record
    broken.write_text("{")
    again = Plan(micro.config)
    assert again.done == {0}
    assert again.records.keys() == {0, 1}


def test_state_of_an_artifact(micro):
    item = artifacts(micro.config)["lth_table1"]
    assert state(micro, item) == MISSING
    for path in item.outputs(micro.config.root / "lth"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert state(Plan(micro.config), item) == MADE, "the files are in git, the runs may be elsewhere"
    job = micro.graph.jobs[min(micro.artifacts["lth_table1"])]
    finish(micro, job, "of another config")
    assert state(Plan(micro.config), item) == STALE
    finish(micro, job, job.fingerprint)
    assert state(Plan(micro.config), item) == MADE


def test_sizes_follow_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["presets"]["micro"]["data"]["sizes"] = {"rte": {"train": 160}}
    data = Data(parse_config(raw, "micro"))
    assert data.train("rte", 64) == 160
    assert data.of("rte", 64).rows["dev"] == 400
    assert data.of("rte", 64).source == "synthetic"
    raw["presets"]["mini"]["data"]["mlm_sequences"] = 5_000
    real = Data(parse_config(raw, "mini"))
    assert real.train("mlm", 512) == 5_000
    assert real.train("mnli", 128) == 392_702
    assert real.of("squad", 384).rows == {"train": 88_641, "dev": 10_833}
    assert real.of("rte", 64).mean == 64, "what is cut to 64 tokens has no mean of 70"


def test_sizes_of_encoded_data_come_from_the_files(tmp_path, monkeypatch):
    import torch

    from tickets.data.encoded import EncodedTask, Split
    from tickets.grid import data_file

    monkeypatch.chdir(tmp_path)
    config = load_config(ROOT / "config.yaml", "paper")

    def split(n):
        lengths = torch.arange(n, dtype=torch.int32) % 8 + 1
        return Split(torch.zeros(n, 8, dtype=torch.int32), torch.zeros(n, 8, dtype=torch.uint8), lengths)

    EncodedTask({"train": split(64), "dev": split(5)}, {"task": "rte"}).save(
        config.root / data_file("rte", 128)
    )
    facts = Data(config).of("rte", 128)
    assert facts.rows == {"train": 64, "dev": 5}
    assert (facts.mean, facts.batch, facts.source) == (4.5, 8.0, "encoded")
    (config.root / data_file("rte", 128)).write_bytes(b"not a file of tensors")
    assert Data(config).of("rte", 128).source == "official"
