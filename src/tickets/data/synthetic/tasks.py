"""The tasks of the micro language: sizes, label balance, and splits that cannot overlap.

A text belongs to one part (train, dev, test, mismatched) by its checksum alone, for every task and for the
pre-training corpus. An example of one part is therefore never found in another part of any of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from tickets.data.synthetic import nli_tasks, pair_tasks, single_tasks
from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.language import Words
from tickets.data.synthetic.pair_tasks import Example
from tickets.data.synthetic.pretraining import draw_pair
from tickets.data.synthetic.world import World
from tickets.errors import TicketsError

WORLD_VERSION = 1
"""Raised whenever any sentence of any data set changes."""
SPLITS = ("train", "dev", "test", "dev_mismatched")
_PARTS = 10
_PART_OF_SPLIT: Mapping[str, range] = {
    "train": range(0, 7),
    "dev": range(7, 8),
    "test": range(8, 9),
    "dev_mismatched": range(9, 10),
}
_MAX_TRIES = 20_000

Draw = Callable[[World, Dice, int, str], Example]


@dataclass(frozen=True)
class Rule:
    """How a task is written: `draw` makes an example of a class, `shares` gives the classes their weights."""

    draw: Draw
    shares: tuple[int, ...]
    sizes: Mapping[str, int]


class Drawn(NamedTuple):
    """One split in words."""

    split: str
    examples: tuple[Example, ...]


def _mlm(world: World, dice: Dice, label: int, split: str) -> Example:
    pair = draw_pair(world, dice, positive=True)
    return Example(pair.first, pair.second, label)


def _nsp(world: World, dice: Dice, label: int, split: str) -> Example:
    pair = draw_pair(world, dice, positive=bool(label))
    return Example(pair.first, pair.second, label)


def _sizes(train: int, dev: int, mismatched: int = 0) -> dict[str, int]:
    sizes = {"train": train, "dev": dev, "test": dev}
    return sizes | {"dev_mismatched": mismatched} if mismatched else sizes


RULES: Mapping[str, Rule] = {
    "mnli": Rule(pair_tasks.mnli, (1, 1, 1), _sizes(4000, 500, 500)),
    "qqp": Rule(pair_tasks.qqp, (1, 1), _sizes(4000, 500)),
    "sts-b": Rule(pair_tasks.stsb, (1, 1, 1, 1), _sizes(1500, 400)),
    "wnli": Rule(pair_tasks.wnli, (14, 11), _sizes(200, 71)),
    "qnli": Rule(pair_tasks.qnli, (1, 1), _sizes(3000, 500)),
    "mrpc": Rule(pair_tasks.mrpc, (1, 1), _sizes(1000, 400)),
    "rte": Rule(pair_tasks.rte, (1, 1), _sizes(800, 400)),
    "sst-2": Rule(single_tasks.sst2, (1, 1), _sizes(400, 400)),
    "cola": Rule(single_tasks.cola, (1, 1), _sizes(2500, 500)),
    "squad": Rule(single_tasks.squad, (1,), _sizes(1000, 400)),
    "mlm": Rule(_mlm, (1,), _sizes(4000, 600)),
    "snli": Rule(nli_tasks.snli, (1, 1, 1), _sizes(4000, 500)),
    "scitail": Rule(nli_tasks.scitail, (1, 1), _sizes(2400, 400)),
    "wikitext": Rule(_mlm, (1,), _sizes(4000, 600)),
    "wikitext-pairs": Rule(_mlm, (1,), _sizes(4000, 600)),
}
"""Classes of a task, their shares and the default number of examples in each split.

A new task goes to the end: its place is its stream of random numbers.
"""
NSP = Rule(_nsp, (1, 1), {"train": 40_000, "dev": 600})
"""The pre-training corpus; label 1 is a true continuation."""
_STREAMS = {task_id: 10 + index for index, task_id in enumerate(RULES)}
_NSP_STREAM = 1


def draw_task(world: World, task_id: str, sizes: Mapping[str, int] | None = None) -> tuple[Drawn, ...]:
    """All splits of a task in words; `sizes` overrides the number of examples by split.

    Raises `TicketsError` for an unknown task or split and for more examples than the language holds.
    """
    if task_id not in RULES:
        raise TicketsError(f"unknown synthetic task '{task_id}'. The tasks are: {', '.join(RULES)}.")
    rule = RULES[task_id]
    unknown = set(sizes or ()) - set(rule.sizes)
    if unknown:
        raise TicketsError(
            f"{task_id}: no split {', '.join(sorted(unknown))}. Its splits are: {', '.join(rule.sizes)}."
        )
    wanted = {**rule.sizes, **(sizes or {})}
    return tuple(
        _draw_split(world, rule, task_id, _STREAMS[task_id], split, n) for split, n in wanted.items()
    )


def draw_pretraining(world: World, n_pairs: int, n_dev: int) -> tuple[Drawn, ...]:
    """The pre-training corpus (`train`) and held-out pairs (`dev`), half of each true continuations."""
    wanted = {"train": n_pairs, "dev": n_dev}
    return tuple(_draw_split(world, NSP, "pretraining", _NSP_STREAM, s, n) for s, n in wanted.items())


def part_of(first: Words, second: Words) -> int:
    """The part (0 to 9) a text belongs to: by its checksum, whichever sentence comes first."""
    return crc32("|".join(sorted((" ".join(first), " ".join(second)))).encode()) % _PARTS


def _draw_split(world: World, rule: Rule, name: str, stream: int, split: str, n: int) -> Drawn:
    """`n` different examples whose text belongs to the split."""
    dice = Dice(world.seed, stream, SPLITS.index(split))
    part = _PART_OF_SPLIT[split]
    seen: set[tuple[Words, Words]] = set()
    examples = []
    for label in _balanced_labels(dice, rule.shares, n):
        for _ in range(_MAX_TRIES):
            example = rule.draw(world, dice, label, split)
            key = (example.first, example.second)
            if key not in seen and part_of(*key) in part:
                break
        else:
            raise TicketsError(
                f"{name}.{split}: the language has too few different examples for {n}. Ask for fewer."
            )
        seen.add(key)
        examples.append(example)
    return Drawn(split, tuple(examples))


def _balanced_labels(dice: Dice, shares: tuple[int, ...], n: int) -> list[int]:
    """`n` labels in random order, class c making up `shares[c] / sum(shares)` of them to within one."""
    total, bounds = sum(shares), [0]
    for share in shares:
        bounds.append(bounds[-1] + share)
    cuts = [round(n * bound / total) for bound in bounds]
    labels = [label for label in range(len(shares)) for _ in range(cuts[label + 1] - cuts[label])]
    return dice.shuffled(labels)
