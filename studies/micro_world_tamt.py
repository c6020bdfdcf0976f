"""Mask training in the micro world: what it does to the losses of pre-training, and what fine-tuning makes of it.

Masks and runs are those of paper `tamt` in the preset `micro`, made by its own stages, but on worlds of other seeds
(which are the preset's seeds too) and with more seeds. Runs go below --work, and a second call makes what is missing.
Writes a tidy CSV, one row a run, with the losses of its mask beside it (runs are scored on dev: best of the
evaluations on the way, as the paper has it, and after the last step). What explains them is measured by
`micro_world_tamt_why.py`; tables of both in `micro_world_tamt.md`.

    python studies/micro_world_tamt.py --worlds 5 6 7
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from micro_world_jobs import finished, prepare

from tickets.config import Config, parse_config
from tickets.grid import Job, find_stage
from tickets.jobs.files import read_json
from tickets.jobs.runner import run_job
from tickets.papers.tamt.addresses import full_losses_file, losses_file, mask_of
from tickets.papers.tamt.paper import Tamt
from tickets.provenance.collect import cell_row, write_csv

WORLDS = (5, 6, 7)
SEEDS = 5
RANDOM_SEEDS = 2
TASKS = ("mnli", "rte", "sts-b", "cola", "sst-2", "squad")
LEVELS = ("50", "60", "70", "80")
MASKS = ("baseline_masks", "imp_masks", "mask_training")
STAGES = ("full", "baselines", "methods")
SHORT = {"steps": 80, "batch_size": 16, "learning_rate": 1.0e-3, "max_length": 64}
STEADIER = SHORT | {"batch_size": 32, "betas": [0.9, 0.98]}
RECIPES = {
    "default": SHORT,
    "mnli": SHORT | {"steps": 120},
    "cola": STEADIER | {"steps": 160, "learning_rate": 2.0e-3},
    "sst-2": STEADIER | {"steps": 120, "learning_rate": 3.0e-3},
}
"""Fine-tuning as the preset had it when this ran; it has since raised the rate of most tasks to 1.5e-3."""
EVERY = {"default": 39, "cola": 79, "mnli": 59, "sst-2": 59, "squad": 40}
RUN_COLUMNS = (
    "stage", "task", "method", "kind", "step", "sparsity", "mask_seed", "replicate", "score", "score_final",
)  # fmt: skip
LOSSES = ("mlm_loss", "mlm_accuracy", "kd_loss", "removed")


def world_config(raw: dict[str, Any], world: int) -> Config:
    """The preset `micro` on another world with another seed, cut to the runs of this study.

    A mask seed is fine-tuned with the seed of the same number, and the one-shot mask with all of them: differences
    of two masks then share head and data order, and no single run of the one-shot mask stands in all of them.
    """
    micro = raw["presets"]["micro"]
    paper = micro["tamt"]
    grid = paper["grid"] | {
        "baseline_levels": LEVELS,
        "levels": {"base": LEVELS},
        "tuned_levels": LEVELS,
        "step_levels": [],
        "interval_levels": [],
        "rewind_tasks": [],
        "random_levels": [],
        "few": {},
        "ablations": [],
    }
    imp = paper["imp"] | {"intervals": [], "distance_intervals": [], "flavours": ["imp"]}
    replicates = {"masks": SEEDS, "finetune": SEEDS, "few": SEEDS, "ablations": 1, "crossed": False}
    own = {
        "tasks": TASKS,
        "recipes": RECIPES,
        "evaluate_every": EVERY,
        "replicates": replicates,
        "grid": grid,
        "imp": imp,
    }
    kept = {key: value for key, value in micro.items() if key not in ("lth", "supertickets")}
    preset = kept | {
        "seed": world,
        "data": micro["data"] | {"world_seed": world},
        "tamt": paper | own,
    }
    name = f"world{world}"
    return parse_config({"presets": {name: preset}}, name)


def jobs(config: Config, stage: str) -> Iterator[Job]:
    """The jobs of a stage, without most of the random masks' runs."""
    for job in find_stage(Tamt().stages(config), stage).jobs():
        cells = (c for c in job.cells if c.get("method") != "random" or int(c.get("mask", 0)) <= RANDOM_SEEDS)
        yield replace(job, cells=tuple(cells))


def collect(configs: dict[int, Config]) -> Iterator[dict[str, Any]]:
    """One row a run of every finished job, with what pre-training thinks of its mask."""
    for world, config in configs.items():
        for stage in STAGES:
            for job in (job for job in jobs(config, stage) if finished(config, job)):
                for run in job.runs:
                    row = cell_row(config.root, stage, run, Tamt.cell_columns)
                    mask = mask_of(run)
                    path = full_losses_file("base") if mask is None else losses_file(mask)
                    row |= read_json(config.root / path)
                    yield {"world": world} | {
                        column: _short(row[column]) for column in (*RUN_COLUMNS, *LOSSES)
                    }


def _short(value: Any) -> Any:
    return round(value, 5) if isinstance(value, float) else value


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--worlds", type=int, nargs="+", default=list(WORLDS))
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--out", type=Path, default=Path("studies/micro_world_tamt.csv"))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument(
        "--work", type=Path, default=Path(".tickets/studies/tamt"), help="models, data, masks, runs"
    )
    args = parser.parse_args()
    raw, out = yaml.safe_load(args.config.read_text()), args.out.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    os.chdir(args.work)
    configs = {world: world_config(raw, world) for world in args.worlds}
    for stage in (*MASKS, *args.stages):
        for config in configs.values():
            prepare(config, (job for name in ("baseline_masks", "full") for job in jobs(config, name)))
            for job in jobs(config, stage):
                if not finished(config, job):
                    run_job(config, job)
                    print(f"{config.preset}: {job.name}", flush=True)
    write_csv(out, ("world", *RUN_COLUMNS, *LOSSES), collect(configs))


if __name__ == "__main__":
    main()
