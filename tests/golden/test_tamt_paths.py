"""Addresses, paths and fingerprints of `tamt` that must not move unnoticed; see test_paths.py."""

from pathlib import Path

import pytest
from frozen import Grid, is_at

from tickets.papers.tamt.addresses import full_losses_file, losses_file, mask, run, training_file
from tickets.papers.tamt.identity import Identity
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.stages import Stages

# One of each stage and, where a stage makes several kinds of runs, of each kind.
RUNS = {
    "rte/base.pretrained/full/from-mask1/sparsity00/seed1": run("rte", "full", "00", 1, 1),
    "squad/roberta.pretrained/full/from-mask1/sparsity00/seed3": run("squad", "full", "00", 1, 3, "roberta"),
    "mnli/base.pretrained/omp/from-mask1/sparsity10/seed2": run("mnli", "omp", "10", 1, 2),
    "mnli/roberta.pretrained/random/from-mask3/sparsity90/seed2": run("mnli", "random", "90", 3, 2, "roberta"),
    "cola/base.pretrained/imp/from-mask2/sparsity70/seed1": run("cola", "imp", "70", 2, 1),
    "cola/roberta.pretrained/imp-rewind/from-mask2/sparsity20/seed1": run(
        "cola", "imp-rewind", "20", 2, 1, "roberta"
    ),
    "sst-2/base.pretrained/tamt-mlm/from-mask1/sparsity80/seed1": run("sst-2", "tamt-mlm", "80", 1, 1),
    "sts-b/base.pretrained/tamt-kd/from-mask3/sparsity60/seed3": run("sts-b", "tamt-kd", "60", 3, 3),
    "mrpc/roberta.pretrained/tamt-mlm-kd/from-mask1/sparsity30/seed2": run(
        "mrpc", "tamt-mlm-kd", "30", 1, 2, "roberta"
    ),
    "cola/base.pretrained/tamt-mlm.step2000/from-mask1/sparsity70/seed1": run("cola", "tamt-mlm.step2000", "70", 1, 1),
    "cola/base.pretrained/tamt-kd-random.step25000/from-mask1/sparsity70/seed1": run(
        "cola", "tamt-kd-random.step25000", "70", 1, 1
    ),
    "cola/base.pretrained/imp.every200/from-mask1/sparsity70/seed1": run("cola", "imp.every200", "70", 1, 1),
    "mnli@n1000/base.pretrained/full/from-mask1/sparsity00/seed5": run("mnli", "full", "00", 1, 5, size="1000"),
    "squad@n40000/base.pretrained/tamt-kd/from-mask2/sparsity70/seed4": run(
        "squad", "tamt-kd", "70", 2, 4, size="40000"
    ),
    "cola/base.pretrained/tamt-mlm.always/from-mask1/sparsity70/seed1": run("cola", "tamt-mlm.always", "70", 1, 1),
    "cola/base.pretrained/tamt-kd.adamw/from-mask1/sparsity70/seed2": run("cola", "tamt-kd.adamw", "70", 1, 2),
}  # fmt: skip
MASKS = {
    "base.omp/from-pretraining/sparsity10/seed1": mask("omp", "10", 1),
    "roberta.random/from-pretraining/sparsity90/seed3": mask("random", "90", 3, "roberta"),
    "base.imp/from-pretraining/sparsity50/seed2": mask("imp", "50", 2),
    "base.imp-rewind/from-pretraining/sparsity90/seed1": mask("imp-rewind", "90", 1),
    "base.imp.every1396/from-pretraining/sparsity70/seed1": mask("imp.every1396", "70", 1),
    "base.tamt-mlm/from-pretraining/sparsity80/seed1": mask("tamt-mlm", "80", 1),
    "base.tamt-kd.step1000/from-pretraining/sparsity80/seed1": mask("tamt-kd.step1000", "80", 1),
    "roberta.tamt-mlm-kd/from-pretraining/sparsity20/seed3": mask("tamt-mlm-kd", "20", 3, "roberta"),
    "base.tamt-kd.calm/from-pretraining/sparsity70/seed1": mask("tamt-kd.calm", "70", 1),
    "base.tamt-kd.unpadded/from-pretraining/sparsity70/seed1": mask("tamt-kd.unpadded", "70", 1),
    "base.tamt-mlm-random.step1000/from-pretraining/sparsity70/seed2": mask(
        "tamt-mlm-random.step1000", "70", 2
    ),
}

