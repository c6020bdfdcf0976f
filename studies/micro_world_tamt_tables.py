"""Tables of the study of mask training in Markdown: losses, scores, differences to one-shot masks, and their causes.

python studies/micro_world_tamt_tables.py studies
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import pandas as pd
from micro_world_tables import markdown

from tickets.data.tasks import TASKS as TITLES
from tickets.stats.comparison import Difference, paired_t, spearman

TASKS = ("mnli", "rte", "sts-b", "cola", "sst-2", "squad")
PROBED = TASKS[:5]
AVERAGED = TASKS[:4]
"""Tasks that every world has."""
TRIED = (*TASKS[:4], "squad")
TRAINED = ("imp", "tamt-mlm", "tamt-kd", "tamt-mlm-kd")
NAMES = {
    "full": "full",
    "omp": "OMP",
    "random": "random",
    "imp": "IMP",
    "tamt-mlm": "TAMT-MLM",
    "tamt-kd": "TAMT-KD",
    "tamt-mlm-kd": "TAMT-MLM+KD",
}
LEVELS = (0.5, 0.6, 0.7, 0.8)
FACTS = {
    "mlm_loss": "MLM loss",
    "kd_loss": "KD loss",
    "mlm_tuned": "MLM loss, trained",
    "nsp": "NSP accuracy",
    "cls": "cosine at [CLS]",
    "words": "cosine at words",
    "overlap": "overlap with OMP",
    "probe": "probe of the task",
}
FALLING = ("mlm_loss", "kd_loss", "mlm_tuned")
"""Where less is better: correlations are with the negative."""
PAIR = ["world", "replicate"]
MARK = "<!-- Below: made by micro_world_tamt_tables.py -->"


class Study:
    """The three files of the study."""

    def __init__(self, folder: Path) -> None:
        self.runs = pd.read_csv(folder / "micro_world_tamt.csv")
        self.masks = pd.read_csv(folder / "micro_world_tamt_masks.csv")
        self.trials = pd.read_csv(folder / "micro_world_tamt_trials.csv")

    def scores(self, task: str, method: str, level: float) -> "pd.Series[float]":
        """Scores by world and seed; of 'mean' the average over the tasks."""
        rows = self.runs[(self.runs["method"] == method) & (self.runs["sparsity"] == level)]
        if task == "mean":
            return rows[rows["task"].isin(AVERAGED)].groupby(PAIR)["score"].mean()
        return rows[rows["task"] == task].set_index(PAIR)["score"]

    def losses(self) -> str:
        """MLM and KD loss of every kind of mask."""
        one = self.runs.drop_duplicates(["world", "method", "sparsity", "mask_seed"])
        lines = []
        for method in NAMES:
            cells = []
            for column in ("mlm_loss", "kd_loss"):
                for level in LEVELS:
                    at = one["sparsity"] == (0 if method == "full" else level)
                    cells.append(_spread(one[(one["method"] == method) & at][column], 3))
            lines.append([NAMES[method], *cells])
        head = [f"{name} {level:.0%}" for name, level in product(("MLM", "KD"), LEVELS)]
        return markdown(["mask", *head], lines)

    def table(self) -> str:
        """Scores by task, sparsity and mask."""
        lines = []
        for task in (*TASKS, "mean"):
            full = _spread(self.scores(task, "full", 0.0))
            for level in LEVELS:
                found = [_spread(self.scores(task, method, level)) for method in NAMES if method != "full"]
                lines.append([_title(task), f"{level:.0%}", full, *found])
        return markdown(["task", "sparsity", *NAMES.values()], lines)

    def differences(self) -> str:
        """Each mask minus the one-shot mask, paired by world and fine-tuning seed."""
        lines = []
        tests = len(TASKS) * len(LEVELS) * len(TRAINED)
        for task, level in product((*TASKS, "mean"), LEVELS):
            omp, cells = self.scores(task, "omp", level), []
            for method in TRAINED:
                gaps = (self.scores(task, method, level) - omp).dropna()
                test = paired_t(gaps.to_list(), [0.0] * len(gaps))
                worlds = ", ".join(f"{gap:+.1f}" for gap in gaps.groupby("world").mean())
                mark = " **\\***" if test and test.p < 0.05 / tests and task != "mean" else ""
                cells.append(f"{_interval(test)}{mark}; {worlds}" if test else "")
            lines.append([_title(task), f"{level:.0%}", *cells])
        return markdown(["task", "sparsity", *(NAMES[m] for m in TRAINED)], lines)

    def joined(self, task: str) -> pd.DataFrame:
        """One row a mask: mean score of a task, and everything measured of the mask."""
        keys = ["world", "method", "sparsity", "mask_seed"]
        rows = self.runs[(self.runs["task"] == task) & (self.runs["method"] != "random")]
        means = rows.groupby(keys)[["score", "mlm_loss", "kd_loss"]].mean().reset_index()
        facts = self.masks.rename(columns={f"probe_{task}": "probe"})
        facts = facts if "probe" in facts else facts.assign(probe=float("nan"))
        return means.merge(facts, on=keys)

    def correlations(self) -> str:
        """Spearman correlation over the trained masks of a world and sparsity, mean over worlds."""
        lines = []
        for task, level in product(TASKS, LEVELS):
            rows = self.joined(task)
            rows = rows[(rows["sparsity"] == level) & rows["method"].isin(TRAINED)]
            cells = []
            for fact in FACTS:
                sign = -1 if fact in FALLING else 1
                parts = (part for _, part in rows.dropna(subset=[fact]).groupby("world"))
                found = [
                    spearman(part["score"].to_list(), (sign * part[fact]).to_list())[0] for part in parts
                ]
                cells.append(f"{sum(found) / len(found):+.2f}" if found else "")
            lines.append([_title(task), f"{level:.0%}", *cells])
        return markdown(["task", "sparsity", *FACTS.values()], lines)

    def kept(self) -> str:
        """What masks keep of theta_0 before fine-tuning."""
        columns = ["nsp", "cls", "words", "overlap", "mlm_tuned", *(f"probe_{task}" for task in PROBED)]
        lines = []
        for level, method in [(0.0, "full"), *product(LEVELS, ("omp", *TRAINED))]:
            rows = self.masks[(self.masks["sparsity"] == level) & (self.masks["method"] == method)]
            digits = [1, 2, 2, 2, 2, *[1] * len(PROBED)]
            cells = [_spread(rows[c], d) for c, d in zip(columns, digits, strict=True)]
            lines.append([f"{level:.0%}", NAMES[method], *cells])
        heads = ["NSP", "[CLS]", "words", "overlap", "MLM, trained", *(f"probe {_title(t)}" for t in PROBED)]
        return markdown(["sparsity", "mask", *heads], lines)

    def experiments(self, against: str = "omp") -> str:
        """Every experiment minus a mask of the study, of the same world, task and seed, tuned in the same way."""
        lines = []
        for level, (trial, method) in product((0.7, 0.8), list(self._trials())):
            base = "gentle" if trial == "gentle" else "plain"
            rows = self.trials[self.trials["sparsity"] == level].set_index(["world", "seed"])
            own = rows[(rows["trial"] == trial) & (rows["method"] == method)]
            omp = rows[(rows["trial"] == base) & (rows["method"] == against)]
            if own.empty or method == against:
                continue
            cells = []
            for task in TRIED:
                gaps = own[own["task"] == task]["score"] - omp[omp["task"] == task]["score"]
                test = paired_t(gaps.to_list(), [0.0] * len(gaps))
                cells.append(_interval(test) if test else "")
            facts = [_spread(own[column], d) for column, d in (("nsp", 1), ("cls", 2), ("words", 2))]
            name = f"{NAMES.get(method, method)}{', gentle' if trial == 'gentle' else ''}"
            lines.append([f"{level:.0%}", name, *facts, *cells])
        heads = ["NSP", "[CLS]", "words", *(_title(task) for task in TRIED)]
        return markdown(["sparsity", "mask", *heads], lines)

    def _trials(self) -> Iterator[tuple[str, str]]:
        for trial, method in self.trials[["trial", "method"]].drop_duplicates().itertuples(index=False):
            if method != "omp":
                yield str(trial), str(method)

    def room(self) -> str:
        """Gain over the one-shot mask against what that loses, over tasks, sparsities and worlds."""
        lines = []
        for method in TRAINED:
            lost, gained = [], []
            for task, level in product(TASKS, LEVELS):
                omp = self.scores(task, "omp", level).groupby("world").mean()
                lost += list(self.scores(task, "full", 0.0).groupby("world").mean() - omp)
                gained += list(self.scores(task, method, level).groupby("world").mean() - omp)
            rho, p = spearman(lost, gained)
            lines.append([NAMES[method], f"{rho:+.2f}", f"{p:.2g}", str(len(lost))])
        return markdown(["mask", "Spearman", "p", "task-sparsity-worlds"], lines)


def _title(task: str) -> str:
    return "**mean**" if task == "mean" else TITLES[task].title


def _interval(test: Difference) -> str:
    return f"{test.difference:+.1f} [{test.low:+.1f}, {test.high:+.1f}]"


def _spread(values: "Sequence[float] | pd.Series[float]", digits: int = 1) -> str:
    found = pd.Series(values).dropna()
    if found.empty:
        return ""
    spread = f" ± {found.std():.{digits}f}" if len(found) > 1 else ""
    return f"{found.mean():.{digits}f}{spread}"


def tables(folder: Path) -> str:
    """All tables."""
    study = Study(folder)
    parts = {
        "Losses of masks on held-out text": study.losses(),
        "Scores": study.table(),
        "Difference to the one-shot mask": study.differences(),
        "What masks keep before fine-tuning": study.kept(),
        "What goes with the score among trained masks": study.correlations(),
        "Experiments: difference to the one-shot mask": study.experiments(),
        "Experiments: difference to TAMT-MLM": study.experiments("tamt-mlm"),
        "Gain over the one-shot mask against what that loses": study.room(),
    }
    return "\n".join(f"## {title}\n\n{text}\n" for title, text in parts.items())


def main() -> None:
    """Write the tables below what is said of them."""
    folder = Path(sys.argv[1])
    path = folder / "micro_world_tamt.md"
    said = path.read_text().split(MARK)[0] if path.exists() else ""
    path.write_text(f"{said}{MARK}\n\n{tables(folder)}")


if __name__ == "__main__":
    main()
