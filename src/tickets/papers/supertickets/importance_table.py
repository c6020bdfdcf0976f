"""How much the tickets depend on the way importance is computed (spec supertickets section 1.2)."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.supertickets.evidence import TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.layout import TITLES, Facts, headings
from tickets.stats.summary import summarise

if TYPE_CHECKING:
    from tickets.pruning.scores import Scores

REFERENCE = "token"
OTHERS = ("example", "batch", "triangular")
HEAD_LEVELS = (1, 2, 4, 8)
FFN_LEVELS = (2, 4, 8)


def importance_variants(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Kendall's tau of the scores and Jaccard index of the removed sets, each variant against per-token scores."""
    rows = []
    for model in ours.models:
        scores = {variant: _scores(ours, model, variant) for variant in (REFERENCE, *OTHERS)}
        for other in OTHERS:
            agreed = {t: _agreements(scores[REFERENCE], scores[other], t) for t in TASKS8}
            for name in _NAMES:
                values: dict[str, Entry] = {TITLES[t]: _mean(agreed[t], name) for t in TASKS8}
                rows.append(Row(f"{model}, {REFERENCE} / {other}: {name}", values))
    return comparison(headings(), rows)


_NAMES = (
    "tau of heads",
    "tau of FFNs",
    *(f"removed heads in common, level {k}" for k in HEAD_LEVELS),
    *(f"removed FFNs in common, level {k}" for k in FFN_LEVELS),
)
Key = tuple[str, int]


def _scores(ours: Evidence, model: str, variant: str) -> "dict[Key, Scores]":
    """Scores by task and replicate; none where the frame has none."""
    frame = ours.importance(variant)
    if frame is None:
        return {}
    import torch

    from tickets.pruning.scores import Scores

    found: dict[Key, Scores] = {}
    for (task, replicate), part in frame[frame["model"] == model].groupby(["task", "replicate"]):
        heads = part[part["kind"] == "head"].pivot(index="layer", columns="index", values="raw")
        ffns = part[part["kind"] == "ffn"].sort_values("layer")["raw"]
        tensors = (torch.from_numpy(values.to_numpy(dtype=np.float64, copy=True)) for values in (heads, ffns))
        found[str(task), int(str(replicate))] = Scores(*tensors)
    return found


def _agreements(first: "dict[Key, Scores]", second: "dict[Key, Scores]", task: str) -> list[dict[str, float]]:
    """One entry a replicate that has both variants."""
    return [_agreement(first[key], second[key]) for key in first if key[0] == task and key in second]


def _agreement(first: "Scores", second: "Scores") -> dict[str, float]:
    from tickets.pruning.agreement import agreement
    from tickets.pruning.ranking import count_ffns, count_heads

    layers, heads = first.layers, first.heads_per_layer
    found: dict[str, float] = {}
    for level in sorted({*HEAD_LEVELS, *FFN_LEVELS}):
        both = agreement(first, second, count_heads(layers, heads, level), count_ffns(layers, level))
        found |= {"tau of heads": both.heads_tau, "tau of FFNs": both.ffns_tau}
        found[f"removed heads in common, level {level}"] = both.heads_jaccard
        # two tickets that remove no FFN do not agree on anything
        removes = count_ffns(layers, level) > 0
        found[f"removed FFNs in common, level {level}"] = both.ffns_jaccard if removes else np.nan
    return found


def _mean(agreed: list[dict[str, float]], name: str) -> Entry:
    if not agreed:
        return None
    stat = summarise([entry[name] for entry in agreed])
    return NOT_APPLICABLE if stat is None else stat
