"""What every job that fine-tunes needs: heads, judges, records. Papers add their own seeds and rules."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from tickets.data.tasks import task as lookup
from tickets.jobs.context import Context
from tickets.jobs.records import Scored, record
from tickets.jobs.scoring import Evaluation, Judge
from tickets.models.config import EncoderConfig
from tickets.models.encoder import Gates
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.pruning.mask import Mask
from tickets.spec import RunAddress
from tickets.training.checkpoint import Checkpoint
from tickets.training.loop import Trained, Watch
from tickets.training.recipe import Recipe


class Specs(Protocol):
    """Specs and fingerprints of runs under a config (a paper's `Identity`)."""

    def run(self, address: RunAddress) -> dict[str, Any]:
        """Spec of a run."""
        ...

    def fingerprint(self, address: RunAddress) -> str:
        """Hash of the spec."""
        ...


class Lab:
    """One job's means to train and judge."""

    def __init__(
        self, context: Context, identity: Specs, recipe: Callable[[str], Recipe], eval_mask_seed: int = 0
    ) -> None:
        self.context, self.identity, self.recipe = context, identity, recipe
        self.seed = context.config.settings.seed
        self.checkpoint: Checkpoint | None = None
        self._eval_mask_seed = eval_mask_seed
        self._judges: dict[tuple[str, EncoderConfig], Judge] = {}

    def steps(self, task: str) -> int:
        """Optimizer steps of a full run on a task."""
        return self.recipe(task).total_steps(len(self.context.data(task).splits["train"]))

    def head(self, task: str, prefix: str = "") -> Head:
        """The head of a task; `prefix` tells the heads of a multi-task model apart."""
        kind = lookup(task)
        return Head(kind.kind, kind.outputs, prefix)

    def watch(self, identity: str) -> Watch:
        """Checkpoints and progress of a run.

        `self.checkpoint` is then the run's. It has the size of the model and the optimizer's moments together:
        whoever calls clears it as soon as the run cannot be entered again.
        """
        watch = self.context.watch(identity)
        self.checkpoint = watch.checkpoint
        return watch

    def judge(
        self,
        task: str,
        model: Model,
        held_out: bool = False,
        head: Head | None = None,
        gates: Gates | None = None,
    ) -> Evaluation:
        """Scores of the model as it stands, under `gates`; on the test split too if `held_out`."""
        key = task, model.config
        if key not in self._judges:
            data = self.context.data(task)
            self._judges[key] = Judge(task, data, self.recipe(task), model, self._eval_mask_seed)
        with self.context.timed("evaluation"):
            return self._judges[key].evaluate(model, head or self.head(task), held_out, gates)

    def record(
        self,
        address: RunAddress,
        resolved: RunAddress,
        scored: Scored,
        trained: Trained,
        *,
        removed: float,
        mask: Mask,
        seeds: Mapping[str, int],
        start: Path | None = None,
    ) -> None:
        """Stage a finished run.

        removed: share of what can be removed. `resolved` has the level that a rule chose. start: the weights that
        the run starts from, below results/<preset>, where these are not θ0.
        """
        context = self.context
        weights = context.pretrained_file(address.model or "base") if start is None else context.path(start)
        inputs: dict[str, str | None] = {
            "data_sha256": context.hash(context.data_path(address.task)),
            "weights_sha256": context.hash(weights),
            "mask_sha256": mask.digest(),
        }
        record(
            context,
            address,
            spec=self.identity.run(address),
            fingerprint=self.identity.fingerprint(address),
            resolved=resolved,
            scored=scored,
            trained=trained,
            removed=removed,
            inputs=inputs,
            seeds=dict(seeds),
        )

    def save_mask(self, mask: Mask, path: Path, provenance: Mapping[str, Any]) -> None:
        """Stage a mask with what made it."""
        target = self.context.results / path
        target.parent.mkdir(parents=True, exist_ok=True)
        mask.save(target, dict(provenance))
