"""Official numbers of rows with a label, to tell whether local files are complete.

Spec lth section 3.1 (oracle O19); for SNLI and SciTail, spec supertickets sections 4.1 and 5; for WikiText-103 as
BERT's blocks, spec tamt section 1.11 and A31.
"""

OFFICIAL_ROWS: dict[str, dict[str, int]] = {
    "mnli": {"train": 392_702, "dev": 9_815, "dev_mismatched": 9_832},
    "qqp": {"train": 363_846, "dev": 40_430},
    "sts-b": {"train": 5_749, "dev": 1_500},
    "wnli": {"train": 635, "dev": 71},
    "qnli": {"train": 104_743, "dev": 5_463},
    "mrpc": {"train": 3_668, "dev": 408},
    "rte": {"train": 2_490, "dev": 277},
    "sst-2": {"train": 67_349, "dev": 872},
    "cola": {"train": 8_551, "dev": 1_043},
    "snli": {"train": 549_367, "dev": 9_842},
    "scitail": {"train": 23_596, "dev": 1_304, "test": 2_126},
    "squad": {"train": 87_599, "dev": 10_570},
}


WIKITEXT_BATCHES, WIKITEXT_BATCH = 13_960, 16
"""An epoch of WikiText-103 in blocks of 512 of BERT's tokens; the authors report batches, the last perhaps smaller."""


def completeness(task_id: str, split: str, rows: int, blocks: bool = False) -> str:
    """`official`, `other than official` (with the number it should be), or `open` where any size is right.

    blocks  whether rows of `wikitext` are blocks as counted above: other tokenizers and lengths have other numbers
    """
    if (task_id, split) == ("wikitext", "train") and blocks:
        batches = -(-rows // WIKITEXT_BATCH)
        told = f"other than official ({WIKITEXT_BATCHES} batches of {WIKITEXT_BATCH} blocks, here {batches})"
        return "official" if batches == WIKITEXT_BATCHES else told
    expected = OFFICIAL_ROWS.get(task_id, {}).get(split)
    if expected is None:
        return "open"
    return "official" if rows == expected else f"other than official ({expected} rows)"
