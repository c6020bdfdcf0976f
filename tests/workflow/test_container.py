"""Jobs in a container: Snakemake outside, every command inside. Apptainer is played by a script that notes its call."""

import os
import shlex

import pytest
from small import checkout, snakemake

DATA = "results/small/data/rte-64.safetensors"
APPTAINER = """#!/bin/sh
if [ "$1" = --version ]; then echo apptainer version 1.4.5; exit; fi
printf '%s\\n' "$@" > call
while [ "$1" != bash ]; do shift; done
PATH={image}:/usr/bin:/bin exec "$@"
"""
IMAGE = f"""#!/bin/sh
echo "$@" > inside
echo encoded > {DATA}
"""


@pytest.fixture
def contained(tmp_path, monkeypatch):
    """A checkout, with an image whose `tickets` notes what it was asked, and the `apptainer` that runs it."""
    folder = checkout(tmp_path / "checkout")
    for name, text in (
        ("bin/apptainer", APPTAINER.format(image=shlex.quote(str(tmp_path / "image")))),
        ("image/tickets", IMAGE),
    ):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return folder


def test_jobs_run_the_commands_of_the_image(contained):
    done = snakemake(contained, DATA, "--software-deployment-method", "apptainer", "--apptainer-args=--nv")
    assert done.returncode == 0, done.stdout
    assert (contained / "inside").read_text() == "encode rte 64\n"
    assert (contained / DATA).read_text() == "encoded\n"
    call = (contained / "call").read_text().splitlines()
    assert call[0] == "exec"
    assert {"--nv", "winning-tickets.sif"} <= set(call)


def test_without_being_asked_for_the_image_is_not_used(contained):
    done = snakemake(contained, DATA)
    assert done.returncode == 0, done.stdout
    assert not (contained / "call").exists()
    assert (contained / DATA).stat().st_size > 1000
