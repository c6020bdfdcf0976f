"""A plain `snakemake` takes the profile of this repository, without being told."""

from pathlib import Path

import yaml
from small import ROOT, checkout, small_preset, snakemake


def test_a_command_of_the_readme_needs_no_options(tmp_path):
    folder = checkout(tmp_path, small_preset())
    made = folder / "results" / "small" / "data" / "rte-64.safetensors"
    done = snakemake(folder, str(made.relative_to(folder)), cores=None)
    assert done.returncode == 0, done.stdout
    assert "Using workflow specific profile profiles/default" in done.stdout
    assert made.exists()


def test_the_link_is_relative_so_that_every_clone_has_its_own():
    assert (ROOT / "profiles").readlink() == Path("workflow/profiles")


def test_what_both_profiles_say_they_say_alike():
    """Snakemake reads the default profile besides `--profile slurm`, and prefers it."""
    default, slurm = (
        yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
        for name in ("default", "slurm")
    )
    both = default.keys() & slurm.keys()
    assert both
    assert {key: default[key] for key in both} == {key: slurm[key] for key in both}
    assert "cores" not in slurm, "with `jobs` given, Snakemake limits no cores of the cluster"
    assert "jobs" in slurm
