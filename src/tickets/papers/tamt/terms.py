"""Names of this paper: its tasks in its order, the two averages, kinds of masks, models. Imports nothing heavy."""

from tickets.data.tasks import task

TASKS7 = ("mnli", "sst-2", "cola", "sts-b", "mrpc", "rte", "squad")
"""Downstream tasks in the order of the paper's figures."""
AVG7 = TASKS7
"""Average of Figures 1, 3, 4 and 11 (spec A25)."""
AVG5 = ("cola", "sst-2", "mnli", "sts-b", "squad")
"""Average of Figures 5 to 8 and 12 to 17."""
METRIC: dict[str, str] = {
    "mnli": "accuracy", "sst-2": "accuracy", "cola": "matthews", "sts-b": "pearson", "mrpc": "accuracy",
    "rte": "accuracy", "squad": "f1",
}  # fmt: skip
"""What a task's score is (Table 1)."""
TITLES = {id: task(id).title for id in TASKS7}

IMP_KINDS = ("imp", "imp-rewind")
TAMT_KINDS = ("tamt-mlm", "tamt-kd", "tamt-mlm-kd")
KINDS = ("full", "omp", "random", *IMP_KINDS, *TAMT_KINDS)
"""How a mask was made; "imp" is the reference, which never rewinds (spec A12)."""
ABLATIONS = ("always", "calm", "adamw", "unpadded")
MODELS = ("base", "roberta")
"""Roles of the pre-trained models: BERT and RoBERTa."""
LOSSES = ("mlm_loss", "kd_loss")
