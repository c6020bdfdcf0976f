"""Jobs of a tiny preset of `tamt`: a BERT and a RoBERTa of two layers, every stage in a few steps."""

import json
import os
import shutil

import torch
from safetensors.torch import load_file

from tickets.config import parse_config
from tickets.data.encoded import EncodedTask
from tickets.grid import data_file, find_stage
from tickets.jobs.context import Context
from tickets.jobs.runner import run_job
from tickets.models.heads import Head, initial_values
from tickets.models.hf import Checkpoint, save_folder
from tickets.models.model import Model
from tickets.papers.tamt.addresses import losses_file, mask
from tickets.papers.tamt.settings import PAIRS, WORDS
from tickets.papers.tamt.stages import Stages
from tickets.pruning.mask import Mask
from tiny_engine import SHAPE, tiny_split, tiny_task

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


def place_model(config, role, root, vocabulary=60):
    """A random theta_0 with an MLM head; that of RoBERTa lacks a pooler."""
    encoder = config.settings.model_of(role).shape.encoder(vocabulary)
    model = Model(encoder, (Head("mlm"),))
    shapes = {name: span.shape for name, span in model.parameters.spans.items()}
    values = initial_values(shapes, 0.3, torch.Generator().manual_seed(3))
    body = {name: value for name, value in values.items() if name in model.body_names}
    if role == "roberta":
        body = {name: value for name, value in body.items() if not name.startswith("pooler.")}
    heads = {name: value for name, value in values.items() if name in model.head_names}
    save_folder(root / config.settings.model_folder(role), Checkpoint(encoder, body, heads))


def encoded(task, index):
    kind = {"sts-b": "regression", WORDS: "mlm", PAIRS: "mlm"}.get(task, "classification")
    classes = 3 if task == "mnli" else 2
    # Odd numbers, so that the last batch is short.
    data = tiny_task(kind, n_train=21 + 4 * index, n_dev=41, classes=classes, seed=10 * index)
    if task != "mnli":
        return data
    splits = {"dev_mismatched": tiny_split(27, kind, 3, seed=99), "test": tiny_split(15, kind, 3, seed=98)}
    return EncodedTask({**data.splits, **splits}, data.meta)


class TamtPlace:
    """A preset in a folder, which must be the working directory whenever something runs; `run` does one job of it."""

    def __init__(self, folder, config):
        self.folder, self.config = folder, config
        self.root = folder / config.root

    @classmethod
    def new(cls, folder, **changes):
        """A preset in a folder of its own."""
        os.chdir(folder)
        return cls(folder, build(tamt_preset(**changes)))

    def with_changes(self, **changes):
        """The same folder under another config."""
        return TamtPlace(self.folder, parse_config(tamt_preset(**changes)))

    def copy(self, folder):
        """All published files in another folder."""
        shutil.copytree(self.root, folder / self.config.root)
        return TamtPlace(folder, self.config)

    def job(self, stage, **axes):
        return find_stage(Stages(self.config).all(), stage).job({"model": "base"} | axes)

    def jobs(self, *stages):
        return [job for stage in Stages(self.config).all() if stage.name in stages for job in stage.jobs()]

    def run(self, job, checkpoint_steps=None):
        run_job(self.config, job, checkpoint_steps, root=self.root)
        return job

    def make(self, stage, **axes):
        """Run a job of a stage."""
        return self.run(self.job(stage, **axes))

    def context(self, job):
        return Context(self.config, job, root=self.root)

    def mask(self, *parts):
        """A mask by method, level, seed (and model)."""
        return Mask.load(self.root / mask(*parts).file)

    def losses(self, *parts):
        return json.loads((self.root / losses_file(mask(*parts))).read_text())

    def metrics(self, run):
        return json.loads((self.root / run.metrics).read_text())

    def outputs(self, run):
        return load_file(self.root / run.folder / "predictions.safetensors")

    def log(self, path):
        return json.loads((self.root / path).read_text())


def beside(job):
    """What a job publishes without declaring it."""
    return {
        run.folder / ("predictions.json" if run.task == "squad" else "predictions.safetensors")
        for run in job.runs
    }


VOLATILE = ("seconds", "seconds_per_step")


def published(root, job):
    """What a job published, by path: bytes of tensors, numbers of runs and masks (not how long they took).

    Of the log of a training those losses are left out that are means over several steps: a mean begins afresh where
    a killed training is entered again.
    """
    found = {}
    for path in sorted({*job.outputs, *beside(job)} - {job.record}):
        if path.suffix == ".safetensors":
            found[path.as_posix()] = (root / path).read_bytes()
            continue
        facts = {k: v for k, v in json.loads((root / path).read_text()).items() if k not in VOLATILE}
        if "training" in path.parts:
            facts["rows"] = [{k: v for k, v in row.items() if k != "loss"} for row in facts["rows"]]
        found[path.as_posix()] = facts
    return found


def remove(root, job):
    """Take back what a job published."""
    for path in {*job.outputs, *beside(job)}:
        (root / path).unlink(missing_ok=True)
