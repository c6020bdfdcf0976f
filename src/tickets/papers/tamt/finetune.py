"""Fine-tuning under a mask (spec tamt section 3), and on few examples (section 5.1)."""

import math
from typing import Any

import torch

from tickets.data.subsets import few_rows
from tickets.jobs.context import Context
from tickets.jobs.records import Scored, finished
from tickets.models.model import Model
from tickets.papers.tamt.addresses import mask_of, mask_seed
from tickets.papers.tamt.evaluations import Evaluations
from tickets.papers.tamt.lab import MaskLab
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.plans import Plan, plan_of
from tickets.papers.tamt.selection import candidates, release_score
from tickets.pruning.mask import Mask
from tickets.spec import RunAddress
from tickets.training.loop import Trained, train
from tickets.training.objective import TaskObjective
from tickets.training.resident import Resident
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed

Key = tuple[str, str, int, int]


def run_finetuning(context: Context) -> None:
    """Every run of the job."""
    tuning = Tuning(context)
    context.progress.total = sum(tuning.plan(address).steps for address in context.job.runs)
    for address in context.job.runs:
        if finished(context, address, tuning.lab.identity.fingerprint(address)):
            steps = tuning.plan(address).steps
            context.progress.skip(steps, f"{address.folder}: finished earlier")
        else:
            tuning.run(address)


class Tuning:
    """A job's models and training data, shared by its runs."""

    def __init__(self, context: Context) -> None:
        self.context, self.lab = context, MaskLab(context)
        self._models: dict[tuple[str, str], Model] = {}
        self._residents: dict[Key, Resident] = {}

    def plan(self, address: RunAddress) -> Plan:
        """Recipe and size of a run."""
        train = self.context.data(address.task).splits["train"]
        return plan_of(self.lab.settings, address, len(train))

    def run(self, address: RunAddress) -> None:
        """Fine-tune θ0 under a mask, and stage what the evaluations on the way found."""
        lab, plan, task = self.lab, self.plan(address), address.task
        identity = lab.identity.fingerprint(address)
        model, wanted = self._model(address), mask_of(address)
        mask = None if wanted is None else self.context.mask(wanted)
        seed = derive_seed(lab.seed, "tamt-finetune", *_seeds(address))
        data, head = self.context.data(task), lab.head(task)
        resident = self._resident(address, plan)
        objective = TaskObjective(data, head, plan.recipe, model, seed, resident=resident)
        points = Evaluations(lab, task, model, plan.candidates, plan.steps, identity)
        self.context.progress.start(
            f"{task} {address.method} {address.level} %, {address.source}, seed {address.replicate}"
        )
        with self.context.timed("training"):
            trained = train(
                model,
                objective,
                plan.recipe,
                LinearDecay(plan.recipe.learning_rate, plan.steps, int(plan.recipe.warmup * plan.steps)),
                plan.steps,
                seed=seed,
                mask=mask,
                watch=lab.watch(identity),
                after_step=points.after,
            )
        self._keep(address, plan, mask, points, trained, seed)
        points.clear()
        if lab.checkpoint is not None:
            lab.checkpoint.clear()

    def _model(self, address: RunAddress) -> Model:
        """θ0 with a fresh head: the same for all masks of a fine-tuning seed, so that they can be paired."""
        lab, key = self.lab, (address.model, address.task)
        if key in self._models:
            lab.reset(self._models[key], address.model)
        else:
            self._models[key] = lab.model(address.model, lab.head(address.task))
        model = self._models[key]
        seed = derive_seed(lab.seed, "tamt-head", *_seeds(address))
        model.load_heads(model.fresh_heads(torch.Generator().manual_seed(seed)))
        return model

    def _resident(self, address: RunAddress, plan: Plan) -> Resident:
        """Training examples on the device; few are drawn by the fine-tuning seed, the same for all masks."""
        seed = 0 if plan.few is None else address.replicate
        key = (address.model, address.task, plan.n_train, seed)
        if key not in self._residents:
            split = self.context.data(address.task).splits["train"]
            if plan.few is not None:
                split = split.rows(few_rows(len(split), plan.n_train, address.task, seed))
            self._residents[key] = Resident(split, self.lab.shape(address.model), self.context.device)
        return self._residents[key]

    def _keep(
        self,
        address: RunAddress,
        plan: Plan,
        mask: Mask | None,
        points: Evaluations,
        trained: Trained,
        seed: int,
    ) -> None:
        lab, best, final = self.lab, points.best, points.final
        metric = points.metric
        extra: dict[str, Any] = method_facts(lab.settings, address.method, address.level)
        extra |= {
            "mask_seed": mask_seed(address),
            "n_train": plan.n_train,
            "few": int(plan.few is not None),
            "score_final": final.evaluation.dev[metric],
            "score_first": points.sequence[0][1][metric],
            "score_release": _release(address.task, plan, points),
            "best_step": best.step,
            "evaluations": len(points.candidates),
            "sequence": [[step, scores] for step, scores in points.sequence],
        }
        lab.record(
            address,
            address,
            Scored(points.both, metric, best.evaluation.dev[metric], extra),
            trained,
            removed=0.0 if mask is None else mask.sparsity,
            mask=Mask.dense(lab.prunable(address.model)) if mask is None else mask,
            seeds={"train": seed},
        )


def _release(task: str, plan: Plan, points: Evaluations) -> float | None:
    """Score as the authors' code reports it; None where that code crashes."""
    steps = candidates(plan.steps, plan.every, task, final=False)
    score = release_score(task, [(step, found) for step, found in points.sequence if step in steps])
    return None if math.isnan(score) else score


def _seeds(address: RunAddress) -> tuple[str, int]:
    return address.task, address.replicate
