"""The steps that bench_mask_step.py compares, each on the same random tokens."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from plain_mask_training import PlainMaskTraining
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from transformers import BertConfig, BertForMaskedLM

from tickets.data.encoded import EncodedTask, Split
from tickets.models.config import EncoderConfig
from tickets.models.heads import Head, initial_values
from tickets.models.layout import prunable_shapes
from tickets.models.model import Model
from tickets.pruning.local import local_random, zeros_of
from tickets.pruning.prunable import POOLER
from tickets.training.clipping import clip_gradients
from tickets.training.distillation import DistillationObjective
from tickets.training.mask_policy import MaskPolicy
from tickets.training.mask_training import MaskTraining
from tickets.training.objective import TaskObjective, masked_rows
from tickets.training.optim import Optimizer, optimizer_for
from tickets.training.recipe import Recipe
from tickets.training.resident import Resident
from tickets.training.way import Direct, Way

MLM, SPARSITY, RATE = Head("mlm"), 0.7, 1e-5
NEVER = 10**9
TINY = EncoderConfig("bert", 290, 64, 2, 8, 256, 64, activation="relu", hidden_dropout=0, attention_dropout=0)
Step = Callable[[int], None]


@dataclass(frozen=True)
class Case:
    """Rows of `shortest` to `longest` tokens; distillation pads them to `width`. `calls` of a step are timed as one."""

    config: EncoderConfig
    rows: int
    shortest: int
    longest: int
    width: int
    calls: int = 1


CASES = {
    "tiny (micro preset)": Case(TINY, 16, 11, 18, 24, calls=30),
    "base, 2 x 128": Case(EncoderConfig(), 2, 128, 128, 128),
    "base, 4 x 128": Case(EncoderConfig(), 4, 128, 128, 128),
    "base, 16 x 512": Case(EncoderConfig(), 16, 512, 512, 512, calls=10),
}


class Contenders:
    """Steps by name, on the same random tokens. Models that can be shared are."""

    def __init__(self, case: Case, device: str) -> None:
        self.case, self.device = case, device
        generator, n = torch.Generator().manual_seed(0), 64
        lengths = torch.randint(case.shortest, case.longest + 1, (n,), generator=generator).int()
        ids = torch.randint(5, case.config.vocab_size, (n, case.longest), generator=generator).int()
        ids[torch.arange(case.longest) >= lengths[:, None]] = 0
        meta = {"special_ids": [0], "mask_id": 4, "vocab_size": case.config.vocab_size}
        self.data = EncodedTask(
            {"train": Split(ids, torch.zeros_like(ids, dtype=torch.uint8), lengths)}, meta
        )
        self.recipe = Recipe(steps=1, batch_size=case.rows, learning_rate=RATE, max_length=case.width)
        self.resident = Resident(self.data.splits["train"], case.config, device)
        self.optimizers: dict[tuple[bool, str], Optimizer] = {}

    def __getitem__(self, name: str) -> Step:
        kind, _, loss = name.partition(" ")
        if kind == "plain":
            return self._plain(loss)
        if kind == "theirs":
            return self._theirs()
        return self.ours(name)

    @cached_property
    def start(self):
        shapes = prunable_shapes(self.case.config, words=True)
        return local_random(shapes, SPARSITY, torch.Generator().manual_seed(0))

    def model(self, *heads: Head) -> Model:
        model, generator = Model(self.case.config, heads, self.device), torch.Generator().manual_seed(0)
        shapes = {name: span.shape for name, span in model.parameters.spans.items()}
        model.parameters.load(initial_values(shapes, 0.02, generator))
        return model

    def hf_model(self) -> BertForMaskedLM:
        return BertForMaskedLM(BertConfig(**self.case.config.to_hf())).to(self.device)

    @cached_property
    def masks(self) -> MaskTraining:
        return MaskTraining(self.model(MLM), self.start, MaskPolicy(every=NEVER), SPARSITY)

    @cached_property
    def teacher(self) -> Model:
        return self.model()

    @cached_property
    def weights(self) -> Model:
        return self.model(MLM)

    def ours(self, name: str) -> "OurStep":
        kind, _, loss = name.partition(" ")
        if kind == "masks":
            way: Way = self.masks
            model = self.masks.model
        else:
            model = self.weights
            model.encoder.lookup = None
            way = Direct(model, self.start if kind == "imp" else None)
        recipe, words = self.recipe, MLM if loss == "mlm-kd" else None
        if loss == "kd":
            recipe = recipe.model_copy(update={"optimizer": "bertadam", "clip_scope": "tensor"})
        if "kd" in loss:
            objective = DistillationObjective(
                self.data, recipe, model, self.teacher, 1, resident=self.resident, words=words,
                pads="include", teacher_dropout=loss == "kd",
            )  # fmt: skip
        else:
            objective = TaskObjective(self.data, MLM, recipe, model, 1, resident=self.resident)
        key = kind == "masks", recipe.optimizer
        if key not in self.optimizers:
            self.optimizers[key] = optimizer_for(way.store, recipe)
        return OurStep(model, way, objective, recipe, self.optimizers[key])

    @cached_property
    def plain(self) -> PlainMaskTraining:
        shapes = prunable_shapes(self.case.config, words=True)
        kept = {n.removesuffix(".weight"): self.start[n] for n in shapes if n != POOLER}
        zeros = {name: zeros_of(mask.numel(), SPARSITY) for name, mask in kept.items()}
        training = PlainMaskTraining(self.hf_model().train(), kept, zeros, every=NEVER)
        training.optimizer = torch.optim.AdamW(training.trained, lr=RATE, weight_decay=0.0, fused=True)
        return training

    @cached_property
    def plain_teacher(self) -> torch.nn.Module:
        return deepcopy(self.hf_model().base_model)

    def inputs(self, i: int, masked: bool, width: int) -> tuple[dict[str, Tensor], Tensor]:
        rows = torch.arange(i * self.case.rows, (i + 1) * self.case.rows) % len(self.resident)
        if masked:
            ids, labels = masked_rows(self.resident, rows, self.data.meta, self.recipe, i)
        else:
            ids, labels = (self.resident.ids[rows.to(self.device)].long(),) * 2
        ids, labels = (F.pad(x, (0, width - x.shape[1]), value=v) for x, v in ((ids, 0), (labels, -100)))
        facts = {"input_ids": ids}
        if self.case.shortest < width:
            lengths = self.resident.lengths[rows.to(self.device)]
            facts["attention_mask"] = (torch.arange(width, device=self.device) < lengths[:, None]).long()
        return facts, labels

    def _plain(self, loss: str) -> Step:
        training = self.plain
        teacher = self.plain_teacher if "kd" in loss else None

        def step(i: int) -> None:
            width = self.case.longest if teacher is None else self.case.width
            facts, labels = self.inputs(i, loss != "kd", width)
            if teacher is None:
                training.step(training.mlm_loss(facts, labels), RATE)
                return
            if teacher.training != (loss == "kd"):
                teacher.train(loss == "kd")
            student = training.model if loss == "mlm-kd" else training.model.base_model
            outputs = student(**facts, output_hidden_states=True)
            with torch.no_grad():
                targets = teacher(**facts, output_hidden_states=True).hidden_states
            pairs = zip(outputs.hidden_states[1:], targets[1:], strict=True)
            value = torch.stack([(1 - F.cosine_similarity(s, t, dim=-1)).mean() for s, t in pairs]).mean()
            if loss == "mlm-kd":
                value = value + F.cross_entropy(outputs.logits.flatten(0, 1), labels.flatten())
            training.step(value, RATE)

        return step

    def _theirs(self) -> Step:
        model = self.hf_model().train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0, fused=True)

        def step(i: int) -> None:
            facts, labels = self.inputs(i, True, self.case.longest)
            optimizer.zero_grad()
            model(**facts, labels=labels).loss.backward()
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

        return step


class OurStep:
    """The body of `tickets.training.loop.train`, with a stop-watch."""

    def __init__(self, model, way, objective, recipe, optimizer) -> None:
        self.model, self.way, self.objective, self.recipe, self.optimizer = (
            model, way, objective, recipe, optimizer
        )  # fmt: skip
        self.lookup = model.encoder.lookup

    def __call__(self, i: int, lap: Callable[[str], None] = lambda part: None) -> None:
        self.model.encoder.lookup = self.lookup
        if self.model.random:
            torch.manual_seed(i)
        self.way.write()
        lap("write")
        value = self.objective.loss(self.model, i)
        lap("forward")
        value.backward()
        lap("backward")
        self.way.collect(i + 1)
        lap("collect")
        clip_gradients(self.way.store, self.recipe)
        lap("clip")
        self.optimizer.step(RATE)
        lap("optimizer")
        self.way.store.grad.zero_()
        lap("zero")
        self.way.updated(i + 1)
        lap("thresholds")
