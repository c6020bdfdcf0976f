"""The grid of `tamt`: how many masks and runs, what each stage waits for, and nothing made twice."""

import re
from collections import Counter
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from mask_world import tamt_preset
from tickets.config import load_config, parse_config
from tickets.errors import TicketsError
from tickets.grid import find_stage
from tickets.papers.tamt.addresses import (
    full_losses_file,
    losses_file,
    main_masks,
    mask,
    mask_of,
    run,
    start_of,
    training_file,
)
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.settings import FIVE, TASKS, tamt_settings
from tickets.papers.tamt.stages import Stages
from tickets.rules import plans
from tickets.spec import RunAddress

SHIPPED = Path(__file__).parents[4] / "config.yaml"
PRESETS = ("micro", "mini", "paper")
TRAINED = ("imp", "imp-rewind", "tamt-mlm", "tamt-kd", "tamt-mlm-kd")


@pytest.fixture(scope="module")
def configs():
    return {name: load_config(SHIPPED, name) for name in PRESETS}


@pytest.fixture(scope="module")
def paper(configs):
    return configs["paper"]


@pytest.fixture(scope="module")
def stages(paper):
    return {stage.name: stage for stage in Stages(paper).all()}


def runs_of(stage):
    return [run for job in stage.jobs() for run in job.runs]


def cells_of(stages):
    return [cell for stage in stages for job in stage.jobs() for cell in job.plans()]


# Runs


def main_runs(stages, model):
    """Runs of the main protocol by method, without what this project adds."""
    found = [
        r for name in ("full", "baselines", "methods") for r in runs_of(stages[name]) if r.model == model
    ]
    return Counter(r.method for r in found if r.method != "imp-rewind")


def test_spec_6_3_main_runs(stages):
    """full 3, OMP 9 s x 3, Rand 9 s x 9, IMP and three TAMT of 5 s (RoBERTa: 8 s) x 9, each on seven tasks."""
    bert, roberta = main_runs(stages, "base"), main_runs(stages, "roberta")
    trained = ("imp", "tamt-mlm", "tamt-kd", "tamt-mlm-kd")
    assert bert == {"full": 21, "omp": 189, "random": 567} | dict.fromkeys(trained, 315)
    assert roberta == {"full": 21, "omp": 189, "random": 567} | dict.fromkeys(trained, 504)
    assert bert.total() == 2037
    assert roberta.total() == 2793


def test_spec_6_3_curves_and_few_data(stages):
    steps = Counter()
    for r in runs_of(stages["steps"]):
        method = Method.parse(r.method)
        steps["IMP" if method.kind == "imp" else method.init] += 1
        assert r.model == "base"
        assert r.task in FIVE
    assert steps == {"omp": 2430, "IMP": 540, "random": 630}
    few = runs_of(stages["few"])
    assert len(few) == 935
    assert Counter(r.method for r in few) == {"full": 85, "omp": 85} | dict.fromkeys(
        ("imp", "tamt-mlm", "tamt-kd"), 255
    )
    assert len({(r.task, r.variant) for r in few}) == 17
    assert {r.level for r in few} == {"00", "70"}


def test_spec_6_3_all_runs(stages):
    """9,365, beside which this project runs IMP with its rewinding and the ablations."""
    runs = [r for stage in stages.values() for r in runs_of(stage)]
    extra = Counter(
        "rewind" if r.method == "imp-rewind" else "ablation" if Method.parse(r.method).ablation else ""
        for r in runs
    )
    assert extra.pop("") == 9365
    assert extra == {"rewind": (5 + 8) * 9 * 7, "ablation": 5 * 5 * 3}
    assert {r.method for r in runs_of(stages["ablations"])} == {
        "tamt-mlm.always", "tamt-kd.always", "tamt-kd.calm", "tamt-kd.adamw", "tamt-kd.unpadded"
    }  # fmt: skip


