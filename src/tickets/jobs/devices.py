"""A GPU for a job to itself, on a machine without a scheduler for them. Imports no torch.

Snakemake counts GPUs (`--resources gpu=2`) but does not say which one a job may have. So a job claims one by a lock on
a file that stands for the device, and sees no other one from then on. The operating system drops the lock when the
process ends, however it ends.
"""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tickets.errors import TicketsError
from tickets.training.interrupt import Interrupted

VISIBLE = "CUDA_VISIBLE_DEVICES"
SHARE = "TICKETS_JOBS_PER_GPU"
FOLDER = "TICKETS_GPU_LOCKS"
_LISTED = re.compile(r"GPU (?P<index>\d+):.*\(UUID: (?P<gpu>GPU-[^)]+)\)|MIG .*\(UUID: (?P<mig>MIG-[^)]+)\)")


@dataclass(frozen=True)
class Device:
    """A GPU, or a MIG slice of one.

    token  how CUDA_VISIBLE_DEVICES names it: an index or a UUID
    key    names its lock: the UUID, by which every process of the machine knows it, where that is known
    """

    token: str
    key: str


class Claim:
    """A device that is this process's until `close`, or until the process ends."""

    def __init__(self, device: Device, files: Sequence[int]) -> None:
        self.device, self._files = device, list(files)

    def close(self) -> None:
        """Give the device back."""
        while self._files:
            os.close(self._files.pop())


def take(job: str, stop: Callable[[], bool], folder: Path | None = None) -> Claim | None:
    """Claim a GPU for this process and hide the others from it; to be called before CUDA starts.

    Waits while all are taken, and raises `Interrupted` when `stop` says so. Nothing is claimed where no GPU is listed,
    and in a Slurm job that was given exactly one: whose that is, Slurm has decided.
    """
    found = visible(os.environ)
    if not found:
        return None
    if len(found) == 1 and "SLURM_JOB_ID" in os.environ and VISIBLE in os.environ:
        _say(job, f"GPU {found[0].token}, from Slurm")
        return None
    claim = wait_for(found, job, stop, lock_folder() if folder is None else folder, jobs_per_gpu(os.environ))
    os.environ[VISIBLE] = claim.device.token
    _say(job, f"GPU {claim.device.token}")
    return claim


def visible(environment: Mapping[str, str], listing: str | None = None) -> list[Device]:
    """The GPUs that CUDA would see, as CUDA_VISIBLE_DEVICES limits them; none where nothing says what there is.

    listing: what `nvidia-smi -L` prints, which is asked if not given.
    """
    known = _listed(_nvidia_smi() if listing is None else listing)
    wanted = environment.get(VISIBLE)
    if wanted is None:
        return [Device(key, key) for keys in known.values() for key in keys]
    found: dict[str, Device] = {}
    for token in (word.strip() for word in wanted.split(",")):
        if not token or token.startswith("-"):  # CUDA reads the list up to the first name that is none
            break
        key = _key(token, known, environment)
        found.setdefault(key, Device(token, key))
    return list(found.values())


def wait_for(
    devices: Sequence[Device],
    job: str,
    stop: Callable[[], bool],
    folder: Path,
    share: int = 1,
    poll: float = 1.0,
) -> Claim:
    """Claim the first free one; a second job goes to a device (`share`) only when every device has a first one."""
    waiting = False
    while True:
        for place in range(share):
            for device in devices:
                claim = _try(device, folder, f"{_file_name(device.key)}.{place}.lock", job)
                if claim is not None:
                    return claim
        if stop():
            raise Interrupted(f"{job}: stopped while it waited for a GPU")
        if not waiting:
            waiting = True
            _say(job, f"waits for a GPU: {'; '.join(_holders(devices, folder))}")
        time.sleep(poll)


def jobs_per_gpu(environment: Mapping[str, str]) -> int:
    """How many jobs may share a device: TICKETS_JOBS_PER_GPU, or 1."""
    text = environment.get(SHARE, "1")
    if not text.isdecimal() or int(text) < 1:
        raise TicketsError(f"{SHARE}: {text!r} is no number of jobs. Set it to 1 or more, or unset it.")
    return int(text)


