"""A tiny preset in a folder of its own, whose jobs run one at a time: what the worlds of the papers share."""

import json
import os
import shutil

import torch
from safetensors.torch import load_file

from tickets.config import parse_config
from tickets.data.encoded import EncodedTask
from tickets.grid import find_stage
from tickets.jobs.context import Context
from tickets.jobs.runner import run_job
from tickets.models.heads import Head, initial_values
from tickets.models.hf import Checkpoint, save_folder
from tickets.models.model import Model
from tiny_engine import tiny_split, tiny_task


class PresetPlace:
    """A preset in a folder, which must be the working directory whenever something runs; `run` does one job of it.

    A paper says how its raw config is made (`preset`), how its data and models are placed (`build`), its `stages`
    and what of a job's files differs from run to run (`facts`).
    """

    def __init__(self, folder, config):
        self.folder, self.config = folder, config
        self.root = folder / config.root

    @classmethod
    def new(cls, folder, **changes):
        """A preset in a folder of its own."""
        os.chdir(folder)
        return cls(folder, cls.build(cls.preset(**changes)))

    def with_changes(self, **changes):
        """The same folder under another config."""
        return type(self)(self.folder, parse_config(self.preset(**changes)))

    def copy(self, folder):
        """All published files in another folder."""
        shutil.copytree(self.root, folder / self.config.root)
        return type(self)(folder, self.config)

    def job(self, stage, **axes):
        return find_stage(self.stages(self.config).all(), stage).job({"model": "base"} | axes)

    def run(self, job, checkpoint_steps=None):
        run_job(self.config, job, checkpoint_steps, root=self.root)
        return job

    def context(self, job):
        return Context(self.config, job, root=self.root)

    def metrics(self, run):
        return self.log(run.metrics)

    def log(self, path):
        return json.loads((self.root / path).read_text())

    def outputs(self, run):
        return load_file(self.root / run.folder / "predictions.safetensors")

    def files(self, job):
        """Whatever a job publishes, its predictions included, which it does not declare."""
        names = {"squad": "predictions.json"}
        beside = {run.folder / names.get(run.task, "predictions.safetensors") for run in job.runs}
        return sorted({*job.outputs, *beside})

    def published(self, job):
        """What a job published, by path: bytes of tensors, numbers of the rest (not how long they took)."""
        found = {}
        for path in self.files(job):
            if path.suffix == ".safetensors":
                found[path.as_posix()] = (self.root / path).read_bytes()
            elif path != job.record:
                found[path.as_posix()] = self.facts(path)
        return found

    def facts(self, path):
        """A JSON file without what another run of the same job would write otherwise."""
        volatile = ("seconds", "seconds_per_step")
        return {key: value for key, value in self.log(path).items() if key not in volatile}

    def remove(self, job):
        """Take back what a job published."""
        for path in self.files(job):
            (self.root / path).unlink(missing_ok=True)


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


def odd_task(index, kind, classes=2, **further):
    """Data of odd sizes, so that halves of dev differ and the last batch is short; further splits by (rows, seed)."""
    data = tiny_task(kind, n_train=21 + 4 * index, n_dev=41, classes=classes, seed=10 * index)
    more = {name: tiny_split(n, kind, classes, seed=seed) for name, (n, seed) in further.items()}
    return EncodedTask({**data.splits, **more}, data.meta)
