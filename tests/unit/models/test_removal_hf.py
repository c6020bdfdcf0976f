"""Removed heads and FFNs in a transformers model, cut out of its modules by hand, against ours."""

import pytest
import torch
from hf_twins import CLASSES, HEADS, both_inputs, fill, hf_config
from torch import nn

from tickets.models.config import EncoderConfig
from tickets.models.hf import Checkpoint, save_folder, strip_prefix
from tickets.models.layout import encoder_shapes
from tickets.models.model import Model
from tickets.models.removal import cut, restore
from tickets.pruning.structured import StructuredMask

BOTH = pytest.mark.parametrize("family", ["bert", "roberta"])
HEAD = HEADS["classification"]
O7 = StructuredMask(
    torch.tensor([[1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]]).bool(), torch.tensor([1, 0, 0]).bool()
)
FEWER = StructuredMask(
    torch.tensor([[0, 0, 1, 0], [1, 1, 1, 1], [1, 0, 0, 1]]).bool(), torch.tensor([0, 1, 1]).bool()
)
STRUCTURES = pytest.mark.parametrize("structure", [O7, FEWER], ids=["O7", "fewer"])


class NoHeads(nn.Module):
    def forward(self, hidden_states, *_args, **_kwargs):
        return hidden_states[..., :0], None


class NoFeedForward(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, _, attention_output):
        return self.norm(attention_output)


def kept_rows(linear, index):
    small = nn.Linear(linear.in_features, len(index), dtype=linear.weight.dtype)
    small.weight.data, small.bias.data = linear.weight.data[index], linear.bias.data[index]
    return small


def slice_by_hand(model, structure, head_size):
    """Spec supertickets section 1.1: rows of query, key and value, columns of the output projection."""
    for layer, heads, ffn in zip(
        model.base_model.encoder.layer, structure.heads, structure.ffns, strict=True
    ):
        index = torch.arange(len(heads) * head_size).view(len(heads), head_size)[heads].flatten()
        attention, dense = layer.attention.self, layer.attention.output.dense
        dense.weight.data = dense.weight.data[:, index]
        if not len(index):
            layer.attention.self = NoHeads()
        for part in ("query", "key", "value") if len(index) else ():
            setattr(attention, part, kept_rows(getattr(attention, part), index))
        if not ffn:
            layer.intermediate = nn.Identity()
            layer.output = NoFeedForward(layer.output.LayerNorm)
    return model


def theirs_of(family, head_size, dtype=torch.float64):
    config = hf_config(family, head_size, num_labels=3, num_attention_heads=4, hidden_size=4 * head_size)
    return fill(CLASSES[family, "classification"](config)).to(dtype)


def ours_of(theirs, family, structure, dtype=torch.float64):
    """Our model without what the structure removes, with the weights of the whole transformers model."""
    config = EncoderConfig.from_hf(theirs.config.to_dict())
    state = strip_prefix(theirs.state_dict(), family)
    body = {n: state.get(n, torch.zeros(s, dtype=dtype)) for n, s in encoder_shapes(config).items()}
    model = Model(config, (HEAD,), structure=structure, dtype=dtype)
    model.load_body(cut(body, config, structure))
    model.load_heads({name: state[name] for name in model.head_names})
    return model


@BOTH
@STRUCTURES
@pytest.mark.parametrize("head_size", [8, 32])
def test_o7_logits_and_states_of_a_transformers_model_sliced_by_hand(family, structure, head_size):
    theirs = theirs_of(family, head_size)
    ours = ours_of(theirs, family, structure)
    theirs = slice_by_hand(theirs, structure, head_size)
    arguments, batch, real = both_inputs(family)
    with torch.no_grad():
        out = theirs(**arguments, output_hidden_states=True)
        torch.testing.assert_close(ours.forward(batch, HEAD), out.logits, rtol=0, atol=1e-10)
        for mine, other in zip(ours.encoder.hidden_states(batch), out.hidden_states, strict=True):
            torch.testing.assert_close(mine, other[real], rtol=0, atol=1e-10)


@STRUCTURES
def test_gradients_of_a_transformers_model_sliced_by_hand(structure):
    theirs = theirs_of("bert", 8)
    ours = ours_of(theirs, "bert", structure)
    theirs = slice_by_hand(theirs, structure, 8)
    arguments, batch, _ = both_inputs("bert")
    weights = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (theirs(**arguments).logits * weights).sum().backward()
    (ours.forward(batch, HEAD) * weights).sum().backward()
    named = {
        n.removeprefix("bert.").replace("output.norm.", "output.LayerNorm."): p
        for n, p in theirs.named_parameters()
    }
    for name, span in ours.parameters.spans.items():
        mine = ours.parameters.grad[span.start : span.stop].view(span.shape)
        torch.testing.assert_close(mine, named[name].grad, rtol=0, atol=1e-10)


@BOTH
@STRUCTURES
def test_hooks_that_multiply_by_the_mask_do_the_same(family, structure):
    """What a user of transformers, which has no head_mask any more, would do."""
    theirs = theirs_of(family, 8)
    ours = ours_of(theirs, family, structure)
    for layer, heads, ffn in zip(
        theirs.base_model.encoder.layer, structure.heads, structure.ffns, strict=True
    ):
        columns = heads.double().repeat_interleave(8)
        layer.attention.output.dense.register_forward_pre_hook(
            lambda _, x, columns=columns: (x[0] * columns,)
        )
        layer.output.dense.register_forward_hook(lambda _, x, y, ffn=float(ffn): y * ffn)
    arguments, batch, _ = both_inputs(family)
    with torch.no_grad():
        torch.testing.assert_close(ours.forward(batch, HEAD), theirs(**arguments).logits, rtol=0, atol=1e-10)


@BOTH
def test_transformers_computes_the_ticket_from_weights_restored_into_zeros(family, tmp_path):
    theirs = theirs_of(family, 8, torch.float32)
    ours = ours_of(theirs, family, FEWER, torch.float32)
    zeros = {name: torch.zeros(shape) for name, shape in encoder_shapes(ours.config).items()}
    body = restore(ours.body(), zeros, ours.config, FEWER)
    save_folder(tmp_path, Checkpoint(ours.config, body, ours.head_values()))
    loaded = CLASSES[family, "classification"].from_pretrained(tmp_path, num_labels=3).eval()
    arguments, batch, _ = both_inputs(family)
    with torch.no_grad():
        torch.testing.assert_close(
            loaded(**arguments).logits, ours.forward(batch, HEAD), rtol=1e-4, atol=2e-5
        )