TUNED = {"epochs": 3, "batch_size": 32, "learning_rate": 2e-5, "max_length": 128}
TEXT = {"epochs": 2, "batch_size": 16, "learning_rate": 5e-5, "max_length": 512}
DOCUMENTS = {**TEXT, "learning_rate": 2e-5, "optimizer": "bertadam", "eps": 1e-6, "weight_decay": 0.01,
             "clip_scope": "tensor", "drop_last": True}  # fmt: skip
CONFIG = {
    "preset": "frozen",
    "presets": {
        "frozen": {
            "seed": 1,
            "model": {"name": "bert-base", "hub": "someone/bert-base", "revision": "0123abcd"},
            "models": {
                "roberta": {
                    "name": "roberta-base", "hub": "someone/roberta-base", "revision": "89abcdef",
                    "tokenizer": "own",
                },
            },
            "data": {"source": "hub"},
            "tamt": {
                "recipes": {
                    "default": TUNED,
                    "squad": {**TUNED, "epochs": 2, "batch_size": 16, "learning_rate": 3e-5, "max_length": 384},
                },
                "mask_training": {
                    "mlm": {"recipe": TEXT, "threshold": {"every": 1000}},
                    "mlm-kd": {"recipe": TEXT, "threshold": {"every": 1000}},
                    "kd": {
                        "recipe": DOCUMENTS,
                        "threshold": {"every": 100, "shift": 1, "at_first": True, "at_epoch_end": True},
                        "teacher_dropout": True,
                    },
                },
                "imp": {"recipe": TEXT},
            },
        }
    },
}  # fmt: skip
FINGERPRINTS = {
    "rte/base.pretrained/full/from-mask1/sparsity00/seed1": "f0609c0c686c0a1c",
    "squad/roberta.pretrained/full/from-mask1/sparsity00/seed3": "7985c87ecab835f6",
    "mnli/base.pretrained/omp/from-mask1/sparsity10/seed2": "5e078be1eb13d753",
    "mnli/roberta.pretrained/random/from-mask3/sparsity90/seed2": "2cefa90d36af63de",
    "cola/base.pretrained/imp/from-mask2/sparsity70/seed1": "eace620d852fbe67",
    "cola/roberta.pretrained/imp-rewind/from-mask2/sparsity20/seed1": "1ec6a3bc2e0a0310",
    "sst-2/base.pretrained/tamt-mlm/from-mask1/sparsity80/seed1": "75ef02bd6794a8e5",
    "sts-b/base.pretrained/tamt-kd/from-mask3/sparsity60/seed3": "afd376e370fdc613",
    "mrpc/roberta.pretrained/tamt-mlm-kd/from-mask1/sparsity30/seed2": "afd77631f67d47fa",
    "cola/base.pretrained/tamt-mlm.step2000/from-mask1/sparsity70/seed1": "fe46ca7cd65a288b",
    "cola/base.pretrained/tamt-kd-random.step25000/from-mask1/sparsity70/seed1": "b1c88f6dd69c9c18",
    "cola/base.pretrained/imp.every200/from-mask1/sparsity70/seed1": "eafe081d2ba5495a",
    "mnli@n1000/base.pretrained/full/from-mask1/sparsity00/seed5": "fba3a92ea2ee0163",
    "squad@n40000/base.pretrained/tamt-kd/from-mask2/sparsity70/seed4": "5177df8383cd97c5",
    "cola/base.pretrained/tamt-mlm.always/from-mask1/sparsity70/seed1": "d6cea288e33546d1",
    "cola/base.pretrained/tamt-kd.adamw/from-mask1/sparsity70/seed2": "d828901830c6e740",
    "base.omp/from-pretraining/sparsity10/seed1": "eebbc2c4c12247ba",
    "roberta.random/from-pretraining/sparsity90/seed3": "9e65ddcbd0b0db48",
    "base.imp/from-pretraining/sparsity50/seed2": "ba767252bb8eb122",
    "base.imp-rewind/from-pretraining/sparsity90/seed1": "3ec7d007fc5c8314",
    "base.imp.every1396/from-pretraining/sparsity70/seed1": "e7100c81431aaac4",
    "base.tamt-mlm/from-pretraining/sparsity80/seed1": "812e2581a8bf9844",
    "base.tamt-kd.step1000/from-pretraining/sparsity80/seed1": "1f2c0f455c50f6ca",
    "roberta.tamt-mlm-kd/from-pretraining/sparsity20/seed3": "82175538b3e0980e",
    "base.tamt-kd.calm/from-pretraining/sparsity70/seed1": "71b1ec5728cc5f09",
    "base.tamt-kd.unpadded/from-pretraining/sparsity70/seed1": "1afcabdc27df27fa",
    "base.tamt-mlm-random.step1000/from-pretraining/sparsity70/seed2": "1cdd51d752d1742d",
    "stage baseline_masks": "04772948c744c078",
    "stage imp_masks": "51f2abc0b59875d4",
    "stage mask_training": "2fb9d9570698e8dd",
    "stage full": "2626d629115d3006",
    "stage baselines": "e48f5ca5a200e94d",
    "stage methods": "3effb886b76eefb1",
    "stage steps": "8a6b8c829ca6d7b0",
    "stage few": "5b8df8be90067e5c",
    "stage ablations": "6810f5fa21dd7cc4",
}
OUTPUTS, JOBS = 14912, 3454


