"""One number of a table: the summary of the replicates behind it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stat:
    """Summary of n replicates, in the unit of the scores (percent).

    `std` is the sample standard deviation (ddof=1, the primary one: spec lth section 1), `std0` the
    population one (ddof=0). Both are NaN where they are undefined (one replicate) or unknown (a published
    mean without a spread). `best` is the largest value.
    """

    mean: float
    std: float
    std0: float
    n: int
    median: float
    best: float

    def spread(self, ddof: int = 1) -> float:
        """Standard deviation under `ddof` 0 or 1; 0.0 where there is none: criteria become strict."""
        if ddof not in (0, 1):
            raise ValueError(f"ddof must be 0 or 1, not {ddof}")
        value = self.std if ddof else self.std0
        return 0.0 if math.isnan(value) else value


def summarise(values: Iterable[float]) -> Stat | None:
    """Summarise replicates, ignoring NaN; None when nothing is left (the run was not made)."""
    data = np.asarray(list(values), dtype=np.float64)
    data = data[~np.isnan(data)]
    if data.size == 0:
        return None
    std = float(data.std(ddof=1)) if data.size > 1 else math.nan
    std0 = float(data.std(ddof=0)) if data.size > 1 else math.nan
    return Stat(float(data.mean()), std, std0, int(data.size), float(np.median(data)), float(data.max()))
