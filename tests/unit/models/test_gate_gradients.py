"""Gradients through gates, and of what gates of zero remove."""

import pytest
import torch
from structures import (
    HEAD,
    LABELS,
    LENGTHS,
    WIDTH,
    double_gates,
    double_model,
    plain_gates,
    sentences,
    structure_of,
)

from tickets.models.encoder import Gates, pack
from tickets.models.heads import loss

STEP = 1e-6


def batch_of():
    ids, segments, _ = sentences()
    return pack(ids, segments, LENGTHS, WIDTH)


def loss_of(model, gates):
    return loss("classification", model.forward(batch_of(), HEAD, gates=gates), LABELS)


@pytest.mark.parametrize("at", ["ones", "between"])
def test_o3_gate_gradients_are_central_differences(at):
    model, generator = double_model(), torch.Generator().manual_seed(0)
    start = [torch.ones(3, 4).double(), torch.ones(3).double()]
    if at == "between":
        start = [torch.rand(s.shape, generator=generator, dtype=s.dtype) for s in start]
    leaves = [s.clone().requires_grad_() for s in start]
    loss_of(model, Gates(*leaves)).backward()
    for which, leaf in enumerate(leaves):
        found = torch.empty_like(leaf)
        for place in range(leaf.numel()):
            ends = []
            for sign in (1, -1):
                moved = [s.clone() for s in start]
                moved[which].view(-1)[place] += sign * STEP
                with torch.no_grad():
                    ends.append(loss_of(model, Gates(*moved)))
            found.view(-1)[place] = (ends[0] - ends[1]) / (2 * STEP)
        assert leaf.grad.abs().min() > 1e-6
        assert (leaf.grad - found).abs().max() < 1e-8


STRUCTURE = structure_of({0: [1], 2: range(4)}, [1])


def gradients(model, gates):
    model.parameters.grad.zero_()
    loss_of(model, gates).backward()
    spans = model.parameters.spans
    return {n: model.parameters.grad[s.start : s.stop].view(s.shape).clone() for n, s in spans.items()}


@pytest.mark.parametrize("gates", [double_gates, plain_gates])
def test_o8_removed_heads_get_no_gradient_and_the_output_bias_does(gates):
    found = gradients(double_model(), gates(STRUCTURE))
    for layer, heads in enumerate(STRUCTURE.heads):
        at = f"encoder.layer.{layer}.attention."
        for head, kept in enumerate(heads):
            rows = slice(6 * head, 6 * head + 6)
            parts = [found[f"{at}self.{part}.weight"][rows] for part in ("query", "key", "value")]
            parts += [found[f"{at}self.{part}.bias"][rows] for part in ("query", "key", "value")]
            parts.append(found[f"{at}output.dense.weight"][:, rows])
            if not kept:
                assert all(bool((part == 0).all()) for part in parts)
            else:  # the bias of the key moves every score of a query alike: no gradient either
                assert all(float(part.abs().max()) > 1e-5 for i, part in enumerate(parts) if i != 4)
        assert bool((found[f"{at}output.dense.bias"] != 0).all())


@pytest.mark.parametrize("gates", [double_gates, plain_gates])
def test_o8_removed_ffns_get_no_gradient(gates):
    found = gradients(double_model(), gates(STRUCTURE))
    for layer in range(3):
        for part in (
            "intermediate.dense.weight",
            "intermediate.dense.bias",
            "output.dense.weight",
            "output.dense.bias",
        ):
            gradient = found[f"encoder.layer.{layer}.{part}"]
            assert bool((gradient == 0).all()) == (layer == 1)
        assert found[f"encoder.layer.{layer}.output.LayerNorm.weight"].abs().max() > 0


def test_skipping_a_removed_ffn_changes_no_loss_and_no_gradient():
    model = double_model()
    with torch.no_grad():
        assert torch.equal(loss_of(model, double_gates(STRUCTURE)), loss_of(model, plain_gates(STRUCTURE)))
    skipped, computed = (gradients(model, gates(STRUCTURE)) for gates in (double_gates, plain_gates))
    for name, gradient in skipped.items():
        torch.testing.assert_close(gradient, computed[name], rtol=1e-12, atol=1e-14)
