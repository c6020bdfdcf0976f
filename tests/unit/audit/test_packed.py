"""Masks as they lie on disk, read by code of the audit's own, against the one that the jobs use."""

import pytest
import torch

from tickets.audit.packed import header_of, read_packed
from tickets.errors import TicketsError
from tickets.pruning.mask import Mask

SHAPES = {"b": (3, 5), "a": (7,), "c": (4, 4)}


@pytest.fixture
def mask():
    generator = torch.Generator().manual_seed(1)
    return Mask({name: torch.rand(shape, generator=generator) < 0.6 for name, shape in SHAPES.items()})


def test_counts_hash_and_bytes_are_those_of_the_mask(mask, tmp_path):
    path = tmp_path / "mask.safetensors"
    mask.save(path, {"of": "test"})
    found = read_packed(path)
    assert found.fits()
    assert found.shapes == SHAPES
    assert list(found.shapes) == list(SHAPES)
    assert found.digest() == mask.digest() == header_of(path)["sha256"]
    assert found.kept() == mask.kept_per_tensor()
    assert found.sparsity == mask.sparsity
    assert found.data() == path.read_bytes()
    assert found.header["provenance"] == {"of": "test"}


def test_nesting_agrees_with_that_of_masks(mask, tmp_path):
    smaller = mask & Mask({name: torch.rand(shape) < 0.5 for name, shape in SHAPES.items()})
    found = []
    for name, one in (("big", mask), ("small", smaller)):
        one.save(tmp_path / name, {})
        found.append(read_packed(tmp_path / name))
    assert found[1].nested_in(found[0])
    assert found[0].nested_in(found[1]) == mask.nested_in(smaller)


def test_every_flipped_byte_is_found(mask, tmp_path):
    path = tmp_path / "mask.safetensors"
    mask.save(path, {"of": "test"})
    whole = path.read_bytes()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 0x04
        path.write_bytes(flipped)
        try:
            found = read_packed(path)
        except TicketsError:
            continue
        sound = found.fits() and found.digest() == found.header["sha256"] and found.data() == bytes(flipped)
        assert not sound, place
