"""Addresses, paths and fingerprints of `supertickets` that must not move unnoticed; see test_paths.py."""

from pathlib import Path

import pytest
from frozen import Grid, is_at

from tickets.papers.supertickets.addresses import (
    importance_file,
    mask,
    multitask,
    percent_variant,
    run,
    ticket,
    weights_file,
)
from tickets.papers.supertickets.identity import Identity
from tickets.papers.supertickets.stages import Stages

# One of each stage and, where a stage makes several kinds of runs, of each kind.
RUNS = {
    "rte/base.pretrained/winning/from-rte/sparsity00/seed1": ticket("winning", "rte", "00", 1, "base"),
    "mnli/large.pretrained/winning/from-mnli/sparsity30/seed2": ticket("winning", "mnli", "30", 2, "large"),
    "sst-2/base.pretrained/random/from-sst-2/sparsity80/seed3": ticket("random", "sst-2", "80", 3, "base"),
    "rte/base.pretrained/losing/from-rte/sparsity10/seed5": ticket("losing", "rte", "10", 5, "base"),
    "cola@draw8/base.pretrained/rerun/from-cola/sparsity00/seed1": run(
        "cola", "pretrained", "rerun", "cola", "00", 1, "base", "draw8"
    ),
    "mnli@data10/base.pretrained/winning/from-mnli/sparsity40/seed1": ticket(
        "winning", "mnli", "40", 1, "base", percent_variant(10)
    ),
    "mnli@data1/base.pretrained/random/from-mnli/sparsity40/seed1": ticket(
        "random", "mnli", "40", 1, "base", percent_variant(1.0)
    ),
    "rte@lr2/base.pretrained/winning/from-rte/sparsity00/seed1": ticket(
        "winning", "rte", "00", 1, "base", "lr2"
    ),
    "rte/base.pretrained/mismatched/from-rte/sparsity50/seed1": ticket("mismatched", "rte", "50", 1, "base"),
    "qqp/base.pretrained/mt-dnn/from-glue/sparsity00/seed4": multitask("mt-dnn", "qqp", 4, "base"),
    "qqp/large.pretrained/ticket-share/from-glue/sparsity-super/seed1": multitask(
        "ticket-share", "qqp", 1, "large"
    ),
    "qqp/base.pretrained/ticket-share-strict/from-glue/sparsity-super/seed1": multitask(
        "ticket-share-strict", "qqp", 1, "base"
    ),
    "rte/base.pretrained/ticket-share-mismatched/from-glue/sparsity-super/seed1": multitask(
        "ticket-share-mismatched", "rte", 1, "base"
    ),
    "mrpc/base.mt-dnn/mt-dnn/from-glue/sparsity00/seed2": run(
        "mrpc", "mt-dnn", "mt-dnn", "glue", "00", 2, "base"
    ),
    "mrpc@lr1/large.ticket-share/ticket-share/from-glue/sparsity-super/seed2": run(
        "mrpc", "ticket-share", "ticket-share", "glue", "super", 2, "large", "lr1"
    ),
    "snli@data0.1/base.mnli-super/mnli-super/from-mnli/sparsity-super/seed5": run(
        "snli", "mnli-super", "mnli-super", "mnli", "super", 5, "base", percent_variant(0.1)
    ),
    "scitail@data1-extended/base.ticket-share/ticket-share/from-glue/sparsity-super/seed1": run(
        "scitail", "ticket-share", "ticket-share", "glue", "super", 1, "base", percent_variant(1, True)
    ),
}
MASKS = {
    "base.winning/from-rte/sparsity30/seed1": mask("winning", "rte", "30", 1, "base"),
    "large.random/from-mnli/sparsity80/seed2": mask("random", "mnli", "80", 2, "large"),
    "base.losing/from-mnli@data10/sparsity10/seed1": mask("losing", "mnli", "10", 1, "base", "data10"),
    "base.mismatched/from-sts-b/sparsity50/seed1": mask("mismatched", "sts-b", "50", 1, "base"),
}

RECIPE = {"epochs": 6, "batch_size": 32, "learning_rate": 5e-5, "optimizer": "adamax", "eps": 1e-6,
          "weight_decay": 0.01, "decay": "weights", "warmup": 0.1, "schedule": "jump", "max_length": 512}  # fmt: skip
