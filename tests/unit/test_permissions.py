"""Results are for whoever the umask lets read them, though safetensors writes for its owner alone."""

import os
import stat

import pytest
import torch

from tickets.jobs.files import publish
from tickets.permissions import open_to_readers
from tickets.pruning.mask import Mask


@pytest.fixture(params=[(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)], ids=["all", "group", "owner"])
def readers(request):
    """A umask, and the permissions that follow."""
    mask, expected = request.param
    before = os.umask(mask)
    yield expected
    os.umask(before)


def permissions(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_as_a_new_file_would_have_them(tmp_path, readers):
    private, plain = tmp_path / "private", tmp_path / "plain"
    private.touch(0o600)
    open_to_readers(private)
    plain.write_text("")
    assert permissions(private) == permissions(plain) == readers


def test_of_masks(tmp_path, readers):
    file = tmp_path / "mask.safetensors"
    Mask({"w": torch.tensor([True, False])}).save(file, {})
    assert permissions(file) == readers


def test_of_what_a_job_publishes(tmp_path, readers):
    staged = tmp_path / "staged"
    staged.touch(0o600)
    publish(staged, tmp_path / "final")
    assert permissions(tmp_path / "final") == readers
