"""Columns of this paper's cells beside those that every paper has."""

CELL_COLUMNS = (
    "kind", "init", "step", "interval", "main", "ablation", "mask_seed", "n_train", "few",
    "score_final", "score_first", "score_release", "best_step", "evaluations",
)  # fmt: skip
WHICH_COLUMNS = ("kind", "init", "step", "interval", "main", "ablation")
"""What a method token says, in numbers; also in the other tidy files."""
