"""`tickets prune` and `tickets mask`: masks of a plain Hugging Face folder, for people and other tools."""

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.utils import prune
from transformers import BertConfig, BertModel

from tickets.pruning.mask import Mask
from tickets.pruning.prunable import prunable_names
from tickets.pruning.structured import StructuredMask


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A BERT of two layers, saved as transformers saves it."""
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    model = BertModel(BertConfig(vocab_size=50, max_position_embeddings=16, **shape))
    folder = tmp_path_factory.mktemp("bert")
    model.save_pretrained(folder)
    return model, folder


def magnitude(tickets, folder, sparsity, out):
    return tickets("prune", "--model", folder, "--method", "magnitude", "--sparsity", sparsity, "--out", out)


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.73])
def test_prune_and_export_give_the_buffers_of_torch_prune(tickets, bert, tmp_path, sparsity):
    model, folder = bert
    done = magnitude(tickets, folder, sparsity, tmp_path / "mask.safetensors")
    assert done.code == 0, done
    exported = tickets(
        "mask", "export", tmp_path / "mask.safetensors", "--out", tmp_path / "new" / "torch.safetensors"
    )
    assert exported.code == 0, exported
    ours = load_file(tmp_path / "new" / "torch.safetensors")

    twin = BertModel(model.config)
    twin.load_state_dict(model.state_dict())
    modules = {name: twin.get_submodule(name.removesuffix(".weight")) for name in prunable_names(2)}
    prune.global_unstructured(
        [(module, "weight") for module in modules.values()],
        pruning_method=prune.L1Unstructured,
        amount=sparsity,
    )
    theirs = {name: buffer for name, buffer in twin.named_buffers() if name.endswith("weight_mask")}
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    total = sum(mask.numel() for mask in theirs.values())
    kept = int(sum(mask.sum() for mask in theirs.values()))
    assert f"kept {kept:,} of {total:,} weights, sparsity {1 - kept / total:.6f}" in done.out


def test_random_masks_follow_their_seed_and_the_pooler_can_stay(tickets, bert, tmp_path):
    _, folder = bert
    common = ("prune", "--model", folder, "--method", "random", "--sparsity", 0.5)
    for name, extra in (
        ("a", ["--seed", 1]),
        ("b", ["--seed", 1]),
        ("c", ["--seed", 2]),
        ("d", ["--no-pooler"]),
    ):
        assert tickets(*common, "--out", tmp_path / name, *extra).code == 0
    a, b, c, d = (Mask.load(tmp_path / name) for name in "abcd")
    assert a == b != c
    assert set(a) - set(d) == {"pooler.dense.weight"}


def test_show_prints_every_tensor_the_total_and_where_it_comes_from(tickets, bert, tmp_path):
    _, folder = bert
    magnitude(tickets, folder, 0.7, tmp_path / "m")
    done = tickets("mask", "show", tmp_path / "m")
    mask = Mask.load(tmp_path / "m")
    assert f"{mask.kept:,} of {mask.total:,} kept, sparsity {mask.sparsity:.4f}" in done.out
    for name, kept in mask.kept_per_tensor().items():
        (line,) = (line for line in done.out.splitlines() if f" {name} " in line)
        assert f" {kept:,} " in line
    assert '"magnitude"' in done.out


def test_diff_counts_what_two_masks_share(tickets, tmp_path):
    a = Mask({"w": torch.tensor([[1, 1, 1, 0, 0, 0, 0, 0, 0, 0]]).bool()})
    b = Mask({"w": torch.tensor([[0, 1, 1, 1, 1, 0, 0, 0, 0, 0]]).bool()})
    c = Mask({"w": torch.tensor([[0, 1, 1, 0, 0, 0, 0, 0, 0, 0]]).bool()})
    for name, mask in (("a", a), ("b", b), ("c", c)):
        mask.save(tmp_path / name, {})
    lines = tickets("mask", "diff", tmp_path / "a", tmp_path / "b").out.splitlines()
    assert [line.split()[-1] for line in lines[:1]] == ["0.6000"]
    assert "20.00 % of all weights" in lines[1]
    assert lines[2].split()[-2] == "40.00"
    assert lines[3].split()[-2] == f"{100 * 5 / 8:.2f}"
    assert lines[4].split() == ["nested", "no"]
    assert "first in second" in tickets("mask", "diff", tmp_path / "c", tmp_path / "b").out
    assert "second in first" in tickets("mask", "diff", tmp_path / "a", tmp_path / "c").out


def test_what_cannot_be_pruned_is_said(refused, bert, tmp_path):
    _, folder = bert

    def prune_with(**changes):
        options = {"model": folder, "method": "magnitude", "sparsity": 0.5, "out": tmp_path / "x"} | changes
        return refused("prune", *(word for name, value in options.items() for word in (f"--{name}", value)))

    assert prune_with(model=tmp_path / "none") == (
        f"{tmp_path / 'none'}/config.json: not found. Is {tmp_path / 'none'} a Hugging Face model folder?"
    )
    assert "'clever' is not one of magnitude, random" in prune_with(method="clever")
    assert "2.0 is not in [0, 1]" in prune_with(sparsity=2.0)
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in prune_with(out=tmp_path / "file" / "x")
    assert not (tmp_path / "x").exists()


@pytest.fixture
def mask_file(tmp_path):
    path = tmp_path / "mask.safetensors"
    Mask({"w": torch.ones(64, 64).bool()}).save(path, {"from": "a test"})
    return path


def cut(data):
    return data[: len(data) // 2]


def flip(data):
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


@pytest.mark.parametrize("damage", [cut, flip, lambda data: b"", lambda data: b"preset: micro\n"])
@pytest.mark.parametrize("command", ["show", "diff", "export"])
def test_a_damaged_mask_is_named(refused, mask_file, damage, command):
    mask_file.write_bytes(damage(mask_file.read_bytes()))
    other = {"show": [], "diff": [mask_file], "export": ["--out", mask_file.with_name("out")]}[command]
    message = refused("mask", command, mask_file, *other)
    assert message.startswith(f"{mask_file}: ")
    assert "make the mask again" in message
    assert not mask_file.with_name("out").exists()


def test_masks_that_cannot_be_compared_or_written_are_named(refused, mask_file, tmp_path):
    other = tmp_path / "other"
    Mask({"v": torch.ones(3, 3).bool()}).save(other, {})
    assert refused("mask", "diff", mask_file, other)
    assert refused("mask", "diff", mask_file, tmp_path / "none").startswith(
        f"{tmp_path / 'none'}: mask not found."
    )
    assert "only 'torch' is supported" in refused(
        "mask", "export", mask_file, "--out", other, "--format", "onnx"
    )
    message = refused("mask", "export", mask_file, "--out", mask_file / "below")
    assert message.startswith(f"{mask_file / 'below'}: ")


def structured(path, removed_heads, removed_ffns, provenance):
    mask = StructuredMask.without(3, 4, torch.tensor(removed_heads), torch.tensor(removed_ffns))
    mask.mask().save(path, provenance)


def test_show_prints_a_structured_mask_by_layer(tickets, tmp_path):
    structured(tmp_path / "m", [1, 4, 5, 6, 7], [2], {"family": "losing"})
    done = tickets("mask", "show", tmp_path / "m")
    assert done.code == 0, done
    assert "7 of 12 heads and 2 of 3 FFNs kept" in done.out
    rows = [line.split("│")[1:-1] for line in done.out.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["0", "3 of 4", "0 2 3", "kept"],
        ["1", "0 of 4", "none", "kept"],
        ["2", "4 of 4", "0 1 2 3", "removed"],
    ]
    assert '"losing"' in done.out


def test_diff_of_structured_masks_speaks_of_heads_and_ffns(tickets, tmp_path):
    structured(tmp_path / "a", [1, 2], [0], {})
    structured(tmp_path / "b", [1], [0], {})
    done = tickets("mask", "diff", tmp_path / "a", tmp_path / "b")
    assert "80.00 % of all heads and FFNs" in done.out
    assert "first in second" in done.out
