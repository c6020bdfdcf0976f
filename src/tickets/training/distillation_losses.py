"""How far a subnetwork's hidden states are from the dense model's, on dev data (spec tamt section 5.4)."""

import torch

from tickets.models.model import Model
from tickets.training.distillation import fixed_width, padded_batch, token_distances
from tickets.training.evaluate import EVAL_TOKENS
from tickets.training.resident import Resident


@torch.inference_mode()
def distillation_losses(
    student: Model, teacher: Model, resident: Resident, max_length: int
) -> dict[str, float]:
    """Distances over all tokens of all rows, both models in eval mode.

    kd           cosine (Equation 6), inputs padded to `max_length` and padding counted, as in the reference (A7)
    kd_unpadded  cosine over real tokens alone
    kd_mse       mean squared difference, padding counted (A16)

    Every token weighs the same; the reference's mean of batch means differs only where its last batch is smaller.
    Raises `TicketsError` for inputs longer than `max_length`, or a `max_length` that the models do not take.
    """
    width, pad_id = fixed_width(resident, student.config, max_length), student.config.pad_id
    sums = torch.zeros(3, dtype=torch.float64, device=student.device)
    columns = torch.arange(width)
    size = max(1, EVAL_TOKENS // width)
    for begin in range(0, len(resident), size):
        rows = torch.arange(begin, min(begin + size, len(resident)))
        batch = padded_batch(resident, rows, width, pad_id)
        mine, theirs = (model.encoder.hidden_states(batch) for model in (student, teacher))
        cosine = token_distances(mine, theirs, "cosine")
        real = (columns < resident.host_lengths[rows, None]).flatten().to(cosine.device)
        squared = token_distances(mine, theirs, "mse")
        sums += torch.stack([part.double().sum() for part in (cosine, cosine[real], squared)])
    padded, unpadded, squares = sums.tolist()
    tokens, words = len(resident) * width, int(resident.host_lengths.sum())
    return {"kd": padded / tokens, "kd_unpadded": unpadded / words, "kd_mse": squares / tokens}
