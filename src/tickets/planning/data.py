"""How many examples the tasks have and how long they are, before or after they are encoded. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tickets.config import Config
from tickets.data.sizes import OFFICIAL_ROWS, WIKITEXT_BATCH, WIKITEXT_BATCHES
from tickets.data.tasks import STREAMS
from tickets.errors import TicketsError
from tickets.grid import data_file

TYPICAL: Mapping[str, tuple[float, float]] = {
    # Measured on the real text by its tokens (spec supertickets section 6.3).
    "rte": (70.2, 181.0), "mrpc": (53.2, 80.6), "sts-b": (27.8, 45.0), "cola": (11.3, 19.2), "sst-2": (13.3, 40.0),
    # Estimates of the same section; WNLI and SQuAD: of spec lth section 6.1.
    "qnli": (51.0, 105.0), "qqp": (31.0, 64.0), "mnli": (40.0, 84.0), "snli": (27.0, 46.0), "scitail": (40.0, 85.0),
    "wnli": (37.0, 37.0), "squad": (170.0, 384.0),
}  # fmt: skip
"""Tokens of an example of the real tasks: mean, and mean when padded to the longest of 32 neighbours in the file."""
SYNTHETIC: Mapping[str, float] = {
    "cola": 8.3, "sst-2": 7.6, "qqp": 14.0, "squad": 15.3, "snli": 16.0, "scitail": 15.7, "mnli": 14.8,
}  # fmt: skip
"""Mean tokens of an example of the micro language (measured on world 8); of the other tasks `SYNTHETIC_REST`."""
SYNTHETIC_REST = 14.4
FEATURES: Mapping[str, dict[str, int]] = {"squad": {"train": 88_641, "dev": 10_833}}
"""Windows of BERT's tokens that SQuAD's questions become (spec lth section 3.1; dev: from memory)."""
BLOCKS: Mapping[str, dict[str, int]] = {
    "wikitext": {"train": WIKITEXT_BATCHES * WIKITEXT_BATCH, "dev": 426},
    "wikitext-pairs": {"train": 200_000, "dev": 500},
    "mlm": {"train": WIKITEXT_BATCHES * WIKITEXT_BATCH, "dev": 426},
}
"""Blocks of 512 of WikiText-103: 217,000 tokens of dev at 510 a block; pairs: at least so many (spec tamt 1.11)."""


@dataclass(frozen=True)
class Facts:
    """Size of a task's data.

    rows    examples (SQuAD: windows) by split
    mean    tokens of an example, padding left out
    batch   tokens of an example padded to the longest of its batch
    source  encoded, synthetic or official: where this is known from
    """

    rows: Mapping[str, int]
    mean: float
    batch: float
    source: str

    @property
    def train(self) -> int:
        """Training examples."""
        return self.rows["train"]


class Data:
    """Sizes of a preset's data: of the encoded files where they exist, else as the config or the papers say."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.of = cache(self._of)

    def _of(self, task: str, max_length: int, role: str = "") -> Facts:
        """Size of a task whose examples are cut to `max_length` tokens."""
        path = self.config.root / data_file(task, max_length, role)
        found = _encoded(path) if path.exists() else None
        if found is not None:
            return found
        if self.config.settings.data.source == "synthetic":
            return self._synthetic(task)
        return self._official(task, max_length)

    def train(self, task: str, max_length: int, role: str = "") -> int:
        """Training examples of a task."""
        return int(self.of(task, max_length, role).train)

    def _synthetic(self, task: str) -> Facts:
        from tickets.data.synthetic.tasks import RULES

        rows = {**RULES[task].sizes, **self.config.settings.data.sizes.get(task, {})}
        mean = SYNTHETIC.get(task, SYNTHETIC_REST)
        return Facts(rows, mean, mean, "synthetic")

    def _official(self, task: str, max_length: int) -> Facts:
        data = self.config.settings.data
        rows = {**(FEATURES.get(task) or BLOCKS.get(task) or OFFICIAL_ROWS.get(task) or {})}
        if "train" not in rows:
            raise TicketsError(f"task '{task}': its size is not known before its data are encoded.")
        most = data.wikitext_sequences if task in STREAMS else data.mlm_sequences
        if task in BLOCKS and most is not None:
            rows["train"] = min(most, rows["train"])
        mean, batch = TYPICAL.get(task, (max_length, max_length))
        return Facts(rows, min(mean, max_length), min(batch, max_length), "official")


def _encoded(path: Path) -> Facts | None:
    """Size of an encoded file, from its header and the lengths of its rows; None if it cannot be read."""
    from safetensors import SafetensorError, safe_open

    rows = {}
    try:
        with safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118
                if name.endswith(".lengths"):
                    rows[name.removesuffix(".lengths")] = int(file.get_slice(name).get_shape()[0])
            lengths = file.get_tensor("train.lengths")
    except (SafetensorError, OSError):
        return None
    usable = len(lengths) // 32 * 32
    longest = lengths[:usable].reshape(-1, 32).max(axis=1).mean() if usable else lengths.max()
    return Facts(rows, float(lengths.mean()), float(longest), "encoded")
