"""Controlled experiments on why fine-tuning does not follow the losses of masks, each with its prediction.

Needs the masks of `micro_world_tamt.py`. One row of the CSV is one fine-tuning, scored on dev after its last step.

    cls, words   masks distilled at [CLS] alone, or at all real tokens but [CLS] (else as tamt-kd). If pair tasks need
                 the [CLS] pathway, and masks trained on words harm it, 'cls' does well on them and 'words' does not
    mlm-nsp      masks trained on masked words and next sentences at once: the same remedy by another road
    mlm-cls      masks trained on masked words, and distilled at [CLS]: a third
    table, rest  the word table's mask of tamt-mlm on the one-shot mask of all else, and the other way round: if the
                 harm is done in the encoder's matrices, 'table' has none of it and 'rest' all
    gentle       fine-tuning at a quarter of the learning rate, under one-shot, tamt-mlm and tamt-kd masks: if large
                 steps wash out what a mask is good for, its advantage over the one-shot mask grows

    python studies/micro_world_tamt_trials.py --worlds 5 6 7
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
from micro_world_tamt_why import MLM, NSP, Bench, Measures, arguments, benches
from torch import Tensor

from tickets.data.tasks import task
from tickets.jobs.scoring import Judge
from tickets.models.encoder import Batch
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.papers.tamt.mask_search import policy_of
from tickets.papers.tamt.settings import PAIRS, WORDS, MaskTraining
from tickets.provenance.collect import write_csv
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import WORDS as TABLE
from tickets.training.distillation import DistillationObjective, token_distances
from tickets.training.loop import train
from tickets.training.mask_training import MaskTraining as Scores
from tickets.training.objective import Objective, PretrainingObjective, TaskObjective
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed

TASKS = ("mnli", "rte", "sts-b", "cola", "squad")
LEVELS = ("70", "80")
SEEDS = 3
STUDIED = ("omp", "tamt-mlm", "tamt-kd")
TRIALS = ("plain", "gentle", "cls", "words", "mlm-nsp", "mlm-cls", "table", "rest")
COLUMNS = ("world", "trial", "method", "sparsity", "seed", "task", "score", "nsp", "cls", "words")


class Partial(DistillationObjective):
    """Distillation at [CLS] alone, or at every real token but [CLS]."""

    at_first = True

    def _distance(self, model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
        states = model.encoder.hidden_states(batch, train=True)
        with torch.no_grad():
            targets = self.teacher.encoder.hidden_states(batch, train=False)
        first = torch.zeros(len(batch.ids), dtype=torch.bool)
        first[batch.starts] = True
        chosen = first if self.at_first else ~first
        return token_distances(states, targets, "cosine")[chosen].mean(), states[-1]


class Both:
    """The sum of two objectives on one body."""

    def __init__(self, first: Objective, second: Objective) -> None:
        self.parts, self.steps_per_epoch = (first, second), first.steps_per_epoch

    def loss(self, model: Model, step: int) -> Tensor:
        """See `Objective`."""
        return torch.stack([part.loss(model, step) for part in self.parts]).sum()


def mask_of(bench: Bench, trial: str, level: str, seed: int) -> Mask:
    """The mask of an experiment, trained or put together."""
    omp = bench.mask("omp", level, 1)
    trained = bench.mask("tamt-mlm", level, seed)
    assert omp is not None
    assert trained is not None
    if trial == "table":
        return Mask({name: (trained if name == TABLE else omp)[name] for name in omp})
    if trial == "rest":
        return Mask({name: (omp if name == TABLE else trained)[name] for name in omp})
    own = bench.settings.mask_training["mlm" if trial.startswith("mlm") else "kd"]
    heads = {"mlm-nsp": (MLM, NSP), "mlm-cls": (MLM,)}.get(trial, ())
    model = bench.load(None, *heads)
    objective = _objective(bench, trial, own, model, derive_seed("study-trial", trial, level, seed))
    scores = Scores(
        model,
        omp,
        policy_of(bench.settings, own),
        int(level) / 100,
        steps_per_epoch=objective.steps_per_epoch,
    )
    recipe = own.recipe
    total = recipe.steps_of(objective.steps_per_epoch)
    steps = bench.settings.main_steps[level]
    train(
        model, objective, recipe, LinearDecay(recipe.learning_rate, total), steps, seed=seed, through=scores
    )
    mask = scores.mask()
    scores.close()
    return mask


def _objective(bench: Bench, trial: str, own: MaskTraining, model: Model, seed: int) -> Objective:
    recipe = own.recipe
    if trial == "mlm-nsp":
        # Twice the batch: as many sentences for masked words as tamt-mlm has, and as many pairs.
        twice = recipe.model_copy(update={"batch_size": 2 * recipe.batch_size})
        return PretrainingObjective(bench.pretraining, twice, model, seed, nsp=True)
    teacher = Model(bench.start.config, ())
    teacher.load_body(bench.start.body)
    kd = bench.settings.mask_training["kd"].recipe
    distilled = Partial(bench.data(PAIRS), kd, model, teacher, seed, pads="exclude", teacher_dropout=False)
    distilled.at_first = trial != "words"
    if trial != "mlm-cls":
        return distilled
    return Both(TaskObjective(bench.data(WORDS), MLM, recipe, model, seed), distilled)


class Tuner:
    """Fine-tunes theta_0 under masks of one world."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.heads = {name: Head(task(name).kind, task(name).outputs) for name in TASKS}
        self.train = {name: bench.resident(bench.data(name), "train") for name in TASKS}
        self.judges = {name: self._judge(name) for name in TASKS}

    def _judge(self, name: str) -> Judge:
        bench = self.bench
        return Judge(name, bench.data(name), bench.settings.recipe(name), bench.load(None), 0)

    def score(self, name: str, mask: Mask | None, seed: int, trial: str = "plain") -> float:
        """Dev score after the last step; head and data order follow from the seed, whatever the mask."""
        bench, head = self.bench, self.heads[name]
        recipe, own = bench.settings.recipe(name), derive_seed("study-tune", name, seed)
        model = bench.load(None, head)
        model.load_heads(model.fresh_heads(torch.Generator().manual_seed(own)))
        data = bench.data(name)
        objective = TaskObjective(data, head, recipe, model, own, resident=self.train[name])
        steps = recipe.total_steps(len(self.train[name]))
        schedule = LinearDecay(recipe.learning_rate * (0.25 if trial == "gentle" else 1), steps)
        train(model, objective, recipe, schedule, steps, seed=own, mask=mask)
        found = self.judges[name].evaluate(model, head, held_out=False).dev
        return float(found[task(name).metrics[0]])


