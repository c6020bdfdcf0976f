"""What follows for `lth`: scores are those of the last step; IMP removes exact counts of all weights together."""

from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tickets.audit.expected import Birth, Numbers, Ticket
from tickets.audit.packed import header_of
from tickets.audit.reading import Reading, body_fits, predictions
from tickets.audit.scoring import score_of
from tickets.data.tasks import task as lookup
from tickets.grid import Cell
from tickets.models.layout import prunable_shapes
from tickets.papers.lth.addresses import LEVELS, SOURCE_LEVEL
from tickets.papers.lth.addresses import mask as mask_at
from tickets.papers.lth.imp import REMAINING_FRACTION
from tickets.papers.lth.lab import ChainLab
from tickets.papers.lth.levels import resolve
from tickets.papers.lth.settings import ChainPolicy
from tickets.papers.lth.subnetworks import drawn_mask, start_file
from tickets.pruning.magnitude import imp_fraction, one_shot, removals
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress, RunAddress

REWOUND = "rewind"


class Expect:
    """See `tickets.audit.expected.Expected`."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.lab = reading, ChainLab(reading)
        self.level = cache(self._level)
        self.made = cache(self._made)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The matrices that masks are over."""
        return prunable_shapes(self.reading.pretrained().config)

    @property
    def total(self) -> int:
        """Weights that masks are over."""
        return Mask.dense(self.shapes).total

    def spec(self, address: RunAddress | MaskAddress) -> dict[str, Any]:
        """See `Expected`."""
        identity = self.lab.identity
        return identity.run(address) if isinstance(address, RunAddress) else identity.mask(address)

    def numbers(self, cell: Cell) -> Iterator[tuple[RunAddress, Numbers]]:
        """See `Expected`. Of masked words no predictions are kept."""
        for run in cell.runs:
            predicted = predictions(self.reading.root / run.folder)
            data, metric = self.reading.data(run.task), lookup(run.task).metrics[0]
            scores = {
                split: score_of(run.task, found, data.splits[split], split)
                for split, found in predicted.items()
            }
            if not scores:
                yield run, Numbers({"metric": metric, "n_dev": len(data.splits["dev"])}, undetermined=1)
                continue
            dev = {**scores["dev"], **scores.get("dev_mismatched", {})}
            facts = {"metric": metric, "score": dev[metric], "scores": scores, "n_dev": len(predicted["dev"])}
            yield run, Numbers(facts)

    def birth(self, cell: Cell, address: RunAddress) -> Birth:
        """See `Expected`."""
        level = self.level(address.task, address.source, address.level)
        resolved = address.at(level)
        digest, removed = self._mask(resolved)
        steps = self.lab.steps(address.task)
        own = address.source == address.task and address.weights.startswith(REWOUND)
        if own:  # a chain starts where it rewinds to
            steps -= int(int(address.weights.removeprefix(REWOUND)) / 100 * steps)
        chain = address.source == address.task
        start = None if chain else start_file(resolved)
        theta0 = self.reading.config.settings.model_folder("base") / "model.safetensors"
        seeds = {"train": self.lab.train_seed(resolved)}
        return Birth(level, digest, removed, start or theta0, seeds, steps)

    def _level(self, task: str, source: str, level: str) -> str:
        return resolve(self.reading, RunAddress("lth", task, "", "", source, level, 1)).level

    def _mask(self, run: RunAddress) -> tuple[str | None, float | None]:
        """sha256 of the mask that a run trained under, and what it removes; masks on the way are not kept."""
        if run.level == LEVELS[0] or run.method in ("random", "oneshot"):
            drawn = (run.task, run.replicate) if run.method == "random" else ("", 0)
            return self.made(run.method, run.level, *drawn)
        kept = self._chain_counts(run.method, run.source, run.level)
        removed = (self.total - kept) / self.total
        where = run.mask
        if run.method.startswith("imp-") and run.method != "imp-code" and run.level != SOURCE_LEVEL:
            if self.lab.settings.rewind_method == "chain" or run.weights == "standard":
                return None, removed
            where = mask_at("imp", run.source, run.level, run.replicate)
        path = self.reading.root / where.file
        return (header_of(path)["sha256"] if path.is_file() else None), removed

    def _made(self, method: str, level: str, task: str, replicate: int) -> tuple[str, float]:
        """The same of masks that are made anew wherever they are needed."""
        if level == LEVELS[0]:
            mask = Mask.dense(self.shapes)
        elif method == "random":
            mask = drawn_mask(self.lab.seed, task, level, replicate, self.shapes)
        else:
            body = self.reading.pretrained().body
            mask = one_shot({name: body[name] for name in self.shapes}, int(level) / 100)
        return mask.digest(), mask.sparsity

    def masks(self, cell: Cell) -> Iterator[tuple[MaskAddress, Ticket]]:
        """See `Expected`. Every mask of a chain lies in the one before, where that one is kept."""
        for address in cell.masks:
            facts = {"spec": self.spec(address), "fingerprint": self.lab.identity.fingerprint(address)}
            denser = [m for m in cell.masks if _same_chain(m, address) and m.level < address.level]
            parent = max(denser, key=lambda m: m.level, default=None)
            kept = self._chain_counts(address.method, address.source, address.level)
            yield address, Ticket(facts, self.shapes, kept=kept, nested_in=parent)

    def files(self, cell: Cell) -> Iterator[tuple[Path, str]]:
        """See `Expected`."""
        for path in cell.files:
            yield path, body_fits(self.reading.root / path, self.reading.pretrained().config)

    def _chain_counts(self, method: str, source: str, level: str) -> int:
        """Weights left after as many prunings as the level has tenths (spec lth section 2)."""
        alive, policy = self.total, self._policy(method, source)
        for index in range(int(level) // 10):
            fraction = imp_fraction(index) if policy.amount == "original" else REMAINING_FRACTION
            alive -= removals(fraction, alive)
        return alive

    def _policy(self, method: str, source: str) -> ChainPolicy:
        settings = self.lab.settings
        if method == "imp-code":
            return settings.code_mlm_chain if source == "mlm" else settings.code_chain
        return settings.standard_chain if method == "imp-standard" else settings.chain


def _same_chain(a: MaskAddress, b: MaskAddress) -> bool:
    return (a.method, a.source, a.replicate) == (b.method, b.source, b.replicate)
