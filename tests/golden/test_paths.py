"""Addresses, paths and fingerprints that must not move unnoticed.

A failure here means that published results would be looked for elsewhere, or redone. If that is meant, say so in
CHANGELOG.md and write the new values down.
"""

from pathlib import Path

import pytest
from frozen import Grid, is_at

from tickets.papers.lth.addresses import mask, run, weights_file
from tickets.papers.lth.identity import Identity
from tickets.papers.lth.stages import Stages
from tickets.versions import PAPER_VERSIONS, VERSIONS

RUNS = {
    "lth/runs/rte/pretrained/imp/from-rte/sparsity00/seed1": run("rte", "pretrained", "imp", "rte", "00", 1),
    "lth/runs/sst-2/pretrained/imp/from-mlm/sparsity70/seed3": run(
        "sst-2", "pretrained", "imp", "mlm", "70", 3
    ),
    "lth/runs/cola/reinit/imp/from-cola/sparsity-winning/seed2": run(
        "cola", "reinit", "imp", "cola", "winning", 2
    ),
    "lth/runs/qqp/shuffled/imp/from-qqp/sparsity-strict/seed5": run(
        "qqp", "shuffled", "imp", "qqp", "strict", 5
    ),
    "lth/runs/mlm/pretrained/imp/from-squad/sparsity-own/seed1": run(
        "mlm", "pretrained", "imp", "squad", "own", 1
    ),
    "lth/runs/wnli/pretrained/random/from-any/sparsity-winning/seed10": run(
        "wnli", "pretrained", "random", "any", "winning", 10
    ),
    "lth/runs/sts-b/pretrained/oneshot/from-any/sparsity50/seed1": run(
        "sts-b", "pretrained", "oneshot", "any", "50", 1
    ),
    "lth/runs/mnli/rewind05/imp-rewind05/from-mlm/sparsity70/seed1": run(
        "mnli", "rewind05", "imp-rewind05", "mlm", "70", 1
    ),
    "lth/runs/qnli/pretrained/imp/from-mlm+qnli+cola/sparsity70/seed1": run(
        "qnli", "pretrained", "imp", "mlm+qnli+cola", "70", 1
    ),
    "lth/runs/squad/pretrained/imp/from-mlm@squad/sparsity70/seed1": run(
        "squad", "pretrained", "imp", "mlm@squad", "70", 1
    ),
    "lth/runs/mrpc/pretrained/imp-code/from-mrpc/sparsity70/seed1": run(
        "mrpc", "pretrained", "imp-code", "mrpc", "70", 1
    ),
}

RECIPE = {"steps": 120, "batch_size": 32, "learning_rate": 1.0e-3, "max_length": 64}
CONFIG = {
    "preset": "frozen",
    "presets": {
        "frozen": {
            "seed": 1,
            "model": {
                "name": "tiny-bert",
                "shape": {
                    "hidden_size": 64,
                    "layers": 2,
                    "heads": 8,
                    "intermediate_size": 256,
                    "max_positions": 64,
                },
                "pretraining": {"recipe": {**RECIPE, "steps": 7000}, "pairs": 40000},
            },
            "data": {"source": "synthetic", "world_seed": 1},
            "lth": {"recipes": {"default": RECIPE}, "multitask_recipe": RECIPE},
        }
    },
}
FINGERPRINTS = {
    "lth/runs/rte/pretrained/imp/from-rte/sparsity00/seed1": "bec2963c5a7d808b",
    "lth/runs/sst-2/pretrained/imp/from-mlm/sparsity70/seed3": "1f799a103bbf74c1",
    "lth/runs/cola/reinit/imp/from-cola/sparsity-winning/seed2": "808287387d99caba",
    "lth/runs/qqp/shuffled/imp/from-qqp/sparsity-strict/seed5": "b96bc9f23e6b26dd",
    "lth/runs/mlm/pretrained/imp/from-squad/sparsity-own/seed1": "d1b9a2512f131327",
    "lth/runs/wnli/pretrained/random/from-any/sparsity-winning/seed10": "7352fdfe198af171",
    "lth/runs/sts-b/pretrained/oneshot/from-any/sparsity50/seed1": "f8c412edcfe9ec3c",
    "lth/runs/mnli/rewind05/imp-rewind05/from-mlm/sparsity70/seed1": "91738a6354a9f774",
    "lth/runs/qnli/pretrained/imp/from-mlm+qnli+cola/sparsity70/seed1": "612a4af7b28d750b",
    "lth/runs/squad/pretrained/imp/from-mlm@squad/sparsity70/seed1": "2e93e8f4153a18df",
    "lth/runs/mrpc/pretrained/imp-code/from-mrpc/sparsity70/seed1": "9a128cf4877f0458",
    "mask mlm 70": "dad6bf9f4ae085fd",
    "stage imp": "db5af13062d808f6",
    "stage baselines": "1dcef7a02835a3cf",
    "stage oneshot": "6cf5ef737c0eb2c5",
    "stage transfer": "d7809515471c3a96",
    "stage transfer_winning": "ef8a1a212eec3ae5",
    "stage mlm_ticket": "a80646a6193b1709",
    "stage rewind": "e2bb3e5b0f1a4ce3",
    "stage rewind_source": "4c321aa4dc83df5d",
    "stage rewind_transfer": "73314dc2a192528b",
    "stage norewind_transfer": "5e8efbc3b769ea69",
    "stage multitask": "fbcbc616bd6a8908",
    "stage multitask_transfer": "32209c0a5a86b434",
    "stage datasize": "c04c09bf46585f6e",
    "stage datasize_transfer": "213174b403f08d19",
    "stage code_profile": "7c42e83d941de070",
}
OUTPUTS, JOBS = 4012, 537


@pytest.fixture(scope="module")
def grid():
    return Grid(CONFIG, Stages, Identity)


@pytest.mark.parametrize("path", list(RUNS))
def test_addresses_and_paths(path):
    assert is_at(RUNS[path], path)


def test_other_paths(grid):
    assert mask("imp", "mlm", "70", 2).file == Path(
        "lth/masks/imp/from-mlm/sparsity70/seed2/mask.safetensors"
    )
    assert weights_file("rewind50", "mlm", 1) == Path("lth/weights/rewind50/from-mlm/seed1/model.safetensors")
    assert grid.config.root == Path("results/frozen")
    job = grid.job("transfer", {"source": "mlm", "task": "sst-2"})
    assert job.name == "transfer-mlm-sst-2"
    assert job.record == Path("lth/jobs/transfer/mlm/sst-2.json")


def test_no_two_jobs_write_one_file(grid):
    assert grid.different() == ([OUTPUTS, JOBS],) * 2


def test_every_input_is_data_or_some_jobs_output(grid):
    assert grid.from_elsewhere() == {"data"}


def test_versions_of_the_algorithms():
    """The fingerprints below hold for these."""
    assert VERSIONS == {"world": 1, "encoding": 1, "engine": 1, "pruning": 1, "metrics": 1}
    assert PAPER_VERSIONS == {
        "lth": {"imp": 1},
        "supertickets": {"tickets": 1, "sharing": 1},
        "tamt": {"masks": 1, "protocol": 1},
    }


def test_fingerprints(grid):
    """A default, a key or its spelling changed; every run made so far would count as another run."""
    assert grid.fingerprints(RUNS | {"mask mlm 70": mask("imp", "mlm", "70", 1)}) == FINGERPRINTS
