import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.data.masking import mask_tokens

SPECIAL = (0, 2, 3, 4)  # pad, cls, sep, mask
VOCABULARY = 1_000


def blocks(rows, length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, VOCABULARY, (rows, length), generator=generator, dtype=torch.int32)
    ids[:, 0], ids[:, -1] = 2, 3
    ids[::2, -4:] = torch.tensor([3, 0, 0, 0])
    return ids


def corrupt(ids, seed=1, probability=0.15):
    generator = torch.Generator().manual_seed(seed)
    return mask_tokens(ids, SPECIAL, 4, VOCABULARY, probability, generator)


def test_o18_and_tamt_o19_fifteen_percent_of_which_80_10_10():
    """A million tokens; tamt asks for 0.15 +- 0.002 and +- 0.01 of the fates, which is wider than what holds here."""
    ids = blocks(2_000, 512)
    corrupted, labels = corrupt(ids)
    chosen = labels != -100
    eligible = ~torch.isin(ids, torch.tensor(SPECIAL))
    n = int(chosen.sum())
    assert n / int(eligible.sum()) == pytest.approx(0.15, abs=0.002)  # about 5 sigma
    masked = chosen & (corrupted == 4)
    kept = chosen & (corrupted == ids)
    other = chosen & ~masked & ~kept
    assert int(masked.sum()) / n == pytest.approx(0.8, abs=0.006)
    assert int(kept.sum()) / n == pytest.approx(0.1, abs=0.005)
    assert int(other.sum()) / n == pytest.approx(0.1, abs=0.005)
    noise = corrupted[other].double()  # uniform over the vocabulary
    assert float(noise.mean()) == pytest.approx((VOCABULARY - 1) / 2, abs=12)
    assert float(noise.std()) == pytest.approx(VOCABULARY / 12**0.5, abs=8)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(6, 40), st.integers(0, 10_000), st.floats(0, 1))
def test_o18_and_tamt_o19_special_tokens_stay_and_labels_are_the_truth(rows, length, seed, probability):
    ids = blocks(rows, length, seed)
    corrupted, labels = corrupt(ids, seed, probability)
    special = torch.isin(ids, torch.tensor(SPECIAL))
    chosen = labels != -100
    assert not (special & chosen).any()
    assert torch.equal(corrupted[~chosen], ids[~chosen])
    assert torch.equal(labels[chosen], ids[chosen].long())
    assert corrupted.dtype == ids.dtype
    assert labels.dtype == torch.int64
    assert int(corrupted.min()) >= 0
    assert int(corrupted.max()) < VOCABULARY


def test_masking_is_a_function_of_the_generator():
    ids = blocks(8, 64)
    first, again, other = corrupt(ids, 5), corrupt(ids, 5), corrupt(ids, 6)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def test_random_draws_depend_on_the_shape_alone():
    states = []
    for ids in (blocks(4, 16), torch.zeros(4, 16, dtype=torch.int32)):
        generator = torch.Generator().manual_seed(3)
        mask_tokens(ids, SPECIAL, 4, VOCABULARY, 0.15, generator)
        states.append(generator.get_state())
    assert torch.equal(*states)


def test_input_is_left_alone_and_extremes_hold():
    ids = blocks(4, 16)
    before = ids.clone()
    assert (corrupt(ids, probability=0.0)[1] == -100).all()
    labels = corrupt(ids, probability=1.0)[1]
    assert torch.equal(labels == -100, torch.isin(ids, torch.tensor(SPECIAL)))
    assert torch.equal(ids, before)
