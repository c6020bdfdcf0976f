"""The surroundings of a job for someone who only reads: finished results, and of the data what scoring needs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from tickets.config import Config
from tickets.data.encoded import EncodedTask, Split
from tickets.errors import TicketsError
from tickets.grid import Job
from tickets.jobs.context import Context
from tickets.models.config import EncoderConfig
from tickets.models.layout import encoder_shapes
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress

Predicted = torch.Tensor | Mapping[str, str]
"""Logits or values, one row an example, or (spans) answers by question."""


class Reading(Context):
    """Lets the functions that a job resolves its levels, tickets and seeds with look at published results.

    Data have rows, labels and texts but no tokens. One serves all jobs of a paper that read the same encoding.
    """

    def __init__(self, config: Config, job: Job) -> None:
        super().__init__(config, job)
        self._masks: dict[Path, Mask] = {}
        self._light: dict[Path, EncodedTask] = {}

    @cached_property
    def device(self) -> torch.device:
        """The host: an audit needs no GPU."""
        return torch.device("cpu")

    def path(self, relative: Path) -> Path:
        """Published results only; what a stopped job has staged is none of the audit's business."""
        return self.root / relative

    def data(self, task: str) -> EncodedTask:
        """Rows, labels and texts of a task."""
        path = self.data_path(task)
        if path not in self._light:
            self._light[path] = without_tokens(path)
        return self._light[path]

    def mask(self, address: MaskAddress) -> Mask:
        """A mask, read once."""
        if address.file not in self._masks:
            self._masks[address.file] = Mask.load(self.root / address.file)
        return self._masks[address.file]


def without_tokens(path: Path) -> EncodedTask:
    """Encoded data with one column of zeros for the tokens. `TicketsError` if the file cannot be read."""
    with _reading(path), safe_open(path, framework="pt") as file:
        header, names = file.metadata() or {}, set(file.keys())
        texts = json.loads(header["texts"])
        splits = dict.fromkeys(name.split(".")[0] for name in sorted(names))
        found = {}
        for split in splits:
            rows = file.get_slice(f"{split}.lengths").get_shape()[0]
            labels = file.get_tensor(f"{split}.labels") if f"{split}.labels" in names else None
            blank = torch.zeros(rows, 1, dtype=torch.int32)
            ones = torch.ones(rows, dtype=torch.int32)
            found[split] = Split(blank, blank.to(torch.uint8), ones, labels, {}, tuple(texts.get(split, ())))
        return EncodedTask(found, json.loads(header["meta"]))


def predictions(folder: Path) -> dict[str, Predicted]:
    """What a run predicted, by split; empty where nothing was kept."""
    found: dict[str, Predicted] = {}
    path = folder / "predictions.safetensors"
    if path.exists():
        with _reading(path), safe_open(path, framework="pt") as file:
            found |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    path = folder / "predictions.json"
    if path.exists():
        from tickets.audit.records import read_record

        try:
            found |= read_record(path)
        except TicketsError as error:
            raise TicketsError(f"{path}: {error}") from None
    return found


def body_fits(path: Path, config: EncoderConfig) -> str:
    """What is wrong with a file of starting weights, in a few words, or ''. Reads the header only."""
    with _reading(path), safe_open(path, framework="pt") as file:
        found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    wanted = encoder_shapes(config)
    odd = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    return f"{odd[0]} is {found.get(odd[0])}, the model has {wanted.get(odd[0])}" if odd else ""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise TicketsError(f"{path}: is missing") from None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise TicketsError(f"{path}: cannot be read as safetensors ({error})") from None
