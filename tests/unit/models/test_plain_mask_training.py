"""Fast mask training against the plain one, on transformers' BERT and RoBERTa with a masked-word head."""

import pytest
import torch
from hf_twins import LENGTHS, inputs, twins
from plain import PlainMaskTraining
from torch import nn

from tickets.data.masking import mask_tokens
from tickets.models.encoder import grid_tokens, pack
from tickets.models.heads import Head, loss
from tickets.pruning.local import local_magnitude, local_random
from tickets.pruning.prunable import POOLER, WORDS
from tickets.training.loop import train
from tickets.training.mask_policy import MaskPolicy
from tickets.training.mask_training import DECODER, MaskTraining
from tickets.training.recipe import Recipe
from tickets.training.schedule import LinearDecay

STEPS, RATE, SPARSITY, EVERY = 10, 4e-3, 0.6, 3
# Smaller, Adam would turn gradients that are zero but for rounding into full steps.
EPS = 1e-5
MLM = Head("mlm")


class Words:
    """Masked words of a step, packed for us and padded for transformers."""

    steps_per_epoch = 4

    def __init__(self, family):
        self.family, self.pad = family, 1 if family == "roberta" else 0

    def masked(self, step):
        ids, segments, real = inputs(self.family, seed=step)
        generator = torch.Generator().manual_seed(step)
        corrupted, labels = mask_tokens(ids, [self.pad], 4, 50, 0.4, generator)
        corrupted[0, 1] = self.pad  # chance may put the padding id where a word was; its row learns nothing
        return corrupted, segments, real, labels

    def loss(self, model, step):
        ids, segments, _, labels = self.masked(step)
        batch = pack(ids, segments, LENGTHS, ids.shape[1], self.pad + 1 if self.family == "roberta" else 0)
        outputs = model.forward(batch, MLM, read=grid_tokens(batch, labels != -100), train=True)
        return loss("mlm", outputs, labels[labels != -100])

    def plain(self, theirs, step):
        ids, segments, real, labels = self.masked(step)
        facts = {"input_ids": ids, "attention_mask": real.long(), "token_type_ids": segments}
        if self.family == "roberta":
            # transformers counts positions from the ids, which have a padding id in the middle here.
            columns = torch.arange(ids.shape[1]).expand_as(ids)
            facts["position_ids"] = torch.where(real, columns + 2, 1)
        return theirs.mlm_loss(facts, labels)


class WithDecoder(PlainMaskTraining):
    """The decoder is a weight of its own, and one of the head's."""

    def __init__(self, model, *args, **kwargs):
        output = model.get_output_embeddings()
        output.weight = nn.Parameter(output.weight.detach().clone())
        super().__init__(model, *args, **kwargs)

    def _of_head(self, name):
        return super()._of_head(name) or name.endswith("decoder.weight")


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("start", ["omp", "random"])
@pytest.mark.parametrize("decoder", ["frozen", "trained"])
def test_scores_thresholds_head_and_masks_are_those_of_the_plain_version(family, start, decoder):
    module, model = twins(family, "mlm")
    weights = {n: v for n, v in model.prunable_values().items() if n != POOLER} | {
        WORDS: model.parameters.view(WORDS)
    }
    shapes = {name: value.shape for name, value in weights.items()}
    first = (
        local_magnitude(weights, SPARSITY)
        if start == "omp"
        else local_random(shapes, SPARSITY, torch.Generator().manual_seed(2))
    )
    training = MaskTraining(model, first, MaskPolicy(every=EVERY, decoder=decoder), SPARSITY)
    kept = {name.removesuffix(".weight"): first[name] for name in first}
    zeros = {name: int((~mask).sum()) for name, mask in kept.items()}
    plain_training = WithDecoder if decoder == "trained" else PlainMaskTraining
    theirs = plain_training(module.train(), kept, zeros, every=EVERY, eps=EPS)
    words, schedule = Words(family), LinearDecay(RATE, STEPS)
    recipe = Recipe(steps=STEPS, batch_size=5, learning_rate=RATE, eps=EPS)

    losses = []
    for step in range(STEPS):
        value = words.plain(theirs, step)
        losses.append(float(value.detach()))
        theirs.step(value, schedule(step))
    trained = train(model, words, recipe, schedule, STEPS, seed=1, through=training)

    assert trained.final_loss == pytest.approx(losses[-1], rel=1e-5)
    mask, plain_masks = training.mask(), theirs.masks()
    for name in first:
        ours, module_name = training.store.view(name), name.removesuffix(".weight")
        plain = theirs.masked[module_name]
        torch.testing.assert_close(
            ours, plain.scores.detach(), rtol=1e-4, atol=1e-6, msg=lambda m, n=name: n + m
        )
        threshold = training.thresholds[training.names.index(name)]
        torch.testing.assert_close(threshold, plain.threshold, rtol=1e-4, atol=1e-6)
        assert torch.equal(mask[name], plain_masks[module_name])
    assert mask != first
    head = {name: value.detach() for name, value in module.named_parameters() if name in training.store.spans}
    assert len(head) == 5
    if decoder == "trained":
        head[DECODER] = module.get_output_embeddings().weight.detach()
    assert len(theirs.head) == len(head)
    for name, value in head.items():
        torch.testing.assert_close(training.store.view(name), value, rtol=1e-4, atol=1e-6)
