"""Results of the algorithms at the smallest scale, to notice a change of them that VERSIONS does not own up to.

If a change is meant, raise the number in `tickets.versions` (runs are then redone) and write the new values
down here under the new number.
"""

import json

import pytest
import torch

from job_world import Place
from ticket_world import TicketPlace
from tickets.data.encoded import content_hash
from tickets.data.synthetic.build import build_pretraining, build_task
from tickets.models.heads import Head
from tickets.papers.lth.addresses import run
from tickets.papers.supertickets.addresses import importance_file, mask, ticket
from tickets.pruning.magnitude import one_shot, prune_global
from tickets.pruning.mask import Mask
from tickets.pruning.perturb import reinitialise, shuffle_elements, shuffle_layers
from tickets.pruning.random import random_mask
from tickets.pruning.scores import Importance
from tickets.training.evaluate import predict, predict_words
from tickets.training.loop import train
from tickets.training.objective import TaskObjective
from tickets.training.resident import Resident
from tickets.training.schedule import LinearDecay
from tickets.versions import PAPER_VERSIONS, VERSIONS
from tiny_engine import tiny_model, tiny_preset, tiny_recipe, tiny_task

ENGINE = {
    1: {
        "classification adamw": 0.6589499115943909,
        "classification adamw-reference": 0.658952534198761,
        "regression adamw": 3.27569842338562,
        "regression adamw-reference": 3.2757747173309326,
        "span adamw": 1.7297524213790894,
        "span adamw-reference": 1.7297964096069336,
        "mlm adamw": 4.02027702331543,
        "mlm adamw-reference": 4.020320892333984,
        "classification outputs": 5.656161785125732,
        "regression outputs": 1.100054144859314,
        "span outputs": 88.08303833007812,
        "mlm outputs": 4.1594483910537345,
    }
}
WORLD = {
    1: {
        "mnli": "08ac73092cd141ed",
        "sts-b": "de30e83201bc7441",
        "cola": "6d82252cf1c0ed5b",
        "squad": "3cee64430fc52306",
        "mlm": "7d5aa66ead0059e0",
        "pretraining": "0de9804371abc35b",
    }
}
PRUNING = {
    1: {
        "one-shot": "7d3e062cb77de6d5",
        "second round": "d0c9c1ab8e2781f3",
        "random": "a5513aa6930c9b1c",
        "shuffled": "89b70a5be34fd0d8",
        "shuffled elements": "a7b86b11a23fa7ee",
        "re-initialised": "1db6e5c7e8954a3e",
    }
}
IMP = {1: {"00": 3.9130992889404297, "50": 3.879426956176758, "90": 3.939342180887858}}
TICKETS = {
    1: {
        "importance token": [0.4510800800185496, 0.1460231494205627],
        "importance example": [0.33378041092228594, 0.09821310867638593],
        "importance batch": [0.12659214241944028, 0.03871892668394139],
        "importance triangular": [0.9068093124048271, 0.2968572219348668],
        "level 00": [53.65853658536586, 0.749518871307373, 0.6945095647159493, 0.5911585035738743, 1.0],
        "level 30": [
            53.65853658536586,
            0.7480889558792114,
            0.6902867785112863,
            0.6152726436154898,
            0.9001040582726327,
        ],
        "mask 30": "9e64c7de28c75582",
        "level 80": [
            53.65853658536586,
            0.7306134700775146,
            0.6953394379983928,
            0.6371607762566861,
            0.5005202913631634,
        ],
        "mask 80": "e3efbcf5026fd683",
    }
}
HEADS = {
    "classification": Head("classification", 2),
    "regression": Head("regression", 1),
    "span": Head("span", 2),
    "mlm": Head("mlm"),
}


def final_loss(kind, optimizer):
    """Loss after eight steps with dropout, weight decay, warm-up and clipping under a half-empty mask."""
    head = HEADS[kind]
    model = tiny_model(head, hidden_dropout=0.1, attention_dropout=0.1)
    recipe = tiny_recipe(steps=8, weight_decay=0.01, learning_rate=5e-3, clip=0.5, optimizer=optimizer)
    objective = TaskObjective(tiny_task(kind), head, recipe, model, seed=11)
    mask = random_mask(model.prunable, 0.5, torch.Generator().manual_seed(5))
    schedule = LinearDecay(5e-3, 8, warmup=2)
    return train(model, objective, recipe, schedule, 8, seed=11, mask=mask).final_loss


