"""The grid of `supertickets`: how many runs, what each stage waits for, and nothing made twice."""

from collections import Counter
from pathlib import Path

import pytest

from tickets.config import load_config, parse_config
from tickets.grid import find_stage
from tickets.papers.registry import PAPERS, papers
from tickets.papers.supertickets.addresses import LEVELS, importance_file, mask, ticket, weights_file
from tickets.papers.supertickets.identity import Identity
from tickets.papers.supertickets.settings import TASKS
from tickets.papers.supertickets.stages import Stages
from tickets.spec import MaskAddress, RunAddress
from tiny_engine import two_models, two_papers

SHIPPED = Path(__file__).parents[4] / "config.yaml"
COUNTS = {
    # stage: jobs, runs, masks of the preset `paper`
    "trial": (75, 675, 600),
    "trial_source": (5, 45, 40),
    "families": (60, 480, 480),
    "reruns": (50, 400, 0),
    "subsets": (15, 135, 120),
    "subset_families": (30, 240, 240),
    "mismatch": (5, 45, 40),
    "multitask": (31, 248, 0),
    "finetune": (52, 260, 0),
    "domain": (8, 240, 0),
}


@pytest.fixture(scope="module")
def paper():
    return load_config(SHIPPED, "paper")


@pytest.fixture(scope="module")
def stages(paper):
    return {stage.name: stage for stage in Stages(paper).all()}


def runs_of(stage):
    return [run for job in stage.jobs() for run in job.runs]


def cells_of(stages):
    return [cell for stage in stages for job in stage.jobs() for cell in job.plans()]


def test_jobs_runs_and_masks_of_the_paper_preset(stages):
    found = {
        name: (
            len(list(stage.jobs())),
            len(runs_of(stage)),
            sum(len(cell.masks) for cell in cells_of([stage])),
        )
        for name, stage in stages.items()
    }
    assert found == COUNTS


def test_runs_of_the_groups_of_spec_6_1(stages):
    """'Plan F': the numbers of runs by group; beside them what this project adds on purpose."""
    runs = {name: runs_of(stage) for name, stage in stages.items()}
    trials = Counter((run.model, run.level == "00") for run in runs["trial"] + runs["trial_source"])
    assert trials == {(m, full): 40 if full else 320 for m in ("base", "large") for full in (True, False)}, (
        "G1 and G2: 8 tasks x 5 seeds, and 8 levels of each"
    )
    families = Counter((run.model, run.task) for run in runs["families"])
    assert families == {(m, t): 80 for m in ("base", "large") for t in ("rte", "sst-2", "mnli")}, (
        "G3 with five seeds for MNLI too: 2 families x 8 levels x 5 seeds"
    )
    assert len(runs["subsets"] + runs["subset_families"]) == 375, "G4: 3 subsets x 5 seeds x (1 + 24)"
    assert {run.task for run in runs["subsets"]} == {"mnli"}
    multitask = Counter((run.model, run.method) for run in runs["multitask"])
    assert multitask == {
        (m, method): 5 * 8
        for m in ("base", "large")
        for method in ("mt-dnn", "ticket-share", "ticket-share-strict")
    } | {("base", "ticket-share-mismatched"): 8}, "G6: each model scored on the eight tasks"
    finetune = Counter((run.model, run.variant) for run in runs["finetune"])
    assert finetune == {("base", ""): 80, ("large", ""): 80, ("large", "lr1"): 50, ("large", "lr2"): 50}, (
        "G7, G7b"
    )
    domain = Counter("extended" if run.variant.endswith("-extended") else "plain" for run in runs["domain"])
    assert domain == {"plain": 160, "extended": 80}, "G8: 4 inits x 2 tasks x 4 subsets x 5 seeds"
    reruns = Counter((run.model, run.task, run.replicate) for run in runs["reruns"])
    assert set(reruns.values()) == {8}, "X1 chooses the best of as many as there are levels"
    assert len(reruns) == 2 * 5 * 5


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
def test_a_run_mask_or_file_has_one_address_one_path_and_one_maker(preset):
    config = load_config(SHIPPED, preset)
    made, names, fingerprints = Counter(), Counter(), Counter()
    for id, found in papers(config).items():
        for stage in found.stages(config):
            for job in stage.jobs():
                made.update(job.outputs)
                names[id, job.name] += 1
                fingerprints[job.fingerprint] += 1
    for counted in (made, names, fingerprints):
        assert set(counted.values()) == {1}
    addresses = [a for c in cells_of(Stages(config).all()) for a in (*c.runs, *c.masks)]
    assert len(addresses) == len(set(addresses)) == len({a.folder for a in addresses})
    for address in addresses:
        if isinstance(address, RunAddress):
            assert RunAddress.parse(address.folder) == address


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
@pytest.mark.parametrize("id", list(PAPERS))
def test_whatever_a_job_needs_is_made_by_exactly_one_other_job(preset, id):
    config = load_config(SHIPPED, preset)
    jobs = [job for stage in PAPERS[id].stages(config) for job in stage.jobs()]
    maker = {path: job for job in jobs for path in job.outputs}
    for job in jobs:
        for path in job.inputs:
            if path.parts[0] != "data":
                assert maker[path] is not job
        assert set(job.models) <= set(config.settings.roles)


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
@pytest.mark.parametrize("id", list(PAPERS))
def test_no_job_waits_for_itself_in_the_end(preset, id):
    config = load_config(SHIPPED, preset)
    jobs = [job for stage in PAPERS[id].stages(config) for job in stage.jobs()]
    waiting, there = list(jobs), set()
    while waiting:
        ready = [job for job in waiting if all(p in there or p.parts[0] == "data" for p in job.inputs)]
        assert ready, [job.name for job in waiting]
        there.update(path for job in ready for path in job.outputs)
        waiting = [job for job in waiting if not there.issuperset(job.outputs)]


