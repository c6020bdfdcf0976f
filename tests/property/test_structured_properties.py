"""Laws of structured tickets for every model shape and all scores, ties included."""

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st

from tickets.pruning.families import losing, random_ticket, winning
from tickets.pruning.importance import accumulate
from tickets.pruning.ranking import count_ffns, count_heads
from tickets.pruning.scores import Scores
from tickets.pruning.structured import StructuredMask

FAMILIES = st.sampled_from([winning, losing])


@st.composite
def tied_scores(draw):
    """Scores drawn from few values, so that layers, heads and whole rows tie."""
    layers, heads = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    values = st.sampled_from([0.0, 1.0, 2.0, 2.5, 1e-30, 1e30])
    flat = draw(st.lists(values, min_size=layers * (heads + 1), max_size=layers * (heads + 1)))
    table = torch.tensor(flat, dtype=torch.float64).view(layers, heads + 1)
    return Scores(table[:, :-1], table[:, -1])


@given(tied_scores(), FAMILIES)
def test_o21_chains_are_nested_and_lose_one_structure_a_step(scores, family):
    free = scores.layers * (scores.heads_per_layer - 1)
    heads = [family(scores, n, 0) for n in range(free + 2)]
    ffns = [family(scores, 0, n) for n in range(scores.layers + 1)]
    assert [t.removed_heads for t in heads] == [min(n, free) for n in range(free + 2)]
    assert [t.removed_ffns for t in ffns] == list(range(scores.layers + 1))
    for chain in (heads, ffns):
        for larger, smaller in itertools.pairwise(chain):
            assert smaller.mask().nested_in(larger.mask())


@given(tied_scores(), FAMILIES, st.integers(0, 30), st.integers(0, 6))
def test_the_protected_head_of_each_layer_stays(scores, family, n_heads, n_ffns):
    ticket = family(scores, n_heads, n_ffns)
    worth = scores.normalised("head") * (1 if family is winning else -1)
    for row, kept in zip(worth, ticket.heads, strict=True):
        protected = max(range(len(row)), key=lambda i: (row[i].item(), i))
        assert bool(kept[protected])


@given(tied_scores(), FAMILIES, st.integers(0, 30), st.integers(0, 6))
def test_nothing_kept_should_have_gone_before_what_was_removed(scores, family, n_heads, n_ffns):
    """Against the definition: sorted tuples of (score, layer, head), protected heads left out."""
    sign = 1 if family is winning else -1
    worth = (sign * scores.normalised("head")).tolist()
    order = sorted((w, layer, head) for layer, row in enumerate(worth) for head, w in enumerate(row))
    best = [max((w, head) for head, w in enumerate(row))[1] for row in worth]
    wanted = [(layer, head) for _, layer, head in order if head != best[layer]][:n_heads]
    ticket = family(scores, n_heads, n_ffns)
    assert sorted(wanted) == [tuple(pair) for pair in (~ticket.heads).nonzero().tolist()]
    ffns = sorted((w, layer) for layer, w in enumerate(scores.ffns.tolist()))[::sign][:n_ffns]
    assert sorted(layer for _, layer in ffns) == (~ticket.ffns).nonzero().flatten().tolist()


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_random_tickets_are_count_exact_and_masks_round_trip(layers, heads, data):
    n_heads, n_ffns = data.draw(st.integers(0, layers * heads)), data.draw(st.integers(0, layers))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31)))
    ticket = random_ticket(layers, heads, n_heads, n_ffns, generator)
    assert (ticket.removed_heads, ticket.removed_ffns) == (n_heads, n_ffns)
    assert StructuredMask.from_mask(ticket.mask()) == ticket


@given(st.integers(1, 30), st.integers(1, 20), st.sampled_from(["release", "floor"]))
def test_counts_grow_with_the_level_and_never_exceed_what_may_go(layers, heads, rule):
    levels = [k / 4 for k in range(41)]
    n_heads = [count_heads(layers, heads, k) for k in levels]
    n_ffns = [count_ffns(layers, k, rule) for k in levels]
    assert n_heads == sorted(n_heads)
    assert n_ffns == sorted(n_ffns)
    assert n_heads[0] == n_ffns[0] == 0
    assert n_heads[-1] == layers * (heads - 1)
    assert n_ffns[-1] == layers * 10 // (12 if rule == "release" else 10)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 4), st.integers(0, 2**31))
def test_o4_later_absolute_values_are_smaller_and_early_batches_weigh_more(sizes, tokens, seed):
    generator = torch.Generator().manual_seed(seed)
    batches = [torch.randn(n, tokens, 3, generator=generator, dtype=torch.float64) / n for n in sizes]
    found = accumulate(batches)
    assert bool((found["token"] >= found["example"] - 1e-12).all())
    total = sum(batch.abs().sum((0, 1)) for batch in batches)
    weights = range(len(batches), 0, -1)
    triangular = sum(w * batch.abs().sum((0, 1)) for w, batch in zip(weights, batches, strict=True))
    torch.testing.assert_close(found["triangular"], triangular / len(batches))
    assert bool((found["triangular"] <= total + 1e-12).all())
    if len(set(sizes)) == 1:
        assert bool((found["example"] >= found["batch"] - 1e-12).all())
