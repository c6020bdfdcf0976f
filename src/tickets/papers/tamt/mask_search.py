"""Task-agnostic mask training, the paper's method (spec tamt section 1.15):

for each prunable matrix: R = init(s); thr = phi
for t = 1, 2, ...:
    loss = objective(model with W * (R > thr))
    R.grad = W * dL/dW_eff                          # straight through, pruned entries too
    clip; update R (and, for masked words, the head)
    if due(t): for each matrix: thr = k-th smallest of R, k = floor(n s)
    at a checkpoint: keep R > thr
"""

from dataclasses import dataclass
from typing import Any

from tickets.grid import Cell
from tickets.jobs.context import Context
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.papers.tamt.addresses import start_of, training_file
from tickets.papers.tamt.identity import training_of
from tickets.papers.tamt.lab import MaskLab
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.settings import PAIRS, WORDS, MaskTraining, TamtSettings
from tickets.papers.tamt.training_log import Logged, TrainingLog
from tickets.spec import MaskAddress
from tickets.training.distillation import DistillationObjective
from tickets.training.loop import train
from tickets.training.mask_policy import MaskPolicy
from tickets.training.mask_training import MaskTraining as Scores
from tickets.training.objective import Objective, TaskObjective
from tickets.training.schedule import LinearDecay

MLM = Head("mlm")


@dataclass(frozen=True)
class Search:
    """One training: its method, the masks wanted of it by step, and how it is done."""

    method: Method
    masks: dict[int, MaskAddress]
    training: MaskTraining

    @property
    def address(self) -> MaskAddress:
        """Address of any of the masks: model, sparsity and seed are the same for all."""
        return next(iter(self.masks.values()))

    @property
    def last(self) -> int:
        """Steps to train."""
        return max(self.masks)


def run_search(context: Context) -> None:
    """Train the masks of every cell; keep each at its step, with its losses on held-out text."""
    lab = MaskLab(context)
    plans = [(cell, _search(lab.settings, cell)) for cell in context.job.plans()]
    context.progress.total = sum(search.last for _, search in plans)
    for cell, search in plans:
        if all((context.results / path).exists() for path in cell.files):
            context.progress.skip(search.last, f"{search.address.folder}: finished earlier")
            continue
        _train(lab, search)
        for address, losses in zip(cell.masks, cell.files, strict=False):
            lab.keep_losses(losses, address.model, context.mask(address))
        if lab.checkpoint is not None:
            lab.checkpoint.clear()


def _search(settings: TamtSettings, cell: Cell) -> Search:
    masks = {method_facts(settings, m.method, m.level)["step"]: m for m in cell.masks}
    method = Method.parse(cell.masks[0].method).run
    return Search(method, masks, training_of(settings.mask_training, method))


def _train(lab: MaskLab, search: Search) -> None:
    address, recipe, settings = search.address, search.training.recipe, lab.settings
    assert address.sparsity is not None
    model = lab.model(address.model, *([] if search.method.objective == "kd" else [MLM]))
    seed = lab.train_seed(address)
    objective = Logged(_objective(lab, search, model, seed))
    path = training_file(search.method, address.level, address.replicate, address.model)
    log = TrainingLog(lab.context.results / path, settings.log_every, search.last)
    scores = Scores(
        model,
        lab.context.mask(start_of(address)),
        policy_of(settings, search.training),
        address.sparsity,
        steps_per_epoch=objective.steps_per_epoch,
        log_due=log.due,
    )

    def row() -> dict[str, Any]:
        assert scores.grad_rms is not None
        ratio = scores.grad_rms / recipe.eps
        return {"loss": objective.mean(), "removed": scores.realised(), "grad_ratio": ratio}

    def after(step: int) -> None:
        if step in search.masks:
            lab.keep_mask(search.masks[step], scores.mask())
        log.add(step, row)

    total = recipe.steps_of(objective.steps_per_epoch)
    lab.context.progress.start(f"{search.method.token} {address.level} %, seed {address.replicate}")
    with lab.context.timed("training"):
        trained = train(
            model,
            objective,
            recipe,
            LinearDecay(recipe.learning_rate, total),
            search.last,
            seed=seed,
            through=scores,
            watch=lab.watch_of(search.method.token, address.level, address.replicate, address.model),
            after_step=after,
        )
    log.write({"seconds_per_step": trained.seconds / trained.steps})


def _objective(lab: MaskLab, search: Search, model: Model, seed: int) -> Objective:
    """Masked words, hidden states of the full model, or both (spec section 1.10)."""
    training, data, role = search.training, lab.context.data, search.address.model
    if search.method.objective == "mlm":
        return TaskObjective(data(WORDS), MLM, training.recipe, model, seed)
    teacher = lab.model(role)
    alone = search.method.objective == "kd"
    return DistillationObjective(
        data(PAIRS if alone else WORDS),
        training.recipe,
        model,
        teacher,
        seed,
        pads=training.pads,
        teacher_dropout=training.teacher_dropout,
        words=None if alone else MLM,
    )


def policy_of(settings: TamtSettings, training: MaskTraining) -> MaskPolicy:
    """Real-valued masks as the config has them."""
    return MaskPolicy(**settings.scores.model_dump(exclude={"pooler"}), **training.threshold.model_dump())
