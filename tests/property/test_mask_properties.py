"""Laws that hold for every mask and every weight, ties included."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.errors import TicketsError
from tickets.pruning.death import decode_round, encode_chain
from tickets.pruning.magnitude import imp_fraction, prune_count, prune_global
from tickets.pruning.mask import Mask
from tickets.pruning.overlap import from_kept_jaccard, overlap
from tickets.pruning.random import random_mask

dims = st.lists(st.integers(1, 7), min_size=0, max_size=3).map(tuple)
all_shapes = st.dictionaries(st.text(min_size=1, max_size=6), dims, min_size=1, max_size=5)


@st.composite
def masks(draw, shapes=None):
    shapes = draw(all_shapes) if shapes is None else shapes
    total = sum(int(np.prod(shape)) for shape in shapes.values())
    bits = draw(st.lists(st.booleans(), min_size=total, max_size=total))
    return Mask.from_flat(torch.tensor(bits), shapes)


@st.composite
def mask_pairs(draw):
    shapes = draw(all_shapes)
    return draw(masks(shapes)), draw(masks(shapes))


@st.composite
def tied_weights(draw):
    """Weights with many equal magnitudes, both zeros, subnormals and the extremes of float32."""
    values = [0.0, -0.0, 1.0, -1.0, 1.5, 1e-45, -1e-45, 3.4e38, -3.4e38, 65536.0, 1.0000001]
    shapes = draw(all_shapes)
    weights = {}
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        flat = draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))
        weights[name] = torch.tensor(flat, dtype=torch.float32).view(shape)
    return weights


@given(masks())
@settings(deadline=None)
def test_flat_and_file_round_trips(mask):
    assert Mask.from_flat(mask.flat(), mask.shapes) == mask
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mask.safetensors"
        mask.save(path, {"n": mask.total})
        loaded = Mask.load(path)
        assert loaded == mask
        assert list(loaded) == list(mask)
        assert loaded.digest() == mask.digest()
        assert Mask.provenance(path) == {"n": mask.total}


@given(masks(), st.data())
@settings(max_examples=200, deadline=None)
def test_no_flipped_bit_of_the_file_passes_unseen(mask, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mask.safetensors"
        mask.save(path, {"seed": 1})
        raw = bytearray(path.read_bytes())
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(raw)
        try:
            loaded, facts = Mask.load(path), Mask.provenance(path)
        except TicketsError:
            return
        assert loaded == mask  # a byte without meaning, such as white space before the tensors
        assert list(loaded) == list(mask)
        assert facts == {"seed": 1}


@given(mask_pairs())
@settings(deadline=None)
def test_set_algebra(pair):
    a, b = pair
    assert (a & b) == (b & a)
    assert (a | b) == (b | a)
    assert (a & b).nested_in(a)
    assert a.nested_in(a | b)
    assert a.nested_in(b) == ((a & b) == a)
    assert (a & b).kept + (a | b).kept == a.kept + b.kept
    assert (a == b) == (a.digest() == b.digest())


@given(mask_pairs())
@settings(deadline=None)
def test_overlap_is_symmetric_and_bounded(pair):
    a, b = pair
    result = overlap(a, b)
    assert result == overlap(b, a)
    assert all(0 <= value <= 1 for value in vars(result).values())
    assert (result.kept_jaccard == 1) == (a == b)
    if a.kept == b.kept < a.total:
        converted = from_kept_jaccard(result.kept_jaccard, a.kept / a.total) if a.kept else result
        assert all(abs(v - vars(result)[k]) < 1e-12 for k, v in vars(converted).items())


@given(tied_weights(), st.data())
@settings(deadline=None)
def test_selection_removes_the_smallest_survivors_and_exactly_as_many_as_asked(weights, data):
    """The reference: the sorted magnitudes of the survivors, split after the first `count`; ties may go either way."""
    mask = data.draw(masks({name: w.shape for name, w in weights.items()}))
    count = data.draw(st.integers(0, mask.kept))
    magnitudes = np.abs(np.concatenate([w.numpy().reshape(-1) for w in weights.values()]))
    smaller = prune_count(weights, mask, count)
    assert smaller.nested_in(mask)
    assert smaller.kept == mask.kept - count
    ranked = np.sort(magnitudes[mask.flat().numpy()])
    kept = np.sort(magnitudes[smaller.flat().numpy()])
    assert np.array_equal(kept, ranked[count:])


@given(tied_weights(), st.integers(1, 10))
@settings(deadline=None, max_examples=30)
def test_imp_chains_nest_and_survive_the_death_array(weights, rounds):
    chain, mask = [], Mask.dense({name: w.shape for name, w in weights.items()})
    for round in range(rounds):
        smaller = prune_global(weights, mask, imp_fraction(round))
        assert smaller.nested_in(mask)
        chain.append(smaller)
        mask = smaller
    death = encode_chain(chain)
    assert all(decode_round(death, round) == mask for round, mask in enumerate(chain, start=1))


@given(all_shapes, st.floats(0, 1), st.integers(0, 2**31))
@settings(deadline=None)
def test_random_masks_are_count_exact(shapes, sparsity, seed):
    mask = random_mask(shapes, sparsity, torch.Generator().manual_seed(seed))
    assert mask.total - mask.kept == round(sparsity * mask.total)
