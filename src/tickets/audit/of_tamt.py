"""What follows for `tamt`: a run counts with the best of its evaluations, of which the best and the last are stored.

One-shot and random masks follow from θ0 and a seed; IMP removes exact counts of each matrix; a trained mask keeps what
lies above thresholds, which moves between their updates.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tickets.audit.expected import Birth, Numbers, Ticket
from tickets.audit.packed import PackedMask, read_packed
from tickets.audit.reading import Reading, predictions
from tickets.audit.records import read_record
from tickets.audit.scoring import score_of
from tickets.data.tasks import task as lookup
from tickets.errors import TicketsError
from tickets.grid import Cell
from tickets.papers.tamt.addresses import losses_file, mask_of, mask_seed
from tickets.papers.tamt.baselines import baseline
from tickets.papers.tamt.lab import MaskLab
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.plans import Plan, plan_of
from tickets.papers.tamt.selection import best, candidates, release_score
from tickets.pruning.magnitude import imp_fraction, removals
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER
from tickets.spec import MaskAddress, RunAddress
from tickets.training.seeds import derive_seed

FINAL = "final."


class Expect:
    """See `tickets.audit.expected.Expected`."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.lab = reading, MaskLab(reading)
        self.packed = cache(self._packed)
        self.dense = cache(lambda role: Mask.dense(self.lab.prunable(role)).digest())

    def spec(self, address: RunAddress | MaskAddress) -> dict[str, Any]:
        """See `Expected`."""
        identity = self.lab.identity
        return identity.run(address) if isinstance(address, RunAddress) else identity.mask(address)

    def numbers(self, cell: Cell) -> Iterator[tuple[RunAddress, Numbers]]:
        """See `Expected`. Evaluations on the way are not stored but for their scores, which are taken as they are."""
        for run in cell.runs:
            folder, data = self.reading.root / run.folder, self.reading.data(run.task)
            if not (predicted := predictions(folder)):
                raise TicketsError(f"{folder / 'predictions.safetensors'}: is missing")
            scores = {}
            for name, found in predicted.items():
                split = name.removeprefix(FINAL)
                scores[name] = score_of(run.task, found, data.splits[split], split)
            yield run, self._numbers(run, scores, len(predicted["dev"]))

    def _numbers(self, run: RunAddress, scores: dict[str, dict[str, float]], n_dev: int) -> Numbers:
        plan = self._plan(run)
        at_best = {**scores["dev"], **scores.get("dev_mismatched", {})}
        last = {**scores[f"{FINAL}dev"], **scores.get(f"{FINAL}dev_mismatched", {})}
        told = read_record(self.reading.root / run.metrics)["extra"]
        sequence = dict(told["sequence"])
        if sorted(sequence) != sorted({*plan.candidates, plan.steps}) or told["best_step"] not in sequence:
            raise TicketsError(
                f"{self.reading.root / run.metrics}: has evaluations at other steps than the config"
            )
        sequence |= {told["best_step"]: at_best, plan.steps: last}
        return self._of_sequence(run, plan, sequence, scores, n_dev)

    def _of_sequence(
        self,
        run: RunAddress,
        plan: Plan,
        sequence: Mapping[int, Mapping[str, float]],
        scores: Mapping[str, Mapping[str, float]],
        n_dev: int,
    ) -> Numbers:
        """What is chosen among evaluations, those between the best and the last taken as told."""
        metric, found = lookup(run.task).metrics[0], sorted(sequence.items())
        chosen = [(step, scored) for step, scored in found if step in plan.candidates]
        step, score = best(run.task, chosen)
        extra = method_facts(self.lab.settings, run.method, run.level) | {
            "mask_seed": mask_seed(run),
            "n_train": plan.n_train,
            "few": int(plan.few is not None),
            "score_final": sequence[plan.steps][metric],
            "score_first": found[0][1][metric],
            "score_release": _release(plan, found),
            "best_step": step,
            "evaluations": len(chosen),
            "sequence": [[step, scored] for step, scored in found],
        }
        facts = {"metric": metric, "score": score, "scores": scores, "n_dev": n_dev, "extra": extra}
        return Numbers(facts, undetermined=len(sequence.keys() - {step, plan.steps}))

    def _plan(self, run: RunAddress) -> Plan:
        return plan_of(self.lab.settings, run, len(self.reading.data(run.task).splits["train"]))

    def birth(self, cell: Cell, address: RunAddress) -> Birth:
        """See `Expected`."""
        wanted = mask_of(address)
        digest: str | None = self.dense(address.model)
        removed: float | None = 0.0
        if wanted is not None:
            there = (self.reading.root / wanted.file).is_file()
            digest, removed = self.packed(wanted) if there else (None, None)
        start = self.reading.config.settings.model_folder(address.model) / "model.safetensors"
        seeds = {"train": derive_seed(self.lab.seed, "tamt-finetune", address.task, address.replicate)}
        return Birth(address.level, digest, removed, start, seeds, self._plan(address).steps)

    def _packed(self, address: MaskAddress) -> tuple[str, float]:
        found: PackedMask = read_packed(self.reading.root / address.file)
        return found.header["sha256"], found.sparsity

    def masks(self, cell: Cell) -> Iterator[tuple[MaskAddress, Ticket]]:
        """See `Expected`."""
        for address in cell.masks:
            facts = {"spec": self.spec(address), "fingerprint": self.lab.identity.fingerprint(address)}
            shapes, method = self.lab.prunable(address.model), Method.parse(address.method)
            if method.kind in ("omp", "random"):
                yield address, Ticket(facts, shapes, baseline(self.lab, address).digest())
            elif method.trained:
                yield address, Ticket(facts, shapes, nominal=address.sparsity)
            else:
                denser = [m for m in cell.masks if _same_chain(m, address) and m.level < address.level]
                parent = max(denser, key=lambda m: m.level, default=None)
                yield address, Ticket(facts, shapes, kept=self._chain_counts(address), nested_in=parent)

    def _chain_counts(self, address: MaskAddress) -> dict[str, int]:
        """Weights left of each matrix after as many prunings as the level has tenths (spec tamt section 2.3)."""
        alive = {name: math.prod(shape) for name, shape in self.lab.prunable(address.model).items()}
        for index in range(int(address.level) // 10):
            alive = {name: n - removals(imp_fraction(index), n) for name, n in alive.items()}
        return alive

    def files(self, cell: Cell) -> Iterator[tuple[Path, str]]:
        """See `Expected`. What is told of a mask beside it: of its losses nothing follows, of its size all."""
        for path in cell.files:
            try:
                read_record(self.reading.root / path)
            except TicketsError as error:
                yield path, str(error)
                return
        for address in cell.masks:
            path = losses_file(address)
            told = read_record(self.reading.root / path)
            mask = read_packed(self.reading.root / address.file)
            inner = PackedMask(
                {"shapes": [[name, shape] for name, shape in mask.shapes.items() if name != POOLER]},
                mask.tensors,
            )
            sizes = {"removed": inner.sparsity, "removed_with_pooler": mask.sparsity}
            wrong = [name for name, value in sizes.items() if told.get(name) != value]
            yield path, f"{wrong[0]} is {told.get(wrong[0])}, in the mask {sizes[wrong[0]]}" if wrong else ""


def _release(plan: Plan, sequence: Sequence[tuple[int, Mapping[str, float]]]) -> float | None:
    steps = candidates(plan.steps, plan.every, plan.task, final=False)
    score = release_score(plan.task, [(step, found) for step, found in sequence if step in steps])
    return None if math.isnan(score) else score


def _same_chain(a: MaskAddress, b: MaskAddress) -> bool:
    return (a.method, a.replicate, a.model) == (b.method, b.replicate, b.model)
