"""Preemption: SIGTERM and SIGINT ask the run to save and stop at the next step."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):
    """The run stopped on a signal after writing its checkpoint; the same command continues it."""


class StopRequest:
    """Set by a signal, read between steps."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Catch SIGTERM and SIGINT inside the block; the previous handlers come back after it."""
    request = StopRequest()

    def handle(number: int, frame: FrameType | None) -> None:
        request.signal = number

    before = {s: signal.signal(s, handle) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
