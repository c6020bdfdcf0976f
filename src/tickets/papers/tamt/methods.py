"""Names of the ways to make a mask: a kind, and what differs from the paper's main setting. Imports no torch."""

from dataclasses import dataclass
from typing import Literal, get_args

from tickets.errors import TicketsError
from tickets.papers.tamt.settings import OBJECTIVES, Ablation, Flavour, Objective

Init = Literal["omp", "random"]
INITS: tuple[Init, ...] = get_args(Init)
TRAINED = "tamt-"
KINDS = ("full", "omp", "random", *get_args(Flavour), *(TRAINED + objective for objective in OBJECTIVES))
_RANDOM = "-random"


@dataclass(frozen=True)
class Method:
    """What a method token says: 'tamt-mlm', 'tamt-kd-random.step2000', 'imp.every200', 'tamt-kd.calm'.

    step, interval  None: those of the main setting
    """

    kind: str
    init: Init = "omp"
    step: int | None = None
    interval: int | None = None
    ablation: str = ""

    @property
    def token(self) -> str:
        """Part of paths."""
        start = self.kind + (_RANDOM if self.init == "random" else "")
        step = "" if self.step is None else f".step{self.step}"
        interval = "" if self.interval is None else f".every{self.interval}"
        return start + (f".{self.ablation}" if self.ablation else "") + step + interval

    @property
    def run(self) -> "Method":
        """The training that made the mask: the method without its step."""
        return Method(self.kind, self.init, None, self.interval, self.ablation)

    @property
    def trained(self) -> bool:
        """Whether the mask itself was trained."""
        return self.kind.startswith(TRAINED)

    @property
    def objective(self) -> Objective:
        """What the mask was trained on."""
        name = self.kind.removeprefix(TRAINED)
        assert name in get_args(Objective), self.kind
        return name  # type: ignore[return-value]

    @classmethod
    def parse(cls, token: str) -> "Method":
        """The inverse of `token`."""
        start, *parts = token.split(".")
        kind, init = start.removesuffix(_RANDOM), INITS[start.endswith(_RANDOM)]
        found = cls(kind, init)
        for part in parts:
            if part in get_args(Ablation):
                found = cls(kind, init, found.step, found.interval, part)
            elif part.startswith("step") and part[4:].isdigit():
                found = cls(kind, init, int(part[4:]), found.interval, found.ablation)
            elif part.startswith("every") and part[5:].isdigit():
                found = cls(kind, init, found.step, int(part[5:]), found.ablation)
        if found.token != token or kind not in KINDS:
            raise TicketsError(f"'{token}' is no method of this paper; see papers/tamt/methods.py.")
        return found


def tamt(objective: str, init: Init = "omp", ablation: str = "", step: int | None = None) -> Method:
    """Task-agnostic mask training on an objective."""
    return Method(TRAINED + objective, init, step, None, ablation)
