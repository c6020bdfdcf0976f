"""The paper `lth` as the command line and the workflow see it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.grid import Stage
from tickets.papers.lth.addresses import PAPER, mask
from tickets.papers.lth.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.papers.lth.stages import Stages


class Lth:
    """Chen et al. 2020, The Lottery Ticket Hypothesis for Pre-trained BERT Networks."""

    id = PAPER
    title = "The Lottery Ticket Hypothesis for Pre-trained BERT Networks"
    artifacts = ARTIFACTS
    not_reproduced = NOT_REPRODUCED

    def stages(self, config: Config) -> tuple[Stage, ...]:
        """See `tickets.papers.registry.Paper`."""
        return Stages(config).all()

    def cell_stages(self, config: Config, names: Sequence[str]) -> tuple[str, ...]:
        """See `tickets.papers.registry.Paper`."""
        return tuple(s.name for s in self.stages(config) if s.name in names and any(j.runs for j in s.jobs()))

    def overlap_inputs(self, config: Config) -> list[Path]:
        """See `tickets.papers.registry.Paper`."""
        settings = config.settings.lth
        reps = range(1, settings.replicates.imp + 1)
        levels = settings.grid.overlap_levels
        return [mask("imp", t, level, r).file for level in levels for t in settings.tasks for r in reps]

    def write_overlaps(self, config: Config, out: Path) -> None:
        """See `tickets.papers.registry.Paper`."""
        from tickets.papers.lth.overlap_rows import write_overlaps

        write_overlaps(config, out)

    def evidence_options(self, config: Config) -> dict[str, Any]:
        """See `tickets.papers.registry.Paper`."""
        return {"ddof": config.settings.lth.ddof}

    def judge(self, config: Config, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """See `tickets.papers.registry.Paper`."""
        from tickets.figures.render import read_cells, read_frame
        from tickets.papers.claims import evaluate_claims, write_claims
        from tickets.papers.lth.claims import PREDICATES
        from tickets.papers.lth.evidence import Evidence, PublishedEvidence

        folder = config.root / PAPER
        sizes = {task: int(column["train_examples"]) for task, column in facts.items()}
        cells, overlap = read_cells([folder / "cells.csv"]), read_frame(folder / "overlap.csv")
        evidence = Evidence.from_frames(cells, overlap, sizes, **self.evidence_options(config))
        published = PublishedEvidence(Path("paper") / PAPER)
        results = evaluate_claims(published.paper_dir / "claims.yaml", PREDICATES, evidence, published)
        write_claims(results, folder / "claims.json", folder / "claims.md", config.preset, PAPER)
