"""The ways of all papers to make a ticket, as figures and tables name them. Imports nothing heavy."""

from dataclasses import dataclass

PAPERS = {
    "lth": "Lottery tickets (Chen et al. 2020)",
    "supertickets": "Super tickets (Liang et al. 2021)",
    "tamt": "Mask training (Liu et al. 2022)",
}
"""Papers by id, in the order of figures."""


@dataclass(frozen=True)
class Method:
    """A way of a paper to make masks; `agnostic`: they know no downstream task, so every task is a transfer target."""

    paper: str
    name: str
    title: str
    agnostic: bool = False


METHODS = (
    Method("lth", "imp", "IMP on the task itself"),
    Method("lth", "mlm", "IMP on MLM, transferred", agnostic=True),
    Method("lth", "oneshot", "one-shot, global", agnostic=True),
    Method("lth", "random", "random, global"),
    Method("supertickets", "winning", "winning tickets"),
    Method("supertickets", "random", "random tickets"),
    Method("supertickets", "losing", "losing tickets"),
    Method("tamt", "tamt-mlm", "TAMT-MLM", agnostic=True),
    Method("tamt", "tamt-kd", "TAMT-KD", agnostic=True),
    Method("tamt", "tamt-mlm-kd", "TAMT-MLM+KD", agnostic=True),
    Method("tamt", "imp", "IMP on MLM, local", agnostic=True),
    Method("tamt", "omp", "OMP (one-shot, local)", agnostic=True),
    Method("tamt", "random", "random, local", agnostic=True),
)
OWN = METHODS[0]
"""The masks that the others are compared with: found on the task that they are judged on."""
TRANSFERRED = tuple(method for method in METHODS if method.agnostic)


def of_paper(paper: str) -> tuple[Method, ...]:
    """The methods of a paper."""
    return tuple(method for method in METHODS if method.paper == paper)
