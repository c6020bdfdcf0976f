"""Jobs of a tiny preset of `supertickets`, and spies on what they train and judge."""

from collections.abc import Mapping

import torch

from preset_place import PresetPlace, odd_task, place_model
from tickets.config import parse_config
from tickets.grid import data_file
from tickets.jobs.files import write_json
from tickets.papers.supertickets import lab as lab_module
from tickets.papers.supertickets.addresses import LEVELS, mask, multitask, ticket
from tickets.papers.supertickets.stages import Stages
from tickets.pruning.mask import Mask
from tickets.pruning.structured import StructuredMask
from tiny_engine import SHAPE

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
    place_model(config, "base", config.root)
    for index, task in enumerate((*TASKS, "snli", "scitail")):
        encoded(task, index).save(config.root / data_file(task, RECIPE["max_length"]))
    return config


def encoded(task, index):
    kind = "regression" if task == "sts-b" else "classification"
    further = {"dev_mismatched": (27, 99)} if task == "mnli" else {}
    return odd_task(index, kind, CLASSES.get(task, 2), **further)


class TicketPlace(PresetPlace):
    """A preset of `supertickets`."""

    stages = Stages
    preset = staticmethod(ticket_preset)
    build = staticmethod(build)

    def trial(self, task, seed="1"):
        return self.job("trial_source" if task == "mnli" else "trial", task=task, seed=seed)

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
