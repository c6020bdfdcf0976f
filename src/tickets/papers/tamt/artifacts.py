"""The registry of every table and figure of the paper, and of what cannot be made. Imports nothing heavy."""

from functools import partial

from tickets.figures.artifact import Artifact, paper_item

TITLE = "Learning to Win Lottery Tickets in BERT Transfer via Task-agnostic Mask Training"
CITATION = "Liu, Meng, Lin, Fu, Cao, Wang and Zhou. NAACL 2022, arXiv 2204.11218"

_MAIN = ("full", "baselines", "methods")
_STEPS = (*_MAIN, "steps")
_MEAN = "Points are means over runs, every mask seed with every fine-tuning seed (OMP and the full model: one mask); "
_BAND = f"{_MEAN}bands are one standard deviation over these runs (ddof 0; none where there is one run)"
_BARS = f"{_MEAN}bars are one standard deviation over these runs (ddof 0; none where there is one run)"
_COUNTS = "The csv has the number of runs behind each point"
_SCALED = "A small preset scales all steps by one factor, so its axis is not the paper's"
_DOTS = (
    "One dot a mask (one mask seed at one step): loss on held-out text of the masked θ₀ under its own MLM head, "
    "score averaged over the fine-tuning seeds. TAMT has all checkpoints, the main step too"
)
_DIGITISED = (
    "open markers are read off the paper's figure (about ± 0.1 points, ± 0.02 MLM loss, ± 0.003 KD loss), a bar "
    "where only a range could be read"
)
_REFERENCE = (
    "IMP goes on with its trained weights after a pruning, as the released code does; the paper says that they "
    "are reset (Extra table B)."
)
_FIVE = "the average is of CoLA, SST-2, MNLI, STS-B and SQuAD within a pair of seeds"
_DISTANCE = (
    "Distance: 1 minus the Jaccard overlap of what is kept, averaged over weight matrices with equal weight, then "
    "over mask seeds"
)

_item = partial(paper_item, "tamt")

_TABLES = (
    _item(
        "table",
        "table1",
        "Table 1",
        "Data and recipes of mask training and fine-tuning",
        (),
        "What masks were trained on and how, and each downstream task.",
        "The paper gives sizes of text in words; SQuAD's training size counts windows of text.",
        facts=True,
    ),
    _item(
        "table",
        "table2",
        "Table 2",
        "Steps spent on a mask, by sparsity",
        (),
        "Optimizer steps of this preset beside the paper's, and as shares of the steps over which the learning rate "
        "falls to zero, which compare across presets.",
        "IMP prunes 10 % at the start and 10 % more every interval; the paper prints its steps rounded.",
        facts=True,
    ),
    _item(
        "table",
        "table3",
        "Table 3",
        "Time of mask training",
        (),
        "Measured seconds of an optimizer step without evaluation, mean over runs, times the steps until 90 % "
        "sparsity (Table 2). Only the ratio to IMP compares between machines.",
        "The paper's machine is one V100 with 32 GB in single precision.",
        frames=("training",),
    ),
)