def test_every_run_and_mask_has_a_fingerprint_of_its_own(paper):
    identity = Identity(paper)
    addresses = [a for c in cells_of(Stages(paper).all()) for a in (*c.runs, *c.masks)]
    assert len({identity.fingerprint(address) for address in addresses}) == len(addresses)


def test_a_trial_makes_every_level_its_masks_and_its_scores(stages):
    job = stages["trial"].job({"model": "large", "task": "rte", "seed": "3"})
    assert job.runs == tuple(ticket("winning", "rte", level, 3, "large") for level in LEVELS)
    (cell,) = job.plans()
    assert cell.masks == tuple(mask("winning", "rte", level, 3, "large") for level in LEVELS if level != "00")
    assert cell.files == (importance_file("rte", 3, "large"),)
    assert job.models == ("large",)
    assert job.inputs == (Path("data/rte-512.safetensors"),)


def test_the_source_of_domain_adaptation_also_keeps_its_weights(stages):
    job = stages["trial_source"].job({"model": "base", "task": "mnli", "seed": "2"})
    (cell,) = job.plans()
    assert cell.files == (
        importance_file("mnli", 2, "base"),
        weights_file("mnli-full", 2, "base"),
        weights_file("mnli-super", 2, "base"),
    )
    assert ("base", "mnli") not in {(run.model, run.task) for run in runs_of(stages["trial"])}
    assert ("large", "mnli") in {(run.model, run.task) for run in runs_of(stages["trial"])}


def test_ticket_sharing_waits_for_every_level_of_every_task_of_its_own_seed_and_model(stages):
    for method in ("ticket-share", "ticket-share-strict"):
        job = stages["multitask"].job({"model": "large", "method": method, "seed": "4"})
        (cell,) = job.plans()
        assert set(cell.needs_runs) == {ticket("winning", t, lv, 4, "large") for t in TASKS for lv in LEVELS}
        assert set(cell.needs_masks) == {
            mask("winning", t, lv, 4, "large") for t in TASKS for lv in LEVELS[1:]
        }
        assert job.tasks == TASKS
    job = stages["multitask"].job({"model": "large", "method": "mt-dnn", "seed": "4"})
    assert [path for path in job.inputs if path.parts[0] != "data"] == []


