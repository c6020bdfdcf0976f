"""Iterative magnitude pruning on masked words (spec tamt section 2.3):

    prune 10 % of theta_0
    for j = 1, 2, ...:
        train theta and the head for p steps, the optimizer and its schedule afresh
        prune 10 % more of the original weights, the smallest |theta| of those left, matrix by matrix
        imp-rewind: theta <- theta_0 (the head goes on);  imp: theta goes on

The release means to rewind, but its saved theta_0 shares memory with the weights that it trains, so that nothing is
restored: its numbers are those of `imp` (spec section 9, A12). Here theta_0 is read from the checkpoint.
"""

from dataclasses import replace

import torch

from tickets.grid import Cell
from tickets.jobs.context import Context
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.papers.tamt.addresses import training_file
from tickets.papers.tamt.lab import MaskLab
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.settings import WORDS
from tickets.papers.tamt.training_log import Logged, TrainingLog
from tickets.pruning.local import prune_local
from tickets.pruning.magnitude import imp_fraction
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress, fingerprint
from tickets.training.checkpoint import Checkpoint
from tickets.training.loop import train
from tickets.training.objective import TaskObjective
from tickets.training.schedule import LinearDecay

MLM = Head("mlm")


def run_imp(context: Context) -> None:
    """All chains of the job."""
    lab = MaskLab(context)
    chains = [Chain(lab, cell) for cell in context.job.plans()]
    context.progress.total = sum(chain.total for chain in chains)
    for chain in chains:
        chain.run()


class Chain:
    """One chain: its interval, its sparsities, and where it is."""

    def __init__(self, lab: MaskLab, cell: Cell) -> None:
        self.lab, self.cell = lab, cell
        self.masks = {address.level: address for address in cell.masks}
        self.address: MaskAddress = cell.masks[0]
        self.method = Method.parse(self.address.method)
        # Of the whole chain: not of the first sparsity that a config asks of it.
        self.seed = lab.train_seed(replace(self.address, level="all"))
        self.interval = self.method.interval or lab.settings.imp.interval
        self.rounds = max(map(int, self.masks)) // 10 - 1
        self.total = self.rounds * self.interval
        where = (self.address.method, self.address.replicate, self.address.model)
        identity = fingerprint({"job": lab.context.fingerprint, "chain": [str(part) for part in where]})
        self.store = Checkpoint(lab.context.staging / "chains", identity, identity[:16])
        path = training_file(self.method, "all", self.address.replicate, self.address.model)
        self.log = TrainingLog(lab.context.results / path, lab.settings.log_every, self.total)

    def run(self) -> None:
        """Train and prune until the sparsest mask is there; stage masks, losses and the log."""
        lab, role = self.lab, self.address.model
        if all((lab.context.results / path).exists() for path in self.cell.files):
            lab.context.progress.skip(self.total, f"{self.address.folder}: finished earlier")
            return
        model = lab.model(role, MLM)
        first, mask, seconds = self._resume(model)
        for round in range(first, self.rounds + 1):
            if round:
                seconds += self._train(model, mask, round)
            mask = self.next_mask(model, mask, round)
            self._keep(mask, round)
            self._save(model, mask, round + 1, seconds)
        for address, losses in zip(self.cell.masks, self.cell.files, strict=False):
            lab.keep_losses(losses, role, lab.context.mask(address))
        self.log.write({"seconds_per_step": seconds / self.total})
        self.store.clear()

    def next_mask(self, model: Model, mask: Mask, round: int) -> Mask:
        """Prune by the weights as they are now; rewind them if this is the flavour that does."""
        weights = {name: model.parameters.view(name) for name in mask}
        pruned = prune_local(weights, mask, imp_fraction(round))
        if self.method.kind == "imp-rewind":
            model.load_body(self.lab.pretrained(self.address.model).body)
        return pruned

    def _train(self, model: Model, mask: Mask, round: int) -> float:
        """The steps before the pruning of a round; returns their seconds."""
        lab, recipe, made = self.lab, self.lab.settings.imp.recipe, (round - 1) * self.interval
        objective = Logged(TaskObjective(lab.context.data(WORDS), MLM, recipe, model, self.seed))
        total = recipe.steps_of(objective.steps_per_epoch)

        def after(step: int) -> None:
            row = lambda: {"loss": objective.mean(), "removed": mask.sparsity, "level": 10 * round}  # noqa: E731
            self.log.add(made + step, row)

        lab.context.progress.start(f"{self.address.method} round {round}, seed {self.address.replicate}")
        with lab.context.timed("training"):
            trained = train(
                model,
                objective,
                recipe,
                LinearDecay(recipe.learning_rate, total),
                self.interval,
                seed=self.seed,
                first_step=made,
                mask=mask,
                watch=lab.watch_of(self.address.method, self.address.replicate, self.address.model, round),
                after_step=after,
            )
        return trained.seconds

    def _keep(self, mask: Mask, round: int) -> None:
        level = str(10 * (round + 1))
        if level in self.masks:
            self.lab.keep_mask(self.masks[level], mask)

    def _save(self, model: Model, mask: Mask, round: int, seconds: float) -> None:
        """The start of a round, for a killed job; the last round's checkpoint is then of no use."""
        tensors = {"flat": model.parameters.flat, "mask": mask.flat().to(torch.uint8)}
        self.store.save(tensors, {"round": round, "seconds": seconds})
        if self.lab.checkpoint is not None:
            self.lab.checkpoint.clear()

    def _resume(self, model: Model) -> tuple[int, Mask, float]:
        """Round to enter, its mask, and the seconds spent before it."""
        shapes = self.lab.prunable(self.address.model)
        saved = self.store.load()
        if saved is None:
            return 0, Mask.dense(shapes), 0.0
        tensors, facts = saved
        model.parameters.flat.data.copy_(tensors["flat"])
        made = (facts["round"] - 1) * self.interval
        self.lab.context.progress.skip(made, f"{self.address.folder}: finished rounds")
        return facts["round"], Mask.from_flat(tensors["mask"].bool(), shapes), facts["seconds"]
