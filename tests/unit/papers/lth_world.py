"""A made-up world in which every claim of lth holds, to be damaged by the tests of the claims."""

import pandas as pd

from tickets.papers.lth.tasks import DOWNSTREAM, TASKS

DENSE = 80.0
WINNING = dict(zip(TASKS, (70, 90, 50, 90, 70, 50, 60, 60, 50, 40, 70), strict=True))
STRICT = dict(zip(TASKS, (70, 70, 40, 90, 50, 40, 50, 50, 40, 20, 50), strict=True))
TWO_POINTS = WINNING | {"sts-b": 70, "squad": 70}
SIZES = dict(
    zip(TASKS, (392702, 363846, 5749, 635, 104743, 3668, 2490, 67349, 8551, 87599, 2500000), strict=True)
)
SECOND = {"mnli": "accuracy_mismatched", "qqp": "f1", "sts-b": "spearman", "mrpc": "f1"}
WORSE_ON_QQP = -0.5
JITTER = (-0.2, 0.1, 0.0, -0.1, 0.2)  # sample std .158
REACHED = {"mnli", "qqp", "sts-b", "qnli", "rte", "squad", "mlm"}
MLM_WINS = {"mnli", "wnli", "qnli", "rte", "sst-2"}


class World:
    """Collects rows of cells.csv."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def add(self, task, mean, sparsity, *, weights="pretrained", method="imp", source=None, rule="", **more):
        for replicate, jitter in enumerate(JITTER):
            values = {name: value + jitter for name, value in more.items()}
            address = {"task": task, "weights": weights, "method": method, "source": source or task}
            run = {"rule": rule, "sparsity": sparsity, "replicate": replicate, "score": mean + jitter}
            self.rows.append(address | run | values)

    def cells(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows)


def build() -> pd.DataFrame:
    world = World()
    for task in TASKS:
        _chain(world, task)
        _baselines(world, task)
        _transfers(world, task)
    return world.cells()


def overlap(downstream=95.0, mlm=85.0) -> pd.DataFrame:
    rows = []
    names = list(TASKS)
    for i, a in enumerate(names):
        for b in names[i:]:
            for ra, rb in ((0, 0), (0, 1)):
                value = 100.0 if (a == b and ra == rb) else (mlm if "mlm" in (a, b) else downstream)
                row = {"source_a": a, "source_b": b, "replicate_a": ra, "replicate_b": rb, "sparsity": 0.7}
                others = {"intersection_kept": value / 400, "pruned_jaccard": value + 1}
                rows.append(row | others | {"kept_jaccard": value, "shared_pruned": value + 2})
    return pd.DataFrame(rows)


def _chain(world: World, task: str) -> None:
    for percent in range(0, 100, 10):
        s = percent / 100
        mean = DENSE + _gain(task, percent, STRICT[task], WINNING[task])
        more = {}
        if task in SECOND:
            more[SECOND[task]] = DENSE + (
                _gain(task, percent, 30, 40) if task == "sts-b" else _gain(task, percent, 30, WINNING[task])
            )
        world.add(task, mean, s, **more)


def _gain(task: str, percent: int, strict: int, winning: int) -> float:
    if percent == 0:
        return 0.0
    if percent <= strict:
        return 0.05
    if percent <= winning:
        return -0.1
    return -1.7 if percent <= TWO_POINTS[task] else -10.0


def _baselines(world: World, task: str) -> None:
    for rule, s in (("winning", WINNING[task] / 100), ("strict", STRICT[task] / 100)):
        if rule == "strict" and STRICT[task] == WINNING[task]:
            continue
        world.add(task, DENSE - 20, s, method="random", source="any", rule=rule)
        world.add(task, DENSE - 25, s, weights="reinit", rule=rule)
        world.add(task, DENSE - 22, s, weights="shuffled", rule=rule)
    s = WINNING[task] / 100
    own = DENSE + _gain(task, WINNING[task], STRICT[task], WINNING[task])
    for name in ("rewind05", "rewind10", "rewind20", "rewind50"):
        hurt = name == "rewind50" and task in ("rte", "sts-b")
        world.add(task, own - 3 if hurt else own + 0.5, s, weights=name, method=f"imp-{name}", rule="winning")
    change = 1.5 if task in ("qqp", "qnli", "mrpc", "mlm") else -2.5
    world.add(task, own + change, s, weights="standard", method="imp-standard", rule="winning")
    if task in DOWNSTREAM and WINNING[task] != 70:
        mean = DENSE if task in MLM_WINS else DENSE - 0.3
        world.add(task, mean, s, source="mlm", rule="winning")


def _transfers(world: World, task: str) -> None:
    for s in (0.5, 0.7):
        own = DENSE + _gain(task, round(100 * s), STRICT[task], WINNING[task])
        for source in TASKS:
            far = -1.0 if source in REACHED else -4.0
            gain = far + SIZES[source] / 1e7
            if source == "mlm":
                # Table 7 shares the cells in which the target's own sparsity is this one
                gain = 0.05 if task in MLM_WINS or WINNING[task] != 100 * s else 0.0
            if source != task:
                world.add(task, own + gain, s, source=source)
        world.add(task, own - (0.5 if task != "mlm" else 2.0), s, method="oneshot", source="any")
    own = DENSE + _gain(task, 70, STRICT[task], WINNING[task])
    for source, change in (("mnli", 0.3), ("mlm", -0.3)):
        base = own + (0.05 if source == "mlm" else -1.0 + SIZES[source] / 1e7)
        for name in ("rewind05", "rewind10", "rewind20", "rewind50", "standard"):
            world.add(task, base + change, 0.7, weights=name, method=f"imp-{name}", source=source)
    if task != "mlm":
        world.add(task, own + 0.5, 0.7, source="mlm+qnli")
    if task in ("sst-2", "cola", "squad"):
        world.add(task, own + 0.02, 0.7, source=f"mlm@{task}")
