"""What single targets need, planned from scratch (nothing is run)."""

import pytest
from small import checkout, jobs_of, message, plan

from tickets.config import load_config
from tickets.data.tasks import TASKS
from tickets.papers.registry import PAPERS, artifacts, cell_stages, paper_tasks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="module")
def config(folder):
    return load_config(folder / "config.yaml")


def trained(found, config):
    """Jobs that a plan trains, by paper and stage."""
    by_message = {message(job): (job.stage.paper, job.stage.name) for job in jobs_of(config)}
    return {by_message[text] for text in found.jobs if text in by_message}


def test_one_figure_needs_its_own_stages_only(folder):
    found = plan(folder, "lth_fig2a")
    trained = {"lth_imp", "lth_oneshot", "lth_transfer_rte", "lth_transfer_mlm"}
    collected = {f"lth_cells_{stage}" for stage in ("imp", "oneshot", "transfer")}
    assert set(found.rules) == trained | collected | {"encode", "pretrained_model_base", "lth_fig2a"}
    assert found.rules["encode"] == 5, "only the tasks whose data some run reads"
    assert found.rules["encode"] < len(TASKS)


def test_figure_4_needs_trials_families_and_reruns_only(folder, config):
    found = plan(folder, "supertickets_fig4")
    stages = {"trial", "trial_source", "families", "reruns"}
    assert trained(found, config) == {("supertickets", stage) for stage in stages}
    others = {f"supertickets_cells_{stage}": 1 for stage in stages} | {"supertickets_fig4": 1}
    others |= {"pretrained_model_base": 1, "pretrained_model_large": 1, "encode": 3}
    assert others.items() <= found.rules.items()
    jobs = [job for job in jobs_of(config) if job.stage.name in stages]
    assert sum(found.rules.values()) == len(jobs) + sum(others.values())


def test_pies_need_importance_scores_and_no_cells(folder, config):
    found = plan(folder, "supertickets_fig6")
    assert trained(found, config) == {("supertickets", "trial"), ("supertickets", "trial_source")}
    assert not any("cells" in name for name in found.rules)


def test_figure_3_needs_main_masks_and_their_runs_only(folder, config):
    found = plan(folder, "tamt_fig3")
    stages = {"full", "baselines", "methods"}
    makers = {"baseline_masks", "imp_masks", "mask_training"}
    assert trained(found, config) == {("tamt", stage) for stage in stages | makers}
    assert found.jobs >= {"tamt mask_training tamt-mlm", "tamt mask_training tamt-kd"}
    assert not {"tamt mask_training tamt-kd.calm", "tamt mask_training tamt-kd-random"} & found.jobs
    assert {f"tamt_cells_{stage}" for stage in stages} <= set(found.rules)
    assert not any(name.endswith(("_frame", "_claims")) for name in found.rules)
    assert found.rules["encode"] == 4, "two tasks, and both kinds of pre-training text"


def test_losses_on_held_out_text_need_masks_and_no_runs(folder, config):
    found = plan(folder, "results/small/tamt/pretraining.csv")
    assert {stage for _, stage in trained(found, config)} == {"baseline_masks", "imp_masks", "mask_training"}
    assert found.rules["encode"] == 2
    assert not any("cells" in name for name in found.rules)


def test_what_is_made_of_all_papers(folder, config):
    found = plan(folder, "cross")
    items = {item.id: item for item in artifacts(config).values() if item.paper == "cross"}
    assert items
    assert set(items) | {"cross"} <= set(found.rules)
    read = {
        (paper, stage) for item in items.values() for paper, stages in item.reads.items() for stage in stages
    }
    running = {(id, name) for id, paper in PAPERS.items() for name in cell_stages(config, paper)}
    assert {f"{paper}_cells_{stage}" for paper, stage in read & running} <= set(found.rules)
    assert not {f"{paper}_claims" for paper in PAPERS} & set(found.rules)
    assert {paper for paper, _ in trained(found, config)} == set(PAPERS)
    assert ("tamt", "few") not in trained(found, config)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_paper_builds_all_of_its_own_and_nothing_of_another(folder, config, paper):
    found = plan(folder, paper)
    own = [job for job in jobs_of(config) if job.stage.paper == paper]
    assert found.jobs & {message(job) for job in jobs_of(config)} == {message(job) for job in own}
    assert [
        name for other in PAPERS if other != paper for name in found.rules if name.startswith(other)
    ] == []
    made = {item.id for item in artifacts(config).values() if item.paper == paper}
    made |= {f"{paper}_cells_{stage}" for stage in cell_stages(config, PAPERS[paper])}
    made |= {f"{paper}_claims", f"{paper}_cells", paper}
    assert made <= set(found.rules)
    assert not {"report_page", "all"} & set(found.rules)
    assert found.rules["encode"] == len(paper_tasks(config, PAPERS[paper]))
    roles = {role for job in own for role in job.models}
    assert {name for name in found.rules if name.startswith("pretrained")} == {
        f"pretrained_model_{role}" for role in roles
    }


def test_figures_are_those_of_every_paper(folder, config):
    found = plan(folder, "figures")
    items = artifacts(config).values()
    assert {item.id for item in items} & set(found.rules) == {
        item.id for item in items if item.kind == "figure"
    }
