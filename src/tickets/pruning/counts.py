"""How many heads and FFNs go at a level of sparsity (spec supertickets section 1.3). Imports no torch."""

from fractions import Fraction
from math import floor
from typing import Literal

from tickets.errors import TicketsError

FfnRule = Literal["release", "floor"]
Level = int | float | Fraction


def count_heads(layers: int, heads: int, level: Level) -> int:
    """Heads removed at a level, floor(layers * heads * level / 10), at most all but one a layer (oracle O2).

    Level k is 10 k percent; finer grids take fractions, .5 for 5 % and .25 for 2.5 %. Raises `TicketsError` for a
    level outside 0..10.
    """
    wanted = floor(layers * heads * _exact(level) / 10)
    return min(wanted, layers * (heads - 1))


def count_ffns(layers: int, level: Level, rule: FfnRule = "release") -> int:
    """FFNs removed at a level: floor(level * layers / 12) as the paper's code does, or floor(level * layers / 10)."""
    if rule not in ("release", "floor"):
        raise TicketsError(f"FFN rule: {rule!r} is not one of release, floor.")
    return floor(layers * _exact(level) / (12 if rule == "release" else 10))


def _exact(level: Level) -> Fraction:
    """The level as the fraction that was meant: .7 in binary is less, and would lose a head to rounding down."""
    if not 0 <= level <= 10:
        raise TicketsError(f"level: {level} is outside 0..10. Level 3 removes 30 %.")
    return Fraction(level).limit_denominator(1000)
