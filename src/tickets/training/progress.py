"""What runs, how fast, and how long it still takes: a live line in a terminal, plain lines in a log."""

import sys
import time
from typing import TextIO


class Progress:
    """Counts optimizer steps over all runs of a job."""

    def __init__(self, job: str, total_steps: int, stream: TextIO | None = None, every: float = 10.0) -> None:
        self.job, self.total, self.stream = job, total_steps, stream or sys.stderr
        self.live = self.stream.isatty()
        self.every = 0.2 if self.live else every
        self.done, self.trained, self.run = 0, 0, ""
        self.begun = self._last = time.monotonic()

    def start(self, run: str) -> None:
        """Name the run that trains now."""
        self.run = run
        if not self.live:
            self._write(f"{self.job}: {run} ({self.done}/{self.total} steps done)")

    def skip(self, steps: int, why: str) -> None:
        """Steps that need not be trained (finished earlier, or shared with another run)."""
        self.done += steps
        self._write(f"{self.job}: {why}: {steps} steps skipped")

    def step(self, loss: float | None = None) -> None:
        """One step trained."""
        self.done += 1
        self.trained += 1
        now = time.monotonic()
        if now - self._last >= self.every:
            self._last = now
            self._write(self.line(now, loss))

    def line(self, now: float, loss: float | None = None) -> str:
        """One line of state."""
        rate = self.trained / max(now - self.begun, 1e-9)
        left = (self.total - self.done) / rate if rate else float("inf")
        shown = "" if loss is None else f"  loss {loss:.4f}"
        share = f"{self.done}/{self.total} steps ({100 * self.done / max(self.total, 1):.0f} %)"
        return f"{self.job}: {self.run}  {share}  {rate:.1f} steps/s  {clock(left)} left{shown}"

    def finish(self) -> None:
        """Close with the totals."""
        spent = time.monotonic() - self.begun
        self._write(f"{self.job}: done, {self.trained} steps trained in {clock(spent)}")
        if self.live:
            self.stream.write("\n")

    def _write(self, line: str) -> None:
        self.stream.write(f"\r\x1b[K{line}" if self.live else f"{line}\n")
        self.stream.flush()


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss, or with one decimal below a minute."""
    if seconds == float("inf"):
        return "?"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, s = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{s:02d}"
