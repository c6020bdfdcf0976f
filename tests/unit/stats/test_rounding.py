import pytest

from tickets.stats.rounding import half_up


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (82.84375, 82.8), (83.65, 83.7), (84.10, 84.1), (85.0625, 85.1), (79.60, 79.6), (80.4222, 80.4),
        (82.35, 82.4), (84.61875, 84.6), (83.33125, 83.3), (85.5875, 85.6), (84.39375, 84.4), (86.43125, 86.4),
        (85.3625, 85.4), (87.09375, 87.1),
    ],
)  # fmt: skip
def test_o14_printed_averages(value, printed):
    assert half_up(value) == printed
    assert half_up(value - 1e-9) == printed


def test_below_the_tolerance_it_rounds_down():
    assert half_up(82.3499) == 82.3
    assert half_up(0.125, 2) == 0.13
    assert half_up(-0.25) == -0.2
