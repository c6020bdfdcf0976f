"""What a table or figure of a paper is, before anything is drawn. Light enough for Snakemake to import."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from tickets.errors import TicketsError

Kind = Literal["table", "figure"]
SUFFIXES: dict[Kind, tuple[str, ...]] = {"table": ("csv", "md", "tex"), "figure": ("pdf", "png", "csv")}


@dataclass(frozen=True)
class Artifact:
    """One table or figure, with what it needs and the pure function that makes it.

    `stages` are the pipeline stages whose cells it reads; `frames` names the paper's other tidy files that it reads.
    `others` are stages of other papers, by paper: for what is made of several (`cross`).
    `render` is "module:function"; the function takes (ours, published, facts) and returns a DataFrame for a
    table, (Figure, DataFrame of what is drawn) for a figure.
    """

    id: str
    paper: str
    kind: Kind
    number: str
    title: str
    stages: tuple[str, ...]
    render: str
    caption: str
    notes: str = ""
    frames: tuple[str, ...] = ()
    facts: bool = False  # reads the preset's recipe (facts.json)
    extra: bool = False  # ours, not in the paper
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]:
        """The stages whose cells it reads, by paper."""
        return self.others or {self.paper: self.stages}

    @property
    def stem(self) -> str:
        """File name without suffix: the id without its paper prefix, since the folder names the paper."""
        return self.id.removeprefix(f"{self.paper}_")

    def outputs(self, out_dir: Path) -> tuple[Path, ...]:
        """The files that rendering writes below `out_dir` (results/<preset>/<paper>)."""
        return tuple(out_dir / f"{self.kind}s" / f"{self.stem}.{suffix}" for suffix in SUFFIXES[self.kind])

    def function(self) -> Callable[..., Any]:
        """Import the render function now; `TicketsError` if the registry names one that is not there."""
        module, _, name = self.render.partition(":")
        found = getattr(import_module(module), name, None)
        if not callable(found):
            raise TicketsError(
                f"artifact {self.id}: {self.render} is no function; correct its registry entry."
            )
        return found  # type: ignore[no-any-return]


def paper_item(
    paper: str,
    kind: Kind,
    stem: str,
    number: str,
    title: str,
    stages: tuple[str, ...],
    caption: str,
    notes: str = "",
    *,
    frames: tuple[str, ...] = (),
    facts: bool = False,
    extra: bool = False,
    others: Mapping[str, tuple[str, ...]] | None = None,
) -> Artifact:
    """An artifact whose function has its name, in the paper's module `tables`, `figures` or (ours) `extras`."""
    module = "extras" if extra else f"{kind}s"
    return Artifact(
        f"{paper}_{stem}",
        paper,
        kind,
        number,
        title,
        stages,
        f"tickets.papers.{paper}.{module}:{stem}",
        caption,
        notes,
        frames=frames,
        facts=facts,
        extra=extra,
        others=others or {},
    )
