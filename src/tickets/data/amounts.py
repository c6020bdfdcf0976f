"""Sizes of parts of the training data. Imports no torch."""

from fractions import Fraction

from tickets.errors import TicketsError


def subset_size(n: int, percent: float) -> int:
    """Rows in `percent` of `n` rows, rounded down, but never 0. Raises `TicketsError` unless 0 < percent <= 100."""
    if not 0 < percent <= 100:
        raise TicketsError(
            f"a training subset of {percent} % is asked for; give a number above 0, up to 100."
        )
    # Exact in the decimal digits: 0.1 % of 23,000 rows is 23, whatever the nearest binary fraction.
    return n if percent == 100 else max(1, int(n * Fraction(str(percent)) / 100))
