"""Learning rates of mask training and IMP in the micro world, by losses on held-out text alone (no task is looked at).

One training a variant on world 5, one seed: what changes is named in `VARIANTS`, all else is as in the preset. Needs
theta_0 and data of `micro_world_tamt.py`. One row of the CSV is one mask; step 0 is the one-shot mask it starts from.

    python studies/micro_world_tamt_recipes.py --worlds 5
"""

from collections.abc import Iterator, Mapping
from typing import Any

from micro_world_tamt_why import MLM, Bench, arguments, benches

from tickets.models.model import Model
from tickets.papers.tamt.dev_losses import DevLosses
from tickets.papers.tamt.mask_search import policy_of
from tickets.papers.tamt.settings import PAIRS, WORDS, MaskTraining
from tickets.provenance.collect import write_csv
from tickets.pruning.local import local_magnitude, prune_local
from tickets.pruning.magnitude import imp_fraction
from tickets.pruning.mask import Mask
from tickets.pruning.overlap import macro_jaccard
from tickets.training.distillation import DistillationObjective
from tickets.training.loop import train
from tickets.training.mask_training import MaskTraining as Scores
from tickets.training.objective import Objective, TaskObjective
from tickets.training.schedule import LinearDecay

Change = Mapping[str, Any]
LEVELS = ("50", "70", "80")
RATES = (1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 1e-3, 2e-3)
ALONE: tuple[Change, ...] = (
    {"every": 5},
    {"every": 1},
    {"batch_size": 32},
    {"betas": (0.9, 0.98)},
    {"mlm_probability": 0.25},
    {"steps": 0},
)
"""Changes tried at 50 % with a first guess of the rate and the one chosen; steps 0: it falls to 0 at the main step."""
KD = (
    (3e-5, 1e-6),
    (7e-5, 1e-6),
    (1e-4, 1e-6),
    (4e-4, 1e-6),
    (2e-4, 1e-5),
    (5e-4, 3e-5),
    (4e-4, 1e-4),
    (1e-3, 1e-4),
    (2e-3, 1e-4),
)
"""Learning rates and epsilons."""
IMP = (3e-4, 1e-3, 2e-3)
POINTS = (15, 45, 90, 165)
COLUMNS = (
    "world", "objective", "sparsity", "change", "step", "mlm_loss", "kd_loss", "overlap", "grad_ratio",
)  # fmt: skip


def variants(level: str) -> Iterator[tuple[str, Change]]:
    """Objective and what is changed."""
    for rate in RATES:
        yield "mlm", {"learning_rate": rate}
    for rate in (1e-3, 4e-4):
        for change in ALONE if level == "50" else ():
            yield "mlm", {"learning_rate": rate, **change}
    for rate in (2e-4, 4e-4, 1e-3):
        yield "mlm-kd", {"learning_rate": rate}
    for rate, eps in KD:
        yield "kd", {"learning_rate": rate, "eps": eps}


