"""What follows for `supertickets`: every evaluation point is stored, so which was chosen and why can be done again.

Tickets follow from the importance scores, and which of them is the super ticket from the runs' scores.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor

from tickets.audit.expected import Birth, Numbers, Ticket
from tickets.audit.reading import Reading, body_fits, predictions
from tickets.audit.scoring import check_outputs
from tickets.errors import TicketsError
from tickets.grid import Cell
from tickets.papers.supertickets.addresses import LEVELS
from tickets.papers.supertickets.lab import TicketLab, start_file
from tickets.papers.supertickets.multitask import shared_steps, shared_tickets
from tickets.papers.supertickets.recipes import fine_recipe, transfer_recipe
from tickets.papers.supertickets.selection import Point, best_points, judge_point, selection_columns
from tickets.papers.supertickets.terms import METRICS
from tickets.papers.supertickets.transfer import start_ticket
from tickets.papers.supertickets.trial import provenance, ticket
from tickets.pruning.remaining import remaining
from tickets.pruning.scores import Importance, Scores
from tickets.pruning.structured import StructuredMask
from tickets.spec import MaskAddress, RunAddress
from tickets.training.recipe import Recipe
from tickets.training.seeds import derive_seed

Points = Sequence[Mapping[str, Point]]
"""Evaluation points of a training in order: task -> what was found."""


class Expect:
    """See `tickets.audit.expected.Expected`."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.lab = reading, TicketLab(reading)
        self.scores = cache(self._scores)
        self.size = cache(self._size)

    def spec(self, address: RunAddress | MaskAddress) -> dict[str, Any]:
        """See `Expected`."""
        identity = self.lab.identity
        return identity.run(address) if isinstance(address, RunAddress) else identity.mask(address)  # type: ignore[attr-defined]

    def numbers(self, cell: Cell) -> Iterator[tuple[RunAddress, Numbers]]:
        """See `Expected`. The tasks of a shared model are judged together."""
        groups = [cell.runs] if _shared(cell) else [(run,) for run in cell.runs]
        for runs in groups:
            points = self._points(runs)
            chosen = best_points(points)
            for run in runs:
                structure = self._structure(cell, run)[1]
                yield run, self._numbers(run, [p[run.task] for p in points], chosen, structure, cell)

    def _points(self, runs: Sequence[RunAddress]) -> Points:
        found: list[dict[str, Point]] = []
        for run in runs:
            folder, data = self.reading.root / run.folder, self.reading.data(run.task)
            outputs = {name: v for name, v in predictions(folder).items() if isinstance(v, Tensor)}
            if not outputs:
                raise TicketsError(f"{folder / 'predictions.safetensors'}: is missing")
            last = max(int(name.split(".")[1]) for name in outputs)
            for number in range(1, last + 1):
                own = {n.split(".")[0]: v for n, v in outputs.items() if n.split(".")[1] == str(number)}
                for split, values in own.items():
                    check_outputs(run.task, values, data.splits[split], split)
                if number > len(found):
                    found.append({})
                found[number - 1][run.task] = judge_point(number, run.task, data, own)
        return found

    def _numbers(
        self,
        run: RunAddress,
        points: Sequence[Point],
        chosen: Mapping[Any, int],
        structure: StructuredMask,
        cell: Cell,
    ) -> Numbers:
        at = points[chosen["full"]]
        scores: dict[str, dict[str, float]] = {
            split: {
                n: v for n, v in at.metrics["full"].items() if n.endswith("_mismatched") == (split != "dev")
            }
            for split in at.outputs
        }
        scores["dev"]["loss"] = at.losses["full"]
        extra = selection_columns(run.task, points, chosen) | {
            "learning_rate": self._recipe(cell, run)[0].learning_rate,
            "heads_removed": structure.removed_heads,
            "ffns_removed": structure.removed_ffns,
            "remaining": self._left(run, structure),
        }
        facts = {
            "metric": " + ".join(METRICS[run.task]),
            "score": at.score(run.task, "full"),
            "scores": scores,
            "n_dev": len(self.reading.data(run.task).splits["dev"]),
            "extra": extra,
        }
        return Numbers(facts, undetermined=1)  # the training loss

    def birth(self, cell: Cell, address: RunAddress) -> Birth:
        """See `Expected`."""
        level, structure = self._structure(cell, address)
        recipe, rows = self._recipe(cell, address)
        seed, steps = self._seed(cell, address), recipe.total_steps(rows)
        theta0 = self.reading.config.settings.model_folder(address.model) / "model.safetensors"
        return Birth(
            level,
            structure.mask().digest(),
            1 - self._left(address, structure),
            start_file(address) or theta0,
            {"order": seed},
            shared_steps(self.lab) if _shared(cell) else steps,
        )

    def _structure(self, cell: Cell, run: RunAddress) -> tuple[str, StructuredMask]:
        """The ticket that a run was trained under, and its level."""
        if _shared(cell):
            level, structure = shared_tickets(self.lab, cell)[run.task]
            return LEVELS[level], structure
        if run.weights != "pretrained":
            return start_ticket(self.lab, run, cell)
        if run.level == LEVELS[0]:
            return run.level, self.lab.full(run.model)
        return run.level, StructuredMask.from_mask(self.reading.mask(run.mask))

    def _left(self, run: RunAddress, structure: StructuredMask) -> float:
        return remaining(self.lab.shape(run.model), structure.removed_heads, structure.removed_ffns)

    def _recipe(self, cell: Cell, run: RunAddress) -> tuple[Recipe, int]:
        """Recipe, and the training examples of a run of its own."""
        if _shared(cell):
            return self.lab.settings.multitask_recipe, 0
        if run.weights == "pretrained":
            recipe, percent, _ = fine_recipe(self.lab.settings, run)
        else:
            recipe, percent = transfer_recipe(
                self.lab.settings, run, lambda share: self.size(run.task, run.model, share)
            )
        return recipe, self.size(run.task, run.model, percent)

    def _size(self, task: str, role: str, percent: float) -> int:
        return len(self.lab.resident(task, role, percent))

    def _seed(self, cell: Cell, run: RunAddress) -> int:
        """Of the order of examples."""
        if _shared(cell):
            return derive_seed(self.lab.seed, "multitask-train", run.replicate)
        draw = fine_recipe(self.lab.settings, run)[2] if run.weights == "pretrained" else 0
        drawn = ("draw", draw) if draw else ()
        return derive_seed(self.lab.seed, "supertickets-train", run.task, run.replicate, *drawn)

    def masks(self, cell: Cell) -> Iterator[tuple[MaskAddress, Ticket]]:
        """See `Expected`. A ticket is ranked again from the scores of its trial's full model."""
        runs = cell.runs[len(cell.runs) - len(cell.masks) :]
        for address, run in zip(cell.masks, runs, strict=True):
            layers, heads = self.lab.full(run.model).heads.shape
            shapes = {"heads": (layers, heads), "ffns": (layers,)}
            found = ticket(self.lab, run, self.scores((*cell.files, *cell.needs_files)[0]))
            yield address, Ticket(provenance(self.lab, run), shapes, found.mask().digest())

    def _scores(self, path: Path) -> Scores:
        return Importance.load(self.reading.root / path)[self.lab.settings.tickets.importance]

    def files(self, cell: Cell) -> Iterator[tuple[Path, str]]:
        """See `Expected`."""
        for path in cell.files:
            if path.parts[1] == "weights":
                yield path, body_fits(self.reading.root / path, self.lab.shape(cell.runs[0].model))
                continue
            same = Importance.provenance(self.reading.root / path) == provenance(self.lab, cell.runs[0])
            yield (
                path,
                "" if same else "its header says that it is of another run, or was made under other rules",
            )


def _shared(cell: Cell) -> bool:
    return bool(cell.runs) and cell.runs[0].source == "glue" and cell.runs[0].weights == "pretrained"
