"""Global magnitude pruning at BERT-base size (85,524,480 weights, 73 tensors): ours beside the alternatives.

Run `python benchmarks/bench_prune_global.py [--threads N] [--device cuda]`. Prints seconds (best of the repeats)
and the ratio to ours. The first rows are whole masks; the others only find the threshold, on a vector that is
already joined, and so flatter themselves. What the last run printed is in bench_prune_global.txt.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from tickets.pruning.magnitude import one_shot
from tickets.pruning.prunable import prunable_shapes


def best_of(repeats: int, call: Callable[[], object], device: str) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def with_torch_prune(weights: dict[str, Tensor], sparsity: float) -> None:
    modules = []
    for weight in weights.values():
        module = nn.Linear(1, 1, bias=False)
        module.weight = nn.Parameter(weight, requires_grad=False)
        modules.append((module, "weight"))
    prune.global_unstructured(modules, pruning_method=prune.L1Unstructured, amount=sparsity)


def candidates(weights: dict[str, Tensor], sparsity: float) -> dict[str, Callable[[], object]]:
    flat = torch.cat([weight.reshape(-1) for weight in weights.values()]).abs()
    count = round(sparsity * flat.numel())
    return {
        "tickets one_shot (mask)": lambda: one_shot(weights, sparsity),
        "torch.nn.utils.prune (mask)": lambda: with_torch_prune(weights, sparsity),
        "topk (threshold)": lambda: torch.topk(flat, count, largest=False).values[-1],
        "topk unsorted (threshold)": lambda: torch.topk(
            flat, count, largest=False, sorted=False
        ).values.max(),
        "kthvalue (threshold)": lambda: torch.kthvalue(flat, count).values,
        "sort (threshold)": lambda: torch.sort(flat).values[count - 1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: (torch.randn(shape, generator=generator) * 0.04).to(options.device)
        for name, shape in prunable_shapes(768, 3072, 12).items()
    }
    where = f"{platform.machine()} {options.device}, {options.threads} thread(s)"
    print(f"torch {torch.__version__}, {where}, load {os.getloadavg()[0]:.1f}")
    for sparsity in (0.1, 0.7):
        print(f"\nsparsity {sparsity}")
        times = {
            name: best_of(options.repeats, call, options.device)
            for name, call in candidates(weights, sparsity).items()
        }
        ours = next(iter(times.values()))
        for name, seconds in times.items():
            print(f"{name:30s} {seconds:7.2f} s  x {seconds / ours:5.1f}")


if __name__ == "__main__":
    main()
