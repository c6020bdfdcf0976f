"""The registry of every table and figure of the paper, and of what cannot be made. Imports nothing heavy."""

from functools import partial

from tickets.figures.artifact import Artifact, paper_item

TITLE = "The Lottery Ticket Hypothesis for Pre-trained BERT Networks"
CITATION = "Chen, Frankle, Chang, Liu, Zhang, Wang and Carbin. NeurIPS 2020, arXiv 2007.12223"

_TRANSFER = ("imp", "oneshot", "transfer")
_REWIND = ("imp", "transfer", "rewind_source", "rewind_transfer")
_ONE_STD = (
    "A ticket wins if the full model is ahead by at most one standard deviation of the ticket (one-sided)"
)
_SPREAD = "Dev scores in percent at the last step, mean ± sample standard deviation over the replicates"
_COUNTS = "The last column counts dark cells out of those run, the diagonal left out"


_item = partial(paper_item, "lth")

_TABLES = (
    _item(
        "table",
        "table1",
        "Table 1",
        "Data and training recipe",
        ("imp",),
        "What each task was trained on and how. Batches of the last, partial size are kept.",
        facts=True,
    ),
    _item(
        "table",
        "table2",
        "Table 2",
        "Winning tickets at the highest winning sparsity",
        ("imp", "baselines"),
        f"{_SPREAD}. {_ONE_STD}; s* is the highest such sparsity, and the baselines share it.",
        "The paper does not say how many runs its baselines have. 's* = 0' means that no pruned network won.",
    ),
    _item(
        "table",
        "table3",
        "Table 3",
        "Rewinding and standard pruning",
        ("imp", "rewind", "rewind_source"),
        f"{_SPREAD}. IMP that rewinds to 0, 5, 10, 20 or 50 % of training, or not at all, at s* of "
        "each task.",
        "The published numbers of this table are not available to this project, so none are shown.",
    ),
    _item(
        "table",
        "table4",
        "Table 4",
        "Winning tickets under the strict criterion",
        ("imp", "baselines"),
        f"{_SPREAD}. As Table 2, but a ticket wins only if it matches or exceeds the full model's mean.",
        "The paper prints other standard deviations for the full model here than in Table 2.",
    ),
    _item(
        "table",
        "table5",
        "Table 5",
        "Mean, median and best of the runs",
        ("imp",),
        "The runs of Table 2 by mean, median and best replicate, beside the scores Hugging Face reports.",
    ),
    _item(
        "table",
        "table6",
        "Table 6",
        "Both metrics",
        ("imp",),
        f"{_SPREAD}. The tasks with two metrics; each column has the winning sparsity of its own metric.",
        "Also called Table 3 in the authors' response. HF-reported and best values are from that response.",
    ),
    _item(
        "table",
        "table7",
        "Table 7",
        "The MLM mask at the winning sparsity of each task",
        ("imp", "mlm_ticket"),
        f"{_SPREAD}. The mask found on MLM against the mask found on the task itself, both at s* of "
        "the task.",
        "The published QQP value (88.5) contradicts the paper's text, which fits 89.5.",
    ),
    _item(
        "table",
        "table8",
        "Table 8",
        "Size of the MLM data that finds the mask (70 % sparsity)",
        ("imp", "transfer", "datasize_transfer"),
        f"{_SPREAD}. The MLM mask found with as many sequences as the task has examples, and with all "
        "of them.",
        "Every MLM round has the same number of steps; a smaller set is cycled through (unstated in "
        "the paper).",
        facts=True,
    ),
    _item(
        "table",
        "profiles",
        "Extra table A",
        "The algorithm as written and as released",
        ("imp", "transfer", "code_profile", "norewind_transfer"),
        f"{_SPREAD}. P: rewinding as in the paper's algorithm. C: as the released code behaves (head "
        "kept, rate "
        "decaying over all rounds). Below: the MLM mask found with and without rewinding, at 70 %.",
        "The released MLM script never rewinds; the last rows tell whether that matters for transfer.",
        extra=True,
    ),
    _item(
        "table",
        "careful",
        "Extra table B",
        "How sure the winning tickets are",
        ("imp",),
        "s* under four criteria and over a bootstrap of the replicates; Welch's interval for ticket "
        "minus full at "
        "s*; a non-inferiority test at a margin of one point; scores on held-out test data, which "
        "chose nothing.",
        "s* is chosen and reported on the same dev data, so it is optimistic. WNLI (71 items) tells nothing.",
        extra=True,
    ),
    _item(
        "table",
        "overlap",
        "Extra table C",
        "Overlap of masks by kind of pair",
        (),
        "Means over replicate pairs, in percent. Independent masks would overlap as in the row "
        "'independent'.",
        "At high sparsity the three measures differ a lot, so all are shown.",
        frames=("overlap",),
        extra=True,
    ),
)