def test_seeds_are_crossed(stages):
    """Section 2.4: 3 masks x 3 fine-tunings; one-shot and full have one mask, few data five fine-tunings."""
    seeds = {}
    for name in ("full", "baselines", "methods", "few"):
        for r in runs_of(stages[name]):
            key = (bool(r.variant), r.method)
            seeds.setdefault(key, set()).add((r.source, r.replicate))
    for (few, method), found in seeds.items():
        masks = 1 if method in ("full", "omp") else 3
        assert found == {(f"mask{m}", s) for m in range(1, masks + 1) for s in range(1, 6 if few else 4)}


def test_without_crossing_mask_and_fine_tuning_seeds_go_in_pairs():
    raw = tamt_preset(replicates={"crossed": False})
    stages = {stage.name: stage for stage in Stages(parse_config(raw)).all()}
    found = {}
    for name in ("full", "baselines", "methods", "steps", "few", "ablations"):
        for r in runs_of(stages[name]):
            found.setdefault(r.method in ("full", "omp"), set()).add((r.source, r.replicate))
    assert found == {
        True: {("mask1", 1), ("mask1", 2)},
        False: {("mask1", 1), ("mask2", 2)},
    }
    with pytest.raises(TicketsError, match="every mask needs a fine-tuning seed of its own"):
        parse_config(tamt_preset(replicates={"crossed": False, "finetune": 1}))


# Masks


def training_steps(config, cell):
    """Optimizer steps that a cell of masks costs."""
    return max(method_facts(tamt_settings(config), m.method, m.level)["step"] for m in cell.masks)


def test_spec_6_2_training_runs_and_steps(paper, stages):
    runs, steps = Counter(), Counter()
    for cell in cells_of([stages["mask_training"], stages["imp_masks"]]):
        key = cell.masks[0].model, Method.parse(cell.masks[0].method).run.token
        runs[key] += 1
        steps[key] += training_steps(paper, cell)
    cost = {key: (runs[key], steps[key]) for key in runs if not Method.parse(key[1]).ablation}
    assert cost == {
        ("base", "tamt-mlm"): (15, 366_000),
        ("base", "tamt-kd"): (15, 366_000),
        ("base", "tamt-mlm-kd"): (15, 252_000),
        ("base", "tamt-mlm-random"): (3, 75_000),
        ("base", "tamt-kd-random"): (3, 75_000),
        ("base", "imp"): (3, 67_008),
        ("base", "imp-rewind"): (3, 67_008),
        ("base", "imp.every200"): (3, 4_200),
        ("base", "imp.every300"): (3, 6_300),
        ("base", "imp.every500"): (3, 10_500),
        ("base", "imp.every900"): (3, 18_900),
        ("base", "imp.every1396"): (3, 29_316),
        ("roberta", "tamt-mlm"): (24, 303_000),
        ("roberta", "tamt-kd"): (24, 303_000),
        ("roberta", "tamt-mlm-kd"): (24, 303_000),
        ("roberta", "imp"): (3, 67_008),
        ("roberta", "imp-rewind"): (3, 67_008),
    }
    by_hand = [cost["base", f"imp.every{p}"][1] for p in (200, 300, 500, 900)]
    assert sum(by_hand) == 39_900
    ablations = [key for key in runs if Method.parse(key[1]).ablation]
    assert {runs[key] for key in ablations} == {1}
    assert {model for model, _ in ablations} == {"base"}


def test_baselines_have_nine_sparsities(stages):
    masks = Counter((m.model, m.method) for c in cells_of([stages["baseline_masks"]]) for m in c.masks)
    assert masks == {(m, k): n for m in ("base", "roberta") for k, n in (("omp", 9), ("random", 27))}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_mask_is_made_once_and_every_needed_one_is_made(configs, preset):
    cells = cells_of(Stages(configs[preset]).all())
    made = Counter(m for cell in cells for m in cell.masks)
    assert set(made.values()) == {1}
    assert {m for cell in cells for m in cell.needs_masks} <= set(made)
    assert set(main_masks(configs[preset])) <= set(made)
    for cell in cells:
        assert all(mask_of(r) is None or mask_of(r) in cell.needs_masks for r in cell.runs)


