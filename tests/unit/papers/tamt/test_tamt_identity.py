"""Fingerprints of `tamt`: they move with each setting that shapes a number, and with no other."""

from pathlib import Path

import pytest

from mask_world import DOCUMENTS, TEXT, TUNED, tamt_preset
from tickets.config import load_config, parse_config
from tickets.papers.tamt.addresses import mask, run
from tickets.papers.tamt.identity import Identity, training_of
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.settings import tamt_settings
from tickets.papers.tamt.stages import Stages
from tickets.spec import RunAddress

SHIPPED = Path(__file__).parents[4] / "config.yaml"
MASKS = {
    name: mask(method, level, seed, model)
    for name, (method, level, seed, model) in {
        "omp": ("omp", "70", 1, "base"),
        "random": ("random", "70", 2, "base"),
        "imp": ("imp", "70", 1, "base"),
        "rewind": ("imp-rewind", "50", 1, "base"),
        "every2": ("imp.every2", "70", 1, "base"),
        "mlm": ("tamt-mlm", "70", 1, "base"),
        "mlm8": ("tamt-mlm.step8", "70", 1, "base"),
        "mlm-random": ("tamt-mlm-random.step8", "70", 1, "base"),
        "mlm50": ("tamt-mlm", "50", 1, "base"),
        "mlm-always": ("tamt-mlm.always", "70", 1, "base"),
        "kd": ("tamt-kd", "70", 1, "base"),
        "kd2": ("tamt-kd.step2", "70", 1, "base"),
        "calm": ("tamt-kd.calm", "70", 1, "base"),
        "adamw": ("tamt-kd.adamw", "70", 1, "base"),
        "unpadded": ("tamt-kd.unpadded", "70", 1, "base"),
        "both": ("tamt-mlm-kd", "70", 1, "base"),
        "roberta-omp": ("omp", "50", 1, "roberta"),
        "roberta-kd": ("tamt-kd", "50", 1, "roberta"),
    }.items()
}
IMP = {"imp", "rewind", "every2"}
MLM = {"mlm", "mlm8", "mlm-random", "mlm50", "mlm-always"}
KD = {"kd", "kd2", "calm", "adamw", "unpadded", "roberta-kd"}
SEARCHED = MLM | KD | {"both"}
ROBERTA = {"roberta-omp", "roberta-kd"}
ALL = set(MASKS)
RUNS = {f"rte {name}": run("rte", m.method, m.level, m.replicate, 1, m.model) for name, m in MASKS.items()}
RUNS |= {
    "rte full": run("rte", "full", "00", 1, 1),
    "mnli full": run("mnli", "full", "00", 1, 2),
    "mnli kd": run("mnli", "tamt-kd", "70", 1, 1),
    "few full": run("rte", "full", "00", 1, 1, size="10"),
    "few kd": run("rte", "tamt-kd", "70", 1, 2, size="10"),
}
EVERY_RUN = set(RUNS)
ON_MNLI = {"mnli full", "mnli kd"}
FEW = {"few full", "few kd"}
ON_RTE = EVERY_RUN - ON_MNLI


def under(names):
    """Runs under these masks."""
    found = {f"rte {name}" for name in names}
    return found | ({"mnli kd", "few kd"} if "kd" in names else set())


def both(names):
    """Masks, and the runs under them."""
    return set(names) | under(names)


def moved(raw, before=None):
    one, other = (Identity(parse_config(r)) for r in (before or tamt_preset(models=["base", "roberta"]), raw))
    addresses = MASKS | RUNS
    return {
        name for name, address in addresses.items() if one.fingerprint(address) != other.fingerprint(address)
    }


def changed(path, value):
    raw = tamt_preset(models=["base", "roberta"])
    *parents, last = path.split(".")
    section = raw["presets"]["tiny"]
    for key in parents:
        section = section.setdefault(key, {})
    section[last] = value
    return raw