_FIGURES = (
    _item(
        "figure",
        "fig1",
        "Figure 1",
        "One-shot and random masks: downstream score and MLM loss",
        ("full", "baselines"),
        f"BERT. {_BAND}; on the right over masks. Left: average of seven tasks within a pair of seeds. {_COUNTS}.",
        frames=("pretraining",),
    ),
    _item(
        "figure",
        "fig3",
        "Figure 3",
        "All methods on BERT",
        _MAIN,
        f"{_BAND}. Masks are those after the steps of Table 2. {_COUNTS}.",
        _REFERENCE,
    ),
    _item(
        "figure",
        "fig4",
        "Figure 4",
        "All methods on RoBERTa",
        _MAIN,
        f"{_BAND}. Masks are those after the steps of Table 2. {_COUNTS}.",
        _REFERENCE,
    ),
    _item(
        "figure",
        "fig5",
        "Figure 5",
        "Average score against MLM loss and KD loss",
        _STEPS,
        f"BERT. {_DOTS}; {_FIVE}. Where this preset has the paper's steps, {_DIGITISED}; elsewhere absolute values "
        "do not compare, and the published points are in Extra figure B.",
        "The paper calls its KD loss a cosine; its evaluation program computes squared errors unless told otherwise, "
        "and the scale of the figure does not decide. Ours is the cosine.",
        frames=("pretraining",),
    ),
    _item(
        "figure",
        "fig6",
        "Figure 6",
        "Average score at 70 % over iterations and time",
        ("methods", "steps"),
        f"BERT. {_BARS}; {_FIVE}. IMP has one point a pruning interval. Time is steps times measured seconds a step. "
        "Marked: the best IMP, the first checkpoint of TAMT-MLM that is no worse, and the first that is better by "
        f"IMP's standard deviation; the ratio is between the first two. {_SCALED}.",
        "The paper does not define its 8.4 times fewer iterations and 8.7 times less time; this is our reading, which "
        "gives its numbers.",
        frames=("training",),
    ),
    _item(
        "figure",
        "fig7",
        "Figure 7",
        "Mask training from OMP and from random masks, 70 %",
        _STEPS,
        f"BERT. {_BARS}; {_FIVE}. Step 0 is the OMP mask or the random mask itself. {_SCALED}.",
        "A random start keeps a random mask of the pooler, which neither loss reaches.",
    ),
    _item(
        "figure",
        "fig8",
        "Figure 8",
        "Distance from OMP and overlap of masks, 70 %",
        ("methods", "steps"),
        f"BERT. {_DISTANCE}. {_BARS}, horizontal ones over mask seeds; {_FIVE}. Right: overlap of the main masks by "
        f"mask seed; independent masks would overlap as the title says. {_SCALED}.",
        "The pooler, which no loss reaches, counts as one matrix that all share.",
        frames=("distances",),
    ),
    _item(
        "figure",
        "fig9",
        "Figure 9",
        "Fine-tuning on few examples, masks of 70 %",
        (*_MAIN, "few"),
        f"BERT. {_BARS}. Subsets are drawn anew for each fine-tuning seed, the same for all methods; the last point is "
        f"the whole training set, from the runs of Figure 3. SQuAD counts windows of text. {_COUNTS}.",
        "With few examples the evaluation after the last step is a candidate too: the reference never evaluates the "
        "smallest subsets of MNLI before the end.",
    ),
    _item(
        "figure",
        "fig10",
        "Figure 10",
        "One-shot and random masks, task by task",
        ("baselines",),
        f"BERT. {_BAND}. Dashed: the difference of the means, in points on the same axis. {_COUNTS}.",
    ),
    _item(
        "figure",
        "fig11",
        "Figure 11",
        "One-shot masks of BERT and RoBERTa",
        ("full", "baselines"),
        f"{_BAND}. {_COUNTS}.",
    ),
    _item(
        "figure",
        "fig12",
        "Figure 12",
        "Task scores against MLM loss",
        _STEPS,
        f"BERT. {_DOTS}.",
        frames=("pretraining",),
    ),
    _item(
        "figure",
        "fig13",
        "Figure 13",
        "Task scores against KD loss",
        _STEPS,
        f"BERT. {_DOTS}. The loss is the mean of 1 minus cosine over layers and positions, padding included.",
        frames=("pretraining",),
    ),
    *(
        _item(
            "figure",
            f"fig{number}",
            f"Figure {number}",
            f"Task scores over iterations, {sparsity} %",
            ("methods", "steps"),
            f"BERT. {_BARS}; {_FIVE}. IMP has one point a pruning interval. {_SCALED}. {_COUNTS}.",
        )
        for number, sparsity in ((14, 60), (15, 70), (16, 80))
    ),
    _item(
        "figure",
        "fig17",
        "Figure 17",
        "Distance from OMP and overlap of masks, 60, 70 and 80 %",
        ("methods", "steps"),
        f"BERT. {_DISTANCE}. {_BARS}, horizontal ones over mask seeds; {_FIVE}. Below: overlap of the main masks by "
        f"mask seed. {_SCALED}.",
        frames=("distances",),
    ),
)