@pytest.mark.parametrize("kind", list(HEADS))
@pytest.mark.parametrize("optimizer", ["adamw", "adamw-reference"])
def test_engine(kind, optimizer):
    expected = ENGINE[VERSIONS["engine"]][f"{kind} {optimizer}"]
    assert final_loss(kind, optimizer) == pytest.approx(expected, abs=1e-6, rel=1e-6)


def outputs(kind):
    head, data = HEADS[kind], tiny_task(kind)
    model = tiny_model(head)
    resident = Resident(data.splits["dev"], model.config)
    if kind == "mlm":
        return predict_words(model, head, resident, data, tiny_recipe(mlm_probability=0.4), 3).scores()[
            "loss"
        ]
    values = predict(model, head, resident)
    return float(values[torch.isfinite(values)].abs().sum())


@pytest.mark.parametrize("kind", list(HEADS))
def test_forward_pass(kind):
    expected = ENGINE[VERSIONS["engine"]][f"{kind} outputs"]
    assert outputs(kind) == pytest.approx(expected, rel=1e-6)


def texts(task):
    sizes = {"train": 30, "dev": 20, "test": 20}
    data = build_pretraining(1, 40, 20) if task == "pretraining" else build_task(task, 1, sizes)
    tensors = {f"{name}.{part}": getattr(split, part) for name, split in data.splits.items()
               for part in ("ids", "segments", "lengths", "labels") if getattr(split, part) is not None}  # fmt: skip
    return content_hash(tensors)[:16]


TEXTS = ("mnli", "sts-b", "cola", "squad", "mlm", "pretraining")


@pytest.mark.parametrize("task", TEXTS)
def test_world_and_encoding(task):
    assert texts(task) == WORLD[VERSIONS["world"] * VERSIONS["encoding"]][task]


def masks():
    generator = torch.Generator().manual_seed(8)
    model = tiny_model()
    weights = {name: value.clone() for name, value in model.prunable_values().items()}
    body = model.body()
    first = one_shot(weights, 0.3)
    found = {
        "one-shot": first.digest(),
        "second round": prune_global(weights, first, 1 / 7).digest(),
        "random": random_mask(model.prunable, 0.7, generator).digest(),
    }
    for name, changed in (
        ("shuffled", shuffle_layers(body, torch.Generator().manual_seed(1))),
        ("shuffled elements", shuffle_elements(body, torch.Generator().manual_seed(1))),
        ("re-initialised", reinitialise(body, 0.02, torch.Generator().manual_seed(1))),
    ):
        # Signs, not values: they survive the last bit of a normal draw on another machine.
        found[name] = Mask({n: changed[n] > 0 for n in model.prunable}).digest()
    return {name: digest[:16] for name, digest in found.items()}


def test_pruning():
    assert masks() == PRUNING[VERSIONS["pruning"]]


def chain(folder):
    place = Place(folder, tiny_preset(steps=3))
    place.run("imp", task="mlm")
    levels = ("00", "50", "90")
    paths = [place.root / run("mlm", "pretrained", "imp", "mlm", level, 1).metrics for level in levels]
    return {
        level: json.loads(path.read_text())["scores"]["dev"]["loss"]
        for level, path in zip(levels, paths, strict=True)
    }


def test_imp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert chain(tmp_path) == pytest.approx(IMP[PAPER_VERSIONS["lth"]["imp"] * VERSIONS["metrics"]], rel=1e-6)


def trial(folder):
    """A full model, its importance scores and its tickets, under dropout, judged at every point."""
    place = TicketPlace.new(folder)
    place.run(place.trial("rte"))
    found = {}
    scores = Importance.load(place.root / importance_file("rte", 1, "base"))
    for variant in ("token", "example", "batch", "triangular"):
        found[f"importance {variant}"] = [
            scores[variant].heads.sum().item(),
            scores[variant].ffns.sum().item(),
        ]
    for level in ("00", "30", "80"):
        metrics = place.metrics(ticket("winning", "rte", level, 1, "base"))
        extra = metrics["extra"]
        names = ("train_loss", "select_loss_full", "select_loss_p10", "remaining")
        found[f"level {level}"] = [metrics["score"], *(extra[name] for name in names)]
        if level != "00":
            found[f"mask {level}"] = place.mask(mask("winning", "rte", level, 1, "base")).mask().digest()[:16]
    return found


def test_tickets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, expected = trial(tmp_path), TICKETS[PAPER_VERSIONS["supertickets"]["tickets"] * VERSIONS["engine"]]
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == (values if isinstance(values, str) else pytest.approx(values, rel=1e-5)), name
