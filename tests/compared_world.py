"""A results folder with few runs, made by hand, for comparisons."""

import csv
import json
import shutil
from pathlib import Path

from tickets.provenance.collect import COLUMNS

ROOT = Path(__file__).parents[1]
TASKS = ("rte", "cola")
LEVELS = ("00", "50", "70")
SEEDS = (1, 2, 3)
SPREAD = (0.0, 1.0, 2.0)  # of the seeds of a cell: standard deviation 1
VERDICTS = {
    "C1": ("reproduced", "reproduced"),
    "C2": ("not reproduced", "reproduced"),
    "C3": ("not run", "not run"),
}
TABLE = """\
row,value,RTE,CoLA
Training examples of the task,ours,800.0,2500.0
Training examples of the task,published,2490.0,8551.0
Full model,ours,95.0,86.0
Full model,ours std,1.0,4.0
Full model,published,66.2,54.5
Full model,published std,3.4,0.6
IMP mask,ours,96.0,53.0
IMP mask,ours std,0.5,1.0
IMP mask,published,66.0,53.8
Random mask,ours,50.0,not run
Random mask,published,56.3,0.0
"""


def rows():
    """Every cell's scores are a round number and SPREAD."""
    found = []
    for t, task in enumerate(TASKS):
        for k, level in enumerate(LEVELS):
            for seed, extra in zip(SEEDS, SPREAD, strict=True):
                path = f"lth/runs/{task}/pretrained/imp/from-{task}/sparsity{level}/seed{seed}"
                known = {
                    "paper": "lth", "stage": "imp", "model": "base", "task": task, "weights": "pretrained",
                    "method": "imp", "source": task, "sparsity": int(level) / 100, "replicate": seed,
                    "fingerprint": f"f-{path}", "metric": "accuracy", "score": 60.0 + 10 * t + k + extra,
                    "loss": 0.5, "steps": 10, "seconds": 1.5, "path": path,
                }  # fmt: skip
                found.append({name: str(known.get(name, "")) for name in COLUMNS})
    return found


def write_results(root, *, change=None, claims=None, table=TABLE):
    """results/<preset> with the cells, claims and Table 8 of `lth`; `change` edits each row of the cells."""
    folder = root / "lth"
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    found = rows()
    for row in found:
        if change is not None:
            change(row)
    with (folder / "cells.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    entries = [
        {
            "id": id,
            "title": f"Claim {id}",
            "ours": {"status": ours},
            "published_verdict": {"status": published},
        }
        for id, (ours, published) in (claims or VERDICTS).items()
    ]
    (folder / "claims.json").write_text(json.dumps({"paper": "lth", "claims": entries}))
    (folder / "tables" / "table8.csv").write_text(table)
    return root


def checkout(folder):
    """The repository's config and our results, to run commands in."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "config.yaml", folder / "config.yaml")
    write_results(folder / "results" / "micro")
    return folder
