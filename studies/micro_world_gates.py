"""Does the rank of a head or FFN matter in the micro world, and do light tickets beat the full model?

The stages of paper `supertickets` (full models, winning, random and losing tickets; reruns of the full model as
control X1), run as in the preset `micro` but on worlds of other seeds, which are the preset's seeds too. Runs go below
--work, and a second call makes what is missing. Writes a tidy CSV, one row a run (dev scores under each selection; the
test split is not scored), and its tables in Markdown beside it; results in docs/explanation/micro-world.md.

    python studies/micro_world_gates.py --worlds 5 6 7
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from micro_world_gates_tables import tables
from micro_world_jobs import finished, prepare

from tickets.config import Config, parse_config
from tickets.grid import Job, find_stage
from tickets.jobs.runner import run_job
from tickets.papers.supertickets.paper import Supertickets
from tickets.provenance.collect import cell_row, write_csv

STAGES = ("trial", "families", "reruns")
REPLICATES = {"trial": 2, "families": 2, "reruns": 2, "multitask": 2}
TASKS = ["rte", "mrpc", "sst-2", "sts-b", "mnli"]
RERUNS = ["rte", "mrpc", "sts-b"]
COLUMNS = (
    "task", "method", "variant", "sparsity", "replicate", "heads_removed", "ffns_removed", "remaining",
    "score", "p10", "rest", "half",
    *(f"select_{selection}" for selection in ("full", "p10", "half")),
    *(f"select_loss_{selection}" for selection in ("full", "p10", "half")),
)  # fmt: skip


def world_config(raw: dict[str, Any], world: int) -> Config:
    """The preset `micro` on another world with another seed, cut to the runs of this study."""
    micro = raw["presets"]["micro"]
    paper = micro["supertickets"]
    grid = paper["grid"] | {"families": TASKS, "reruns": RERUNS, "domains": []}
    replicates = paper["replicates"] | REPLICATES
    preset = {key: value for key, value in micro.items() if key != "lth"} | {
        "seed": world,
        "data": micro["data"] | {"world_seed": world},
        "supertickets": paper | {"tasks": TASKS, "grid": grid, "replicates": replicates},
    }
    name = f"world{world}"
    return parse_config({"presets": {name: preset}}, name)


def jobs(config: Config, stage: str) -> Iterator[Job]:
    """The jobs of a stage."""
    yield from find_stage(Supertickets().stages(config), stage).jobs()


def collect(configs: dict[int, Config]) -> Iterator[dict[str, Any]]:
    """One row a run of every finished job."""
    for world, config in configs.items():
        for stage in STAGES:
            for job in (job for job in jobs(config, stage) if finished(config, job)):
                for run in job.runs:
                    row = cell_row(config.root, stage, run, Supertickets.cell_columns)
                    yield {"world": world} | {column: _short(row[column]) for column in COLUMNS}


def _short(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--worlds", type=int, nargs="+", default=[5, 6, 7])
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--out", type=Path, default=Path("studies/micro_world_gates.csv"))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument(
        "--work", type=Path, default=Path(".tickets/studies/gates"), help="models, data, runs"
    )
    args = parser.parse_args()
    raw, out = yaml.safe_load(args.config.read_text()), args.out.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    os.chdir(args.work)
    configs = {world: world_config(raw, world) for world in args.worlds}
    for stage in args.stages:
        for config in configs.values():
            prepare(config, jobs(config, "trial"))
            for job in jobs(config, stage):
                if not finished(config, job):
                    run_job(config, job)
                    print(f"{config.preset}: {job.name}", flush=True)
    write_csv(out, ("world", *COLUMNS), collect(configs))
    out.with_suffix(".md").write_text(tables(pd.read_csv(out)))


if __name__ == "__main__":
    main()