@pytest.mark.parametrize("preset", PRESETS)
def test_masks_that_nobody_fine_tunes_are_only_compared(configs, preset):
    """Every other mask has a use."""
    config = configs[preset]
    cells = cells_of(Stages(config).all())
    settings = tamt_settings(config)
    needed = {m for cell in cells for m in cell.needs_masks}
    idle = {m for cell in cells for m in cell.masks} - needed
    assert {Method.parse(m.method).interval for m in idle} <= set(settings.imp.distance_intervals) | {None}
    tuned = settings.grid.tuned_levels
    kept = {
        m for m in idle if Method.parse(m.method).interval is None and (tuned is None or m.level in tuned)
    }
    assert not [m for m in kept if Method.parse(m.method).step is None], kept


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_mask_or_file_has_one_address_one_path_and_one_maker(configs, preset):
    stages = Stages(configs[preset]).all()
    made, names, fingerprints = Counter(), Counter(), Counter()
    for job in (job for stage in stages for job in stage.jobs()):
        made.update(job.outputs)
        names[job.name] += 1
        fingerprints[job.fingerprint] += 1
    for counted in (made, names, fingerprints):
        assert set(counted.values()) == {1}
    addresses = [a for c in cells_of(stages) for a in (*c.runs, *c.masks)]
    assert len(addresses) == len(set(addresses)) == len({a.folder for a in addresses})
    for address in addresses:
        Method.parse(address.method)
        if isinstance(address, RunAddress):
            assert RunAddress.parse(address.folder) == address


@pytest.mark.parametrize("preset", PRESETS)
def test_jobs_can_run_one_after_the_other(configs, preset):
    waiting = [job for stage in Stages(configs[preset]).all() for job in stage.jobs()]
    there = set()
    while waiting:
        ready = [job for job in waiting if all(p in there or p.parts[0] == "data" for p in job.inputs)]
        assert ready, [job.name for job in waiting]
        there.update(path for job in ready for path in job.outputs)
        waiting = [job for job in waiting if not there.issuperset(job.outputs)]


def unescaped(pattern):
    return [re.sub(r"\\(.)", r"\1", value) for value in pattern.split("|")]


@pytest.mark.parametrize("preset", PRESETS)
def test_rules_stand_for_exactly_the_jobs(configs, preset):
    """Whatever values Snakemake may give the wildcards of a rule is a job, and its files are that job's."""
    config = configs[preset]
    stages = Stages(config).all()
    jobs = {job.fingerprint: job for stage in stages for job in stage.jobs()}
    found = plans(config, stages)
    assert len({rule.name for rule in found}) == len(found)
    assert all(re.fullmatch(r"[a-z]\w*", rule.name) for rule in found)
    seen = set()
    for rule in found:
        for values in product(*(unescaped(pattern) for pattern in rule.constraints.values())):
            chosen = dict(zip(rule.constraints, values, strict=True))
            wildcards = SimpleNamespace(**chosen)
            job = jobs[rule.identity(wildcards)]
            made = {path.format(**chosen) for path in rule.outputs}
            assert made == {str(config.root / path) for path in job.outputs}
            assert {str(config.root / path) for path in job.inputs} <= set(rule.inputs(wildcards))
            seen.add(job.fingerprint)
    assert seen == set(jobs)


def test_each_axis_may_be_packed():
    """Models aside, whose data may differ."""
    axes = ("task", "method", "level", "mask", "size")
    plain = {path for stage in Stages(parse_config(tamt_preset())).all() for j in stage.jobs() for path in
             (*(r.metrics for r in j.runs), *(m.file for c in j.plans() for m in c.masks))}  # fmt: skip
    for pack in (*((axis,) for axis in axes), axes):
        config = parse_config(tamt_preset(pack={"default": list(pack)}))
        stages = Stages(config).all()
        assert plans(config, stages)
        made = [p for stage in stages for job in stage.jobs() for p in job.outputs]
        assert len(made) == len(set(made))
        assert plain <= set(made)


# What jobs read and write


def test_only_masks_at_tuned_levels_are_fine_tuned():
    stages = {s.name: s for s in Stages(parse_config(tamt_preset(grid={"tuned_levels": ["70"]}))).all()}
    assert {r.level for r in runs_of(stages["methods"])} == {"70"}
    assert {m.level for c in cells_of([stages["mask_training"]]) for m in c.masks} == {"50", "70"}


