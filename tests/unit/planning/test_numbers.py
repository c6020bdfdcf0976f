import pytest

from tickets.planning.numbers import duration, operations, short, size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (26_600, "26.6k"),
        (999_600, "1M"),
        (172e6, "172M"),
        (280e9, "280G"),
    ],
)
def test_counts(count, text):
    assert short(count) == text


def test_sizes():
    assert [size(n) for n in (12, 1_000, 68.4e9, 2.5e15)] == ["12 B", "1 kB", "68.4 GB", "2,500 TB"]


def test_times():
    times = (0.04, 59.4, 59.6, 3_569, 3_600, 356_400, 6_297_713)
    assert [duration(s) for s in times] == [
        "0.0 s",
        "59.4 s",
        "1.0 min",
        "59.5 min",
        "1.0 h",
        "99.0 h",
        "1,749 h",
    ]


def test_operations():
    assert (operations(0), operations(1.797e20)) == ("0", "1.80e+20")
