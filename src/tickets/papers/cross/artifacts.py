"""The registry of every figure and table over all papers. Imports nothing heavy."""

from functools import partial

from tickets.figures.artifact import Artifact, paper_item

TITLE = "All papers together"
CITATION = (
    "Every method of every paper on common axes; none of the papers has these. What a preset leaves out is "
    "'not run'."
)

_TRANSFER = {"lth": ("imp", "oneshot", "transfer"), "tamt": ("full", "baselines", "methods")}
_CURVES = {
    "lth": ("imp", "baselines", "oneshot", "transfer", "mlm_ticket"),
    "supertickets": ("trial", "trial_source", "families"),
    "tamt": ("full", "baselines", "methods"),
}
_REFERENCES = (
    "The references are magnitude pruning of θ₀ to the same sparsity: global, all matrices ranked "
    "together (one-shot of Chen et al.), and local, each matrix on its own (OMP of Liu et al.); compared "
    "on the matrices of the layers and the pooler, which both prune. Overlap: weights kept in both over "
    "those kept in either, in percent; masks that know nothing of each other and keep a share k have k / "
    "(2 − k)"
)
_STRUCTURED = (
    "A super ticket is compared as the weights of its heads (rows of query, key and value, columns of the"
    " output matrix) and FFNs, with magnitude pruning of the matrices of the layers to as many weights; "
    "by size alone it would hold the share of those that it keeps of all"
)
_WINS = (
    "Points over the full model of the same paper; the deviation is that of the ticket's scores. A ticket"
    " wins if it is behind by at most its own standard deviation"
)

_item = partial(paper_item, "cross")

ARTIFACTS: tuple[Artifact, ...] = (
    _item(
        "table",
        "table1",
        "Cross table 1",
        "Task-agnostic masks under the criteria of lottery tickets",
        (),
        f"{_WINS}, matches if it is not behind, and holds its own if it loses no more than the mask that "
        "Chen et al. find on the task itself at the same sparsity loses of theirs. A mask that wins "
        "everywhere is universal. Rows by sparsity; columns after the tasks: on how many of those run.",
        "Mask training sees pre-training data only, so every task is a target of transfer. The papers "
        "train and choose scores differently (last step; best evaluation), so a loss is taken within a "
        "paper. IMP on the task is the mask to beat, no transfer. Where there is one replicate there is "
        "no deviation, and to win is to match. Published: where Chen et al. print a score at that "
        "sparsity.",
        others=_TRANSFER,
    ),
    _item(
        "table",
        "table2",
        "Cross table 2",
        "Overlap of every method's masks with magnitude pruning",
        (),
        f"{_REFERENCES}. {_STRUCTURED}. Mean ± sample standard deviation over masks.",
        "Micro: all weights pooled; macro: mean over the matrices. Local masks keep the same share of "
        "every matrix, global ones do not, so that two global masks agree more than the null even where "
        "they know nothing of each other's weights.",
        frames=("overlap",),
    ),
    _item(
        "figure",
        "fig1",
        "Cross figure 1",
        "All methods on one axis",
        (),
        "Dev score in points over the full model of the same paper, whose recipe, evaluation and choice "
        "of the score are its own: absolute scores do not compare between papers, and quotients of "
        "accuracies and correlations mean different things. Means; bars are the standard deviation of the"
        " pruned runs. Weights left: of the prunable matrices (Chen et al.; Liu et al. count the word "
        "embeddings too), for super tickets of all weights.",
        "Super tickets here are those of each level, none is chosen. A task's score is the paper's: for "
        "super tickets the mean of its metrics. The vertical scale is linear up to 5 points and "
        "logarithmic beyond.",
        others=_CURVES,
    ),
    _item(
        "figure",
        "fig2",
        "Cross figure 2",
        "Overlap of every method's masks with magnitude pruning",
        (),
        f"{_REFERENCES}. {_STRUCTURED} (right: zero). Means over tasks and replicates; bars are standard "
        "deviations over masks.",
        frames=("overlap",),
    ),
    _item(
        "figure",
        "fig3",
        "Cross figure 3",
        "Task-agnostic masks at 70 %, task by task",
        (),
        f"{_WINS} (above, dark). Below: the loss of the mask that Chen et al. find on the task itself is "
        "taken off (dark: zero or more). The last column counts dark cells out of those run.",
        "As Figure 2 of Chen et al., with the masks of Liu et al. as sources.",
        others=_TRANSFER,
    ),
)

NOT_REPRODUCED: dict[str, str] = {}
