"""What this paper's jobs share: models, the prunable set, and what is written beside a mask."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tickets.jobs.context import Context
from tickets.jobs.files import write_json
from tickets.jobs.lab import Lab
from tickets.models.config import EncoderConfig
from tickets.models.heads import Head
from tickets.models.hf import Checkpoint
from tickets.models.layout import Shape, prunable_shapes
from tickets.models.model import Model
from tickets.papers.tamt.dev_losses import DevLosses
from tickets.papers.tamt.identity import Identity
from tickets.papers.tamt.settings import PAIRS, WORDS, tamt_settings
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress, fingerprint
from tickets.training.loop import Watch
from tickets.training.seeds import derive_seed


class MaskLab(Lab):
    """One job's means to make masks and to fine-tune under them."""

    identity: Identity

    def __init__(self, context: Context) -> None:
        self.settings = tamt_settings(context.config)
        super().__init__(context, Identity(context.config), self.settings.recipe)
        self._dev_losses: dict[str, DevLosses] = {}

    def pretrained(self, role: str) -> Checkpoint:
        """θ0 and the heads it came with."""
        return self.context.pretrained(role)

    def shape(self, role: str) -> EncoderConfig:
        """The encoder of a role."""
        return self.pretrained(role).config

    def prunable(self, role: str) -> dict[str, Shape]:
        """The matrices that masks of this paper are over (spec tamt section 1.2): name -> shape.

        RoBERTa's pooler is not in its checkpoint, and nothing uses it: it is left out.
        """
        pooler = self.settings.scores.pooler and self.shape(role).family != "roberta"
        return prunable_shapes(self.shape(role), pooler, words=True)

    def weights(self, role: str) -> dict[str, torch.Tensor]:
        """θ0 of the prunable matrices, in the masks' order."""
        body = self.pretrained(role).body
        return {name: body[name] for name in self.prunable(role)}

    def model(self, role: str, *heads: Head) -> Model:
        """θ0 under no mask, with fresh heads or those of the checkpoint where it has them."""
        model = Model(self.shape(role), heads, self.context.device)
        self.reset(model, role)
        return model

    def reset(self, model: Model, role: str) -> None:
        """Give a model θ0 and the checkpoint's heads again."""
        start = self.pretrained(role)
        model.load_body(start.body)
        own = {name: start.heads[name] for name in model.head_names if name in start.heads}
        if own:
            model.load_heads(own)

    def train_seed(self, address: MaskAddress) -> int:
        """Data order, word masking and dropout of a search; not of its step, which is where it is cut."""
        run = address.method.split(".step")[0]
        return derive_seed(self.seed, "tamt", address.model, run, address.level, address.replicate)

    def watch_of(self, *parts: object) -> Watch:
        """Checkpoints and progress of a training that these words name within the job."""
        return self.watch(fingerprint({"job": self.context.fingerprint, "of": [str(part) for part in parts]}))

    def keep_mask(self, address: MaskAddress, mask: Mask) -> None:
        """Stage a mask with its spec."""
        facts = {"spec": self.identity.mask(address), "fingerprint": self.identity.fingerprint(address)}
        self.save_mask(mask, address.file, facts)

    def keep_losses(self, path: Path, role: str, mask: Mask | None) -> None:
        """Stage the losses on held-out text of θ0 under a mask."""
        write_json(self.context.results / path, self.dev_losses(role, mask))

    def dev_losses(self, role: str, mask: Mask | None) -> Mapping[str, Any]:
        """Losses on held-out text of θ0 under a mask, and what the mask removes."""
        if role not in self._dev_losses:
            start, data = self.pretrained(role), self.context.data
            width = self.recipe(PAIRS).max_length
            self._dev_losses[role] = DevLosses(
                start, data(WORDS), data(PAIRS), self.recipe(WORDS), width, self.context.device
            )
        with self.context.timed("evaluation"):
            return self._dev_losses[role].of(mask)
