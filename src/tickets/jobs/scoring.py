"""Scores of a trained model on every split but train, and the predictions they follow from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from tickets.data.encoded import EncodedTask, Split
from tickets.data.squad import decode_spans
from tickets.data.tasks import task
from tickets.metrics import fast
from tickets.models.encoder import Gates
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.training.evaluate import predict, predict_words
from tickets.training.recipe import Recipe
from tickets.training.resident import Resident
from tickets.training.seeds import derive_seed

Scores = dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """Scores by split in percent (`loss` in nats), and what they follow from.

    outputs  tensors by split: logits [n, classes], or values [n, 1] for a regression
    answers  for spans: answer text by example id, by split
    """

    scores: Mapping[str, Scores]
    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def dev(self) -> Scores:
        """Dev scores, both MNLI dev sets together."""
        return {**self.scores["dev"], **self.scores.get("dev_mismatched", {})}


class Judge:
    """Keeps the evaluation splits of a task resident and scores models on them."""

    def __init__(self, name: str, data: EncodedTask, recipe: Recipe, model: Model, mask_seed: int) -> None:
        self.task, self.data, self.recipe, self.mask_seed = task(name), data, recipe, mask_seed
        names = [split for split in data.splits if split != "train"]
        self.residents = {s: Resident(data.splits[s], model.config, model.device) for s in names}

    def evaluate(
        self, model: Model, head: Head, held_out: bool = True, gates: Gates | None = None
    ) -> Evaluation:
        """Scores on every evaluation split, under `gates` those of a ticket; on the test split only with `held_out`.

        MLM knows no gates.
        """
        scores: dict[str, Scores] = {}
        outputs: dict[str, Tensor] = {}
        answers: dict[str, dict[str, str]] = {}
        for name, resident in self.residents.items():
            if name == "test" and not held_out:
                continue
            if self.task.kind == "mlm":
                seed = derive_seed("eval-mask", self.mask_seed, name)
                scores[name] = predict_words(model, head, resident, self.data, self.recipe, seed).scores()
                continue
            logits = predict(model, head, resident, gates)
            if self.task.kind == "span":
                texts = decode_spans(logits[..., 0], logits[..., 1], resident.split)
                answers[name] = dict(zip((t["id"] for t in resident.split.texts), texts, strict=True))
                scores[name] = fast.score(self.task.id, texts, [t["answers"] for t in resident.split.texts])
            else:
                outputs[name] = logits
                scores[name] = score_outputs(self.task.id, logits, resident.split, name)
        return Evaluation(scores, outputs, answers)


def score_outputs(task_id: str, outputs: Tensor, split: Split, name: str, scorer: Any = fast) -> Scores:
    """Metrics of logits or regression values; `scorer` is the fast or the reference implementation."""
    values = outputs[:, 0] if task(task_id).kind == "regression" else outputs.argmax(-1)
    assert split.labels is not None
    scores: Scores = scorer.score(task_id, values.numpy(), split.labels.numpy(), split=name)
    return scores
