"""Heads and FFNs that do not exist against heads and FFNs multiplied by zero, side by side.

Contenders: the reduced model; our full model under 0/1 gates; the same, computing no FFN whose gate is 0; and what a
user of transformers runs, where head_mask is gone: BertForSequenceClassification with hooks that multiply by the
masks, torch.optim.AdamW (fused, as ours) and clip_grad_norm_. Random weights; sequences of one length, so that nothing
is won by packing. Contenders take turns within a round; medians over rounds. `ideal` is the ratio of the FLOPs of spec
supertickets section 6.3; `engine` is transformers against our gated model, what is not due to removal.

    python benchmarks/bench_removal.py [--batch 8 --length 64 --rounds 5 --levels 1 2 3 --threads 2 1 --large]
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from transformers import BertConfig, BertForSequenceClassification

from tickets.models.config import EncoderConfig
from tickets.models.encoder import Gates, pack
from tickets.models.heads import Head, loss
from tickets.models.layout import encoder_shapes
from tickets.models.model import Model
from tickets.models.removal import gates
from tickets.pruning.structured import StructuredMask
from tickets.training.loop import clip_
from tickets.training.optim import AdamW
from tickets.training.recipe import Recipe

BASE = EncoderConfig()
LARGE = EncoderConfig(hidden_size=1024, layers=24, heads=16, intermediate_size=4096)
HEAD = Head("classification", 2)
Step = Callable[[], None]


@dataclass(frozen=True)
class Data:
    """Sentences without padding [batch, length], and their labels."""

    ids: Tensor
    labels: Tensor

    @classmethod
    def random(cls, batch: int, length: int, device: str) -> "Data":
        generator = torch.Generator().manual_seed(0)
        ids = torch.randint(1000, 30000, (batch, length), generator=generator)
        return cls(ids.to(device), torch.randint(2, (batch,), generator=generator).to(device))


def structure_of(config: EncoderConfig, level: int) -> StructuredMask:
    """Counts of the paper's level, drawn at random; one head a layer is protected, as in winning tickets."""
    structure, generator = (
        StructuredMask.full(config.layers, config.heads),
        torch.Generator().manual_seed(level),
    )
    order = torch.rand(config.layers, config.heads, generator=generator)
    order[torch.arange(config.layers), torch.randint(config.heads, (config.layers,), generator=generator)] = 2
    structure.heads.view(-1)[order.flatten().argsort()[: config.layers * config.heads * level // 10]] = False
    structure.ffns[torch.randperm(config.layers, generator=generator)[: level * config.layers // 12]] = False
    return structure


def ideal(config: EncoderConfig, structure: StructuredMask, length: int) -> float:
    n, d = length, config.hidden_size
    attention, ffn = 8 * n * d * d + 4 * n * n * d, 16 * n * d * d
    left = structure.heads.float().mean() * attention + structure.ffns.float().mean() * ffn
    return (attention + ffn) / float(left)


def our_steps(model: Model, optimizer: AdamW, gate: Gates | None, data: Data) -> tuple[Step, Step]:
    rows, width = data.ids.shape
    lengths = torch.full((rows,), width, device=data.ids.device)
    batch = pack(data.ids, torch.zeros_like(data.ids), lengths, width)
    grad = model.parameters.grad

    def predict() -> None:
        with torch.inference_mode():
            model.forward(batch, HEAD, gates=gate)

    def train() -> None:
        outputs = model.forward(batch, HEAD, train=True, gates=gate)
        loss("classification", outputs, data.labels).backward()
        clip_(grad, 1.0)
        optimizer.step(1e-5)
        grad.zero_()

    return predict, train


def our_model(config: EncoderConfig, structure: StructuredMask | None, device: str) -> tuple[Model, AdamW]:
    model = Model(config, [HEAD], device, structure=structure)
    model.parameters.flat.data.normal_(0, 0.02)
    for name in model.parameters.spans:
        if name.endswith("LayerNorm.weight"):
            model.parameters.view(name).fill_(1.0)
    return model, AdamW(model.parameters, Recipe(steps=1, learning_rate=1e-5))


def their_model(config: EncoderConfig, device: str) -> BertForSequenceClassification:
    return BertForSequenceClassification(BertConfig(**config.to_hf())).to(device)


@contextmanager
def hooks(model: BertForSequenceClassification, structure: StructuredMask, device: str) -> Iterator[None]:
    """Multiply context slices and FFN outputs by the masks."""
    handles = []
    size = model.config.hidden_size // model.config.num_attention_heads
    kept = zip(model.bert.encoder.layer, structure.heads, structure.ffns, strict=True)
    for layer, heads, ffn in kept:
        columns, scale = heads.float().repeat_interleave(size).to(device), ffn.float().to(device)
        output = layer.attention.output.dense
        handles.append(output.register_forward_pre_hook(lambda _, x, columns=columns: (x[0] * columns,)))
        handles.append(layer.output.dense.register_forward_hook(lambda _, x, y, scale=scale: y * scale))
    yield
    for handle in handles:
        handle.remove()


def their_steps(model: BertForSequenceClassification, data: Data) -> tuple[Step, Step]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.0, fused=True)
    mask = torch.ones_like(data.ids)

    def predict() -> None:
        if model.training:
            model.eval()
        with torch.inference_mode():
            model(data.ids, attention_mask=mask)

    def train() -> None:
        if not model.training:
            model.train()
        model(data.ids, attention_mask=mask, labels=data.labels).loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return predict, train


def seconds(step: Step, device: str, clock: Callable[[], float], least: float = 0.0) -> float:
    """One call, or as many as fill `least` seconds."""
    calls, begun, spent = 0, clock(), 0.0
    while not calls or spent < least:
        step()
        if device == "cuda":
            torch.cuda.synchronize()
        calls, spent = calls + 1, clock() - begun
    return spent / calls


def medians(steps: Sequence[Step], sizes: argparse.Namespace, device: str) -> list[float]:
    clock = time.process_time if sizes.cpu_time else time.perf_counter
    for step in steps:
        seconds(step, device, clock)
    least = 0.2 if device == "cuda" else 0.0
    rounds = [[seconds(step, device, clock, least) for step in steps] for _ in range(sizes.rounds)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def share_left(config: EncoderConfig, structure: StructuredMask) -> float:
    sizes = [
        sum(torch.Size(s).numel() for s in encoder_shapes(config, kept).values())
        for kept in (structure, None)
    ]
    return 100 * sizes[0] / sizes[1]


def table(
    name: str, config: EncoderConfig, levels: Iterable[int], sizes: argparse.Namespace, device: str
) -> None:
    data = Data.random(sizes.batch, sizes.length, device)
    full, theirs = our_model(config, None, device), their_model(config, device)
    their_pair = their_steps(theirs, data)
    print(
        f"\n{name}, batch {sizes.batch} x {sizes.length} tokens, {where(device)}\n"
        f"{'':32s} | {'forward':^48s} | {'training step':^48s}\n"
        f"{'level':>5s} {'heads':>5s} {'FFNs':>4s} {'weights':>8s} {'ideal':>6s} | "
        + " | ".join([f"{'ms':>8s} {'gated':>7s} {'skipping':>9s} {'transformers':>13s} {'engine':>7s}"] * 2)
    )
    for level in levels:
        structure = structure_of(config, level)
        gate = gates(structure, device)
        contenders = [
            our_steps(*our_model(config, structure, device), None, data),
            our_steps(*full, replace(gate, skipped=frozenset()), data),
            our_steps(*full, gate, data),
            their_pair,
        ]
        row = (
            f"{level:5d} {structure.removed_heads:5d} {structure.removed_ffns:4d} "
            f"{share_left(config, structure):7.1f}% {ideal(config, structure, sizes.length):6.2f}"
        )
        with hooks(theirs, structure, device):
            for kind in (0, 1):
                own, gated, skipping, other = medians([pair[kind] for pair in contenders], sizes, device)
                row += (
                    f" | {1e3 * own:8.1f} {gated / own:6.2f}x {skipping / own:8.2f}x {other / own:12.2f}x"
                    f" {other / gated:6.2f}x"
                )
        print(row, flush=True)
        del contenders  # the next level's model needs the room


def where(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else f"CPU, threads: {torch.get_num_threads()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--levels", type=int, nargs="+", default=list(range(1, 9)))
    parser.add_argument("--threads", type=int, nargs="+", default=[torch.get_num_threads()])
    parser.add_argument(
        "--cpu-time", action="store_true", help="CPU seconds: for a busy machine and one thread"
    )
    parser.add_argument("--large", action="store_true", help="BERT-large too, levels 1, 4 and 8")
    sizes = parser.parse_args()
    unit = "CPU seconds" if sizes.cpu_time else "wall-clock"
    print(
        f"{platform.machine()}, torch {torch.__version__}, fp32; {unit}, medians, in turn; ratios: slower than removal"
    )
    devices = [("cuda", 1)] if torch.cuda.is_available() else []
    for device, threads in [("cpu", n) for n in sizes.threads] + devices:
        torch.set_num_threads(threads)
        table("BERT-base", BASE, sizes.levels, sizes, device)
        if sizes.large:
            table("BERT-large", LARGE, (1, 4, 8), sizes, device)


if __name__ == "__main__":
    main()
