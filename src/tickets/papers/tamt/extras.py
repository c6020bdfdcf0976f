"""What the paper lacks: losses of all masks, training curves, controls, agreement in numbers, correlations."""

import math

import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.tamt.ask import Shown, shown
from tickets.papers.tamt.controls import controls as controls
from tickets.papers.tamt.correlations import correlations as correlations
from tickets.papers.tamt.evidence import AVG5, KINDS, MODELS, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.fidelity import fidelity as agreement
from tickets.papers.tamt.scatters import SPARSITIES
from tickets.papers.tamt.scatters import fig5_published as fig5_published
from tickets.papers.tamt.training_curves import training as training
from tickets.papers.tamt.wording import KIND_NAMES, MODEL_NAMES, Facts, percent_text
from tickets.stats.summary import summarise

LOSSES = {
    "mlm_loss": "MLM loss",
    "mlm_accuracy": "MLM accuracy (%)",
    "kd_loss": "KD loss (cosine)",
    "kd_loss_unpadded": "KD loss (cosine, no padding)",
    "kd_mse": "KD loss (squared error)",
    "removed": "Removed (%)",
    "removed_with_pooler": "Removed, with pooler (%)",
}
_DUST = 1e-7  # the full model's distance from itself, in single precision
_SHARES = ("removed", "removed_with_pooler")  # fractions in pretraining.csv


def losses(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Dev losses of the main masks by sparsity, mean and deviation over mask seeds; at 0 % the full model."""
    models = [model for model in MODELS if model in ours.models] or [MODELS[0]]
    kinds = [kind for kind in KINDS if kind != "full"]
    found = {s for model in models for kind in kinds for s in ours.sparsities(kind, model)}
    columns = {s: percent_text(s) for s in (0.0, *sorted(found or set(SPARSITIES)))}
    rows = []
    for model in models:
        for column, title in LOSSES.items():
            for kind in kinds:
                settings = {t: Which(kind if s else "full", s, model) for s, t in columns.items()}
                mine = {title: _stat(ours, which, column) for title, which in settings.items()}
                theirs = {title: _stat(published, which, column) for title, which in settings.items()}
                known = any(theirs[title] is not None for title in list(columns.values())[1:])
                label = f"{MODEL_NAMES[model]}, {title}: {KIND_NAMES[kind]}"
                rows.append(Row(label, mine, theirs if known else None))
    return comparison(list(columns.values()), rows)


def _stat(evidence: Evidence, which: Which, column: str) -> Shown | None:
    scale = 100.0 if column in _SHARES else 1.0
    values = scale * evidence.losses(which, column)
    return shown(summarise(values.where(values.abs() > _DUST, 0.0)), evidence.ddof)


def fidelity(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Average of five as the released code scores it, beside Figure 5, and whether they agree."""
    frame = agreement(ours, published)
    columns = {s: percent_text(s) for s in sorted(frame["sparsity"].unique())}
    comparable = published.comparable(ours)
    rows = []
    for kind, part in frame.groupby("kind", sort=False):
        mine: dict[str, Entry] = dict.fromkeys(columns.values(), NOT_APPLICABLE)
        theirs, verdict = dict(mine), dict(mine)
        for cell in part.to_dict("records"):
            at = columns[cell["sparsity"]]
            known, theirs[at] = cell["agrees"] is not None, float(cell["published"])
            ran = len(ours.average(Which(str(kind), cell["sparsity"]), AVG5)) > 0
            # run, but the released code keeps no score of some task
            mine[at] = NOT_APPLICABLE if ran and not known else _number(cell["ours"])
            verdict[at] = (
                (("yes" if cell["agrees"] else "no") if known and comparable else NOT_APPLICABLE)
                if known or ran
                else None
            )
        rows.append(Row(KIND_NAMES[str(kind)], mine, theirs))
        rows.append(Row(f"{KIND_NAMES[str(kind)]}: within {part['tolerance'].iloc[0]:g} points", verdict))
    return comparison(list(columns.values()), rows)


def _number(value: object) -> Entry:
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else None
