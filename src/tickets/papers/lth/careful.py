"""What a careful reader wants beside the paper's criteria (spec lth section 7, statistical hygiene; 9.23).

Each function returns a tidy frame, one row a case, that a table can print. Tasks that were not run have no
row.
"""

import numpy as np
import pandas as pd

from tickets.papers.lth.evidence import Evidence
from tickets.papers.lth.tasks import TASKS
from tickets.stats.bootstrap import bootstrap_s_star
from tickets.stats.comparison import MARGIN, non_inferior, welch
from tickets.stats.criteria import Rule, one_std
from tickets.stats.summary import Stat

RULES: tuple[tuple[str, Rule, int], ...] = (
    ("one std, ddof 1", "winning", 1),
    ("one std, ddof 0", "winning", 0),
    ("match or exceed", "strict", 1),
    ("two points", "two_points", 1),
)


def sparsities_by_rule(evidence: Evidence) -> pd.DataFrame:
    """s* of every task under every criterion. Columns: task, criterion, s_star."""
    rows = [
        (task, name, star)
        for task in TASKS
        for name, rule, ddof in RULES
        if (star := evidence.s_star(task, rule, ddof=ddof)) is not None
    ]
    return pd.DataFrame(rows, columns=["task", "criterion", "s_star"])


def equivalence(evidence: Evidence, margin: float = MARGIN) -> pd.DataFrame:
    """The ticket at s* against the dense network: Welch interval and non-inferiority at `margin` points.

    Columns: task, s_star, n_dense, n_ticket, difference (ticket minus dense), low, high, p (no difference),
    p_non_inferior, non_inferior. The statistics are NaN (None) where a side has fewer than two replicates.
    The tests do not know that s* was selected on the same runs; `selection` shows what that costs.
    """
    rows = []
    for task in TASKS:
        star = evidence.s_star(task)
        if star is None:
            continue
        full, sub = evidence.values(task, sparsity=0.0), evidence.values(task, sparsity=star)
        gap, test = welch(sub, full), non_inferior(sub, full, margin)
        rows.append(
            {
                "task": task,
                "s_star": star,
                "n_dense": full.size,
                "n_ticket": sub.size,
                "difference": float(sub.mean() - full.mean()),
                "low": np.nan if gap is None else gap.low,
                "high": np.nan if gap is None else gap.high,
                "p": np.nan if gap is None else gap.p,
                "p_non_inferior": np.nan if test is None else test.p,
                "non_inferior": None if test is None else test.holds,
            }
        )
    columns = ["task", "s_star", "n_dense", "n_ticket", "difference", "low", "high", "p"]
    return pd.DataFrame(rows, columns=[*columns, "p_non_inferior", "non_inferior"])


def s_star_distribution(
    evidence: Evidence, generator: np.random.Generator, rule: Rule = "winning", draws: int = 2000
) -> pd.DataFrame:
    """Replicate bootstrap of s*. Columns: task, sparsity (0.0: no ticket), share of draws, s_star."""
    rows = []
    for task in TASKS:
        star = evidence.s_star(task, rule)
        if star is None:
            continue
        full = evidence.values(task, sparsity=0.0)
        subs = {sparsity: evidence.values(task, sparsity=sparsity) for sparsity in evidence.sparsities}
        shares = bootstrap_s_star(full, subs, generator, rule, draws=draws)
        rows += [(task, sparsity, share, star) for sparsity, share in shares.items()]
    return pd.DataFrame(rows, columns=["task", "sparsity", "share", "s_star"])


def selection(evidence: Evidence) -> pd.DataFrame:
    """What choosing s* on the dev set costs: the chosen ticket on data that took no part in the choice.

    Columns: task, s_star (chosen on dev), gap_dev and gap_test (dense minus ticket, points), wins_test
    (one-std criterion on test), s_star_test (the choice that test scores would have made). Only tasks with
    test scores.
    """
    rows = []
    for task in TASKS:
        star = evidence.s_star(task)
        if star is None:
            continue
        full, sub = evidence.dense(task), evidence.imp(task, star)
        full_test = evidence.dense(task, "test_score")
        sub_test = evidence.imp(task, star, "test_score")
        if full_test is None or sub_test is None:
            continue
        wins, other = one_std(full_test, sub_test, evidence.ddof), evidence.s_star(task, metric="test_score")
        rows.append((task, star, _gap(full, sub), _gap(full_test, sub_test), wins, other))
    return pd.DataFrame(rows, columns=["task", "s_star", "gap_dev", "gap_test", "wins_test", "s_star_test"])


def _gap(full: Stat | None, sub: Stat | None) -> float:
    return np.nan if full is None or sub is None else full.mean - sub.mean
