import numpy as np
import pytest

from tickets.stats.bootstrap import bootstrap_s_star

FULL = [66.0, 69.0, 63.5, 67.0, 65.0]
SUBS = {
    0.5: [66.5, 68.0, 64.0, 67.5, 65.5],
    0.6: [64.0, 68.0, 62.0, 66.0, 63.0],
    0.7: [62.0, 67.0, 61.0, 63.0, 60.0],
}


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_shares_add_up_and_are_known_sparsities():
    shares = bootstrap_s_star(FULL, SUBS, generator())
    assert sum(shares.values()) == pytest.approx(1.0)
    assert set(shares) <= {0.0, 0.5, 0.6, 0.7}
    assert len(shares) > 1


def test_the_generators_seed_changes_the_draw_and_fixes_it():
    first = bootstrap_s_star(FULL, SUBS, generator(1), draws=200)
    assert bootstrap_s_star(FULL, SUBS, generator(1), draws=200) == first
    assert bootstrap_s_star(FULL, SUBS, generator(2), draws=200) != first


def test_clear_cases_are_certain():
    full = [80.0, 80.1, 79.9]
    subs = {0.1: [90.0, 90.1, 90.2], 0.2: [10.0, 10.1, 10.2]}
    assert bootstrap_s_star(full, subs, generator()) == {0.1: 1.0}
    assert bootstrap_s_star(full, {0.2: subs[0.2]}, generator()) == {0.0: 1.0}


def test_whole_chains_are_drawn():
    # every chain's ticket equals its own dense run: under joint draws the strict rule always holds
    chains = [60.0, 70.0, 80.0, 90.0]
    assert bootstrap_s_star(chains, {0.5: chains}, generator(), "strict") == {0.5: 1.0}
    unaligned = bootstrap_s_star(chains, {0.5: [*chains, 75.0]}, generator(), "strict")
    assert 0.0 < unaligned[0.5] < 1.0


def test_rules_are_ordered():
    def expected(rule):
        shares = bootstrap_s_star(FULL, SUBS, generator(3), rule)
        return sum(s * share for s, share in shares.items())

    assert expected("strict") <= expected("winning")


def test_single_replicates_and_nothing():
    assert bootstrap_s_star([50.0], {0.5: [49.0]}, generator(), draws=10) == {0.0: 1.0}
    assert bootstrap_s_star([50.0], {0.5: [49.0]}, generator(), "two_points", draws=10) == {0.5: 1.0}
    assert bootstrap_s_star([], {0.5: [49.0]}, generator()) == {}
    assert bootstrap_s_star([50.0], {0.5: []}, generator()) == {}
