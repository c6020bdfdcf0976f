"""What a super ticket gains over the full model, and whether selection alone would explain it."""

from dataclasses import dataclass

import pandas as pd

from tickets.stats.comparison import paired_t
from tickets.stats.criteria import SLACK

ALPHA = 0.05


@dataclass(frozen=True)
class Gain:
    """SuperT minus ST-DNN, in points.

    mean         mean over the n replicates that have both
    t, p         two-sided paired t-test (scipy's ttest_rel); NaN with a single replicate
    significant  a gain with p < .05; None where there is no p
    null         gain of control X1, the best of eight reruns of the full model; None where it was not run
    excess       SuperT minus that best rerun, on the replicates that have both
    """

    mean: float
    t: float
    p: float
    n: int
    significant: bool | None
    null: float | None = None
    excess: float | None = None

    @property
    def survives(self) -> bool | None:
        """Whether SuperT is better than selection among equal full models; None where X1 was not run."""
        return None if self.excess is None else self.excess > SLACK


def compare(ticket: pd.DataFrame, null: "pd.Series[float]") -> Gain | None:
    """The gain of `super_ticket` (columns score, full by replicate) beside the control; None without pairs."""
    pairs = ticket.dropna(subset=["score", "full"])
    if not len(pairs):
        return None
    test = paired_t(pairs["score"], pairs["full"])
    both = pairs.assign(null=null.reindex(pairs.index)).dropna(subset=["null"])
    return Gain(
        float((pairs["score"] - pairs["full"]).mean()),
        float("nan") if test is None else test.t,
        float("nan") if test is None else test.p,
        len(pairs),
        None if test is None else test.p < ALPHA and test.difference > 0,
        float((both["null"] - both["full"]).mean()) if len(both) else None,
        float((both["score"] - both["null"]).mean()) if len(both) else None,
    )
