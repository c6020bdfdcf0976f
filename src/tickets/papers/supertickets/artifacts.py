"""The registry of every table and figure of the paper, and of what cannot be made. Imports nothing heavy."""

from functools import partial

from tickets.figures.artifact import Artifact, paper_item

TITLE = "Super Tickets in Pre-Trained Language Models: From Model Compression to Improving Generalization"
CITATION = "Liang, Zuo, Chen, Jiang, Liu, He, Zhao and Chen. ACL-IJCNLP 2021, arXiv 2105.12002"

_TRIAL = ("trial", "trial_source")
_RERUNS = (*_TRIAL, "reruns")
_FAMILIES = (*_TRIAL, "families")
_DEV = "Dev scores in percent, mean ± sample standard deviation over the replicates"
_SELECTION = (
    "epoch and ticket are chosen on 10 % of dev and reported on all of it (the paper's words), chosen and "
    "reported on all of it (as the released code suggests; optimistic), or chosen on one half and reported "
    "on the other"
)
_NULL = (
    "The null is what selection gives without any pruning: the best of eight reruns of the full model, "
    "chosen in the same way; of a gain only what exceeds it is owed to the tickets"
)
_CURVES = (
    "Mean over the replicates, the band one standard deviation. Phase I ends at the best level k*, Phase "
    "III begins where winning and random tickets cross. P: gain at k* with a 95 % bootstrap interval; it "
    "is optimistic, since k* is chosen on the same scores. Dotted: the best of eight reruns of the full "
    "model, where it was run"
)
_STD = "Standard deviations of the task score (the mean where a task has two metrics), with ddof 1 and 0"
_SWAPPED = (
    "The paper's Table 6 prints the ST-DNN row of its Table 5 as SuperT large, and the SuperT row as "
    "SuperT base: at least one of the two tables is mislabelled."
)


_item = partial(paper_item, "supertickets")

_TABLES = (
    _item(
        "table",
        "table1",
        "Table 1",
        "Super tickets and full models on dev",
        _RERUNS,
        f"{_DEV}; {_SELECTION}. Average: over eight tasks, each the mean of its metrics. Weight left: mean "
        f"over tasks and replicates. p: paired t-test over replicates. {_NULL} (of a task with two metrics, "
        "the first column holds their mean).",
        "The paper's 86.8 % for base contradicts its Table 7, whose mean is 89.5 %; its average gain of .9 "
        "is the difference of rounded averages, the cells give .81.",
    ),
    _item(
        "table",
        "table2",
        "Table 2",
        "Super tickets on data that chose nothing, in place of the test server",
        _TRIAL,
        "Ours: epoch and ticket chosen on 10 % of dev, reported on the other 90 %, mean ± sample standard "
        "deviation over the replicates. Published: GLUE test server, one seed; it cannot be asked again, "
        "so no difference is taken. Average: over nine columns (F1, Spearman, MNLI split), as the paper "
        "does here.",
        "This average does not compare with that of Table 1. The published ST-DNN row is quoted from "
        "Devlin et al.",
    ),
    _item(
        "table",
        "table3",
        "Table 3",
        "Multi-task learning with and without ticket sharing",
        ("multitask", "finetune"),
        f"{_DEV}, epoch chosen on all of dev. +ST: fine-tuned on each task from one multi-task model. "
        "Average: over eight tasks. Weight left: mean of the tasks' tickets.",
        "The paper quotes its MT-DNN rows from another paper; here both are run with the same code. It "
        "rounds the mean numbers of heads and FFNs down before it prints the weight left (exact: 92.3 and "
        "82.0 %). Its Ticket-Share is not better on all tasks: it loses on CoLA and MNLI (base) and on "
        "RTE, SST-2 and QNLI (large).",
    ),
    _item(
        "table",
        "table4",
        "Table 4",
        "Domain adaptation to SNLI and SciTail",
        ("domain",),
        "Dev accuracy in percent, mean ± sample standard deviation over the replicates, by share of the "
        "training data and starting point (base). Extended: small batches and at least 100 updates, since "
        "the paper's protocol leaves 0.1 % of SciTail with six updates.",
        "The printed SciTail sizes of 10 and 100 % (23k, 235k) must be 2.3k and 23.5k. The mask of "
        "Ticket-Share on a new task, the seeds and the choice of the learning rate are not stated.",
        facts=True,
    ),
    _item(
        "table",
        "table5",
        "Table 5",
        "Spread over seeds",
        (*_TRIAL, "finetune"),
        f"{_STD}, over the replicates; multi-task rows: fine-tuned, each replicate averaged over three "
        "learning rates. Ratios with ddof 1; pooled: geometric mean over tasks with an approximate 95 % "
        "interval.",
        f"{_SWAPPED} With five seeds the ratio of a single task is uncertain by a factor of about 3.",
    ),
    _item(
        "table",
        "table6",
        "Table 6",
        "Spread of super tickets over seeds",
        _TRIAL,
        f"{_STD}, over the replicates.",
        _SWAPPED,
    ),
    _item(
        "table",
        "table7",
        "Table 7",
        "Weight left in the selected tickets",
        _TRIAL,
        "Fraction of all weights, embeddings included, mean ± sample standard deviation over the "
        f"replicates; candidates with the full model (levels 0–8) and without it (levels 1–8); {_SELECTION}.",
        "The published values cannot come from the eight levels that the paper names: several need the "
        "full model or a grid of 5 % among the candidates.",
    ),
    _item(
        "table",
        "table8",
        "Table 8",
        "Spread over learning rates",
        ("finetune",),
        f"{_STD}, over three learning rates, each averaged over the replicates (multi-task models, "
        "fine-tuned). Ratios with ddof 1; pooled: geometric mean over tasks with an approximate 95 % "
        "interval.",
    ),
    _item(
        "table",
        "table9",
        "Table 9",
        "Data",
        (),
        "What each task was trained and judged on.",
        "Published sizes are rounded; RTE has 277 dev examples, not 276, STS-B 5.7k training examples, not "
        "7k, and QNLI (108k / 5.7k) is a version since replaced.",
        facts=True,
    ),
)

