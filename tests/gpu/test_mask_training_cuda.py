"""Mask training on a GPU; skipped where there is none."""

import pytest
import torch

from tickets.models.heads import Head
from tickets.models.layout import prunable_shapes
from tickets.models.model import Model
from tickets.pruning.local import kth_smallest, local_magnitude, smallest
from tickets.training.loop import train
from tickets.training.mask_policy import MaskPolicy
from tickets.training.mask_training import MaskTraining
from tickets.training.objective import TaskObjective
from tickets.training.schedule import LinearDecay
from tiny_engine import randomise, tiny_config, tiny_recipe, tiny_task

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
MLM = Head("mlm")


def search(device):
    model = Model(tiny_config(), [MLM], device)
    randomise(model)
    weights = {name: model.parameters.view(name) for name in prunable_shapes(model.config, words=True)}
    recipe = tiny_recipe(learning_rate=2e-3, eps=1e-5)
    training = MaskTraining(model, local_magnitude(weights, 0.7), MaskPolicy(every=4), 0.7)
    objective = TaskObjective(tiny_task("mlm"), MLM, recipe, model, seed=4)
    train(model, objective, recipe, LinearDecay(2e-3, 10), 10, seed=4, through=training)
    return training


def test_two_runs_on_a_gpu_have_the_same_bits(exact):
    one, two = search("cuda"), search("cuda")
    assert torch.equal(one.store.flat, two.store.flat)
    assert one.mask() == two.mask()


def test_a_gpu_trains_the_scores_that_a_cpu_trains(exact):
    there, here = search("cuda"), search("cpu")
    torch.testing.assert_close(there.store.flat.cpu(), here.store.flat, rtol=1e-2, atol=1e-4)
    assert there.realised() == pytest.approx(here.realised(), abs=0.01)


def test_ranks_are_those_of_the_cpu(exact):
    values = torch.randint(-50, 50, (4000,), generator=torch.Generator().manual_seed(1)).float()
    for k in (0, 1, 1234, 4000):
        assert torch.equal(smallest(values.cuda(), k).cpu(), smallest(values, k))
        assert kth_smallest(values.cuda(), k).cpu() == kth_smallest(values, k)