def test_one_training_keeps_all_checkpoints(stages):
    axes = {"model": "base", "method": "tamt-mlm", "level": "70", "mask": "2"}
    (cell,) = stages["mask_training"].job(axes).plans()
    assert [m.method for m in cell.masks] == [
        "tamt-mlm.step1000", "tamt-mlm.step2000", "tamt-mlm.step3000", "tamt-mlm.step5000", "tamt-mlm.step10000",
        "tamt-mlm", "tamt-mlm.step20000", "tamt-mlm.step25000",
    ]  # fmt: skip
    assert {(m.level, m.replicate, m.source) for m in cell.masks} == {("70", 2, "pretraining")}
    assert cell.files == (
        *(losses_file(m) for m in cell.masks),
        training_file(Method("tamt-mlm"), "70", 2, "base"),
    )
    assert cell.needs_masks == (mask("omp", "70", 1),)


def test_a_curve_step_at_the_main_step_is_the_main_mask(stages):
    """80 %: main step 20K is on the grid of the curves, so neither a mask nor runs of 'step20000' are made."""
    cell = stages["mask_training"].job({"model": "base", "method": "tamt-kd", "level": "80", "mask": "1"})
    assert [m.method for c in cell.plans() for m in c.masks][-2:] == ["tamt-kd", "tamt-kd.step25000"]
    at_80 = {r.method for r in runs_of(stages["steps"]) if r.level == "80"}
    assert "tamt-kd.step10000" in at_80
    assert "tamt-kd.step20000" not in at_80


def test_what_has_no_curve_keeps_the_main_mask_alone(stages):
    for model, method, level in (
        ("base", "tamt-mlm", "90"),
        ("base", "tamt-mlm-kd", "70"),
        ("base", "tamt-kd.calm", "70"),
        ("roberta", "tamt-mlm", "70"),
    ):
        axes = {"model": model, "method": method, "level": level, "mask": "1"}
        (cell,) = stages["mask_training"].job(axes).plans()
        assert cell.masks == (mask(method, level, 1, model),)
        assert cell.needs_models == (model,)


def test_a_random_start_is_the_random_mask_of_its_seed(stages):
    axes = {"model": "base", "method": "tamt-kd-random", "level": "70", "mask": "3"}
    (cell,) = stages["mask_training"].job(axes).plans()
    assert cell.needs_masks == (mask("random", "70", 3),)
    assert [m.method for m in cell.masks] == [
        f"tamt-kd-random.step{s}" for s in (1000, 2000, 3000, 5000, 10000, 20000, 25000)
    ]
    assert start_of(mask("tamt-kd.adamw", "60", 3, "roberta")) == mask("omp", "60", 1, "roberta")


def test_a_random_start_that_passes_its_main_step():
    """The checkpoint at the main step has the token without a step, and is fine-tuned like the others."""
    stages = {s.name: s for s in Stages(parse_config(tamt_preset(main_steps={"50": 2, "70": 4}))).all()}
    axes = {"model": "base", "method": "tamt-mlm-random", "level": "70", "mask": "1"}
    (cell,) = stages["mask_training"].job(axes).plans()
    assert [m.method for m in cell.masks] == [
        "tamt-mlm-random.step2", "tamt-mlm-random", "tamt-mlm-random.step8"
    ]  # fmt: skip
    assert {m.method for m in cell.masks} <= {r.method for r in runs_of(stages["steps"])}


def test_one_chain_makes_all_sparsities(stages):
    axes = {"model": "roberta", "method": "imp-rewind", "mask": "2"}
    (cell,) = stages["imp_masks"].job(axes).plans()
    assert [m.level for m in cell.masks] == ["20", "30", "40", "50", "60", "70", "80", "90"]
    assert cell.files[-1] == training_file(Method("imp-rewind"), "all", 2, "roberta")
    (cell,) = stages["imp_masks"].job({"model": "base", "method": "imp.every200", "mask": "1"}).plans()
    assert [m.level for m in cell.masks] == ["60", "70", "80"]


