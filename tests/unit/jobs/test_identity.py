"""A fingerprint moves with everything a run's numbers depend on, and with nothing else."""

from copy import deepcopy

import pytest

from tickets.config import parse_config
from tickets.papers.lth.addresses import mask, run
from tickets.papers.lth.identity import Identity, source_tasks
from tickets.papers.lth.stages import Stages
from tiny_engine import tiny_preset

DENSE = run("rte", "pretrained", "imp", "rte", "00", 1)
TRANSFER = run("rte", "pretrained", "imp", "mlm", "70", 1)
RANDOM = run("rte", "pretrained", "random", "any", "winning", 1)
ONESHOT = run("rte", "pretrained", "oneshot", "any", "70", 1)
REWOUND = run("rte", "rewind50", "imp-rewind50", "mlm", "70", 1)
STANDARD = run("rte", "pretrained", "imp-standard", "mlm", "70", 1)
RELEASE = run("rte", "pretrained", "imp-code", "rte", "70", 1)
RELEASE_MLM = run("mlm", "pretrained", "imp-code", "mlm", "70", 1)
MULTITASK = run("rte", "pretrained", "imp", "mlm+rte", "70", 1)
DATASIZE = run("rte", "pretrained", "imp", "mlm@rte", "70", 1)
ALL = (DENSE, TRANSFER, RANDOM, ONESHOT, REWOUND, STANDARD, RELEASE, RELEASE_MLM, MULTITASK, DATASIZE)
RECIPE = {"steps": 9, "batch_size": 8, "learning_rate": 2e-3, "max_length": 32}
FROM_MLM = (TRANSFER, REWOUND, STANDARD, RELEASE_MLM, MULTITASK, DATASIZE)

CASES = [
    ("seed", 8, ALL),
    ("model.shape.dropout", 0.3, ALL),
    ("model.pretraining.pairs", 41, ALL),
    ("data.world_seed", 2, ALL),
    ("lth.eval_mask_seed", 5, ALL),
    ("lth.recipes.default.clip", 0.5, ALL),
    ("lth.recipes.mlm", RECIPE, FROM_MLM),
    ("lth.recipes.rte", RECIPE, tuple(a for a in ALL if a != RELEASE_MLM)),
    ("lth.recipes.cola", RECIPE, ()),
    ("data.sizes", {"mlm": {"train": 30}}, FROM_MLM),
    ("data.sizes", {"cola": {"train": 30}}, ()),
    ("lth.chain", {"amount": "remaining"}, (DENSE, TRANSFER, RANDOM, REWOUND, MULTITASK, DATASIZE)),
    ("lth.standard_chain", {"rewind": False, "head": "carry"}, (STANDARD,)),
    ("lth.code_chain", {"head": "carry"}, (RELEASE,)),
    ("lth.code_mlm_chain", {"rewind": False}, (RELEASE_MLM,)),
    ("lth.rewind_method", "shortcut", (REWOUND,)),
    ("lth.multitask_recipe", RECIPE, (MULTITASK,)),
    ("lth.grid.datasize", {"rte": 11}, (DATASIZE,)),
    ("lth.ddof", 0, (RANDOM,)),
    ("lth.replicates.imp", 3, (RANDOM,)),
    ("lth.replicates.oneshot", 2, ()),
    ("lth.grid.transfer_targets", ["rte"], ()),
    ("lth.pack", {"default": ["source"]}, ()),
    ("execution.threads", 2, ()),
    ("execution.checkpoint_seconds", 1.0, ()),
    ("execution.device", "auto", ()),
    ("execution.predictions", False, ()),
]


def identity(path=None, value=None):
    raw = deepcopy(tiny_preset())
    if path is not None:
        *parents, last = path.split(".")
        section = raw["presets"]["tiny"]
        for key in parents:
            section = section.setdefault(key, {})
        section[last] = value
    return Identity(parse_config(raw))


@pytest.mark.parametrize(
    ("path", "value", "moved"), CASES, ids=[f"{path}-{i}" for i, (path, _, _) in enumerate(CASES)]
)
def test_what_moves_a_fingerprint(path, value, moved):
    before, after = identity(), identity(path, value)
    assert {a for a in ALL if before.fingerprint(a) != after.fingerprint(a)} == set(moved)


def test_the_path_of_a_local_model_is_no_part_of_what_was_computed():
    found = []
    for path in ("/here/bert", "/there/bert"):
        raw = tiny_preset()
        raw["presets"]["tiny"]["model"] = {"name": "bert", "path": path}
        raw["presets"]["tiny"]["data"] = {"source": "local", "path": path}
        found.append(Identity(parse_config(raw)).fingerprint(DENSE))
    assert found[0] == found[1]


def test_every_run_and_mask_has_a_fingerprint_of_its_own():
    config = parse_config(tiny_preset())
    facts = Identity(config)
    runs = {a for stage in Stages(config).all() for job in stage.jobs() for a in job.runs}
    masks = {
        m for stage in Stages(config).all() for job in stage.jobs() for c in job.plans() for m in c.masks
    }
    assert len({facts.fingerprint(a) for a in (*runs, *masks)}) == len(runs) + len(masks)
    assert facts.fingerprint(DENSE) != facts.fingerprint(mask("imp", "rte", "10", 1))


def test_sources_name_their_tasks():
    assert source_tasks("mlm+qnli+cola") == ("mlm", "qnli", "cola")
    assert source_tasks("mlm@sst-2") == ("mlm",)
    assert source_tasks("sts-b") == ("sts-b",)
    assert source_tasks("any") == ()
