"""Tables of the micro-world study in Markdown: mean ± sample std over worlds of each world's mean over seeds.

Test scores, with the dev mean in brackets where it fits.

    python studies/micro_world_tables.py studies/micro_world.csv
"""

import sys
from pathlib import Path

import pandas as pd

from tickets.data.tasks import TASKS

VARIANTS = {
    "theta0": "θ₀",
    "mlm-only": "without NSP",
    "random-init": "fresh",
    "imp": "IMP",
    "oneshot": "one-shot",
    "random-mask": "random mask",
    "imp-reinit": "IMP, fresh weights",
    "imp-layers": "IMP, layers shuffled",
    "imp-elements": "IMP, elements shuffled",
}


class Study:
    """Per-world means of the primary metric, and what tables say of them."""

    def __init__(self, path: Path) -> None:
        rows = pd.read_csv(path, dtype={"level": str})
        rows = rows[rows["metric"] == rows["task"].map(lambda task: TASKS[task].metrics[0])]
        keys = ["finding", "task", "variant", "level", "split", "world"]
        self.means = rows.groupby(keys)["score"].mean()
        self.worlds = sorted(rows["world"].unique())

    def worlds_of(self, finding: str, task: str, variant: str, level: str, split: str) -> "pd.Series[float]":
        """One mean a world; empty if the runs are missing."""
        try:
            found: pd.Series[float] = self.means[finding, task, variant, level, split]
        except KeyError:
            return pd.Series(dtype=float)
        return found

    def cell(self, finding: str, task: str, variant: str, level: str, dev: bool = False) -> str:
        """`mean ± std`, followed by the dev mean on request."""
        values = self.worlds_of(finding, task, variant, level, "test")
        if values.empty:
            return "not run"
        text = f"{values.mean():.1f} ± {values.std(ddof=1):.1f}"
        beside = self.worlds_of(finding, task, variant, level, "dev").mean()
        return f"{text} ({beside:.1f})" if dev else text

    def tasks(self, finding: str) -> list[str]:
        """The tasks that ran, in the registry's order."""
        there = set(self.means.loc[finding].index.get_level_values("task"))
        return [task for task in TASKS if task in there]

    def pretraining(self) -> str:
        """Finding (i)."""
        variants = ("theta0", "mlm-only", "random-init")
        head = ["task", *(VARIANTS[v] for v in variants)]
        rows = [
            [TASKS[t].title, *(self.cell("i", t, v, "0", dev=True) for v in variants)]
            for t in self.tasks("i")
        ]
        return markdown(head, rows)

    def tickets(self, level: str) -> str:
        """Finding (ii) at one sparsity."""
        variants = ("imp", "oneshot", "random-mask", "imp-reinit", "imp-layers", "imp-elements")
        rows = []
        for t in self.tasks("ii"):
            cells = [self.cell("ii", t, v, level) for v in variants]
            rows.append([TASKS[t].title, self.cell("ii", t, "dense", "0"), *cells])
        return markdown(["task", "dense", *(VARIANTS[v] for v in variants)], rows)

    def ahead(self, finding: str, task: str, level: str, first: str, second: str) -> int:
        """In how many worlds the mean of `first` is above that of `second`, on test."""
        # The dense run, as the runs of (i), has the level 0.
        one = self.worlds_of(finding, task, first, level, "test")
        other = self.worlds_of(finding, task, second, "0" if second == "dense" else level, "test")
        return int((one > other).sum())

    def orders(self) -> str:
        """Counts of worlds by finding: first above second, in the order of `tasks`."""
        pairs: list[tuple[str, str, str, str]] = []
        for first, second in (("theta0", "random-init"), ("mlm-only", "random-init"), ("theta0", "mlm-only")):
            pairs.append(("i", "0", first, second))
        for level in ("50", "70"):
            seconds = ("dense", "oneshot", "random-mask", "imp-reinit", "imp-layers", "imp-elements")
            pairs += [("ii", level, "imp", second) for second in seconds]
            pairs.append(("ii", level, "imp-layers", "imp-reinit"))
        rows = []
        for finding, level, first, second in pairs:
            counts = (f"{t} {self.ahead(finding, t, level, first, second)}" for t in self.tasks(finding))
            rows.append([f"({finding})", level, f"{first} > {second}", ", ".join(counts)])
        return markdown(["finding", "level", f"order, of {len(self.worlds)} worlds", "worlds"], rows)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main() -> None:
    """Print all tables."""
    study = Study(Path(sys.argv[1] if len(sys.argv) > 1 else "studies/micro_world.csv"))
    print(f"worlds {', '.join(map(str, study.worlds))}\n")
    parts = [
        study.pretraining(),
        study.tickets("50"),
        study.tickets("70"),
        study.orders(),
    ]
    print("\n".join(parts))


if __name__ == "__main__":
    main()
