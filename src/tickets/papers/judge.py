"""From a paper's collected results to its claims.json and claims.md."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.figures.render import read_evidence
from tickets.papers.claims import evaluate_claims, write_claims
from tickets.papers.registry import Paper


def judge(
    config: Config, paper: Paper, facts: Mapping[str, Mapping[str, Any]], out: Path | None = None
) -> None:
    """Judge every claim of the paper on all its cells, and on the published numbers.

    out: the folder to write to, by default where the claims belong
    """
    folder = config.root / paper.id
    frames = {frame.name: folder / f"{frame.name}.csv" for frame in paper.frames}
    options = paper.evidence_options(config)
    ours, published = read_evidence(
        paper.id, [folder / "cells.csv"], frames, Path("paper") / paper.id, facts, options
    )
    predicates = import_module(f"tickets.papers.{paper.id}.claims").PREDICATES
    results = evaluate_claims(Path("paper") / paper.id / "claims.yaml", predicates, ours, published)
    out = out or folder
    write_claims(results, out / "claims.json", out / "claims.md", config.preset, paper.id)