@pytest.fixture(scope="module")
def grid():
    return Grid(CONFIG, Stages, Identity)


@pytest.mark.parametrize("path", list(RUNS))
def test_addresses_and_paths(path):
    assert is_at(RUNS[path], f"tamt/runs/{path}")


@pytest.mark.parametrize("path", list(MASKS))
def test_masks(path):
    assert MASKS[path].file == Path("tamt", "masks", path, "mask.safetensors")
    assert losses_file(MASKS[path]) == Path("tamt", "masks", path, "losses.json")


def test_other_paths(grid):
    assert full_losses_file("roberta") == Path("tamt/masks/roberta.full/losses.json")
    training = Path("tamt/training")
    log = training_file(Method.parse("tamt-kd.calm"), "70", 2, "base")
    assert log == training / "base.tamt-kd.calm/sparsity70/seed2.json"
    log = training_file(Method.parse("tamt-mlm-random.step1000"), "70", 2, "base")
    assert log == training / "base.tamt-mlm-random/sparsity70/seed2.json"
    log = training_file(Method.parse("imp.every200"), "all", 1, "base")
    assert log == training / "base.imp.every200/sparsityall/seed1.json"
    axes = {"model": "base", "task": "sst-2", "method": "imp", "mask": "2", "size": "1000"}
    job = grid.job("few", axes)
    assert job.name == "few-base-sst-2-imp-2-1000"
    assert job.record == Path("tamt/jobs/few/base/sst-2/imp/2/1000.json")
    assert job.inputs == (Path("data/sst-2-128.safetensors"), mask("imp", "70", 2).file)


def test_every_address_is_in_the_grid(grid):
    assert {*RUNS.values(), *MASKS.values()} <= grid.addresses()


def test_no_two_jobs_write_one_file(grid):
    assert grid.different() == ([OUTPUTS, JOBS],) * 2


def test_every_input_is_data_or_some_jobs_output(grid):
    assert grid.from_elsewhere() == {"data"}


def test_fingerprints(grid):
    """A default, a key or its spelling changed; every run made so far would count as another run."""
    assert grid.fingerprints(RUNS | MASKS) == FINGERPRINTS