def test_losses_of_the_full_model_are_made_with_the_one_shot_masks(stages):
    for model in ("base", "roberta"):
        (cell,) = stages["baseline_masks"].job({"model": model, "method": "omp"}).plans()
        assert full_losses_file(model) in cell.files
        (cell,) = stages["baseline_masks"].job({"model": model, "method": "random"}).plans()
        assert full_losses_file(model) not in cell.files


def test_a_fine_tuning_waits_for_its_mask_alone(stages):
    axes = {"model": "roberta", "task": "rte", "method": "tamt-kd", "level": "30", "mask": "2"}
    job = stages["methods"].job(axes)
    assert job.runs == tuple(run("rte", "tamt-kd", "30", 2, seed, "roberta") for seed in (1, 2, 3))
    assert job.inputs == (Path("data/roberta/rte-128.safetensors"), mask("tamt-kd", "30", 2, "roberta").file)
    full = stages["full"].job({"model": "base", "task": "squad"})
    assert full.inputs == (Path("data/squad-384.safetensors"),)
    few = stages["few"].job({"model": "base", "task": "squad", "method": "imp", "mask": "3", "size": "1000"})
    assert few.runs[4] == run("squad", "imp", "70", 3, 5, "base", "1000")
    assert few.runs[4].folder == Path("tamt/runs/squad@n1000/base.pretrained/imp/from-mask3/sparsity70/seed5")


def test_masks_read_both_texts_in_their_own_tokens(stages):
    axes = {"model": "roberta", "method": "tamt-mlm", "level": "20", "mask": "1"}
    data = {p for p in stages["mask_training"].job(axes).inputs if p.parts[0] == "data"}
    assert data == {Path(f"data/roberta/{name}-512.safetensors") for name in ("wikitext", "wikitext-pairs")}


# Smaller presets


def names(raw):
    return {s.name: list(s.jobs()) for s in Stages(parse_config(raw)).all()}


def consistent(raw):
    """All needed masks of a config are made; stages with jobs."""
    cells = cells_of(Stages(parse_config(raw)).all())
    missing = {m for cell in cells for m in cell.needs_masks} - {m for cell in cells for m in cell.masks}
    assert missing == set()
    return {name for name, jobs in names(raw).items() if jobs}


EVERY = {
    "baseline_masks",
    "imp_masks",
    "mask_training",
    "full",
    "baselines",
    "methods",
    "steps",
    "few",
    "ablations",
}


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({}, set()),
        ({"models": ["base", "roberta"]}, set()),
        ({"models": ["roberta"]}, {"steps", "few", "ablations"}),
        ({"tasks": ["sts-b"]}, {"steps", "few", "ablations"}),
        ({"grid": {"few": {}}}, {"few"}),
        ({"grid": {"ablations": []}}, {"ablations"}),
        ({"grid": {"ablation_levels": []}}, {"ablations"}),
        ({"grid": {"step_levels": [], "interval_levels": [], "random_levels": []}}, {"steps"}),
        ({"grid": {"objectives": ["mlm"]}}, set()),
        ({"grid": {"objectives": []}}, {"mask_training", "ablations"}),
        ({"imp": tamt_preset()["presets"]["tiny"]["tamt"]["imp"] | {"flavours": ["imp-rewind"]}}, set()),
    ],
)
def test_a_part_of_the_grid_runs_by_itself(changes, gone):
    assert consistent(tamt_preset(**changes)) == EVERY - gone


def test_stages_have_jobs_in_every_shipped_preset(configs):
    idle = {
        name: {s.name for s in Stages(config).all() if not any(s.jobs())} for name, config in configs.items()
    }
    assert idle == {"micro": set(), "mini": {"ablations"}, "paper": set()}


