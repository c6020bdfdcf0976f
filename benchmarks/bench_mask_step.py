"""One step of mask training: this package against the formulas written out on transformers, side by side.

Plain: benchmarks/plain_mask_training.py (every matrix re-parametrised in every forward pass, logits of all positions;
its distillation here: hidden states of two transformers models). Ours: what `tickets` runs. Beside them the step that
trains weights: transformers' BertForMaskedLM, our model, and our model under a mask (IMP). All have torch's fused Adam
(the plain one would else lose by that alone), dropout and fp32. Contenders take turns within a round; medians over
rounds, ratios within rounds. Peak memory is that of a process of its own. BERT-base needs 16 GB.

    python benchmarks/bench_mask_step.py [--cases "tiny" "base, 2 x 128" --device cuda --rounds 5 --threads 2]
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from mask_step_contenders import CASES, NEVER, Case, Contenders, Step

CONTENDERS = {
    # what a step trains: theirs, ours
    "TAMT-MLM": ("plain mlm", "masks mlm"),
    "TAMT-KD": ("plain kd", "masks kd"),
    "TAMT-MLM+KD": ("plain mlm-kd", "masks mlm-kd"),
    "weights, MLM": ("theirs", "weights"),
    "weights, MLM, masked (IMP)": (None, "imp"),
}
NAMES = [name for pair in CONTENDERS.values() for name in pair if name is not None]


class Laps:
    """Seconds of the parts of a step."""

    def __init__(self, clock: str) -> None:
        self.clock, self.parts, self.last = clock, {}, now(clock)

    def __call__(self, part: str) -> None:
        last, self.last = self.last, now(self.clock)
        self.parts[part] = self.parts.get(part, 0.0) + self.last - last


def now(clock: str) -> float:
    """Seconds, once the device has done what it was told; "cpu-time": CPU seconds, of all threads."""
    if clock == "cuda":
        torch.cuda.synchronize()
    return time.process_time() if clock == "cpu-time" else time.perf_counter()


def seconds(step: Step, first: int, calls: int, clock: str) -> float:
    begun = now(clock)
    for i in range(first, first + calls):
        step(i)
    return (now(clock) - begun) / calls


def ratio(rounds: list[dict[str, float]], over: str, under: str) -> str:
    ratios = sorted(times[over] / times[under] for times in rounds)
    return f"{statistics.median(ratios):.2f}x ({ratios[0]:.2f} - {ratios[-1]:.2f})"


def compare(case: Case, device: str, clock: str, rounds: int, memory: dict[str, float]) -> None:
    contenders = Contenders(case, device)
    steps = {name: contenders[name] for name in NAMES}
    for step in steps.values():
        seconds(step, 0, min(3, case.calls), clock)
    times = [
        {name: seconds(step, r * case.calls, case.calls, clock) for name, step in steps.items()}
        for r in range(rounds)
    ]

    def cell(name: str | None) -> str:
        if name is None:
            return f"{'-':>40s}"
        ms = sorted(1e3 * t[name] for t in times)
        peak = f" {1e3 * memory[name]:7.0f} MB" if name in memory else ""
        return f"{f'{statistics.median(ms):.1f} ({ms[0]:.1f} - {ms[-1]:.1f}){peak}':>40s}"

    print(f"{'ms a step, peak memory':26s} {'transformers':>40s} {'ours':>40s}   theirs / ours")
    for label, (theirs, own) in CONTENDERS.items():
        gain = "" if theirs is None else ratio(times, theirs, own)
        print(f"{label:26s} {cell(theirs)} {cell(own)}   {gain}")
    print(f"TAMT-MLM / IMP step        ours {ratio(times, 'masks mlm', 'imp')}; the paper's: 0.97x")
    print(f"TAMT-KD / IMP step         ours {ratio(times, 'masks kd', 'imp')}; the paper's: 1.18x")
    print(f"TAMT-MLM / weights, MLM    ours {ratio(times, 'masks mlm', 'weights')}, "
          f"transformers {ratio(times, 'plain mlm', 'theirs')}")  # fmt: skip
    parts(contenders, case, clock)


def parts(contenders: Contenders, case: Case, clock: str) -> None:
    """Where the time of our steps goes, and what an update of all thresholds costs."""
    for name in ("masks mlm", "masks kd", "weights"):
        step, laps = contenders.ours(name), Laps(clock)
        for i in range(3 * case.calls):
            step(i, laps)
        total = sum(laps.parts.values())
        shares = ", ".join(f"{part} {100 * spent / total:.1f}" for part, spent in laps.parts.items())
        print(f"% of {name:20s}  {shares}")
    masks, ids = contenders.masks, contenders.resident.ids[: case.rows].flatten().long()

    def look(i: int) -> None:
        assert masks.model.encoder.lookup is not None
        masks.model.encoder.lookup(ids).sum().backward()

    step = contenders.ours("masks mlm")
    whole = seconds(step, 0, 3 * case.calls, clock)
    words = seconds(look, 0, 3 * case.calls, clock)
    masks.policy = replace(masks.policy, every=1)
    update = seconds(masks.updated, 1, max(1, case.calls // 10), clock)
    masks.policy = replace(masks.policy, every=NEVER)
    print(f"lookup of words, with its gradient: {1e3 * words:.2f} ms ({100 * words / whole:.1f} % of the step). "
          f"All thresholds once: {1e3 * update:.1f} ms ({100 * update / whole:.1f} %).")  # fmt: skip


def gigabytes_at_most(case: Case, name: str, device: str) -> float:
    """Peak memory of three steps; on a CPU over what the imports took, read where Linux tells it."""
    imports = 0.0 if device == "cuda" else _peak()
    seconds(Contenders(case, device)[name], 0, 3, device)
    return torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else _peak() - imports


def _peak() -> float:
    facts = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(facts["VmHWM"].split()[0]) * 1024 / 1e9


def alone(case: str, name: str, device: str) -> float:
    """`gigabytes_at_most` in a process of its own."""
    command = [sys.executable, __file__, "--cases", case, "--device", device, "--alone", name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    gpu = torch.cuda.is_available()
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if gpu else "cpu")
    parser.add_argument("--cases", nargs="+", help="beginnings of names: " + "; ".join(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument(
        "--cpu-time", action="store_true", help="CPU seconds: for a busy machine and one thread"
    )
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    args = parser.parse_args()
    default = list(CASES) if args.device == "cuda" else list(CASES)[:3]
    chosen = [n for n in CASES if n.startswith(tuple(args.cases))] if args.cases else default
    if args.alone:
        print(gigabytes_at_most(CASES[chosen[0]], args.alone, args.device))
        return
    where = torch.cuda.get_device_name() if args.device == "cuda" else platform.machine()
    print(f"{where}, torch {torch.__version__}, fp32; medians of {args.rounds} rounds, in turn")
    for name in chosen:
        torch.set_num_threads(1 if name.startswith("tiny") else args.threads)
        print(f"\n{name} tokens, {args.device}, threads: {torch.get_num_threads()}")
        memory = {} if args.no_memory else {n: alone(name, n, args.device) for n in NAMES}
        compare(CASES[name], args.device, "cpu-time" if args.cpu_time else args.device, args.rounds, memory)


if __name__ == "__main__":
    main()
