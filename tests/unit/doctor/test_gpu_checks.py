"""GPUs: none, hidden, without a CUDA build, with a broken driver, several."""

import pytest

from tickets.doctor import gpu

BUILT = {"version": "2.13.0", "cuda": "12.8", "devices": [], "works": False}


def test_a_cpu_preset_needs_none(machine):
    found = gpu.driver(machine.surroundings())
    assert (found.state, found.found) == ("not needed", "no nvidia-smi; preset micro runs on the CPU")
    assert gpu.torch(machine.surroundings()).state == "ok"
    assert gpu.several(machine.surroundings()).state == "not needed"


def test_a_gpu_preset_without_one_is_an_error_that_names_the_way_out(machine):
    found = gpu.driver(machine.surroundings("paper"))
    assert (found.state, found.found) == ("error", "no nvidia-smi, and preset paper needs a GPU")
    assert "submit to Slurm" in found.advice
    assert gpu.torch(machine.surroundings("paper")).state == "error"


def test_on_a_login_node_it_is_fine(machine):
    machine.slurm()
    here = machine.surroundings("paper")
    assert gpu.driver(here).state == "ok"
    assert "login node" in gpu.driver(here).found
    assert gpu.torch(here).state == "ok"
    assert gpu.elsewhere(here)
    assert not gpu.elsewhere(machine.surroundings("micro"))


def test_what_the_driver_lists(machine):
    machine.gpus(2)
    here = machine.surroundings("paper")
    found = gpu.driver(here)
    assert found.state == "ok"
    assert found.found.startswith("2: NVIDIA H200, 143,771 MB, 512 used; ")
    assert found.found.endswith("driver 570.10")
    assert gpu.torch(here).found == "torch 2.13.0, CUDA 12.8, computes on NVIDIA H200, NVIDIA H200"


@pytest.mark.parametrize(("count", "command"), [
    (1, "`snakemake --cores 4 --resources gpu=1` trains on it."),
    (4, "`snakemake --cores 16 --resources gpu=4` trains on all."),
])  # fmt: skip
def test_several_gpus_need_a_word_to_snakemake(machine, count, command):
    machine.gpus(count)
    found = gpu.several(machine.surroundings("paper"))
    assert found.state == "ok"
    assert command in found.found


def test_shared_gpus_are_said_to_be(machine):
    machine.gpus(2)
    machine.variables["TICKETS_JOBS_PER_GPU"] = "3"
    assert "TICKETS_JOBS_PER_GPU=3" in gpu.several(machine.surroundings("paper")).found


@pytest.mark.parametrize(("preset", "state"), [("paper", "error"), ("micro", "warning")])
def test_a_driver_that_fails(machine, preset, state):
    machine.program(
        "nvidia-smi", error="NVIDIA-SMI has failed because it could not talk to the driver", code=9
    )
    found = gpu.driver(machine.surroundings(preset))
    assert found.state == state
    assert "could not talk to the driver" in found.found
    assert "driver" in found.advice


@pytest.mark.parametrize(("facts", "variables", "advice"), [
    ({"version": "2.13.0+cpu", "cuda": None, "devices": [], "works": False}, {}, "Install torch 2.13.0 with CUDA"),
    (BUILT, {"CUDA_VISIBLE_DEVICES": ""}, "Unset it, or name the GPU."),
    (BUILT, {}, "The driver is too old for CUDA 12.8"),
    (BUILT | {"devices": ["NVIDIA H200"]}, {"CUDA_VISIBLE_DEVICES": "0"}, "The driver is too old for CUDA 12.8"),
])  # fmt: skip
def test_a_gpu_that_torch_cannot_use(machine, facts, variables, advice):
    machine.gpus(1)
    machine.torch(facts)
    machine.variables.update(variables)
    found = gpu.torch(machine.surroundings("paper"))
    assert found.state == "error"
    assert found.advice.startswith(advice)
    assert gpu.torch(machine.surroundings("micro")).state == "warning"


def test_a_torch_that_does_not_import(machine):
    machine.program("python", error="ImportError: libtorch.so: no such file", code=1)
    found = gpu.torch(machine.surroundings())
    assert (found.state, found.found) == (
        "error",
        "torch does not work: ImportError: libtorch.so: no such file",
    )