def test_families_and_reruns_build_on_the_trial_of_their_seed(stages):
    job = stages["families"].job({"model": "base", "task": "sst-2", "family": "losing", "seed": "2"})
    assert job.plans()[0].needs_files == (importance_file("sst-2", 2, "base"),)
    job = stages["subset_families"].job({"model": "base", "percent": "10", "seed": "2", "family": "random"})
    assert job.plans()[0].needs_files == (importance_file("mnli", 2, "base", "data10"),)
    assert {(run.task, run.variant, run.method) for run in job.runs} == {("mnli", "data10", "random")}
    draws = stages["reruns"].job({"model": "base", "task": "rte", "seed": "1"}).runs
    assert [run.variant for run in draws] == [f"draw{n}" for n in range(1, 9)]


def test_fine_tuning_starts_from_the_first_shared_model(stages):
    axes = {"model": "large", "method": "mt-dnn", "task": "rte", "rate": "lr2"}
    job = stages["finetune"].job(axes)
    assert job.plans()[0].needs_files == (weights_file("mt-dnn", 1, "large"),)
    assert {(r.weights, r.method, r.source, r.level, r.variant) for r in job.runs} == {
        ("mt-dnn", "mt-dnn", "glue", "00", "lr2")
    }
    shared = stages["finetune"].job({**axes, "method": "ticket-share", "rate": "lr0"})
    assert {(run.level, run.variant) for run in shared.runs} == {("super", "")}
    assert set(shared.plans()[0].needs_masks) == {mask("winning", "rte", lv, 1, "large") for lv in LEVELS[1:]}


def test_without_its_source_task_or_shared_models_domain_adaptation_has_no_start():
    def domain(**changes):
        raw = two_papers()
        section = raw["presets"]["tiny"]["supertickets"]
        section["grid"] = section["grid"] | changes.pop("grid", {})
        section |= changes
        stage = find_stage(Stages(parse_config(raw)).all(), "domain")
        return {job.axes["init"] for job in stage.jobs()}

    assert domain() == {"mnli-full", "mnli-super", "mt-dnn", "ticket-share"}
    assert domain(grid={"multitask": ["mt-dnn"]}) == {"mnli-full", "mnli-super", "mt-dnn"}
    assert domain(grid={"multitask": []}) == {"mnli-full", "mnli-super"}
    assert domain(tasks=["rte", "sts-b"], grid={"families": [], "subset_models": []}) == set()
    assert domain(grid={"domains": []}) == set()


def test_a_second_model_doubles_what_runs_on_both_and_shares_no_file():
    one = {stage.name: stage for stage in Stages(parse_config(two_papers())).all()}
    two = {stage.name: stage for stage in Stages(parse_config(two_models())).all()}
    for name in ("families", "reruns"):
        assert len(runs_of(two[name])) == 2 * len(runs_of(one[name]))
    assert len(runs_of(two["trial"])) > 2 * len(runs_of(one["trial"])), "MNLI of 'large' is no source"
    assert [len(runs_of(two[name])) for name in ("subsets", "mismatch", "domain")] == [
        len(runs_of(one[name])) for name in ("subsets", "mismatch", "domain")
    ]
    by_model = {
        role: {a for c in cells_of(two.values()) for a in (*c.runs, *c.masks) if a.model == role}
        for role in ("base", "large")
    }
    assert by_model["base"] == {a for c in cells_of(one.values()) for a in (*c.runs, *c.masks)}
    assert by_model["large"]
    for job in (job for stage in two.values() for job in stage.jobs()):
        assert job.models == (job.axes["model"],)


