"""Tables of the study of heads and FFNs in Markdown: curves, orders over worlds, phases, and the selection controls.

python studies/micro_world_gates_tables.py studies/micro_world_gates.csv
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from micro_world_tables import markdown

from tickets.data.tasks import TASKS
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import LEVELS, TASKS8, Evidence
from tickets.papers.supertickets.phases import Phases
from tickets.stats.comparison import paired_t

Families = tuple[list[float], list[float], list[float]]
"""Means by level 0 to 8 of winning, random and losing tickets."""
CHOSEN: dict[Selection, str] = {
    "full": "all of dev",
    "p10": "10 % of dev",
    "half": "one half, scored on the other",
}
NOT_RUN = "not run"


class Study:
    """Evidence by world."""

    def __init__(self, rows: pd.DataFrame) -> None:
        runs = rows.assign(model="base", weights="pretrained", source=rows["task"], rule="")
        parts = runs.groupby("world")
        self.worlds = {int(str(w)): Evidence.from_frames(part.drop(columns="world")) for w, part in parts}
        self.tasks = [task for task in TASKS8 if task in set(rows["task"])]

    def phases(self, task: str) -> dict[int, Phases]:
        """Phases in every world that has the winning tickets."""
        found = {world: ours.phases("base", task) for world, ours in self.worlds.items()}
        return {world: phases for world, phases in found.items() if phases is not None}

    def families(self, task: str) -> dict[int, Families]:
        """Curves in every world that has all families."""
        return {
            world: (list(p.winning), list(p.random), list(p.losing))
            for world, p in self.phases(task).items()
            if p.random is not None and p.losing is not None
        }

    def curves(self) -> str:
        """Means over replicates by level: winning / random / losing."""
        lines = []
        for task in self.tasks:
            found = self.families(task)
            lines += [[TASKS[task].title, str(world), *_cells(curves)] for world, curves in found.items()]
            if len(found) > 1:
                winning, random, losing = (_mean(part) for part in zip(*found.values(), strict=True))
                title = f"**{TASKS[task].title}**"
                lines.append([title, "mean", *_cells((winning, random, losing))])
        return markdown(["task", "world", *(f"{10 * k} %" for k in LEVELS)], lines)

    def orders(self) -> str:
        """Winning minus random and random minus losing, averaged over the eight levels; n is the number of worlds."""
        lines = []
        for task in self.tasks:
            curves = self.families(task).values()
            for name, first, second in (("winning − random", 0, 1), ("random − losing", 1, 2)):
                gaps = [[a - b for a, b in zip(c[first], c[second], strict=True)][1:] for c in curves]
                by_world = [sum(gap) / len(gap) for gap in gaps]
                test = paired_t(by_world, [0.0] * len(by_world))
                mean = "–" if test is None else f"{test.difference:+.1f} [{test.low:+.1f}, {test.high:+.1f}]"
                ahead = f"{sum(g > 0 for gap in gaps for g in gap)} of {8 * len(gaps)}"
                lines.append([TASKS[task].title, name, _list(by_world), mean, ahead])
        return markdown(["task", "points", "by world", "mean [95 % CI]", "level-worlds ahead"], lines)

    def peaks(self) -> str:
        """k*, P, and where winning and random tickets cross."""
        lines = []
        for task in self.tasks:
            for world, p in self.phases(task).items():
                low, high = p.interval or (float("nan"), float("nan"))
                crossing = "not reached" if p.crossing is None else f"{10 * p.crossing} %"
                lines.append(
                    [
                        TASKS[task].title, str(world), f"{10 * p.peak} %", f"{100 * p.threshold:.1f} %",
                        f"{p.pronounced:.1f} [{low:.1f}, {high:.1f}]",
                        "–" if p.cross_fit is None else f"{p.cross_fit:+.1f}",
                        NOT_RUN if p.gap is None else crossing,
                    ]
                )  # fmt: skip
        head = ["task", "world", "k*", "weights left", "P [bootstrap]", "P, cross-fit", "Phase III from"]
        return markdown(head, lines)

    def controls(self) -> str:
        """Gains over the full model by what is chosen: winning level, best of eight reruns, random level."""
        lines = []
        for sel, title in CHOSEN.items():
            for task in self.tasks:
                if any(len(ours.null("base", task, sel=sel)) for ours in self.worlds.values()):
                    kinds = [self._gains(task, sel, kind) for kind in ("winning", "null", "random")]
                    over = [a - b for a, b in zip(kinds[0], kinds[1], strict=True)]
                    lines.append([title, TASKS[task].title, *map(_list, (*kinds, over))])
        head = ["chosen on", "task", "super ticket", "best of 8 reruns (X1)", "best random ticket (X2)"]
        return markdown([*head, "super ticket − X1"], lines)

    def _gains(self, task: str, sel: Selection, kind: str) -> list[float]:
        """By world: mean over replicates of what choosing among levels 0 to 8 (X1: among reruns) gains."""
        gains = []
        for ours in self.worlds.values():
            family = "random" if kind == "random" else "winning"
            pairs = ours.super_ticket("base", task, sel=sel, family=family)
            score = ours.null("base", task, sel=sel) if kind == "null" else pairs["score"]
            gains.append(float((score - pairs["full"]).mean()))
        return gains


def _cells(curves: Families) -> list[str]:
    winning, random, losing = curves
    levels = zip(winning[1:], random[1:], losing[1:], strict=True)
    return [f"{winning[0]:.1f}", *(" / ".join(f"{score:.1f}" for score in scores) for scores in levels)]


def _mean(curves: Iterable[list[float]]) -> list[float]:
    return [sum(scores) / len(scores) for scores in zip(*curves, strict=True)]


def _list(values: list[float]) -> str:
    return ", ".join("–" if value != value else f"{value:+.1f}" for value in values)


def tables(rows: pd.DataFrame) -> str:
    """All tables of the study's CSV."""
    study = Study(rows)
    parts: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Score by heads removed: winning / random / losing", study.curves),
        ("Order of the families", study.orders),
        ("Phases", study.peaks),
        ("What choosing gains over the full model, by world", study.controls),
    )
    worlds = ", ".join(map(str, study.worlds))
    head = f"Made by `studies/micro_world_gates.py`: worlds {worlds}, scores in percent on dev.\n"
    return "\n".join([head, *(f"## {title}\n\n{make()}" for title, make in parts)])


def main() -> None:
    """Print the tables."""
    print(tables(pd.read_csv(Path(sys.argv[1] if len(sys.argv) > 1 else "studies/micro_world_gates.csv"))))


if __name__ == "__main__":
    main()
