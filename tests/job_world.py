"""Jobs of the tiny preset in folders of their own, and a spy on every training run."""

import os

import torch

from tickets.grid import find_stage
from tickets.jobs.runner import run_job
from tickets.papers.lth import lab as lab_module
from tickets.papers.lth.stages import Stages
from tiny_engine import build_preset


def job_of(config, stage, **axes):
    return find_stage(Stages(config).all(), stage).job(axes)


class Place:
    """A preset in a folder of its own; `run` does one job of it."""

    def __init__(self, folder, raw=None):
        self.folder = folder
        os.chdir(folder)
        self.config = build_preset(raw)
        self.root = folder / self.config.root

    def job(self, stage, **axes):
        return job_of(self.config, stage, **axes)

    def run(self, stage, **axes):
        job = self.job(stage, **axes)
        run_job(self.config, job)
        return job


class Spy:
    """Notes what every training run starts from and ends with, and trains it."""

    def __init__(self, monkeypatch):
        self.calls = []
        self.train = lab_module.train
        monkeypatch.setattr(lab_module, "train", self)

    def __call__(self, model, objective, recipe, schedule, steps, **options):
        call = {
            "body": model.body(),
            "heads": model.head_values(),
            "moments": options["moments"],
            "mask": options["mask"],
            "seed": options["seed"],
            "rates": [schedule(0), schedule(steps - 1), schedule(steps)],
            "first_step": options["first_step"],
        }
        trained = self.train(model, objective, recipe, schedule, steps, **options)
        call |= {
            "end_body": model.body(),
            "end_heads": model.head_values(),
            "updates": trained.moments["steps"],
        }
        self.calls.append(call)
        return trained


def equal(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