RTE = ticket("winning", "rte", "30", 1, "base")
LARGE = ticket("winning", "rte", "30", 1, "large")
SUBSET = ticket("winning", "mnli", "30", 1, "base", "data10")
MISMATCHED = ticket("mismatched", "rte", "30", 1, "base")
RATE = RunAddress("supertickets", "rte", "mt-dnn", "mt-dnn", "glue", "00", 1, "base", "lr1")
SHARED_LR2 = RunAddress(
    "supertickets", "sts-b", "pretrained", "ticket-share-mismatched", "glue", "super", 1, "base"
)
SHARED = RunAddress("supertickets", "sts-b", "pretrained", "ticket-share", "glue", "super", 1, "base")
DOMAIN = RunAddress("supertickets", "snli", "mnli-full", "mnli-full", "mnli", "00", 1, "base", "data10")
EXTENDED = RunAddress("supertickets", "snli", "mt-dnn", "mt-dnn", "glue", "00", 1, "base", "data10-extended")
MASK = mask("winning", "rte", "30", 1, "base")
ALL = (RTE, LARGE, SUBSET, MISMATCHED, RATE, SHARED, SHARED_LR2, DOMAIN, EXTENDED, MASK)
MULTITASK = (RATE, SHARED, SHARED_LR2, EXTENDED)
OF_RTE = (RTE, LARGE, MISMATCHED, MASK, *MULTITASK)
OTHER = {"steps": 9, "batch_size": 4, "learning_rate": 1e-3, "max_length": 24}
DROPOUT = {
    "rte": 0.4,
    "cola": 0.2,
    "default": 0.1,
    "mnli": 0.3,
}  # the default is 0.1, 0.05 for cola, 0.3 for mnli


@pytest.mark.parametrize(
    ("path", "value", "moved"),
    [
        ("seed", 8, ALL),
        ("data.world_seed", 2, ALL),
        ("models.large.shape.dropout", 0.3, (LARGE,)),
        ("model.shape.dropout", 0.3, tuple(a for a in ALL if a != LARGE)),
        ("supertickets.selection", "p10", ALL),
        ("supertickets.evaluations", 1, ALL),
        ("supertickets.tickets", {"importance": "example"}, ALL),
        ("supertickets.recipes.rte", OTHER, OF_RTE),
        ("supertickets.recipes.mnli", OTHER, (SUBSET, DOMAIN, *MULTITASK)),
        ("supertickets.recipes.snli", OTHER, (DOMAIN, EXTENDED)),
        ("supertickets.recipes.cola", OTHER, ()),
        ("supertickets.subset_recipes", {"10": OTHER}, (SUBSET,)),
        ("supertickets.subset_recipes", {"1": OTHER}, ()),
        ("supertickets.head_dropout", DROPOUT, OF_RTE),
        ("supertickets.multitask_recipe", OTHER, MULTITASK),
        ("supertickets.new_task_mask", "mnli", (EXTENDED,)),
        ("supertickets.rate_factors", [1.0, 3.0, 9.0], (MISMATCHED, RATE, SHARED_LR2)),
        ("supertickets.extended_steps", 50, (EXTENDED,)),
        ("supertickets.replicates.trial", 3, ()),
        ("supertickets.grid.families", [], ()),
        ("supertickets.ddof", 0, ()),
        ("supertickets.pack", {"default": ["seed"]}, ()),
        ("lth.ddof", 0, ()),
        ("execution.threads", 2, ()),
    ],
)
def test_what_moves_a_fingerprint_of_this_paper(path, value, moved):
    raw = two_models()
    *parents, last = path.split(".")
    section = raw["presets"]["tiny"]
    for key in parents:
        section = section.setdefault(key, {})
    section[last] = value
    before, after = Identity(parse_config(two_models())), Identity(parse_config(raw))
    assert {a for a in ALL if before.fingerprint(a) != after.fingerprint(a)} == set(moved)


def test_where_a_preset_leaves_the_paper_out_lth_runs_as_before():
    with_it, without = parse_config(two_papers()), two_papers()
    del without["presets"]["tiny"]["supertickets"]
    alone = parse_config(without)
    jobs = [[j.fingerprint for s in PAPERS["lth"].stages(c) for j in s.jobs()] for c in (with_it, alone)]
    assert jobs[0] == jobs[1]


def test_masks_of_a_subset_carry_its_variant():
    address = MaskAddress("supertickets", "winning", "mnli", "30", 1, "base", "data10")
    assert SUBSET.mask == address
    assert address.folder == Path("supertickets/masks/base.winning/from-mnli@data10/sparsity30/seed1")
