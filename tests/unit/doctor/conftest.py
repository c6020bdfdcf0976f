"""A machine made up for the doctor: a checkout in a folder, and programs that say what a test wants."""

import json
import shlex
import shutil
import stat
from pathlib import Path

import pytest

from tickets.doctor.surroundings import Surroundings

ROOT = Path(__file__).parents[3]
CPU_TORCH = {"version": "2.13.0+cpu", "cuda": None, "devices": [], "works": False}


class Machine:
    """Write programs, then look: `surroundings()` sees only these."""

    def __init__(self, folder):
        self.root, self.bin, self.variables = folder / "checkout", folder / "bin", {}
        self.bin.mkdir(parents=True)
        self.root.mkdir()
        shutil.copyfile(ROOT / "config.yaml", self.root / "config.yaml")
        profile = self.root / "workflow" / "profiles" / "slurm"
        profile.mkdir(parents=True)
        self.profile = profile / "config.yaml"
        self.profile.write_text("executor: slurm\n")
        self.torch(CPU_TORCH)

    def program(self, name, text="", *, code=0, error="", cases=None, seconds=0):
        """A program that says something; `cases`: by a word among its arguments."""

        def say(words):
            return f"printf '%s\\n' {shlex.quote(words)}"

        lines = ["#!/bin/sh"] + ([f"exec /bin/sleep {seconds}"] if seconds else [])
        lines += [
            f'case "$*" in *{word}*) {say(said)}; exit 0;; esac' for word, said in (cases or {}).items()
        ]
        lines += [say(text)] if text else []
        lines += [f"{say(error)} >&2"] if error else []
        path = self.bin / name
        path.write_text("\n".join([*lines, f"exit {code}", ""]))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def torch(self, facts):
        """What torch says of itself."""
        self.python = self.program("python", json.dumps(facts))
        self.program("tickets")

    def gpus(self, count, name="NVIDIA H200"):
        self.program("nvidia-smi", "\n".join([f"{name}, 143771, 512, 570.10"] * count))
        if count:
            self.torch({"version": "2.13.0", "cuda": "12.8", "devices": [name] * count, "works": True})

    def slurm(self, partitions="gpu*|up|1-00:00:00|gpu:a100:4(S:0-1)", *, select="select/cons_tres",
              storage="accounting_storage/slurmdbd", account="lab", refuses=""):  # fmt: skip
        config = f"AccountingStorageType   = {storage}\nSelectType              = {select}"
        self.program("scontrol", cases={"ping": "Slurmctld(primary) at head is UP", "config": config})
        self.program("sinfo", partitions)
        if refuses:
            self.program("sbatch", error=f"allocation failure: {refuses}", code=1)
        else:
            self.program("sbatch", cases={"--version": "slurm 23.11.4"}, error="Job 7 to start at noon")
        for name in ("squeue", "scancel", "sacct"):
            self.program(name)
        self.program("sacctmgr", account)

    def surroundings(self, preset="micro", **changes):
        words = {"PATH": str(self.bin), "HF_HOME": str(self.root / "hub"), **self.variables}
        return Surroundings(self.root, preset=preset, environment=words, python=str(self.python), **changes)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)
