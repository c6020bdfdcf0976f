"""What must hold on a GPU; skipped where there is none."""

import pytest
import torch

from tickets.data.encoded import EncodedTask, Split
from tickets.models.config import EncoderConfig
from tickets.models.heads import Head, initial_values
from tickets.models.model import Model
from tickets.pruning.magnitude import one_shot
from tickets.training.loop import train
from tickets.training.objective import TaskObjective
from tickets.training.recipe import Recipe
from tickets.training.schedule import LinearDecay

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
CONFIG = EncoderConfig(
    vocab_size=60,
    hidden_size=32,
    layers=2,
    heads=4,
    intermediate_size=64,
    max_positions=32,
    hidden_dropout=0.1,
)
HEAD = Head("classification", 2)


def build(device: str) -> Model:
    model = Model(CONFIG, [HEAD], device)
    shapes = {name: span.shape for name, span in model.parameters.spans.items()}
    model.parameters.load(initial_values(shapes, 0.05, torch.Generator().manual_seed(1)))
    return model


def data() -> EncodedTask:
    generator = torch.Generator().manual_seed(2)
    lengths = torch.randint(4, 20, (64,), dtype=torch.int32, generator=generator)
    ids = torch.randint(5, 60, (64, 20), dtype=torch.int32, generator=generator)
    ids[torch.arange(20) >= lengths[:, None]] = 0
    labels = torch.randint(0, 2, (64,), generator=generator)
    return EncodedTask({"train": Split(ids, torch.zeros(64, 20, dtype=torch.uint8), lengths, labels)}, {})


def trained(device: str, config: EncoderConfig = CONFIG) -> torch.Tensor:
    model, recipe = build(device), Recipe(steps=20, batch_size=16, learning_rate=1e-3)
    mask = one_shot(model.prunable_values(), 0.5)
    objective = TaskObjective(data(), HEAD, recipe, model, 3)
    train(model, objective, recipe, LinearDecay(1e-3, 20), 20, seed=3, mask=mask)
    return model.parameters.flat.detach().cpu()


def test_equal_runs_give_equal_bits_with_dropout_on(exact):
    assert torch.equal(trained("cuda"), trained("cuda"))


def test_masked_weights_stay_zero_on_the_device(exact):
    model = build("cuda")
    mask = one_shot(model.prunable_values(), 0.5)
    flat = trained("cuda")[: model.parameters.prunable]
    kept = torch.cat([mask[name].flatten() for name in model.prunable]).cpu()
    assert (flat[~kept] == 0).all()
    assert (flat[kept] != 0).float().mean() > 0.99


def test_o11_a_snapshot_survives_training_and_a_state_dict_does_not():
    model = build("cuda")
    before, alias = model.body(), {name: model.parameters.view(name) for name in model.body_names}
    recipe = Recipe(steps=3, batch_size=16, learning_rate=1e-2)
    train(model, TaskObjective(data(), HEAD, recipe, model, 3), recipe, LinearDecay(1e-2, 3), 3, seed=3)
    name = "encoder.layer.0.output.dense.weight"
    assert not torch.equal(alias[name], before[name])
    model.load_body(before)
    assert all(torch.equal(model.parameters.view(n), before[n]) for n in before)
