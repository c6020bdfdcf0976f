"""Jobs of a tiny preset of `tamt`: a BERT and a RoBERTa of two layers, every stage in a few steps."""

import json

from preset_place import PresetPlace, odd_task, place_model
from tickets.config import parse_config
from tickets.grid import data_file
from tickets.papers.tamt.addresses import losses_file, mask
from tickets.papers.tamt.settings import PAIRS, WORDS
from tickets.papers.tamt.stages import Stages
from tickets.pruning.mask import Mask
from tiny_engine import SHAPE

TASKS = ("mnli", "sts-b", "rte")
WIDTH = 16  # of the documents; no text is longer than 12
LAST = 8
TUNED = {"steps": 6, "batch_size": 8, "learning_rate": 5e-3, "max_length": 24}
TEXT = {"steps": 12, "batch_size": 8, "learning_rate": 6e-3, "max_length": 20, "mlm_probability": 0.4}
DOCUMENTS = TEXT | {
    "max_length": WIDTH, "learning_rate": 2e-3, "optimizer": "bertadam", "eps": 1e-6, "weight_decay": 0.01,
    "clip_scope": "tensor", "drop_last": True,
}  # fmt: skip
WORDS_TRAINING = {"recipe": TEXT, "threshold": {"every": 3}}


def tamt_preset(**changes):
    """A raw config of `tamt` alone."""
    section = {
        "models": ["base"],
        "tasks": list(TASKS),
        "recipes": {"default": TUNED},
        "evaluate_every": {"default": 2},
        "mask_training": {
            "mlm": WORDS_TRAINING,
            "mlm-kd": WORDS_TRAINING,
            "kd": {
                "recipe": DOCUMENTS,
                "threshold": {"every": 2, "shift": 1, "at_first": True, "at_epoch_end": True},
                "teacher_dropout": True,
            },
        },
        "imp": {"recipe": TEXT, "interval": 3, "intervals": [2], "distance_intervals": [1]},
        "main_steps": {"50": 4, "70": 6},
        "steps": [2, 4, LAST],
        "log_every": 2,
        "replicates": {"masks": 2, "finetune": 2, "few": 2, "ablations": 1},
        "grid": {
            "baseline_levels": ["10", "50", "70"],
            "levels": {"base": ["50", "70"], "roberta": ["50"]},
            "step_levels": ["70"],
            "interval_levels": ["70"],
            "step_tasks": ["rte"],
            "rewind_tasks": ["rte", "mnli"],
            "few": {"rte": {"10": {"steps": 4, "every": 3}}},
            "ablation_tasks": ["rte"],
        },
    }  # fmt: skip
    for name in ("replicates", "grid", "mask_training"):
        section[name] = section[name] | changes.pop(name, {})
    shape = {**SHAPE, "activation": "relu", "dropout": changes.pop("dropout", 0.1)}
    preset = {
        "seed": 6,
        "model": {"name": "tiny-bert", "shape": shape, "pretraining": {"recipe": TUNED, "pairs": 40}},
        "models": {
            "roberta": {
                "name": "tiny-roberta",
                "shape": {**shape, "family": "roberta"},
                "pretraining": {"recipe": TUNED, "pairs": 40, "nsp": False},
            }
        },
        "data": {"source": "synthetic", "world_seed": 1},
        "execution": {"device": "cpu", "checkpoint_seconds": 3600.0},
        "tamt": section | changes,
    }
    return json.loads(json.dumps({"preset": "tiny", "presets": {"tiny": preset}}))  # shares nothing


def build(raw):
    """Place random data of every task and a random theta_0 of every model where the jobs look for them."""
    config = parse_config(raw)
    for role in ("base", "roberta"):
        place_model(config, role, config.root)
    for index, task in enumerate((*TASKS, WORDS, PAIRS)):
        length = config.settings.tamt.recipe(task).max_length
        encoded(task, index).save(config.root / data_file(task, length))
    return config


def encoded(task, index):
    kind = {"sts-b": "regression", WORDS: "mlm", PAIRS: "mlm"}.get(task, "classification")
    if task == "mnli":
        return odd_task(index, kind, classes=3, dev_mismatched=(27, 99), test=(15, 98))
    return odd_task(index, kind)


class TamtPlace(PresetPlace):
    """A preset of `tamt`."""

    stages = Stages
    preset = staticmethod(tamt_preset)
    build = staticmethod(build)

    def jobs(self, *stages):
        return [job for stage in Stages(self.config).all() if stage.name in stages for job in stage.jobs()]

    def make(self, stage, **axes):
        """Run a job of a stage."""
        return self.run(self.job(stage, **axes))

    def mask(self, *parts):
        """A mask by method, level, seed (and model)."""
        return Mask.load(self.root / mask(*parts).file)

    def losses(self, *parts):
        return self.log(losses_file(mask(*parts)))

    def facts(self, path):
        """Without losses that are means over several steps: a mean begins afresh where a killed training goes on."""
        found = super().facts(path)
        if "training" in path.parts:
            found["rows"] = [{k: v for k, v in row.items() if k != "loss"} for row in found["rows"]]
        return found
