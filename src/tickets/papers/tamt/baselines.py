"""One-shot and random masks: every matrix by itself loses the same share (spec tamt sections 2.1 and 2.2)."""

import torch

from tickets.jobs.context import Context
from tickets.papers.tamt.addresses import full_losses_file
from tickets.papers.tamt.lab import MaskLab
from tickets.pruning.local import local_magnitude, local_random
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress
from tickets.training.seeds import derive_seed


def run_baselines(context: Context) -> None:
    """All masks of the job, and what is left of masked words and hidden states under them."""
    lab = MaskLab(context)
    for cell in context.job.plans():
        role = cell.needs_models[0]
        for address, losses in zip(cell.masks, cell.files, strict=False):
            if not (context.results / losses).exists():
                mask = baseline(lab, address)
                lab.keep_mask(address, mask)
                lab.keep_losses(losses, role, mask)
        if full_losses_file(role) in cell.files:
            lab.keep_losses(full_losses_file(role), role, None)


def baseline(lab: MaskLab, address: MaskAddress) -> Mask:
    """The one-shot mask of θ0, or a random one."""
    assert address.sparsity is not None
    if address.method == "omp":
        return local_magnitude(lab.weights(address.model), address.sparsity)
    parts = (address.model, address.level, address.replicate)
    generator = torch.Generator().manual_seed(derive_seed(lab.seed, "tamt-random", *parts))
    return local_random(lab.prunable(address.model), address.sparsity, generator)
