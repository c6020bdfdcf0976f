"""One masked fine-tuning step on a CPU: this package against what a user would otherwise run, side by side.

Reference: transformers' BertForSequenceClassification, batches padded to a fixed length, weights re-parametrised by
torch.nn.utils.prune, clip_grad_norm_, torch.optim.AdamW: the loop of the released scripts. Ours: packed tokens, the
last layer only where it is read, masked gradients, one flat vector. Same sizes, same examples, one thread, in turn.

    python benchmarks/bench_finetune_step.py
"""

import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch.nn.utils import clip_grad_norm_, prune
from transformers import BertConfig, BertForSequenceClassification

from tickets.data.encoded import EncodedTask, Split
from tickets.models.config import EncoderConfig
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.pruning.magnitude import one_shot
from tickets.training.loop import clip_
from tickets.training.objective import TaskObjective
from tickets.training.optim import AdamW
from tickets.training.recipe import Recipe

CASES = {
    # name: (hidden, layers, heads, ffn, vocabulary, padded length, mean and spread of real lengths, batch),
    # rounds, steps a round
    "tiny (micro preset)": ((64, 2, 8, 256, 304, 20, 15, 3, 32), 7, 12),
    "MiniLM-sized, CoLA lengths": ((384, 6, 12, 1536, 30522, 128, 11, 4, 32), 5, 1),
}


def data(vocab: int, padded: int, mean: int, spread: int, n: int) -> Split:
    generator = torch.Generator().manual_seed(0)
    lengths = (
        torch.normal(float(mean), float(spread), (n,), generator=generator).round().clamp(4, padded).int()
    )
    ids = torch.randint(5, vocab, (n, padded), dtype=torch.int32, generator=generator)
    ids[torch.arange(padded) >= lengths[:, None]] = 0
    labels = torch.randint(0, 2, (n,), generator=generator)
    return Split(ids, torch.zeros_like(ids, dtype=torch.uint8), lengths, labels)


def reference(case: tuple[int, ...], split: Split) -> Callable[[int], None]:
    hidden, layers, heads, ffn, vocab, padded, _, _, batch = case
    config = BertConfig(
        vocab_size=vocab,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=ffn,
        max_position_embeddings=128,
    )
    model = BertForSequenceClassification(config)
    modules = [m for n, m in model.bert.named_modules() if isinstance(m, torch.nn.Linear)]
    prune.global_unstructured([(m, "weight") for m in modules], prune.L1Unstructured, amount=0.7)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0)
    attention = (torch.arange(padded) < split.lengths[:, None]).long()
    model.train()

    def step(i: int) -> None:
        rows = torch.arange(i * batch, (i + 1) * batch) % len(split)
        out = model(split.ids[rows].long(), attention_mask=attention[rows], labels=split.labels[rows])
        out.loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def ours(case: tuple[int, ...], split: Split) -> Callable[[int], None]:
    hidden, layers, heads, ffn, vocab, _, _, _, batch = case
    shape = EncoderConfig("bert", vocab, hidden, layers, heads, ffn, max_positions=128)
    head = Head("classification", 2)
    model = Model(shape, [head])
    generator = torch.Generator().manual_seed(0)
    model.parameters.flat.data.normal_(0, 0.02, generator=generator)
    recipe = Recipe(steps=1, batch_size=batch, learning_rate=1e-4)
    objective = TaskObjective(EncodedTask({"train": split}, {}), head, recipe, model, 1)
    keep = model.apply_mask(one_shot(model.prunable_values(), 0.7))
    optimizer, parameters = AdamW(model.parameters, recipe), model.parameters

    def step(i: int) -> None:
        objective.loss(model, i).backward()
        parameters.grad[: parameters.prunable].mul_(keep)
        clip_(parameters.grad, 1.0)
        optimizer.step(1e-4)
        parameters.grad.zero_()

    return step


def seconds(step: Callable[[int], None], steps: int) -> float:
    begun = time.perf_counter()
    for i in range(steps):
        step(i)
    return (time.perf_counter() - begun) / steps


def main() -> None:
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, one thread; medians, in turn")
    print(f"{'case':28s} {'reference':>12s} {'ours':>12s} {'ratio':>8s}  (lowest - highest ratio)")
    for name, (case, rounds, steps) in CASES.items():
        split = data(case[4], case[5], case[6], case[7], 32 * 20)
        both = reference(case, split), ours(case, split)
        for step in both:
            seconds(step, min(3, steps))
        pairs = [tuple(seconds(step, steps) for step in both) for _ in range(rounds)]
        ratios = sorted(theirs / own for theirs, own in pairs)
        theirs, own = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name:28s} {1e3 * theirs:9.2f} ms {1e3 * own:9.2f} ms {statistics.median(ratios):7.2f}x"
              f"  ({ratios[0]:.2f} - {ratios[-1]:.2f})")  # fmt: skip


if __name__ == "__main__":
    main()
