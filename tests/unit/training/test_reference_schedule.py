"""The schedules with a warm-up from rate 0: with the reference's jump, and as a triangle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.training.schedule import LinearDecay, WarmupDecay, schedule_for
from tiny_engine import tiny_recipe


def test_o13_reference_schedule_jumps_at_the_end_of_the_warmup():
    schedule = WarmupDecay(1.0, 20, 0.1)
    rates = [schedule(step) for step in range(20)]
    assert rates[:5] == pytest.approx([0.0, 0.5, 0.9, 0.85, 0.8], abs=1e-12)
    assert rates[19] == pytest.approx(0.05, abs=1e-12)
    assert rates[0] == 0.0
    assert schedule(20) == schedule(25) == 0.0


def test_triangular_schedule_reaches_the_peak_and_meets_zero():
    schedule = WarmupDecay(2.0, 20, 0.1, jump=False)
    rates = [schedule(step) for step in range(21)]
    assert rates[:4] == pytest.approx([0.0, 1.0, 2.0, 2 * 0.85 / 0.9], abs=1e-12)
    assert rates[20] == 0.0


@given(st.integers(1, 10**6), st.sampled_from([0.05, 0.1, 0.2]), st.booleans())
def test_rates_start_at_zero_stay_below_the_peak_and_the_jump_is_where_it_should_be(total, warmup, jump):
    schedule = WarmupDecay(5e-5, total, warmup, jump)
    assert schedule(0) == 0.0
    steps = {0, 1, total // 3, total - 1} | set(range(int(warmup * total) - 1, int(warmup * total) + 3))
    for step in steps & set(range(total)):
        rate = schedule(step)
        assert 0.0 <= rate <= 5e-5 * (1 + 1e-12)
        # whole numbers decide on which side of the corner a step lies, so that rounding cannot
        if step * 100 >= round(warmup * 100) * total:
            share = (total - step) / total / (1 if jump else 1 - warmup)
            assert rate == pytest.approx(5e-5 * share, rel=1e-9, abs=1e-18)
        else:
            assert rate == pytest.approx(5e-5 * step / total / warmup, rel=1e-9)


def test_a_recipe_names_its_schedule():
    linear = schedule_for(tiny_recipe(learning_rate=0.5, warmup=0.25), 10)
    assert linear == LinearDecay(0.5, 10, 2)
    jump = schedule_for(tiny_recipe(learning_rate=0.5, warmup=0.1, schedule="jump"), 10)
    assert jump == WarmupDecay(0.5, 10, 0.1, jump=True)
    triangle = schedule_for(tiny_recipe(learning_rate=0.5, warmup=0.1, schedule="triangular"), 10)
    assert triangle == WarmupDecay(0.5, 10, 0.1, jump=False)
