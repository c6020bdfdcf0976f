"""Columns of this paper's cells beside those that every paper has."""

from typing import Literal, get_args

Selection = Literal["full", "p10", "half"]
SELECTIONS: tuple[Selection, ...] = get_args(Selection)
"""What chooses epoch and ticket: all of dev, a tenth of it, or one half of it (spec supertickets section 1.6)."""
METRICS = ("accuracy", "accuracy_mismatched", "f1", "matthews", "pearson", "spearman")
REPORTS = ("p10", "rest", "half")
"""Task scores beside `score`: all of dev (chosen on a tenth), the other 90 %, and the other half."""
CELL_COLUMNS = (
    "learning_rate", "heads_removed", "ffns_removed", "remaining", "train_loss",
    *(f"epoch_{selection}" for selection in SELECTIONS),
    *(f"select_{selection}" for selection in SELECTIONS),
    *(f"select_loss_{selection}" for selection in SELECTIONS),
    *REPORTS,
    *(f"{report}_{metric}" for report in REPORTS for metric in METRICS),
)  # fmt: skip
