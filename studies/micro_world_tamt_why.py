"""Why downstream scores do or do not follow the losses of pre-training: what the masks of `micro_world_tamt.py` keep.

Of every main mask, before any fine-tuning of theta_0 under it (one row a mask):

    nsp         accuracy of the next-sentence head that theta_0 was pre-trained with, on held-out clean pairs
    cls, words  cosine of the last layer's states to those of the full model, at [CLS] and at all other tokens
    overlap     Jaccard overlap with the one-shot mask, mean over matrices
    probe_*     score of a ridge regression of a task's labels on the frozen states ([CLS], and the pooler's output)
    mlm_tuned   held-out MLM loss when all weights left have been trained on MLM as on a task: what training repairs

    python studies/micro_world_tamt_why.py --worlds 5 6 7
"""

import argparse
import os
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import yaml
from micro_world_tamt import LEVELS, SEEDS, WORLDS, world_config
from torch import Tensor

from tickets.config import Config
from tickets.data.encoded import EncodedTask
from tickets.data.synthetic.build import build_pretraining
from tickets.data.tasks import task
from tickets.grid import data_file
from tickets.jobs.scoring import score_outputs
from tickets.models.heads import Head
from tickets.models.hf import load_folder
from tickets.models.model import Model
from tickets.papers.tamt.addresses import mask as address_of
from tickets.papers.tamt.dev_losses import MASKED_WORDS
from tickets.papers.tamt.settings import WORDS, tamt_settings
from tickets.provenance.collect import write_csv
from tickets.pruning.mask import Mask
from tickets.pruning.overlap import macro_jaccard
from tickets.training.evaluate import predict, predict_words
from tickets.training.loop import train
from tickets.training.objective import TaskObjective
from tickets.training.resident import Resident
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed

TASKS = ("mnli", "rte", "sts-b", "cola", "sst-2")
METHODS = ("imp", "tamt-mlm", "tamt-kd", "tamt-mlm-kd")
MLM, NSP = Head("mlm"), Head("nsp", 2)
PROBED = 800
"""Training examples of a probe."""
RIDGE = 0.01
COLUMNS = (
    "world", "method", "sparsity", "mask_seed", "nsp", "cls", "words", "overlap", "mlm_tuned",
    *(f"probe_{name}" for name in TASKS),
)  # fmt: skip


class Bench:
    """One world's theta_0, data and masks; `load` gives theta_0 under a mask."""

    def __init__(self, config: Config, world: int) -> None:
        self.config, self.world, self.settings = config, world, tamt_settings(config)
        self.start = load_folder(config.root / config.settings.model_folder("base"))
        self.data = cache(self._data)
        self.model = cache(self._model)

    def _data(self, name: str) -> EncodedTask:
        return EncodedTask.load(self.config.root / data_file(name, self.settings.recipe(name).max_length))

    def _model(self, *heads: Head) -> Model:
        return Model(self.start.config, heads)

    @cached_property
    def pretraining(self) -> EncodedTask:
        """Pairs as theta_0 was trained on, and held-out ones."""
        return build_pretraining(self.world, 8000)

    def mask(self, method: str, level: str, seed: int) -> Mask | None:
        """A mask of the study, if it was made; none either for the full model."""
        path = self.config.root / address_of(method, level, seed).file
        return Mask.load(path) if method != "full" and path.exists() else None

    def load(self, mask: Mask | None, *heads: Head) -> Model:
        """theta_0 under a mask, with the heads it was pre-trained with."""
        model = self.model(*heads)
        model.load_body(self.start.body)
        names = [name for name in model.head_names if name in self.start.heads]
        if names:
            model.load_heads({name: self.start.heads[name] for name in names})
        if mask is not None:
            model.apply_mask(mask)
        return model

    def resident(self, data: EncodedTask, split: str, rows: int | None = None) -> Resident:
        """A split, or its first rows."""
        part = data.splits[split]
        return Resident(part if rows is None else part.head(rows), self.start.config)


@torch.inference_mode()
def states(model: Model, resident: Resident) -> tuple[Tensor, Tensor]:
    """The last layer's states of all tokens [tokens, hidden], and which of them are [CLS]."""
    batch = resident.batch(torch.arange(len(resident)))
    first = torch.zeros(len(batch.ids), dtype=torch.bool)
    first[batch.starts] = True
    return model.encoder.hidden_states(batch, train=False)[-1], first


@torch.inference_mode()
def features(model: Model, resident: Resident) -> Tensor:
    """What a probe reads [rows, 2 hidden]: the state of [CLS] and what the pooler makes of it."""
    batch = resident.batch(torch.arange(len(resident)))
    first = model.encoder(batch, "first", train=False)
    return torch.cat([first, model.encoder.pool(first)], dim=1)


