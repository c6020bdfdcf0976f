"""Versions of the algorithms. Raise one when its results change: fingerprints then change, and runs are redone.

Snakemake sees changes of rules and parameters, not of library code; these numbers carry the latter into the former
(golden tests fail when results move without a raise).
"""

VERSIONS = {
    "world": 1,  # the synthetic language and its tasks
    "encoding": 1,  # from text to token ids
    "engine": 1,  # forward pass, optimizer, order of examples
    "pruning": 1,  # masks, re-initialisation, shuffling
    "metrics": 1,  # evaluation and scores
}
"""Of what all papers share."""
PAPER_VERSIONS = {
    "lth": {"imp": 1},  # what happens in and between the rounds of a chain
    "supertickets": {
        "tickets": 1,  # importance, ranking, choice of evaluation points and levels
        "sharing": 1,  # multi-task learning and what starts from it
    },
    "tamt": {
        "masks": 1,  # mask training, IMP and baselines
        "protocol": 1,  # fine-tuning and which evaluation counts
    },
}
"""Of what each paper has to itself."""
