"""Jobs of a tiny preset of `supertickets`, and spies on what they train and judge."""

import json
import os
import shutil
from collections.abc import Mapping

import torch
from safetensors.torch import load_file

from tickets.config import parse_config
from tickets.data.encoded import EncodedTask
from tickets.grid import data_file, find_stage
from tickets.jobs.context import Context
from tickets.jobs.files import write_json
from tickets.jobs.runner import run_job
from tickets.models.heads import Head, initial_values
from tickets.models.hf import Checkpoint, save_folder
from tickets.models.model import Model
from tickets.papers.supertickets import lab as lab_module
from tickets.papers.supertickets.addresses import LEVELS, mask, multitask, ticket
from tickets.papers.supertickets.stages import Stages
from tickets.pruning.mask import Mask
from tickets.pruning.structured import StructuredMask
from tiny_engine import SHAPE, tiny_split, tiny_task

LAYERS, HEADS = 3, 4
TASKS = ("rte", "sts-b", "mnli")
CLASSES = {"mnli": 3, "snli": 3}
RECIPE = {
    "steps": 6, "batch_size": 8, "learning_rate": 5e-3, "max_length": 24, "optimizer": "adamax", "eps": 1e-6,
    "weight_decay": 0.01, "decay": "weights",
}  # fmt: skip


def ticket_preset(**changes):
    """A raw config of `supertickets` alone: three layers of four heads, three tasks, six steps judged three times."""
    section = {
        "models": ["base"],
        "tasks": list(TASKS),
        "recipes": {"default": RECIPE},
        "multitask_recipe": RECIPE | {"steps": 8},
        "head_dropout": {"default": 0.1, "mnli": 0.3},
        "evaluations": 3,
        "replicates": {
            "trial": 2, "families": 2, "reruns": 1, "subsets": 1, "mismatch": 1, "multitask": 2, "finetune": 1,
            "domain": 1,
        },
        "grid": {
            "families": ["rte", "mnli"],
            "reruns": ["rte"],
            "subset_percents": [50],
            "mismatch": ["rte"],
            "finetune": ["rte", "sts-b"],
            "rate_tasks": ["rte"],
            "rate_models": ["base"],
            "domain_percents": [0.1, 100],
            "extended_percents": [0.1],
        },
    }  # fmt: skip
    for name in ("replicates", "grid"):
        section[name] = section[name] | changes.pop(name, {})
    preset = {
        "seed": 6,
        "model": {
            "name": "tiny-bert",
            "shape": {**SHAPE, "layers": LAYERS, "heads": HEADS, "activation": "relu", "dropout": 0.1},
            "pretraining": {"recipe": RECIPE, "pairs": 40},
        },
        "data": {"source": "synthetic", "world_seed": 1},
        "execution": {"device": "cpu", "checkpoint_seconds": 3600.0},
        "supertickets": section | changes,
    }
    return {"preset": "tiny", "presets": {"tiny": preset}}


def build(raw):
    """Place random data of every task and a random theta_0 where the jobs look for them."""
    config = parse_config(raw)
    encoder = config.settings.model.shape.encoder(60)
    model = Model(encoder, (Head("mlm"),))
    shapes = {name: span.shape for name, span in model.parameters.spans.items()}
    values = initial_values(shapes, 0.3, torch.Generator().manual_seed(3))
    body = {name: value for name, value in values.items() if name in model.body_names}
    heads = {name: value for name, value in values.items() if name in model.head_names}
    save_folder(config.root / "models" / "tiny-bert", Checkpoint(encoder, body, heads))
    for index, task in enumerate((*TASKS, "snli", "scitail")):
        encoded(task, index).save(config.root / data_file(task, RECIPE["max_length"]))
    return config


def encoded(task, index):
    kind = "regression" if task == "sts-b" else "classification"
    # Odd numbers, so that the halves of dev differ in size and the last batch is short.
    data = tiny_task(kind, n_train=21 + 4 * index, n_dev=41, classes=CLASSES.get(task, 2), seed=10 * index)
    if task != "mnli":
        return data
    mismatched = tiny_split(27, kind, CLASSES[task], seed=99)
    return EncodedTask({**data.splits, "dev_mismatched": mismatched}, data.meta)


