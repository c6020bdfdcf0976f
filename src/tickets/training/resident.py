"""A split kept on the device, from which batches are cut without padding waste."""

import torch
from torch import Tensor

from tickets.data.encoded import Split
from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.encoder import Batch, pack


class Resident:
    """Token ids of a split on the model's device; lengths stay on the host too, so no batch waits for the device."""

    def __init__(self, split: Split, config: EncoderConfig, device: torch.device | str = "cpu") -> None:
        if len(split) == 0:
            raise TicketsError("a data split is empty; check data.path and the sizes in the config.")
        longest = int(split.lengths.max())
        if longest > config.max_length:
            raise TicketsError(
                f"an input has {longest} tokens, the model takes {config.max_length}; lower max_length in the recipe."
            )
        highest = int(split.ids.max())
        if highest >= config.vocab_size:
            raise TicketsError(
                f"the data hold token id {highest}, the model's vocabulary ends at {config.vocab_size - 1}; "
                "tokenizer and weights are not of one model. Check model.path."
            )
        self.split, self.offset = split, config.position_offset
        self.host_lengths = split.lengths.long()
        # A model with one segment type (RoBERTa) may share data with one that has two.
        segments = split.segments if config.segment_types > 1 else torch.zeros_like(split.segments)
        self.ids, self.segments = split.ids.to(device), segments.to(device)
        self.lengths = self.host_lengths.to(device)
        self.labels = None if split.labels is None else split.labels.to(device)

    def __len__(self) -> int:
        return len(self.split)

    def batch(self, rows: Tensor, ids: Tensor | None = None) -> Batch:
        """Pack the rows (host int64); `ids` replaces their token ids [rows, width], as masking does."""
        width = int(self.host_lengths[rows].max())
        there = rows.to(self.ids.device)
        ids = self.ids[there, :width] if ids is None else ids
        return pack(ids, self.segments[there, :width], self.lengths[there], width, self.offset)
