"""Structures to remove, and models in double precision from which they are removed."""

import torch

from tickets.models.encoder import Batch, Gates
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.models.removal import cut, gates
from tickets.pruning.structured import StructuredMask
from tiny_engine import randomise, tiny_config

HEAD = Head("classification", 3)
LABELS = torch.tensor([0, 2, 1, 1, 0])
LENGTHS = torch.tensor([9, 4, 12, 1, 7])
WIDTH = 12
CONFIG = tiny_config(hidden_size=24, heads=4, layers=3, intermediate_size=32)


def structure_of(removed_heads, removed_ffns, config=CONFIG):
    structure = StructuredMask.full(config.layers, config.heads)
    for layer, heads in removed_heads.items():
        structure.heads[layer, list(heads)] = False
    structure.ffns[list(removed_ffns)] = False
    return structure


# Spec supertickets, oracle O7.
O7 = structure_of({0: [1], 1: [0, 3], 2: range(4)}, [1, 2])


def double_model(config=CONFIG, heads=(HEAD,), structure=None, **options):
    """A full model with random weights everywhere; or, with a structure, what is left of just that model."""
    full = Model(config, heads, dtype=torch.float64)
    randomise(full, std=0.3)
    if structure is None and not options:
        return full
    model = Model(config, heads, structure=structure, dtype=torch.float64, **options)
    model.load_body(full.body() if structure is None else cut(full.body(), config, structure))
    model.load_heads(full.head_values())
    return model


def double_gates(structure):
    return gates(structure, dtype=torch.float64)


def plain_gates(structure):
    """Gates of zeros and ones under which every FFN is computed."""
    skipping = double_gates(structure)
    return Gates(skipping.heads, skipping.ffns)


def sentences(seed=1):
    generator = torch.Generator().manual_seed(seed)
    real = torch.arange(WIDTH) < LENGTHS[:, None]
    ids = torch.where(real, torch.randint(5, 60, real.shape, generator=generator), 0)
    return ids, torch.zeros_like(ids), real


def padded_batch():
    """All positions of the grid as tokens, padding too; keys on padding are closed to everyone."""
    ids, segments, real = sentences()
    bias = torch.zeros(real.shape, dtype=torch.float64).masked_fill_(~real, float("-inf"))[:, None, None]
    positions = torch.arange(WIDTH).repeat(len(ids))
    starts = torch.arange(len(ids)) * WIDTH
    return Batch(ids.flatten(), segments.flatten(), positions, None, bias, starts, len(ids), WIDTH)