_FIGURES = (
    _item(
        "figure",
        "fig2",
        "Figure 2 (first version)",
        "Transfer at 70 %, relative to the full model",
        _TRANSFER,
        "TRANSFER(S, T) minus the full model on T, in points. Dark: at least as good as the mask "
        "found on T itself. "
        f"{_COUNTS}.",
        "The last row is magnitude pruning of θ₀ without any training; the paper prints a count of 4 for it, "
        "without counting the tie on SQuAD (−2.83 on both sides).",
    ),
    _item(
        "figure",
        "fig2a",
        "Figure 2a",
        "Transfer at 70 %: scores",
        _TRANSFER,
        f"TRANSFER(S, T) in percent. Dark: {_ONE_STD[0].lower()}{_ONE_STD[1:]}. {_COUNTS}.",
        "Figure 2 of the final version; its published numbers are not available to this project.",
    ),
    _item(
        "figure",
        "fig2b",
        "Figure 2b",
        "Transfer at 70 %, relative to the task's own mask",
        _TRANSFER,
        f"TRANSFER(S, T) minus TRANSFER(T, T), in points. Dark: zero or more. {_COUNTS}.",
        "Figure 3 of the final version. The published panel is derived from the first version's Figure 2.",
    ),
    _item(
        "figure",
        "fig4",
        "Figure 4",
        "Transfer of rewound and standard-pruned networks from SQuAD",
        _REWIND,
        "At 70 %, points gained over rewinding to θ₀. Dark: zero or more. The network keeps the "
        "weights it was "
        "rewound to.",
        "That the source is SQuAD is our reading; the available text does not say.",
    ),
    _item(
        "figure",
        "fig5",
        "Figure 5",
        "Transfer at 50 %, relative to the full model",
        _TRANSFER,
        f"As the first version's Figure 2, at 50 % sparsity. {_COUNTS}.",
    ),
    _item(
        "figure",
        "fig6",
        "Figure 6",
        "Transfer at the winning sparsity of the source",
        ("imp", "transfer_winning"),
        f"TRANSFER(S, T) at s* of S, in percent. Dark: {_ONE_STD[0].lower()}{_ONE_STD[1:]}. {_COUNTS}.",
    ),
    _item(
        "figure",
        "fig7",
        "Figure 7",
        "Transfer of rewound and standard-pruned networks from MLM",
        _REWIND,
        "As Figure 4, with MLM as the source.",
    ),
    _item(
        "figure",
        "fig8",
        "Figure 8",
        "Transfer of rewound and standard-pruned networks from MNLI",
        _REWIND,
        "As Figure 4, with MNLI as the source.",
    ),
    _item(
        "figure",
        "fig9",
        "Figure 9",
        "Masks found on several tasks at once",
        ("imp", "transfer", "multitask_transfer"),
        "At 70 %. Above: scores; dark: wins against the full model under the one-standard-deviation "
        "criterion. "
        "Below: points gained over the mask found on MLM alone; dark: zero or more.",
        "Which tasks the paper combines is not stated; these combinations are ours.",
    ),
    _item(
        "figure",
        "fig10",
        "Figure 10",
        "Relative overlap of the masks",
        (),
        "Kept weights that two masks share, over those that either keeps, in percent, at 60 and 70 % "
        "sparsity; mean "
        "over replicate pairs. Dark: above 90, the paper's statement for downstream tasks.",
        "The diagonal compares different replicates of one task, which the paper lacks. The last row "
        "and column "
        "are magnitude pruning of θ₀, which is a single mask.",
        frames=("overlap",),
    ),
    _item(
        "figure",
        "fig11",
        "Figure 11",
        "Score against sparsity, task by task",
        ("imp", "baselines", "oneshot"),
        "Mean of the replicates; the band is one standard deviation. The star is s*; the dashed line "
        "is the full "
        "model.",
        "The paper draws IMP only. Random and one-shot masks exist at a few sparsities.",
    ),
)

ARTIFACTS: tuple[Artifact, ...] = _TABLES + _FIGURES

NOT_REPRODUCED: dict[str, str] = {
    "lth_fig1": "Figure 1 is a schematic drawing of the method; it contains no result.",
}
