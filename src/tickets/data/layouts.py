"""Where texts and labels stand in the official files: the nine GLUE tasks, SNLI and SciTail."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layout:
    """One task's table.

    columns        names of the fields of a file without header
    unlabelled     what stands in the label column of rows without a label, which are left out
    broken_rows    how many rows of another width are left out before the file counts as damaged
    retired_sizes  numbers of rows that betray a version no longer in use
    """

    folder: str
    texts: tuple[str, ...]
    label: str = "label"
    columns: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=lambda: {"train": "train.tsv", "dev": "dev.tsv"})
    unlabelled: str | None = None
    broken_rows: int = 0
    retired_sizes: tuple[int, ...] = ()

    def names(self) -> str:
        """The columns a file needs, for messages."""
        return ", ".join(map(repr, self.columns or (*self.texts, self.label)))


def _files(pattern: str) -> dict[str, str]:
    return {split: pattern.format(split) for split in ("train", "dev")}


_MNLI = {"train": "train.tsv", "dev": "dev_matched.tsv", "dev_mismatched": "dev_mismatched.tsv"}
_PAIR = ("sentence1", "sentence2")

GLUE: dict[str, Layout] = {
    "mnli": Layout("MNLI", _PAIR, "gold_label", files=_MNLI),
    # Some questions hold newlines, which break their rows in two; GLUE's 363,846 rows are those left whole.
    "qqp": Layout("QQP", ("question1", "question2"), "is_duplicate", broken_rows=64),
    "sts-b": Layout("STS-B", _PAIR, "score"),
    "wnli": Layout("WNLI", _PAIR),
    "qnli": Layout("QNLI", ("question", "sentence"), retired_sizes=(108_436, 5_732)),
    "mrpc": Layout("MRPC", ("#1 String", "#2 String"), "Quality"),
    "rte": Layout("RTE", _PAIR),
    "sst-2": Layout("SST-2", ("sentence",)),
    "cola": Layout("CoLA", ("sentence",), columns=("source", "label", "mark", "sentence")),
}
NLI: dict[str, Layout] = {
    # Where the annotators agreed on no label the gold label is `-`.
    "snli": Layout("SNLI", _PAIR, "gold_label", files=_files("snli_1.0_{}.txt"), unlabelled="-"),
    "scitail": Layout(
        "SciTail",
        ("premise", "hypothesis"),
        columns=("premise", "hypothesis", "label"),
        files=_files("scitail_1.0_{}.tsv"),
    ),
}
TABLES: dict[str, Layout] = GLUE | NLI