def plans(bench: Bench, only: Sequence[str]) -> Iterator[tuple[str, str, str, int, Mask]]:
    """Experiment, method, level, seed and mask."""
    for level, seed, trial in product(LEVELS, range(1, SEEDS + 1), only):
        if trial not in ("plain", "gentle"):
            yield trial, trial, level, seed, mask_of(bench, trial, level, seed)
            continue
        for method in STUDIED:
            mask = bench.mask(method, level, 1 if method == "omp" else seed)
            assert mask is not None
            yield trial, method, level, seed, mask


def rows(bench: Bench, only: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One row a fine-tuning."""
    tuner, measures = Tuner(bench), Measures(bench)
    for trial, method, level, seed, mask in plans(bench, only):
        kept = measures.kept(mask)
        facts = {"world": bench.world, "trial": trial, "method": method, "sparsity": int(level) / 100}
        for name in TASKS:
            score = tuner.score(name, mask, seed, trial)
            yield facts | kept | {"seed": seed, "task": name, "score": round(score, 3)}
        print(f"world{bench.world}: {trial} {method} {level} {seed}", flush=True)


def main() -> None:
    """See the module."""
    parser = arguments((__doc__ or "").split("\n\n")[0], "micro_world_tamt_trials.csv")
    parser.add_argument("--trials", nargs="+", choices=TRIALS, default=list(TRIALS))
    args = parser.parse_args()
    found, out = benches(args)
    write_csv(out, COLUMNS, (row for bench in found for row in rows(bench, args.trials)))


if __name__ == "__main__":
    main()
