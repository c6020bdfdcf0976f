"""The smallest models, tasks and presets on which the engine can be tested as a whole."""

from pathlib import Path

import torch

from tickets.config import Config, parse_config
from tickets.data.encoded import EncodedTask, Split
from tickets.grid import data_file
from tickets.models.config import EncoderConfig
from tickets.models.heads import Head, initial_values
from tickets.models.hf import Checkpoint, save_folder
from tickets.models.model import Model
from tickets.papers.lth.settings import lth_settings
from tickets.training.recipe import Recipe

SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 24, "max_positions": 32}
SPECIAL = {"pad_id": 0, "cls_id": 1, "sep_id": 2, "mask_id": 3}


def tiny_config(**changes):
    facts = {"vocab_size": 60, **SHAPE, "hidden_dropout": 0.0, "attention_dropout": 0.0}
    return EncoderConfig(**{**facts, **changes})


def tiny_model(*heads, seed=0, std=0.1, **changes):
    """A model with random weights everywhere, LayerNorms and biases included."""
    config = tiny_config(**changes)
    model = Model(config, heads or (Head("classification", 2),))
    randomise(model, seed, std)
    return model


def randomise(model, seed=0, std=0.1):
    generator = torch.Generator().manual_seed(seed)
    flat = model.parameters.flat.data
    flat.copy_(torch.randn(flat.shape, generator=generator) * std)
    for name in model.parameters.spans:
        if "norm.weight" in name.lower().replace("layer_norm", "layernorm"):
            model.parameters.view(name).add_(1.0)