class Scan:
    """Trainings on one world."""

    def __init__(self, bench: Bench) -> None:
        self.bench, start = bench, bench.start
        kd = bench.settings.recipe(PAIRS)
        self.dev = DevLosses(
            start,
            bench.data(WORDS),
            bench.data(PAIRS),
            bench.settings.recipe(WORDS),
            kd.max_length,
            bench.load(None).device,
        )

    def row(
        self, objective: str, level: str, change: str, step: int, mask: Mask, ratio: float
    ) -> dict[str, Any]:
        """One mask."""
        losses = self.dev.of(mask)
        facts = {"world": self.bench.world, "objective": objective, "sparsity": int(level) / 100}
        found = {name: round(losses[name], 4) for name in ("mlm_loss", "kd_loss")}
        near = round(macro_jaccard(mask, self.omp(level)), 4)
        return (
            facts | found | {"change": change, "step": step, "overlap": near, "grad_ratio": round(ratio, 3)}
        )

    def omp(self, level: str) -> Mask:
        """Where trainings start."""
        names = self.bench.mask("omp", LEVELS[0], 1)
        assert names is not None
        return local_magnitude({name: self.bench.start.body[name] for name in names}, int(level) / 100)

    def masks(self, name: str, level: str, change: Change) -> Iterator[dict[str, Any]]:
        """One mask training."""
        bench, own = self.bench, self.bench.settings.mask_training[name]  # type: ignore[index]
        last, label = bench.settings.main_steps[level], " ".join(f"{k}={v}" for k, v in change.items())
        threshold = {k: v for k, v in change.items() if k == "every"}
        changed = {k: v for k, v in change.items() if k != "every"}
        if changed.get("steps") == 0:
            changed["steps"] = last
        recipe = own.recipe.model_copy(update=changed)
        training = own.model_copy(
            update={"recipe": recipe, "threshold": own.threshold.model_copy(update=threshold)}
        )
        model = bench.load(None, *([] if name == "kd" else [MLM]))
        objective = self._objective(name, training, model)
        scores = Scores(
            model,
            self.omp(level),
            policy_of(bench.settings, training),
            int(level) / 100,
            steps_per_epoch=objective.steps_per_epoch,
            log_due=lambda step: step in (*POINTS, last),
        )
        found: list[dict[str, Any]] = []

        def after(step: int) -> None:
            if step in POINTS or step == last:
                assert scores.grad_rms is not None
                found.append(self.row(name, level, label, step, scores.mask(), scores.grad_rms / recipe.eps))

        total = recipe.steps_of(objective.steps_per_epoch)
        train(
            model, objective, recipe, LinearDecay(recipe.learning_rate, total), last,
            seed=1, through=scores, after_step=after,
        )  # fmt: skip
        scores.close()
        yield from found

    def _objective(self, name: str, training: MaskTraining, model: Model) -> Objective:
        bench = self.bench
        if name == "mlm":
            return TaskObjective(bench.data(WORDS), MLM, training.recipe, model, 1)
        teacher = Model(bench.start.config, ())
        teacher.load_body(bench.start.body)
        return DistillationObjective(
            bench.data(PAIRS if name == "kd" else WORDS),
            training.recipe,
            model,
            teacher,
            1,
            pads=training.pads,
            teacher_dropout=training.teacher_dropout,
            words=None if name == "kd" else MLM,
        )

    def imp(self, rate: float) -> Iterator[dict[str, Any]]:
        """One chain of iterative magnitude pruning, weights going on."""
        bench, imp = self.bench, self.bench.settings.imp
        recipe = imp.recipe.model_copy(update={"learning_rate": rate})
        model, mask = bench.load(None, MLM), Mask.dense({n: v.shape for n, v in self.omp("50").items()})
        objective = TaskObjective(bench.data(WORDS), MLM, recipe, model, 1)
        schedule = LinearDecay(rate, recipe.steps_of(objective.steps_per_epoch))
        for round in range(9):
            if round:
                made = (round - 1) * imp.interval
                train(model, objective, recipe, schedule, imp.interval, seed=1, first_step=made, mask=mask)
            weights = {name: model.parameters.view(name) for name in mask}
            mask = prune_local(weights, mask, imp_fraction(round))
            level = str(10 * (round + 1))
            if level in LEVELS:
                yield self.row("imp", level, f"learning_rate={rate}", round * imp.interval, mask, 0.0)


def rows(bench: Bench) -> Iterator[dict[str, Any]]:
    """Everything of one world."""
    scan = Scan(bench)
    for level in LEVELS:
        yield scan.row("omp", level, "", 0, scan.omp(level), 0.0)
        for name, change in variants(level):
            yield from scan.masks(name, level, change)
            print(f"world{bench.world}: {level} {name} {dict(change)}", flush=True)
    for rate in IMP:
        yield from scan.imp(rate)


def main() -> None:
    """See the module."""
    parser = arguments((__doc__ or "").split("\n\n")[0], "micro_world_tamt_recipes.csv")
    parser.set_defaults(worlds=[5])
    found, out = benches(parser.parse_args())
    write_csv(out, COLUMNS, (row for bench in found for row in rows(bench)))


if __name__ == "__main__":
    main()