def places(environment: Mapping[str, str]) -> int:
    """How many jobs can have a GPU of this machine at a time; 0 where no GPU is listed."""
    return len(visible(environment)) * jobs_per_gpu(environment)


def lock_folder() -> Path:
    """Where the locks are: TICKETS_GPU_LOCKS, or a folder of the user's own in /tmp.

    It must be the same for all checkouts and all shells of a user. So it follows neither TMPDIR, which Snakemake and
    Slurm set for each job, nor XDG_RUNTIME_DIR, which goes away when the user logs out and jobs run on.
    """
    chosen = os.environ.get(FOLDER)
    folder = Path(chosen) if chosen else Path("/tmp") / f"tickets-gpus-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=bool(chosen), exist_ok=True)
        owner = folder.lstat().st_uid
    except OSError as error:
        raise TicketsError(
            f"{folder}: locks of GPUs cannot be put there ({error.strerror}). Name a folder in {FOLDER}."
        ) from None
    if not chosen and (owner != os.getuid() or folder.is_symlink()):
        raise TicketsError(f"{folder}: belongs to somebody else. Name a folder for locks in {FOLDER}.")
    return folder


def _holders(devices: Sequence[Device], folder: Path) -> list[str]:
    """Who has the devices, as they wrote it into their locks."""
    words = []
    for device in devices:
        texts = [path.read_text() for path in sorted(folder.glob(f"{_file_name(device.key)}.*.lock"))]
        words.append(f"{device.token} is with {', '.join(text.strip() for text in texts) or 'another job'}")
    return words


def _try(device: Device, folder: Path, name: str, job: str) -> Claim | None:
    """Lock the file, or None where another process has it."""
    files: list[int] = []
    try:
        # systemd-tmpfiles clears /tmp of what is old, but leaves a locked folder alone.
        files.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        fcntl.flock(files[0], fcntl.LOCK_SH | fcntl.LOCK_NB)
        files.append(os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600))
        fcntl.flock(files[1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (folder / name).exists() and (folder / name).stat().st_ino == os.fstat(files[1]).st_ino:
            os.truncate(files[1], 0)
            os.write(files[1], f"{job} (process {os.getpid()})\n".encode())
            claim, files = Claim(device, files), []
            return claim
        # Somebody deleted the file between the two calls: a lock on it is worth nothing.
    except BlockingIOError:
        pass
    except OSError as error:
        raise TicketsError(
            f"{folder / name}: cannot be locked ({error.strerror}). Name a folder on a local disk in {FOLDER}."
        ) from None
    finally:
        for file in files:
            os.close(file)
    return None


def _nvidia_smi() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        return subprocess.run([program, "-L"], capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _listed(text: str) -> dict[str, list[str]]:
    """Index -> UUID of the GPU, or those of its MIG slices if it has any."""
    whole: dict[str, str] = {}
    slices: dict[str, list[str]] = {}
    for found in _LISTED.finditer(text):
        if found["gpu"]:
            whole[found["index"]] = found["gpu"]
        elif whole:
            slices.setdefault(list(whole)[-1], []).append(found["mig"])
    return {index: slices.get(index, [uuid]) for index, uuid in whole.items()}


def _key(token: str, known: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> str:
    if token in known:
        return known[token][0]  # of a sliced GPU CUDA takes the first slice
    for uuid in (uuid for uuids in known.values() for uuid in uuids):
        if not token.isdecimal() and uuid.startswith(token):  # CUDA takes a UUID's beginning for it
            return uuid
    if not token.isdecimal():
        return token
    # Two Slurm jobs on a machine may both call their own device 0.
    job = environment.get("SLURM_JOB_ID")
    return f"{socket.gethostname()}-{f'slurm{job}-' if job else ''}{token}"


def _file_name(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", key)


def _say(job: str, words: str) -> None:
    sys.stderr.write(f"{job}: {words}\n")
    sys.stderr.flush()
