"""Running checks: their pieces go to as many processes as there are cores, which all have the imports paid for."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from importlib import import_module

from tickets.audit.check import Check, Options, Task
from tickets.audit.report import Checked, Part, Report
from tickets.audit.subject import Source, subject_of
from tickets.errors import TicketsError

PRELOAD = (
    "pandas", "torch", "tickets.audit.artifacts", "tickets.audit.certificates", "tickets.audit.scores",
    "tickets.audit.masks", "tickets.figures.style",
)  # fmt: skip
REMEDY = "Put right what else is found of its inputs, then audit again."
Watcher = Callable[[str, int, int], None]
"""(check, pieces done, pieces in all): called whenever a piece is done."""


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def audit(
    source: Source, checks: Sequence[Check], options: Options, workers: int, watch: Watcher | None = None
) -> Report:
    """Do all checks and report what they found, in their order."""
    begun = time.monotonic()
    _quiet_threads()
    subject_of.cache_clear()  # look at the disk anew
    subject = subject_of(source)
    tasks = [Task(source, check.name, unit) for check in checks for unit in check.units(subject, options)]
    parts = {check.name: Part() for check in checks}
    seconds = dict.fromkeys(parts, 0.0)
    done = dict.fromkeys(parts, 0)
    total = {name: sum(task.check == name for task in tasks) for name in parts}
    for task, (part, cpu) in _results(tasks, workers):
        parts[task.check].add(part)
        seconds[task.check] += cpu
        done[task.check] += 1
        if watch is not None:
            watch(task.check, done[task.check], total[task.check])
    return Report(
        subject.config.preset,
        tuple(subject.chapters),
        options.quick,
        round(time.monotonic() - begun, 2),
        _peak(),
        tuple(_checked(check, parts[check.name], seconds[check.name]) for check in checks),
    )


def _checked(check: Check, part: Part, seconds: float) -> Checked:
    findings = sorted({replace(f, check=check.name) for f in part.findings}, key=lambda f: (f.wrong, f.file))
    unchecked, notes = dict(sorted(part.unchecked.items())), dict(sorted(part.notes.items()))
    return Checked(
        check.name, check.compares, part.items, tuple(findings), unchecked, notes, round(seconds, 2)
    )


def _results(tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, tuple[Part, float]]]:
    if workers == 1:
        yield from ((task, work(task)) for task in tasks)
        return
    for name in PRELOAD:
        import_module(name)
    with ProcessPoolExecutor(workers, _context(), _quiet_threads) as pool:
        waiting: dict[Future[tuple[Part, float]], Task] = {pool.submit(work, task): task for task in tasks}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def work(task: Task) -> tuple[Part, float]:
    """Do a piece of a check; returns what it found, and the CPU seconds that it took.

    Files that someone has changed can break anything: whatever goes wrong on the way is a finding.
    """
    begun, unit = _cpu_seconds(), task.unit
    try:
        part = unit.work(subject_of(task.source), **unit.arguments)
    except TicketsError as error:
        part = Part()
        file, _, wrong = str(error).partition(": ")
        part.fault(file if wrong else _name(task), wrong or file, REMEDY)
    except Exception as error:
        part = Part()
        part.fault(_name(task), f"cannot be checked or made again ({type(error).__name__}: {error})", REMEDY)
    return part, _cpu_seconds() - begun


def _name(task: Task) -> str:
    """What a piece of a check is about."""
    return " ".join([task.check, *(str(value) for value in task.unit.arguments.values())])


def _cpu_seconds() -> float:
    """CPU seconds of this process and of those that it started."""
    return sum(os.times()[:4])


def _context() -> multiprocessing.context.BaseContext:
    """Forked processes have the imports and the subject already; elsewhere each pays for its own."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else None)


def _quiet_threads() -> None:
    """One thread a process: a forked process cannot use threads that its parent had."""
    import torch

    torch.set_num_threads(1)


def _peak() -> int:
    """Largest memory of any process, in MB."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(w).ru_maxrss for w in who) / 1024)