class Measures:
    """Measures masks of one world against its full model."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.pairs = bench.resident(bench.pretraining, "dev")
        self.full, self.first = states(bench.load(None), self.pairs)
        sets = {name: bench.data(name) for name in TASKS}
        self.probed = {
            name: (bench.resident(data, "train", PROBED), bench.resident(data, "dev"))
            for name, data in sets.items()
        }

    def of(self, mask: Mask | None, omp: Mask | None, seed: int) -> dict[str, float]:
        """Everything about one mask."""
        model = self.bench.load(mask)
        own = {f"probe_{name}": self.probe(model, name) for name in TASKS}
        return own | {
            **self.kept(mask),
            "overlap": 1.0 if mask is None or omp is None else macro_jaccard(mask, omp),
            "mlm_tuned": self.mlm_tuned(mask, seed),
        }

    def kept(self, mask: Mask | None) -> dict[str, float]:
        """What is left of next-sentence prediction and of the full model's states."""
        own = states(self.bench.load(mask), self.pairs)[0]
        cosine = F.cosine_similarity(own, self.full, dim=-1)
        near = {"cls": float(cosine[self.first].mean()), "words": float(cosine[~self.first].mean())}
        return {"nsp": round(self.nsp(mask), 5)} | {name: round(value, 5) for name, value in near.items()}

    def nsp(self, mask: Mask | None) -> float:
        """Percent of held-out pairs that the next-sentence head gets right."""
        guesses = predict(self.bench.load(mask, NSP), NSP, self.pairs).argmax(1)
        assert self.pairs.labels is not None
        return 100 * float((guesses == self.pairs.labels).float().mean())

    def probe(self, model: Model, name: str) -> float:
        """Dev score of a ridge regression on frozen states, features standardised on the training examples."""
        train_split, dev = self.probed[name]
        x, y = features(model, train_split), train_split.labels
        assert y is not None
        regression = task(name).kind == "regression"
        targets = y[:, None].float() if regression else F.one_hot(y, task(name).outputs).float()
        mean, std, centre = x.mean(0), x.std(0) + 1e-6, targets.mean(0)
        x = (x - mean) / std
        gram = x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1])
        weights = torch.linalg.solve(gram, x.T @ (targets - centre))
        outputs = (features(model, dev) - mean) / std @ weights + centre
        return score_outputs(name, outputs, dev.split, "dev")[task(name).metrics[0]]

    def mlm_tuned(self, mask: Mask | None, seed: int) -> float:
        """MLM loss on held-out text after fine-tuning on MLM with the recipe of most tasks."""
        bench, recipe = self.bench, self.bench.settings.recipe("rte")
        assert recipe.steps is not None
        data, model = bench.data(WORDS), bench.load(None, MLM)
        own = derive_seed("study-mlm", seed)
        schedule = LinearDecay(recipe.learning_rate, recipe.steps)
        objective = TaskObjective(data, MLM, recipe, model, own)
        train(model, objective, recipe, schedule, recipe.steps, seed=own, mask=mask)
        dev = bench.resident(data, "dev")
        return predict_words(model, MLM, dev, data, recipe, MASKED_WORDS).scores()["loss"]


def wanted() -> Iterator[tuple[str, str, int]]:
    """Masks to measure: method, level, seed."""
    yield "full", "00", 1
    for level in LEVELS:
        yield "omp", level, 1
        for seed in range(1, SEEDS + 1):
            for method in METHODS:
                yield method, level, seed


def rows(bench: Bench) -> Iterator[dict[str, Any]]:
    """One row a mask that there is."""
    measures = Measures(bench)
    for method, level, seed in wanted():
        mask = bench.mask(method, level, seed)
        if mask is None and method != "full":
            continue
        found = measures.of(mask, bench.mask("omp", level, 1), seed)
        row = {"world": bench.world, "method": method, "sparsity": int(level) / 100, "mask_seed": seed}
        yield row | {name: round(value, 5) for name, value in found.items()}
        print(f"world{bench.world}: {method} {level} {seed}", flush=True)


def arguments(description: str, out: str) -> argparse.ArgumentParser:
    """What this study's scripts are called with."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--worlds", type=int, nargs="+", default=list(WORLDS))
    parser.add_argument("--out", type=Path, default=Path("studies") / out)
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument(
        "--work", type=Path, default=Path(".tickets/studies/tamt"), help="as made by the study"
    )
    return parser


def benches(args: argparse.Namespace) -> tuple[list[Bench], Path]:
    """The worlds asked for, from within their folder; the file to write, as an absolute path."""
    raw, out = yaml.safe_load(args.config.read_text()), args.out.resolve()
    os.chdir(args.work)
    torch.set_num_threads(1)
    return [Bench(world_config(raw, world), world) for world in args.worlds], out


def main() -> None:
    """See the module."""
    args = arguments((__doc__ or "").split("\n\n")[0], "micro_world_tamt_masks.csv").parse_args()
    found, out = benches(args)
    write_csv(out, COLUMNS, (row for bench in found for row in rows(bench)))


if __name__ == "__main__":
    main()
