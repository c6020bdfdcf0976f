"""Versions of the algorithms. Raise one when its results change: fingerprints then change, and runs are redone.

Snakemake sees changes of rules and parameters, not of library code; these numbers carry the latter into the former
(golden tests fail when results move without a raise).
"""

VERSIONS = {
    "world": 1,  # the synthetic language and its tasks
    "encoding": 1,  # from text to token ids
    "engine": 1,  # forward pass, optimizer, order of examples
    "pruning": 1,  # masks, re-initialisation, shuffling
    "imp": 1,  # what happens in and between the rounds of a chain
    "metrics": 1,  # evaluation and scores
}
