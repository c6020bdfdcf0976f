"""Finished jobs of every paper at the smallest scale: masks with real headers, certificates and cells."""

from contextlib import chdir
from pathlib import Path

import pytest
import yaml

from job_world import Place
from mask_world import TamtPlace
from ticket_world import TicketPlace
from tickets.papers.registry import PAPERS
from tickets.provenance.collect import COLUMNS, cell_row, write_csv
from tickets.spec import RunAddress
from tiny_engine import tiny_preset

WORDS = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *(f"w{i}" for i in range(55))]


def collect(root):
    """cells.csv of the runs that there are."""
    (paper,) = {path.parent.name for path in root.glob("*/runs")}
    extra = PAPERS[paper].cell_columns
    runs = [RunAddress.parse(path.parent.relative_to(root)) for path in sorted(root.rglob("metrics.json"))]
    write_csv(
        root / paper / "cells.csv", (*COLUMNS, *extra), [cell_row(root, "x", run, extra) for run in runs]
    )


def add_tokenizer(root):
    (root / "models" / "tiny-bert" / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    facts = '{"tokenizer_class": "BertTokenizer", "do_lower_case": true}'
    (root / "models" / "tiny-bert" / "tokenizer_config.json").write_text(facts)


@pytest.fixture(scope="session")
def lth(tmp_path_factory):
    """results/tiny with chains of RTE and MLM, one of them rewound, and baselines."""
    with chdir(tmp_path_factory.mktemp("lth")):
        raw = tiny_preset(steps=6, rewind_method="shortcut")
        Path("config.yaml").write_text(yaml.safe_dump(raw))
        place = Place(Path.cwd(), raw)
        for task in ("rte", "mlm"):
            place.run("imp", task=task)
        place.run("rewind_source", variant="rewind50", task="mlm")
        place.run("baselines", task="rte")
        place.run("oneshot", task="rte")
        collect(place.root)
        add_tokenizer(place.root)
        return place.root


@pytest.fixture(scope="session")
def supertickets(tmp_path_factory):
    """results/tiny with two trials of RTE, its random tickets, and what starts from MNLI's super ticket."""
    with chdir(tmp_path_factory.mktemp("supertickets")):
        place = TicketPlace.new(Path.cwd())
        for seed in ("1", "2"):
            place.run(place.trial("rte", seed))
        place.run(place.job("families", task="rte", family="random", seed="1"))
        place.run(place.trial("mnli"))
        place.run(place.job("domain", init="mnli-super", task="snli"))
        collect(place.root)
        return place.root


@pytest.fixture(scope="session")
def tamt(tmp_path_factory):
    """results/tiny with first and trained masks of a BERT and a RoBERTa, and fine-tunings of the BERT."""
    with chdir(tmp_path_factory.mktemp("tamt")):
        place = TamtPlace.new(Path.cwd(), models=["base", "roberta"], replicates={"finetune": 3})
        for job in place.jobs("baseline_masks"):
            place.run(job)
        for model, level in (("base", "70"), ("roberta", "50")):
            place.make("mask_training", model=model, method="tamt-mlm", level=level, mask="1")
        place.make("full", task="rte")
        place.make("methods", task="rte", method="tamt-mlm", level="70", mask="1")
        place.make("baselines", task="rte", method="random", level="70", mask="1")
        collect(place.root)
        return place.root
