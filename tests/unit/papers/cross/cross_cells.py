"""Made-up cells of three papers on two tasks, small enough to know every answer. No number here is a result."""

import pandas as pd

FULL = {"lth": 80.0, "supertickets": 60.0, "tamt": 70.0}
STEP = 255
NOISE = (-0.5, 0.5)
"""Of two replicates: a sample deviation of .71."""


def row(paper, task, method, sparsity, score, replicate, **more):
    base = {
        "paper": paper, "stage": "any", "model": "base", "task": task, "variant": "", "weights": "pretrained",
        "method": method, "source": task, "rule": "", "sparsity": sparsity, "replicate": replicate, "score": score,
    }  # fmt: skip
    return base | more


def lth(task, gaps):
    """Masks by (method, source) and sparsity; the full model is round 0 of the chain."""
    rows = [row("lth", task, "imp", 0.0, FULL["lth"] + e, r) for r, e in enumerate(NOISE, 1)]
    for (method, source), by_sparsity in gaps.items():
        for sparsity, gap in by_sparsity.items():
            scores = (FULL["lth"] + gap + e for e in NOISE)
            rows += [
                row("lth", task, method, sparsity, s, r, source=source or task)
                for r, s in enumerate(scores, 1)
            ]
    return rows


def supertickets(task, gaps):
    """Tickets by family and level; 95 % of the weights are left at level 1, 90 % at level 2."""
    families = {"winning": {0: 0.0} | gaps.get("winning", {})} | {
        f: g for f, g in gaps.items() if f != "winning"
    }
    rows = []
    for family, by_level in families.items():
        for level, gap in by_level.items():
            score = FULL["supertickets"] + gap
            more = {"remaining": 1 - 0.05 * level, "p10": score, "rest": score, "half": score}
            more |= {f"select_{s}": score for s in ("full", "p10", "half")}
            more |= {f"select_loss_{s}": 1.0 for s in ("full", "p10", "half")}
            rows += [row("supertickets", task, family, level / 10, score, r, **more) for r in (1, 2)]
    return rows


def tamt(task, gaps):
    """Masks by kind and sparsity, two mask seeds of one fine-tuning each."""
    rows = []
    for kind, by_sparsity in {"full": {0.0: 0.0}, **gaps}.items():
        trained = kind.startswith("tamt-")
        for sparsity, gap in by_sparsity.items():
            for seed, noise in enumerate(NOISE, 1):
                more = {
                    "kind": kind, "init": "omp" if trained else "", "step": STEP if trained else 0, "interval": 0,
                    "main": 1, "ablation": "", "mask_seed": seed, "few": 0, "n_train": 100, "source": f"mask{seed}",
                }  # fmt: skip
                rows.append(row("tamt", task, kind, sparsity, FULL["tamt"] + gap + noise, 1, **more))
    return rows


def cells():
    """TAMT-MLM wins on both tasks and matches on RTE, OMP does neither; QQP is run by one paper only."""
    own = {("imp", ""): {0.5: 1.0, 0.7: -0.2}}
    rows = lth("rte", own | {("imp", "mlm"): {0.7: -3.0}, ("oneshot", "any"): {0.7: -5.0}})
    rows += lth("cola", own) + lth("qqp", own)
    rows += supertickets("rte", {"winning": {1: 2.0, 2: -1.0}, "random": {1: -9.0}})
    rows += tamt("rte", {"tamt-mlm": {0.7: 0.1}, "omp": {0.7: -6.0}})
    rows += tamt("cola", {"tamt-mlm": {0.7: -0.6}, "omp": {0.7: -6.0}})
    return pd.DataFrame.from_records(rows)


OPTIONS = {"lth": {"ddof": 1}, "supertickets": {"ddof": 1}, "tamt": {"main_steps": {"70": STEP}}}


def overlap():
    """One mask a method at 70 %, a super ticket at level 2."""
    rows = []
    weights = [
        ("lth", "imp", "rte", 0.8), ("lth", "imp", "mlm", 0.9), ("lth", "oneshot", "any", 1.0),
        ("tamt", "tamt-mlm", "pretraining", 0.4),
    ]  # fmt: skip
    for paper, method, source, jaccard in weights:
        for reference in ("global", "local"):
            rows.append((paper, method, source, 70, 1, reference, 0.3, 0.5, jaccard, jaccard, 0.3 / 1.7))
    for reference, shared in (("global", 0.95), ("local", 0.9)):
        rows.append(("supertickets", "winning", "rte", 20, 1, reference, 0.9, shared, 0.8, 0.7, 0.9 / 1.1))
    names = [
        "paper", "method", "source", "level", "replicate", "reference", "keep", "shared", "micro", "macro", "null",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)