_FIGURES = (
    _item(
        "figure",
        "fig1",
        "Figure 1",
        "Phases, variance and training loss against remaining weight",
        (*_FAMILIES, "reruns"),
        "Left: the first panel of Figure 4. The paper's other panels are drawings of bias and variance; "
        "here is what can be measured: the variance of the dev score over the replicates, and the final "
        "training loss.",
        "A variance over few replicates is itself uncertain: with five, from a third to eight times (95 % "
        "interval).",
    ),
    _item(
        "figure",
        "fig3",
        "Figure 3",
        "Gain and remaining weight by task",
        _RERUNS,
        "Above: super ticket minus full model, mean over the replicates, with the standard error. Below: "
        f"weight left. {_NULL}.",
        "Published marks are differences of Table 1 and the means of Table 7.",
    ),
    _item(
        "figure",
        "fig4",
        "Figure 4",
        "Winning, random and losing tickets",
        (*_FAMILIES, "reruns"),
        f"{_CURVES}.",
        "The panels of the paper are not legible to us; its text names RTE, SST-2 and MNLI. Its random "
        "tickets were drawn with replacement, so they keep more weight than their axis says, increasingly "
        "so with sparsity; ours keep exactly what is shown.",
    ),
    _item(
        "figure",
        "fig5",
        "Figure 5",
        "Phases on parts of the training data",
        (*_FAMILIES, "reruns", "subsets", "subset_families"),
        f"MNLI, base, on random parts of its training data. {_CURVES}.",
        "Task and shares are read from the authors' scripts; how they drew the parts is not known.",
    ),
    _item(
        "figure",
        "fig6",
        "Figure 6",
        "Importance of heads and FFNs, and the tasks that share them",
        (),
        "Each pie is a head or, in the last column, an FFN. Area: normalised importance, mean over the "
        "tasks; slices: the tasks' shares of it; scores averaged over the replicates first. One scale for "
        "all panels.",
        "The paper does not say which model it shows.",
        frames=("importance",),
    ),
    _item(
        "figure",
        "fig7",
        "Figure 7",
        "Winning tickets of the remaining tasks",
        (*_FAMILIES, "reruns"),
        f"{_CURVES}; without random tickets Phases II and III cannot be told apart.",
    ),
)

_EXTRAS = (
    _item(
        "table",
        "phases",
        "Extra table A",
        "The phases in numbers",
        (*_FAMILIES, "subsets", "subset_families"),
        "From the mean curves: k*, the crossing c of winning and random tickets and the weights left "
        "there; P with a 95 % bootstrap interval over the replicates; cross-fit: k* chosen on other "
        "replicates than it is judged on.",
        "P is never negative by construction; its cross-fit value is.",
        extra=True,
    ),
    _item(
        "table",
        "selection",
        "Extra table B",
        "How much of the gain selection explains",
        (*_FAMILIES, "reruns"),
        f"Points over ST-DNN, mean ± sample standard deviation over the replicates; {_SELECTION}. X1: best "
        "of eight reruns of the full model; X2: best of the full model and eight random tickets; theory: "
        "expected gain of the best of eight runs that differ by noise alone. A gain survives if SuperT is "
        "better than X1 on average.",
        "With the deviations of Table 6, selection alone would give average gains of .48 to 1.14 points, "
        "where the paper reports .81 and .96.",
        extra=True,
    ),
    _item(
        "table",
        "ttests",
        "Extra table C",
        "Paired t-tests",
        _RERUNS,
        f"Two-sided, over replicates that share their seed, by task score and by metric; {_SELECTION}. "
        "Against ST-DNN as in the paper, and against the best of eight reruns.",
        "The tests against ST-DNN do not know that the ticket was selected; those on all of dev are "
        "optimistic.",
        extra=True,
    ),
    _item(
        "table",
        "importance_variants",
        "Extra table D",
        "Tickets under other definitions of importance",
        (),
        "Against absolute values per token, as released: per example (as the paper writes), per batch, and "
        "the weights that fall along the training file through an error of the release. Kendall's tau of "
        "the scores, and the share of removed structures in common (Jaccard), mean ± sample standard "
        "deviation over the replicates; numbers of structures as released.",
        frames=("importance",),
        extra=True,
    ),
    _item(
        "table",
        "sharing",
        "Extra table E",
        "Ticket sharing: what happens to removed weights",
        ("multitask",),
        f"{_DEV}. As released, weights that a task's ticket removes still move on its batches, by momentum "
        "and weight decay; strict: they do not.",
        "Published differences are between the rows of Table 3.",
        extra=True,
    ),
    _item(
        "table",
        "matched_lr",
        "Extra table F",
        "Tickets found at another learning rate",
        (*_TRIAL, "mismatch", "multitask"),
        f"{_DEV}, chosen on all of dev. Tickets found at the learning rate that they are trained at, and at "
        "another; differences and p-values are paired by replicate.",
        extra=True,
    ),
)

ARTIFACTS: tuple[Artifact, ...] = _TABLES + _FIGURES + _EXTRAS

NOT_REPRODUCED: dict[str, str] = {
    "supertickets_fig2": "Figure 2 is a schematic drawing of head and FFN masks; it contains no result.",
}