def tiny_split(n, kind="classification", classes=2, vocab=60, width=12, seed=0):
    """Random sentences whose labels follow from their tokens, so that there is something to learn."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(5, width + 1, (n,), generator=generator, dtype=torch.int32)
    lengths[0] = width
    ids = torch.randint(5, vocab, (n, width), generator=generator, dtype=torch.int32)
    columns = torch.arange(width)
    ids[:, 0] = SPECIAL["cls_id"]
    ids[torch.arange(n), lengths.long() - 1] = SPECIAL["sep_id"]
    real = columns < lengths[:, None]
    ids = torch.where(real, ids, SPECIAL["pad_id"]).int()
    segments = ((columns >= lengths[:, None] // 2) & real).to(torch.uint8)
    labels = None
    if kind == "classification":
        labels = ids[:, 1].long() % classes
    elif kind == "regression":
        labels = ids[:, 1].float() / vocab * 5
    elif kind == "span":
        first = torch.randint(1, 4, (n,), generator=generator)
        labels = torch.stack([first, first + 1], 1)
        labels[::5] = -1
    return Split(ids, segments, lengths, labels)


def tiny_task(kind="classification", n_train=22, n_dev=14, classes=2, vocab=60, seed=0):
    splits = {
        "train": tiny_split(n_train, kind, classes, vocab, seed=seed),
        "dev": tiny_split(n_dev, kind, classes, vocab, seed=seed + 1),
    }
    meta = {"task": kind, **SPECIAL, "vocab_size": vocab, "special_ids": [0, 1, 2, 3, 4], "source": {}}
    return EncodedTask(splits, meta)


def tiny_recipe(**changes):
    return Recipe(**{"steps": 6, "batch_size": 8, "learning_rate": 1e-3, "max_length": 16, **changes})


def tiny_preset(steps=4, dropout=0.1, **lth):
    """A raw config of one preset, 'tiny': RTE and MLM on the synthetic schema, everything as small as can be."""
    recipe = {"steps": steps, "batch_size": 8, "learning_rate": 2e-3, "max_length": 32}
    return {
        "preset": "tiny",
        "presets": {
            "tiny": {
                "seed": 7,
                "model": {
                    "name": "tiny-bert",
                    "shape": {**SHAPE, "activation": "relu", "dropout": dropout},
                    "pretraining": {"recipe": recipe, "pairs": 40},
                },
                "data": {"source": "synthetic", "world_seed": 1},
                "execution": {"device": "cpu", "checkpoint_seconds": 3600.0},
                "lth": {
                    "tasks": ["rte", "mlm"],
                    "recipes": {"default": recipe},
                    "multitask_recipe": recipe,
                    "replicates": {
                        "imp": 2, "baselines": 2, "oneshot": 1, "transfer": 1, "mlm_ticket": 1, "rewind": 1,
                        "rewind_transfer": 1, "multitask": 1, "datasize": 1, "ablations": 1,
                    },
                    "grid": {
                        "transfer_sources": ["rte", "mlm"],
                        "transfer_targets": ["rte", "mlm"],
                        "winning_sources": ["rte", "mlm"],
                        "mlm_ticket_targets": ["rte"],
                        "strict_baselines": ["rte"],
                        "rewind_tasks": ["rte"],
                        "rewind_sources": ["mlm"],
                        "rewind_targets": ["rte"],
                        "norewind_targets": ["rte"],
                        "multitask": [["mlm", "rte"]],
                        "multitask_targets": ["rte"],
                        "datasize": {"rte": 10},
                        "profile_tasks": ["rte", "mlm"],
                    },
                    **lth,
                },
            }
        },
    }  # fmt: skip


def tiny_supertickets(**changes):
    """A raw section 'supertickets' beside that of `tiny_preset`: three tasks, and at least one run in every stage."""
    recipe = {"steps": 4, "batch_size": 8, "learning_rate": 2e-3, "max_length": 24, "optimizer": "adamax"}
    return {
        "models": ["base"],
        "tasks": ["rte", "sts-b", "mnli"],
        "recipes": {"default": recipe},
        "multitask_recipe": recipe,
        "evaluations": 2,
        "replicates": {
            "trial": 2, "families": 1, "reruns": 1, "subsets": 1, "mismatch": 1, "multitask": 2, "finetune": 1,
            "domain": 1,
        },
        "grid": {
            "families": ["rte", "mnli"],
            "reruns": ["rte"],
            "subset_percents": [10],
            "mismatch": ["rte", "sts-b"],
            "finetune": ["rte", "sts-b"],
            "rate_tasks": ["rte"],
            "rate_models": ["base"],
            "domain_percents": [10, 100],
            "extended_percents": [10],
        },
        **changes,
    }  # fmt: skip


def two_papers(**changes):
    """The tiny preset with both papers; the second reads shorter inputs."""
    raw = tiny_preset()
    raw["presets"]["tiny"]["supertickets"] = tiny_supertickets(**changes)
    return raw


def three_papers():
    """The tiny preset with all papers."""
    from mask_world import tamt_preset

    raw = two_papers()
    raw["presets"]["tiny"]["tamt"] = tamt_preset()["presets"]["tiny"]["tamt"]
    return raw


def two_models(**changes):
    """Both papers, the second with two models."""
    raw = two_papers(models=["base", "large"], **changes)
    preset = raw["presets"]["tiny"]
    shape = preset["model"]["shape"] | {"layers": 3}
    preset["models"] = {"large": preset["model"] | {"name": "tiny-large", "shape": shape}}
    return raw


def build_preset(raw=None) -> Config:
    """Place data and a random theta_0 where the jobs of the preset look for them (below the working directory)."""
    config = parse_config(raw or tiny_preset())
    shape = config.settings.model.shape
    assert shape is not None
    encoder = shape.encoder(60)
    heads = (Head("mlm"), Head("nsp", 2))
    model = Model(encoder, heads)
    shapes = {name: span.shape for name, span in model.parameters.spans.items()}
    values = initial_values(shapes, 0.1, torch.Generator().manual_seed(3))
    body = {name: value for name, value in values.items() if name in model.body_names}
    gamma = {name: value for name, value in values.items() if name in model.head_names}
    save_folder(config.root / "models" / "tiny-bert", Checkpoint(encoder, body, gamma))
    settings = lth_settings(config)
    for index, task in enumerate(settings.tasks):
        kind = {"mlm": "mlm", "sts-b": "regression"}.get(task, "classification")
        tiny_task(kind, seed=10 * index).save(config.root / data_file(task, settings.recipe(task).max_length))
    return config


def results(folder: Path) -> dict[str, bytes]:
    """Every result file below a folder that must not depend on how the job ran: weights, masks, predictions."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.safetensors"))
        if "data" not in path.parts and "models" not in path.parts
    }
