"""Liu et al. 2022, Learning to Win Lottery Tickets in BERT Transfer via Task-agnostic Mask Training.

What stands where:
    stages          which runs there are, in the order of the spec
    settings        what a config can say;  addresses, methods: names of masks and runs;  identity: their specs
    mask_search     task-agnostic mask training, the paper's algorithm
    imp, baselines  the masks that it is compared with;  dev_losses: what pre-training thinks of a mask
    finetune        fine-tuning under a mask, and few data;  selection: which evaluation counts
    rows, distance_rows                the tidy files beside cells.csv;  made: what they are made of
    evidence, published    what claims, tables and figures ask;  claims_*, tables, figures, extras, artifacts
"""