_EXTRAS = (
    _item(
        "table",
        "losses",
        "Extra table A",
        "Losses on held-out text of all main masks",
        (),
        "Mean ± standard deviation over mask seeds (ddof 0). MLM: masked θ₀ under its own head, the same masked "
        "words for all masks. KD: distance from the hidden states of the full model, mean over layers and positions, "
        "by cosine with and without padding and by squared error. Removed: realised share of the prunable weights.",
        "Published: Figure 5, read off; its trained masks are those of the last two checkpoints, and at 50 % all.",
        frames=("pretraining",),
        extra=True,
    ),
    _item(
        "table",
        "controls",
        "Extra table B",
        "Ablations, rewinding, and choosing on dev",
        (*_MAIN, "ablations"),
        "Mean ± standard deviation over runs (ddof 0); differences are paired by mask seed and fine-tuning "
        "seed. Ablations have the five tasks of the average only. As released: MNLI mismatched, MRPC chosen by "
        "accuracy and F1, a later zero replaces CoLA's best; – where it keeps no score, as none is above zero.",
        "The score of this paper is the best of the evaluations on dev, so it is optimistic by about the first "
        "difference.",
        extra=True,
    ),
    _item(
        "table",
        "fidelity",
        "Extra table C",
        "Agreement with the published averages",
        _STEPS,
        "Average of five tasks as the released code scores it, mean over runs, beside Figure 5 (read off). Tolerances "
        "are 2 points, 2.5 for trained masks. Whether they agree is said only where the preset has the paper's steps; "
        "our average is – where that code keeps no score of a task, as none is above zero.",
        "Trained masks are those of the last two checkpoints, which the published figure does not tell apart.",
        extra=True,
    ),
    _item(
        "table",
        "correlations",
        "Extra table D",
        "Does downstream follow pre-training?",
        _STEPS,
        "BERT. Spearman's ρ of loss and score over the masks of one sparsity (all steps, intervals and mask seeds), "
        "with a 95 % bootstrap interval over masks and their number. Follows: the interval of the average lies below "
        "zero, so that a lower loss goes with a higher score.",
        "Checkpoints of one run are not independent, so the intervals are rather too narrow.",
        frames=("pretraining",),
        extra=True,
    ),
    _item(
        "figure",
        "training",
        "Extra figure A",
        "What happens while masks are trained",
        (),
        "BERT, main settings. Thin: one mask seed; thick: their mean. Loss: mean since the last logged step. Sparsity "
        "drifts between two updates of the threshold and is exact right after one. The gradient's root mean square "
        f"is over the optimizer's eps, which is active where the ratio is near one or below. {_SCALED}.",
        "Losses of MLM and KD have different scales.",
        frames=("pretraining", "training"),
        extra=True,
    ),
    _item(
        "figure",
        "fig5_published",
        "Extra figure B",
        "Figure 5 as published",
        (),
        "The paper's points alone, for the shape of its clouds: open markers are read off the figure (about ± 0.1 "
        "points, ± 0.02 MLM loss, ± 0.003 KD loss), a bar where only a range could be read. Markers of several seeds "
        "or steps that lie on each other are one.",
        "The steps of trained masks were told apart by their losses, which fall.",
        extra=True,
    ),
)

ARTIFACTS: tuple[Artifact, ...] = _TABLES + _FIGURES + _EXTRAS

NOT_REPRODUCED: dict[str, str] = {
    "tamt_fig2": "Figure 2 is a schematic drawing of mask training; it contains no result.",
}
