"""What a running job has at hand: data, the pre-trained model, staging for results, progress."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch

from tickets.config import Config
from tickets.data.encoded import EncodedTask
from tickets.errors import TicketsError
from tickets.grid import Job
from tickets.jobs.devices import Claim, take
from tickets.jobs.files import file_hash
from tickets.models.heads import Head
from tickets.models.hf import WEIGHTS, Checkpoint, load_folder
from tickets.models.model import Model
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress
from tickets.training import checkpoint as inflight
from tickets.training.interrupt import StopRequest
from tickets.training.loop import Watch
from tickets.training.progress import Progress

INFLIGHT = Path(".tickets") / "inflight"


class Context:
    """One job's surroundings. Results go to `staging` first and are published together when the job is done."""

    def __init__(
        self, config: Config, job: Job, stop: StopRequest | None = None, root: Path | None = None
    ) -> None:
        self.config, self.job = config, job
        self.root = root or config.root
        self.fingerprint = job.fingerprint
        self.staging = INFLIGHT / config.preset / f"{job.name[:80]}-{self.fingerprint[:16]}"
        self.stop = StopRequest() if stop is None else stop  # a request not yet made is false
        self.progress = Progress(job.name, 0)
        self.checkpoint_steps: int | None = None
        self.seconds: Counter[str] = Counter({"start": time.process_time()})
        self.begun = time.monotonic()
        self._claim: Claim | None = None
        self._data: dict[str, EncodedTask] = {}
        self._checkpoints: dict[str, Checkpoint] = {}
        self._models: dict[tuple[Head, ...], Model] = {}
        self._hashes: dict[Path, str] = {}

    @property
    def results(self) -> Path:
        """Finished results of this job, laid out as under results/<preset>."""
        return self.staging / "results"

    @cached_property
    def device(self) -> torch.device:
        """The device of the config; 'cuda' without a GPU is an error, never a fallback.

        A preset that asks for GPUs (`execution.gpus`) gets one that no other job has; this may have to wait for it.
        """
        wanted = self.config.settings.execution.device
        if wanted != "cpu" and self.config.settings.execution.gpus:
            self._take_gpu()
        if wanted == "auto":
            wanted = "cuda" if torch.cuda.is_available() else "cpu"
        if wanted == "cuda" and not torch.cuda.is_available():
            raise TicketsError(
                f"presets.{self.config.preset}.execution.device is 'cuda', but no GPU is visible. "
                "Run where there is one, or set it to 'auto' or 'cpu'."
            )
        if wanted == "cuda":
            # Exact mode: equal runs give equal bits. cuBLAS reads the variable when its first kernel starts.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
        return torch.device(wanted)

    def _take_gpu(self) -> None:
        # Devices are counted without starting CUDA: once started, it goes on seeing all of them.
        started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        if torch.cuda.device_count() and not started:
            with self.timed("waiting"):
                self._claim = take(self.job.name, lambda: bool(self.stop))

    def pretrained_file(self, role: str = "base") -> Path:
        """Weights of theta_0 on disk."""
        return self.root / self.config.settings.model_folder(role) / WEIGHTS

    def pretrained(self, role: str = "base") -> Checkpoint:
        """theta_0 and the heads of the checkpoint, read once a job."""
        if role not in self._checkpoints:
            self._checkpoints[role] = load_folder(self.pretrained_file(role).parent)
        return self._checkpoints[role]

    def data_path(self, task: str) -> Path:
        """Encoded data of a task on disk."""
        return self.root / self.job.data_file(task)

    def data(self, task: str) -> EncodedTask:
        """Encoded data of a task, read once a job."""
        if task not in self._data:
            with self.timed("data"):
                self._data[task] = EncodedTask.load(self.data_path(task))
        return self._data[task]

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the block's wall time to a phase of the job's cost record, less that of phases within it."""
        begun, before = time.monotonic(), sum(self.seconds.values())
        try:
            yield
        finally:
            within = sum(self.seconds.values()) - before
            self.seconds[phase] += time.monotonic() - begun - within  # type: ignore[assignment]

    def model(self, heads: Sequence[Head]) -> Model:
        """A model with these heads; its weights are whatever the last run left, so load before use."""
        key = tuple(heads)
        if key not in self._models:
            self._models[key] = Model(self.pretrained().config, key, self.device)
        return self._models[key]

    def mask(self, address: MaskAddress) -> Mask:
        """A mask made by this job or an earlier one."""
        return Mask.load(self.path(address.file))

    def path(self, relative: Path) -> Path:
        """Where a result lies now: staged by this job, or published."""
        staged = self.results / relative
        return staged if staged.exists() else self.root / relative

    def hash(self, path: Path) -> str:
        """sha256 of an input file, computed once a job."""
        if path not in self._hashes:
            self._hashes[path] = file_hash(path)
        return self._hashes[path]

    def watch(self, identity: str) -> Watch:
        """Checkpointing and progress for one run; `identity` is its fingerprint."""
        return Watch(
            inflight.Checkpoint(self.staging / "checkpoints" / identity[:16], identity),
            self.config.settings.execution.checkpoint_seconds,
            self.checkpoint_steps,
            self.progress,
            self.stop,
        )
