"""Rounding as people print it: half up."""

import math


def half_up(value: float, places: int = 1, tolerance: float = 1e-6) -> float:
    """Round half up. A value within `tolerance` (in units of the last place) below a half counts as that half.

    Binary floats would otherwise print the mean 82.35 as 82.3 (spec supertickets O14).
    """
    scale = 10.0**places
    return math.floor(value * scale + 0.5 + tolerance) / scale
