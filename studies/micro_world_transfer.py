"""What do SNLI and SciTail of the micro world gain from MNLI? Dev accuracy by starting point and share of the data.

Starting points: theta_0, theta_0 fine-tuned on MNLI, and fresh weights (embeddings too), each under a new head; and
the MNLI network as it is (share 0), whose entailment class is read as SciTail's "entails". The rules were
tuned on worlds 0 and 1, so these numbers describe the design; they are no fresh test of it. Results in
docs/explanation/micro-world.md.

    python studies/micro_world_transfer.py --worlds 0 1 2 --out studies/micro_world_transfer.csv
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import torch
from micro_world import World
from torch import Tensor

from tickets.config import load_config
from tickets.data.encoded import EncodedTask
from tickets.data.subsets import training_subset
from tickets.data.tasks import task as lookup
from tickets.jobs.scoring import Judge
from tickets.papers.lth.imp import State
from tickets.training.loop import train
from tickets.training.objective import TaskObjective
from tickets.training.recipe import Recipe
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed

COLUMNS = ("world", "task", "percent", "examples", "start", "seed", "accuracy")
TASKS, PERCENTS, SEEDS = ("snli", "scitail"), (1, 10, 100), 3
STEPS, BATCH, RATE, WARMUP = 150, 16, 1e-3, 0.1


def tuned(
    world: World, task: str, seed: int, body: dict[str, Tensor], data: EncodedTask
) -> tuple[State, float]:
    """Fine-tune `body` under a new head; every start of a (task, seed) gets the same head and order."""
    model, n = world.model(task), len(data.splits["train"])
    recipe = Recipe(steps=STEPS, batch_size=min(BATCH, n), learning_rate=RATE, warmup=WARMUP, max_length=64)
    start = world.origin(task, seed, body)
    model.load_body(start.body)
    model.load_heads(start.heads)
    order = derive_seed("micro-world", world.seed, "transfer", task, seed)
    objective = TaskObjective(data, model.heads[0], recipe, model, order)
    schedule = LinearDecay(RATE, STEPS, int(WARMUP * STEPS))
    train(model, objective, recipe, schedule, STEPS, seed=order, mask=start.mask)
    judge = Judge(task, data, recipe, model, mask_seed=0)
    score = judge.evaluate(model, model.heads[0], held_out=False).scores["dev"]["accuracy"]
    return State(model.body(), model.head_values(), start.mask), score


def as_it_is(world: World, task: str, state: State) -> float:
    """Accuracy of the MNLI network, head and all, on another task's dev split."""
    model, data = world.model("mnli"), world.data(task)
    model.load_body(state.body)
    model.load_heads(state.heads)
    judge = Judge(task, data, Recipe(steps=1), model, mask_seed=0)
    found = judge.evaluate(model, model.heads[0], held_out=False).outputs["dev"].argmax(-1)
    if task == "scitail":
        found = (found == lookup("mnli").labels.index("entailment")).long()
    labels = data.splits["dev"].labels
    assert labels is not None
    return 100 * float((found == labels).float().mean())


def study(world: World) -> Iterator[tuple[object, ...]]:
    """The rows of one world."""
    for seed in range(SEEDS):
        mnli, score = tuned(world, "mnli", seed, world.theta0, world.data("mnli"))
        yield world.seed, "mnli", 100, len(world.data("mnli").splits["train"]), "theta0", seed, score
        starts = {"theta0": world.theta0, "mnli": mnli.body, "fresh": world.fresh("mnli", seed)}
        for task in TASKS:
            yield world.seed, task, 0, 0, "mnli", seed, as_it_is(world, task, mnli)
            data = world.data(task)
            for percent in PERCENTS:
                part = training_subset(data.splits["train"], percent, task)
                some = EncodedTask({**data.splits, "train": part}, data.meta)
                for start, body in starts.items():
                    score = tuned(world, task, seed, dict(body), some)[1]
                    yield world.seed, task, percent, len(part), start, seed, score


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--worlds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("studies/micro_world_transfer.csv"))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument(
        "--work", type=Path, default=Path(".tickets/studies/micro_world"), help="pre-trained models"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    base = load_config(args.config, "micro")
    part = args.out.with_name(args.out.name + ".part")
    with part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for seed in args.worlds:
            for row in study(World(seed, base, args.work)):
                writer.writerow([*row[:-1], f"{row[-1]:.1f}"])
                file.flush()
            print(f"world {seed} done", flush=True)
    part.replace(args.out)


if __name__ == "__main__":
    main()
