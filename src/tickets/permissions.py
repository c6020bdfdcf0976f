"""Who may read what is written. Imports nothing heavy."""

import os
from pathlib import Path


def open_to_readers(path: Path) -> None:
    """Give a file the permissions that the user's umask gives to new files.

    safetensors creates its files for their owner alone; results are read by a group, or by another user in a container.
    """
    mask = os.umask(0o077)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