def test_the_full_paper_is_the_default(paper):
    settings = tamt_settings(paper)
    assert settings.tasks == TASKS
    assert settings.models == ("base", "roberta")
    assert dict(settings.main_steps) == {
        "20": 3000, "30": 6000, "40": 8000, "50": 11000, "60": 14000, "70": 17000, "80": 20000, "90": 22000
    }  # fmt: skip
    for task in TASKS:
        recipe = settings.recipe(task)
        squad = task == "squad"
        assert (recipe.epochs, recipe.batch_size, recipe.max_length) == (
            (2, 16, 384) if squad else (3, 32, 128)
        )
        assert recipe.learning_rate == (3e-5 if squad else 2e-5)
        assert settings.every(task) == {"mnli": 500, "squad": 1000}.get(task, 50)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ["rte", "qqp"]}, "tasks: 'qqp' is not one of this paper's tasks: mnli, sst-2"),
        ({"grid": {"step_tasks": ["qnli"]}}, "'qnli' is not one of this paper's tasks"),
        ({"grid": {"few": {"qqp": {"10": {"steps": 4, "every": 2}}}}}, "'qqp' is not one of this paper's tasks"),
        ({"grid": {"few": {"rte": {"ten": {"steps": 4, "every": 2}}}}}, "few: 'ten' is no number of examples"),
        ({"grid": {"few": {"rte": {"10": {"every": 2}}}}}, "give exactly one of 'epochs' and 'steps'"),
        ({"grid": {"few": {"rte": {"10": {"steps": 4, "epochs": 1, "every": 2}}}}}, "exactly one of 'epochs'"),
        ({"grid": {"objectives": ["mlm", "nsp"]}}, "grid.objectives.1: Input should be 'mlm', 'kd' or 'mlm-kd'"),
        ({"grid": {"levels": {"base": ["50", "60"]}}}, "main_steps: none for the sparsity '60'"),
        ({"grid": {"levels": {"base": ["5"]}}}, "grid.levels.base.0: String should match pattern"),
        ({"grid": {"levels": {"roberta": ["50"]}}}, "grid.levels: no sparsities for the model 'base'"),
        ({"grid": {"step_levels": ["60"]}}, "grid: sparsity '60' is none of grid.levels.base"),
        ({"grid": {"few_level": "60"}}, "grid: sparsity '60' is none of grid.levels.base"),
        ({"grid": {"tuned_levels": ["60"]}}, "grid.tuned_levels: there are no masks of sparsity '60' in grid.levels"),
        ({"replicates": {"ablations": 3}}, "replicates.ablations: at most as many as 'masks'"),
        ({"recipes": {"rte": {"steps": 4}}}, "recipes: neither 'mnli' nor 'default' is given"),
        ({"models": ["base", "large"]}, "grid.levels: no sparsities for the model 'large'"),
        ({"pack": {"finetuning": ["task"]}}, "tamt.pack: 'finetuning' is no stage; the stages are baseline_masks,"),
        ({"scores": {"alpha": 1.0}}, "scores: alpha: 1 puts no score above phi"),
        ({"evaluate_every": {"default": 2, "rt": 3}}, "evaluate_every: 'rt' is not one of this paper's tasks: mnli"),
        ({"evaluate_every": {"rte": 2, "mnli": 2}}, "evaluate_every: neither 'sts-b' nor 'default' is given"),
    ],
)  # fmt: skip
def test_mistakes_of_the_section_are_named(changes, message):
    with pytest.raises(TicketsError) as caught:
        Stages(parse_config(tamt_preset(**changes))).all()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"levels": {"base": ["50", "55", "70"]}, "baseline_levels": ["50", "55", "70"]}, "IMP prunes by tenths"),
        ({"baseline_levels": ["10", "70"]}, "grid.baseline_levels: no '50', which masks of grid.levels start from"),
        ({"ablation_levels": ["60"]}, "grid: sparsity '60' is none of grid.levels.base"),
        ({"random_levels": ["60"]}, "grid: sparsity '60' is none of grid.levels.base"),
    ],
)  # fmt: skip
def test_a_grid_that_cannot_run_is_refused_when_it_is_read(grid, message):
    raw = tamt_preset(grid=grid, main_steps={"50": 4, "55": 5, "60": 5, "70": 6})
    with pytest.raises(TicketsError) as caught:
        parse_config(raw)
    assert message in str(caught.value)


def test_find_stage_knows_every_stage(stages):
    assert set(stages) == EVERY
    assert find_stage(tuple(stages.values()), "few").title == "fine-tuning on few examples"