FASTER = {"learning_rate": 1e-4}
EVERYTHING = ALL | EVERY_RUN


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("seed", 8, EVERYTHING),
        ("data.world_seed", 2, EVERYTHING),
        ("model.shape.dropout", 0.3, EVERYTHING - both(ROBERTA)),
        ("models.roberta.shape.dropout", 0.3, both(ROBERTA)),
        ("tamt.scores", {"pooler": False}, EVERYTHING),
        ("tamt.scores", {"phi": 0.02}, both(SEARCHED)),
        ("tamt.scores", {"alpha": 3.0}, both(SEARCHED)),
        ("tamt.scores", {"ties": "exact"}, both(SEARCHED)),
        ("tamt.mask_training.mlm.recipe", TEXT | FASTER, both(MLM | {"adamw"})),
        ("tamt.mask_training.mlm.threshold", {"every": 5}, both(MLM - {"mlm-always"})),
        ("tamt.mask_training.mlm-kd.recipe", TEXT | FASTER, both({"both"})),
        ("tamt.mask_training.kd.recipe", DOCUMENTS | FASTER, both(KD - {"adamw"})),
        ("tamt.mask_training.kd.recipe", DOCUMENTS | {"eps": 1e-8}, both(KD - {"adamw"})),
        ("tamt.mask_training.kd.recipe", DOCUMENTS | {"drop_last": False}, both(KD)),
        ("tamt.mask_training.kd.teacher_dropout", False, both(KD - {"calm"})),
        ("tamt.mask_training.kd.pads", "exclude", both(KD - {"unpadded"})),
        ("tamt.mask_training.kd.threshold", {"every": 7}, both(KD)),
        ("tamt.imp.recipe", TEXT | FASTER, both(IMP)),
        ("tamt.imp.interval", 5, both(IMP - {"every2"})),
        ("tamt.imp.intervals", [2, 4], set()),
        ("tamt.imp.distance_intervals", [], set()),
        ("tamt.imp.flavours", ["imp"], set()),
        ("tamt.main_steps", {"50": 4, "70": 7},
         both({"mlm", "kd", "both", "mlm-always", "calm", "adamw", "unpadded"})),
        ("tamt.main_steps", {"50": 5, "70": 6}, both({"mlm50", "roberta-kd"})),
        ("tamt.steps", [2, 8, 16, 400], set()),
        ("tamt.steps", [], set()),
        ("tamt.log_every", 5, set()),
        ("tamt.recipes.rte", TUNED | FASTER, ON_RTE),
        ("tamt.recipes.cola", TUNED | FASTER, set()),
        ("tamt.recipes.default", TUNED | FASTER, EVERY_RUN),
        ("tamt.evaluate_every", {"default": 2, "rte": 3}, ON_RTE - FEW),
        ("tamt.grid.few", {"rte": {"10": {"steps": 4, "every": 2}}}, FEW),
        ("tamt.grid.few", {"rte": {"10": {"steps": 4, "every": 3}, "20": {"steps": 4, "every": 3}}}, set()),
        ("tamt.grid.levels", {"base": ["70"], "roberta": ["50", "70"]}, set()),
        ("tamt.grid.baseline_levels", ["50", "60", "70"], set()),
        ("tamt.grid.objectives", ["kd"], set()),
        ("tamt.grid.step_levels", [], set()),
        ("tamt.grid.ablations", [], set()),
        ("tamt.replicates", {"masks": 5, "finetune": 7, "few": 9, "ablations": 2}, set()),
        ("tamt.models", ["roberta"], set()),
        ("tamt.tasks", ["rte"], set()),
        ("tamt.ddof", 1, set()),
        ("tamt.pack", {"default": ["task"]}, set()),
        ("data.wikitext_sequences", 10, both(IMP | SEARCHED)),
        ("data.sizes", {"rte": {"train": 9}}, ON_RTE),
        ("data.sizes", {"wikitext": {"train": 99}}, both(IMP | MLM | {"both"})),
        ("data.sizes", {"wikitext-pairs": {"train": 99}}, both(KD)),
        ("data.sizes", {"mlm": {"train": 9}}, set()),
        ("execution", {"device": "cpu", "threads": 2}, set()),
    ],
)  # fmt: skip
def test_what_moves_a_fingerprint(path, value, expected):
    assert moved(changed(path, value)) == expected


def test_how_much_of_held_out_text_is_hidden_moves_all_masks_for_their_losses():
    raw = changed("tamt.imp.recipe", TEXT | {"mlm_probability": 0.2})
    assert moved(raw) == ALL | under(IMP)


def test_no_two_addresses_have_one_fingerprint():
    config = parse_config(tamt_preset(models=["base", "roberta"]))
    identity = Identity(config)
    cells = [c for stage in Stages(config).all() for job in stage.jobs() for c in job.plans()]
    addresses = [a for c in cells for a in (*c.runs, *c.masks)]
    assert len({identity.fingerprint(address) for address in addresses}) == len(addresses)


def test_a_checkpoint_says_what_it_is_a_prefix_of_and_not_where_the_run_ends():
    """Prefix property (O20): more checkpoints, or other sparsities, are no reason to train those again."""
    identity = Identity(parse_config(tamt_preset()))
    facts = [identity.mask(MASKS[name])["method"] for name in ("kd2", "kd")]
    assert [fact.pop("step") for fact in facts] == [2, 6]
    assert facts[0] == facts[1]
    assert "step" not in identity.mask(MASKS["imp"])["method"]


def test_a_run_knows_how_its_mask_was_made():
    identity = Identity(parse_config(tamt_preset()))
    for name, address in MASKS.items():
        spec = identity.run(RUNS[f"rte {name}"])
        assert spec["mask"] == identity.mask(address)["method"]
    assert identity.run(RUNS["rte full"])["mask"] is None
    assert isinstance(RUNS["rte full"], RunAddress)


@pytest.mark.parametrize("preset", ["micro", "paper"])
def test_ablations_differ_in_one_thing(preset):
    training = tamt_settings(load_config(SHIPPED, preset)).mask_training

    def changes(token):
        method = Method.parse(token)
        one, other = (training_of(training, m).model_dump() for m in (method, Method(method.kind)))
        return {
            (key, name): (one[key][name] if isinstance(one[key], dict) else one[key])
            for key in one
            for name in (one[key] if isinstance(one[key], dict) else [""])
            if one[key] != other[key]
            and (not isinstance(one[key], dict) or one[key].get(name) != other[key].get(name))
        }

    assert changes("tamt-mlm.always") == {("threshold", "every"): 1}
    assert changes("tamt-kd.always") == {("threshold", "every"): 1}
    assert changes("tamt-kd.calm") == {("teacher_dropout", ""): False}
    assert changes("tamt-kd.unpadded") == {("pads", ""): "exclude"}
    optimizer = changes("tamt-kd.adamw")
    assert optimizer["recipe", "optimizer"] == "adamw"
    assert optimizer["recipe", "eps"] == 1e-8
    assert optimizer["recipe", "weight_decay"] == 0.0
    assert ("recipe", "learning_rate") in optimizer
    kept = training["kd"].recipe
    after = training_of(training, Method.parse("tamt-kd.adamw")).recipe
    assert (after.max_length, after.drop_last, after.clip_scope) == (kept.max_length, True, "all")
    assert changes("tamt-mlm") == {}