CONFIG = {
    "preset": "frozen",
    "presets": {
        "frozen": {
            "seed": 1,
            "model": {"name": "bert-base", "hub": "someone/bert-base", "revision": "0123abcd"},
            "models": {"large": {"name": "bert-large", "hub": "someone/bert-large", "revision": "4567ef01"}},
            "data": {"source": "hub"},
            "supertickets": {
                "recipes": {"default": RECIPE},
                "subset_recipes": {"10": {**RECIPE, "epochs": 12}},
                "multitask_recipe": {**RECIPE, "epochs": 5},
            },
        }
    },
}
FINGERPRINTS = {
    "rte/base.pretrained/winning/from-rte/sparsity00/seed1": "eda16a93698b6837",
    "mnli/large.pretrained/winning/from-mnli/sparsity30/seed2": "9e392c3f95c724fb",
    "sst-2/base.pretrained/random/from-sst-2/sparsity80/seed3": "eca9bf3ded4835c3",
    "rte/base.pretrained/losing/from-rte/sparsity10/seed5": "0638c5abcd7c4163",
    "cola@draw8/base.pretrained/rerun/from-cola/sparsity00/seed1": "0ae7bc0b61b9ddd0",
    "mnli@data10/base.pretrained/winning/from-mnli/sparsity40/seed1": "679b01aaab1bc38c",
    "mnli@data1/base.pretrained/random/from-mnli/sparsity40/seed1": "7b011a8dd7ad860b",
    "rte@lr2/base.pretrained/winning/from-rte/sparsity00/seed1": "81ab993f41b80332",
    "rte/base.pretrained/mismatched/from-rte/sparsity50/seed1": "a66df7f7c8ce190c",
    "qqp/base.pretrained/mt-dnn/from-glue/sparsity00/seed4": "3c0ab42af21af960",
    "qqp/large.pretrained/ticket-share/from-glue/sparsity-super/seed1": "036c8711f2bc1178",
    "qqp/base.pretrained/ticket-share-strict/from-glue/sparsity-super/seed1": "a80ec4c822754b0b",
    "rte/base.pretrained/ticket-share-mismatched/from-glue/sparsity-super/seed1": "a0b04e605014bc09",
    "mrpc/base.mt-dnn/mt-dnn/from-glue/sparsity00/seed2": "5cd91076944c2f5c",
    "mrpc@lr1/large.ticket-share/ticket-share/from-glue/sparsity-super/seed2": "5577c17f46506d94",
    "snli@data0.1/base.mnli-super/mnli-super/from-mnli/sparsity-super/seed5": "e0553d7d5b5a9393",
    "scitail@data1-extended/base.ticket-share/ticket-share/from-glue/sparsity-super/seed1": "dcf15867ae9f1fc5",
    "base.winning/from-rte/sparsity30/seed1": "340f01ba44d97fff",
    "large.random/from-mnli/sparsity80/seed2": "f89b4ab4efda44a8",
    "base.losing/from-mnli@data10/sparsity10/seed1": "9acbd1b59b16498b",
    "base.mismatched/from-sts-b/sparsity50/seed1": "45ef10a4a6f3a299",
    "stage trial": "9ce282effaee97b5",
    "stage trial_source": "033e087cfec69af3",
    "stage families": "789ce70f755eadc4",
    "stage reruns": "7d2ecc64a63c3bce",
    "stage subsets": "0e7364c7c55d23b4",
    "stage subset_families": "d757c4e7f0b06ac8",
    "stage mismatch": "fc63655f953df8a3",
    "stage multitask": "32bec5981049498d",
    "stage finetune": "88490250e18c6587",
    "stage domain": "9cc60b0b1bd44d88",
}
OUTPUTS, JOBS = 4760, 331


@pytest.fixture(scope="module")
def grid():
    return Grid(CONFIG, Stages, Identity)


@pytest.mark.parametrize("path", list(RUNS))
def test_addresses_and_paths(path):
    assert is_at(RUNS[path], f"supertickets/runs/{path}")


@pytest.mark.parametrize("path", list(MASKS))
def test_masks(path):
    assert MASKS[path].file == Path("supertickets", "masks", path, "mask.safetensors")


def test_other_paths(grid):
    scores = Path("supertickets/importance/base")
    assert importance_file("rte", 1, "base") == scores / "rte/seed1.safetensors"
    assert importance_file("rte", 1, "base", "lr2") == scores / "rte@lr2/seed1.safetensors"
    weights = Path("supertickets/weights/large/mnli-super/seed2/model.safetensors")
    assert weights_file("mnli-super", 2, "large") == weights
    job = grid.job("finetune", {"model": "base", "method": "mt-dnn", "task": "sst-2", "rate": "lr0"})
    assert job.name == "finetune-base-mt-dnn-sst-2-lr0"
    assert job.record == Path("supertickets/jobs/finetune/base/mt-dnn/sst-2/lr0.json")


def test_every_address_is_in_the_grid(grid):
    assert {*RUNS.values(), *MASKS.values()} <= grid.addresses()


def test_no_two_jobs_write_one_file(grid):
    assert grid.different() == ([OUTPUTS, JOBS],) * 2


def test_every_input_is_data_or_some_jobs_output(grid):
    assert grid.from_elsewhere() == {"data"}


def test_fingerprints(grid):
    """A default, a key or its spelling changed; every run made so far would count as another run."""
    assert grid.fingerprints(RUNS | MASKS) == FINGERPRINTS
