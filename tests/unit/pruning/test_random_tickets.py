"""Random structured tickets: exact ones (oracle O11), and the paper's code's (spec supertickets section 9, B2)."""

import pytest
import torch
from scipy.stats import chisquare

from tickets.errors import TicketsError
from tickets.pruning.families import random_ticket
from tickets.pruning.ranking import count_ffns, count_heads

BASE, LARGE = (12, 12), (24, 16)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [BASE, LARGE])
@pytest.mark.parametrize("level", range(9))
def test_o11_counts_are_exact(shape, level):
    n_heads, n_ffns = count_heads(*shape, level), count_ffns(shape[0], level)
    for seed in range(20):
        ticket = random_ticket(*shape, n_heads, n_ffns, seeded(seed))
        assert (ticket.removed_heads, ticket.removed_ffns) == (n_heads, n_ffns)


def test_o11_all_may_go_and_none():
    everything = random_ticket(*BASE, 144, 12, seeded(0))
    assert not everything.heads.any()
    assert not everything.ffns.any()
    assert random_ticket(*BASE, 0, 0, seeded(0)).is_full


def test_o11_uniform_over_10000_draws():
    generator = seeded(2018)
    heads, ffns = torch.zeros(24, 16), torch.zeros(24)
    for _ in range(10_000):
        ticket = random_ticket(*LARGE, 4, 1, generator)
        heads += ~ticket.heads
        ffns += ~ticket.ffns
    assert bool((heads > 0).all()), "all layers can be reached"
    assert chisquare(ffns.numpy()).pvalue > 1e-3
    # Within a ticket draws exclude each other, which narrows the counts; scaled, the statistic is chi-square again.
    statistic = chisquare(heads.flatten().numpy()).statistic * 383 / 380
    assert 300 < statistic < 470, "383 degrees of freedom, about three standard deviations"


def test_o11_deterministic_by_seed():
    a, b, c = (random_ticket(*BASE, 72, 5, seeded(seed)) for seed in (1, 1, 2))
    assert a == b
    assert a != c


def mean_removed(shape, level, **switches):
    generator = seeded(7)
    n_heads, n_ffns = count_heads(*shape, level), count_ffns(shape[0], level)
    tickets = [random_ticket(*shape, n_heads, n_ffns, generator, **switches) for _ in range(400)]
    return (
        sum(t.removed_heads for t in tickets) / len(tickets),
        sum(t.removed_ffns for t in tickets) / len(tickets),
        torch.stack([~t.heads for t in tickets]).any(0),
    )


def test_b2_with_replacement_fewer_are_removed_than_asked():
    heads, ffns, _ = mean_removed(BASE, 8, replacement=True, decode="release")
    assert heads == pytest.approx(144 * (1 - (143 / 144) ** 115), abs=0.6)
    assert heads == pytest.approx(79.4, abs=0.6)
    assert ffns == pytest.approx(6.0, abs=0.15)


def test_b2_wrong_decoding_of_the_large_model_reaches_16_layers():
    heads, _, reached = mean_removed(LARGE, 8, replacement=True, decode="release")
    assert heads == pytest.approx(173, abs=1)
    assert reached.any(1).tolist() == [True] * 16 + [False] * 8
    _, _, reached = mean_removed(LARGE, 8, replacement=True)
    assert bool(reached.all())


def test_b2_decoding_number_by_number():
    drawn = torch.randint(384, (30,), generator=seeded(9)).tolist()
    ticket = random_ticket(*LARGE, 30, 0, seeded(9), replacement=True, decode="release")
    found = {tuple(pair) for pair in (~ticket.heads).nonzero().tolist()}
    assert found == {(i // 24, i % 16) for i in drawn}


def test_b2_decoding_makes_no_difference_where_heads_and_layers_are_as_many():
    exact, release = (random_ticket(*BASE, 57, 4, seeded(5), decode=d) for d in ("exact", "release"))
    assert exact == release


def test_more_than_there_is_and_decodings_without_meaning():
    with pytest.raises(TicketsError, match="cannot remove 145 heads"):
        random_ticket(*BASE, 145, 0, seeded(0))
    with pytest.raises(TicketsError, match="13 FFNs"):
        random_ticket(*BASE, 0, 13, seeded(0))
    with pytest.raises(TicketsError, match="counts start at 0"):
        random_ticket(*BASE, 0, -1, seeded(0))
    with pytest.raises(TicketsError, match="decode='exact'"):
        random_ticket(2, 8, 3, 0, seeded(0), decode="release")
