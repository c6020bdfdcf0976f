"""What the checks look at: a folder, a config, an environment, programs. Imports no torch."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any

import yaml

from tickets.config import Config, load_config
from tickets.errors import TicketsError

PATIENCE = 4.0
"""Seconds that a program may take to answer."""


@dataclass(frozen=True)
class Answer:
    """What a program said; `late`: it did not within the time allowed, and was ended."""

    code: int
    out: str
    error: str = ""
    late: bool = False

    @property
    def good(self) -> bool:
        """Whether it ended by itself and well."""
        return self.code == 0 and not self.late


@dataclass(frozen=True)
class Surroundings:
    """Where the doctor looks.

    root       the checkout, where commands are run
    network    whether the network may be asked
    python     the interpreter that runs the jobs
    """

    root: Path = Path()
    config_file: Path = Path("config.yaml")
    preset: str | None = None
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    python: str = sys.executable
    _asked: dict[tuple[str, ...], "Future[Answer]"] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @cached_property
    def config(self) -> Config:
        """The active preset. Raises `TicketsError` where the config is unusable."""
        return load_config(self.root / self.config_file, self.preset)

    @property
    def unusable(self) -> str:
        """What is wrong with the config; '' if nothing is."""
        try:
            _ = self.config
        except TicketsError as error:
            return str(error)
        return ""

    @cached_property
    def presets(self) -> tuple[str, ...]:
        """Names of all presets of the file."""
        _ = self.config
        return tuple(yaml.safe_load((self.root / self.config_file).read_text())["presets"])

    @property
    def results(self) -> Path:
        """results/<preset>."""
        return self.root / self.config.root

    def which(self, program: str) -> str | None:
        """A program on the PATH."""
        return shutil.which(program, path=self.environment.get("PATH", ""))

    def ask(self, *command: str, seconds: float = PATIENCE) -> Answer | None:
        """Run a program that only looks, once however often it is asked; None where it is not there."""
        program = self.which(command[0]) if os.sep not in command[0] else command[0]
        if program is None:
            return None
        with self._lock:
            mine = command not in self._asked
            answer = self._asked.setdefault(command, Future())
        if mine:
            answer.set_result(self._run([program, *command[1:]], seconds))
        return answer.result()

    def _run(self, command: list[str], seconds: float) -> Answer:
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return Answer(-1, "", f"no answer within {seconds:g} s", late=True)
        except OSError as error:
            return Answer(-1, "", str(error))
        return Answer(done.returncode, done.stdout.strip(), done.stderr.strip())

    def unreachable(self, host: str, port: int) -> str:
        """Why a host does not answer within the time allowed; '' if it does.

        Looking up a name has no time limit of its own, so it happens in a thread that nobody waits for.
        """
        said: Queue[str] = Queue()

        def connect() -> None:
            try:
                socket.create_connection((host, port), timeout=PATIENCE).close()
                said.put("")
            except OSError as error:
                said.put(error.strerror or str(error))

        Thread(target=connect, daemon=True).start()
        try:
            return said.get(timeout=PATIENCE)
        except Empty:
            return f"no answer within {PATIENCE:g} s"

    @cached_property
    def needs_gpu(self) -> bool:
        """Whether jobs of the preset cannot run without a GPU."""
        execution = self.config.settings.execution
        return execution.device == "cuda" or execution.gpus > 0

    @cached_property
    def slurm(self) -> bool:
        """Whether jobs can be submitted to Slurm from here."""
        return self.which("sbatch") is not None

    @cached_property
    def slurm_profile(self) -> dict[str, Any]:
        """What `--profile slurm` says here; empty where there is no such file."""
        for path in (self.root / "slurm" / "config.yaml", self.root / "workflow/profiles/slurm/config.yaml"):
            if path.is_file():
                try:
                    found = yaml.safe_load(path.read_text())
                except yaml.YAMLError as error:
                    raise TicketsError(f"{path}: not valid YAML ({error}). Restore it from git.") from None
                return found if isinstance(found, dict) else {}
        return {}
