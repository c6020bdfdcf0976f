"""Rows of cells.csv: what every paper has, and a paper's own columns beside it."""

import csv
import json

import pytest

from tickets.errors import TicketsError
from tickets.grid import Cell, Stage
from tickets.provenance.collect import COLUMNS, collect_stage, merge_cells
from tickets.spec import RunAddress

PLAIN = RunAddress("p", "rte", "pretrained", "imp", "rte", "70", 1)
OTHER = RunAddress("p", "mrpc", "pretrained", "winning", "glue", "super", 2, "large", "lr2")


def write(root, run, **changes):
    metrics = {
        "fingerprint": f"of {run.task}", "resolved": "30", "removed": 0.3, "metric": "accuracy", "score": 60.0,
        "scores": {"dev": {"accuracy": 60.0, "loss": 0.5}}, "n_dev": 5, "steps": 3, "seconds": 1.0,
    } | changes  # fmt: skip
    path = root / run.metrics
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics))


def stage(*runs):
    cell = lambda axes: Cell(runs)  # noqa: E731
    return Stage("p", "made", "", {"task": ("all",)}, cell, str, "m:f", lambda task: 64)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_model_and_variant_are_columns_of_every_paper(tmp_path):
    write(tmp_path, PLAIN)
    write(tmp_path, OTHER)
    assert collect_stage(tmp_path, stage(PLAIN, OTHER), tmp_path / "made.csv") == 2
    plain, other = rows(tmp_path / "made.csv")
    assert tuple(plain) == COLUMNS
    assert [plain[c] for c in ("model", "task", "variant", "rule")] == ["base", "rte", "", ""]
    assert [other[c] for c in ("model", "task", "variant", "rule")] == ["large", "mrpc", "lr2", "super"]
    assert other["sparsity"] == "0.3"
    assert other["path"] == OTHER.folder.as_posix()


def test_a_papers_own_columns_come_last_and_are_empty_where_a_run_has_none(tmp_path):
    write(tmp_path, PLAIN, extra={"remaining": 0.75, "unasked": 1})
    write(tmp_path, OTHER)
    own = ("remaining", "p10")
    collect_stage(tmp_path, stage(PLAIN, OTHER), tmp_path / "made.csv", own)
    first, second = rows(tmp_path / "made.csv")
    assert tuple(first) == (*COLUMNS, *own)
    assert [first["remaining"], first["p10"], second["remaining"]] == ["0.75", "", ""]
    merge_cells([tmp_path / "made.csv"], tmp_path / "cells.csv", own)
    assert (tmp_path / "cells.csv").read_text() == (tmp_path / "made.csv").read_text()
    with pytest.raises(TicketsError, match=r"made.csv: other columns than expected\. Delete it"):
        merge_cells([tmp_path / "made.csv"], tmp_path / "cells.csv")
    with pytest.raises(TicketsError, match=r"made.csv: columns missing: loss_p10\. Delete it"):
        merge_cells([tmp_path / "made.csv"], tmp_path / "cells.csv", (*own, "loss_p10"))


def test_a_score_is_its_metric_or_the_mean_that_the_run_states(tmp_path):
    both = {"dev": {"accuracy": 60.0, "f1": 70.0}, "test": {"accuracy": 50.0}}
    write(tmp_path, PLAIN, scores=both, score=99.0)
    write(tmp_path, OTHER, scores=both, metric="accuracy + f1", score=65.0)
    collect_stage(tmp_path, stage(PLAIN, OTHER), tmp_path / "made.csv")
    single, mean = rows(tmp_path / "made.csv")
    assert [single["score"], single["test_score"]] == ["60.0", "50.0"]
    assert [mean["metric"], mean["score"], mean["test_score"], mean["f1"]] == [
        "accuracy + f1",
        "65.0",
        "",
        "70.0",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": "f1"}, "no 'f1'"),
        ({"extra": [1]}, "attribute"),
        ({"scores": {"test": {}}}, "no 'dev'"),
    ],
)
def test_damaged_metrics_are_named(tmp_path, changes, words):
    write(tmp_path, PLAIN, **changes)
    with pytest.raises(
        TicketsError, match=rf"metrics.json: not the metrics of a run \(.*{words}.*\)\. Delete it"
    ):
        collect_stage(tmp_path, stage(PLAIN), tmp_path / "made.csv", ("remaining",))
    assert not (tmp_path / "made.csv").exists()