class TicketPlace:
    """A preset in a folder, which must be the working directory whenever something runs; `run` does one job of it."""

    def __init__(self, folder, config):
        self.folder, self.config = folder, config
        self.root = folder / config.root

    @classmethod
    def new(cls, folder, **changes):
        """A preset in a folder of its own."""
        os.chdir(folder)
        return cls(folder, build(ticket_preset(**changes)))

    def with_changes(self, **changes):
        """The same folder under another config."""
        return TicketPlace(self.folder, parse_config(ticket_preset(**changes)))

    def copy(self, folder):
        """All published files in another folder."""
        shutil.copytree(self.root, folder / self.config.root)
        return TicketPlace(folder, self.config)

    def job(self, stage, **axes):
        return find_stage(Stages(self.config).all(), stage).job({"model": "base"} | axes)

    def trial(self, task, seed="1"):
        return self.job("trial_source" if task == "mnli" else "trial", task=task, seed=seed)

    def run(self, job, checkpoint_steps=None):
        run_job(self.config, job, checkpoint_steps)
        return job

    def context(self, job):
        return Context(self.config, job, root=self.root)

    def metrics(self, run):
        return json.loads((self.root / run.metrics).read_text())

    def outputs(self, run):
        return load_file(self.root / run.folder / "predictions.safetensors")

    def mask(self, address):
        return StructuredMask.from_mask(Mask.load(self.root / address.file))

    def levels(self, task, seed=1, method="winning"):
        """Metrics of a trial, level by level."""
        full = ticket("winning", task, "00", seed, "base")
        return [self.metrics(full)] + [
            self.metrics(ticket(method, task, level, seed, "base")) for level in LEVELS[1:]
        ]

    def shared(self, method, seed=1):
        """Metrics of a multi-task model by task."""
        return {task: self.metrics(multitask(method, task, seed, "base")) for task in TASKS}


def published(root, job):
    """What a job published, by path: bytes of tensors, numbers of runs (not how long they took)."""
    found = {}
    for path in sorted({*job.outputs, *(run.folder / "predictions.safetensors" for run in job.runs)}):
        if path.suffix == ".safetensors":
            found[path.as_posix()] = (root / path).read_bytes()
        elif path.name == "metrics.json":
            facts = json.loads((root / path).read_text())
            found[path.as_posix()] = {k: v for k, v in facts.items() if k != "seconds"}
    return found


def remove(root, job):
    """Take back what a job published."""
    for path in (*job.outputs, *(run.folder / "predictions.safetensors" for run in job.runs)):
        (root / path).unlink(missing_ok=True)


class Trainings:
    """Notes what every training starts from, its seeds and batches, and trains."""

    def __init__(self, monkeypatch):
        self.calls = []
        self.train = lab_module.train
        monkeypatch.setattr(lab_module, "train", self)

    def __call__(self, model, objective, recipe, schedule, steps, **options):
        call = {
            "body": model.body(), "heads": model.head_values(), "structure": model.structure, "recipe": recipe,
            "seed": options["seed"], "steps": steps, "batches": batches(objective, steps),
            "model": model, "objective": objective,
        }  # fmt: skip
        trained = self.train(model, objective, recipe, schedule, steps, **options)
        self.calls.append(call | {"end": model.parameters.flat.detach().clone()})
        return trained


def batches(objective, steps):
    if not hasattr(objective, "parts"):
        return [objective.order(step).tolist() for step in range(steps)]
    at = [objective._at(step) for step in range(steps)]
    return [(task, objective.parts[task].order(own).tolist()) for task, own in at]


def equal(left: Mapping[str, torch.Tensor], right: Mapping[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def without(heads, ffns):
    kept = torch.ones(LAYERS, HEADS, dtype=torch.bool)
    for layer, head in heads:
        kept[layer, head] = False
    return StructuredMask(kept, torch.tensor([layer not in ffns for layer in range(LAYERS)]))


# No task keeps heads (0, 0) and (2, *) and the FFN of layer 1; each lacks something that another has.
TOP = [(2, head) for head in range(HEADS)]
TICKETS = {
    "rte": without([(0, 0), (0, 1), *TOP], {1}),
    "sts-b": without([(0, 0), (1, 2), (1, 3), *TOP], {1, 2}),
    "mnli": without([(0, 0), (0, 3), *TOP], {0, 1}),
}
UNION = without([(0, 0), *TOP], {1})
LEVEL = {"rte": 3, "sts-b": 5, "mnli": 1}
OTHER = without([(0, 0), (2, 1)], {1})


def place_trials(place, level=LEVEL, tickets=TICKETS, method="winning", seed=1):
    """What a multi-task job reads of trials that were never run: scores that are best at `level`, and masks."""
    for task, best in level.items():
        for k, token in enumerate(LEVELS):
            address = ticket("winning" if k == 0 else method, task, token, seed, "base")
            # Level 7 ties with the best, at a higher loss; level 8 is best under another selection.
            score = {best: 80.0, 7: 80.0}.get(k, 50.0 + k)
            extra = {"select_full": score, "select_loss_full": 0.1 if k == best else 0.2}
            extra |= {"select_p10": float(k), "select_loss_p10": 1.0}
            write_json(place.root / address.metrics, {"extra": extra, "resolved": token})
            if k:
                found = tickets[task] if k == best else without([(1, 1)], {0})
                path = place.root / mask(method, task, token, seed, "base").file
                path.parent.mkdir(parents=True, exist_ok=True)
                found.mask().save(path, {})


def calm(folder, **changes):
    """No dropout and one evaluation at the end, so that training can be repeated from the outside."""
    raw = ticket_preset(**{"head_dropout": {"default": 0.0}, "evaluations": 1, **changes})
    raw["presets"]["tiny"]["model"]["shape"]["dropout"] = 0.0
    return TicketPlace(folder, build(raw))
