"""The general-purpose door, on folders that transformers itself wrote."""

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from tickets.errors import TicketsError
from tickets.pruning.hf_folder import prune_folder, read_folder
from tickets.pruning.magnitude import one_shot
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, prunable_names

SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 20,
}


def build(kind, **options):
    import transformers

    torch.manual_seed(11)
    family = "Roberta" if kind.startswith("Roberta") else "Bert"
    config = getattr(transformers, f"{family}Config")(**SIZES)
    return getattr(transformers, kind)(config, **options)


def prunable(model, prefix=""):
    state = model.state_dict()
    return {name: state[prefix + name] for name in prunable_names(3) if prefix + name in state}


@pytest.fixture
def folder(tmp_path):
    build("BertModel").save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def edit(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("BertModel", ""),
        ("BertForSequenceClassification", "bert."),
        ("BertForPreTraining", "bert."),
        ("RobertaModel", ""),
    ],
)
@pytest.mark.parametrize("shard", ["1GB", "8KB"])
def test_reads_what_transformers_wrote(tmp_path, kind, prefix, shard):
    model = build(kind)
    model.save_pretrained(tmp_path, max_shard_size=shard)
    assert (tmp_path / "model.safetensors.index.json").exists() == (shard == "8KB")
    read = read_folder(tmp_path)
    expected = prunable(model, prefix)
    assert list(read.weights) == list(prunable_names(3))
    assert all(torch.equal(tensor, expected[name]) for name, tensor in read.weights.items())
    assert read.dtype == "float32"


def test_reads_pytorch_model_bin(folder):
    expected = read_folder(folder).weights
    state = {f"roberta.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    read = read_folder(folder).weights
    assert all(torch.equal(tensor, expected[name]) for name, tensor in read.items())


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


def test_no_pickle_is_ever_run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "model.safetensors").unlink()
    torch.save({"encoder": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(TicketsError, match=r"pytorch_model\.bin: cannot be read as model weights"):
        read_folder(folder)
    assert not (folder / "evil").exists()


@pytest.mark.parametrize(
    "content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"PK\x03\x04 torn"]
)
def test_damaged_weights(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(TicketsError, match=r"model\.safetensors: cannot be read .*git lfs pull"):
        read_folder(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(TicketsError, match=r"pytorch_model\.bin: cannot be read .*git lfs pull"):
        read_folder(folder)


def test_a_bin_that_is_no_state_dict(folder):
    (folder / "model.safetensors").unlink()
    torch.save({"model": {"w": torch.zeros(2)}}, folder / "pytorch_model.bin")
    with pytest.raises(TicketsError, match="no plain state dict"):
        read_folder(folder)


def test_missing_files(tmp_path, folder):
    with pytest.raises(TicketsError, match=r"config\.json: not found. Is .* a Hugging Face model folder"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(TicketsError, match=r"config\.json: not found"):
        read_folder(folder / "config.json")
    (folder / "model.safetensors").unlink()
    with pytest.raises(TicketsError, match=r"no model\.safetensors"):
        read_folder(folder)


def test_a_missing_shard_and_a_bad_index(tmp_path):
    build("BertModel").save_pretrained(tmp_path, max_shard_size="8KB")
    shard = sorted(tmp_path.glob("model-*.safetensors"))[1]
    content = shard.read_bytes()
    shard.unlink()
    with pytest.raises(TicketsError, match=shard.name):
        read_folder(tmp_path)
    shard.write_bytes(content)
    index = tmp_path / "model.safetensors.index.json"
    for bad in ('{"weight_map": 3}', '{"weight_map": {"w": "../secret.safetensors"}}', "{}"):
        index.write_text(bad)
        with pytest.raises(TicketsError, match="no `weight_map`"):
            read_folder(tmp_path)
    index.write_text("{")
    with pytest.raises(TicketsError, match="not readable JSON"):
        read_folder(tmp_path)


def test_a_missing_pooler_is_a_choice(tmp_path):
    model = build("RobertaForMaskedLM")
    model.save_pretrained(tmp_path)
    with pytest.raises(TicketsError, match=r"no pooler \(roberta\.pooler\.dense\.weight\).*--no-pooler"):
        read_folder(tmp_path)
    assert list(read_folder(tmp_path, pooler=False).weights) == list(prunable_names(3, pooler=False))


def test_a_present_pooler_can_be_left_out(folder):
    assert POOLER not in read_folder(folder, pooler=False).weights


@pytest.mark.parametrize("model_type", ["distilbert", "gpt2", None])
def test_wrong_architecture_by_config(folder, model_type):
    edit_config(folder, model_type=model_type)
    with pytest.raises(TicketsError, match=rf"model_type is {model_type!r}; only bert and roberta"):
        read_folder(folder)


def test_wrong_architecture_by_names(folder):
    edit(folder, lambda tensors: [tensors.update({f"deberta.{n}": tensors.pop(n)}) for n in list(tensors)])
    with pytest.raises(TicketsError, match="not those of a BERT or RoBERTa"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"num_hidden_layers": 4}, "config.json says 4 layers, the weights have 3"),
        ({"num_hidden_layers": 2}, "config.json says 2 layers, the weights have 3"),
        ({"hidden_size": 32}, r"query\.weight is torch\.float32 \[16, 16\], expected floats \[32, 32\]"),
        (
            {"intermediate_size": 25},
            r"intermediate\.dense\.weight is .*\[24, 16\], expected floats \[25, 16\]",
        ),
        ({"hidden_size": "16"}, "hidden_size is '16', expected a positive integer"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
    ],
)
def test_config_and_weights_disagree(folder, changes, complaint):
    edit_config(folder, **changes)
    with pytest.raises(TicketsError, match=complaint):
        read_folder(folder)


def test_an_incomplete_checkpoint(folder):
    edit(folder, lambda tensors: tensors.pop("encoder.layer.1.attention.self.key.weight"))
    with pytest.raises(
        TicketsError, match=r"1 matrices are missing, first encoder\.layer\.1\.attention\.self\.key"
    ):
        read_folder(folder)


def test_quantised_weights_are_refused(folder):
    name = "encoder.layer.0.output.dense.weight"
    edit(folder, lambda tensors: tensors.update({name: tensors[name].to(torch.int8)}))
    with pytest.raises(TicketsError, match=r"torch\.int8.*unquantised"):
        read_folder(folder)


def test_half_precision_folders_rank_their_exact_values(folder, tmp_path):
    edit(folder, lambda tensors: tensors.update({n: t.bfloat16() for n, t in tensors.items()}))
    read = read_folder(folder)
    assert read.dtype == "bfloat16"
    assert all(tensor.dtype == torch.float32 for tensor in read.weights.values())
    mask = prune_folder(folder, "magnitude", 0.5, tmp_path / "m.safetensors", seed=0)
    assert mask.kept == mask.total / 2
    assert Mask.provenance(tmp_path / "m.safetensors")["weights_dtype"] == "bfloat16"


def test_prune_folder_writes_mask_and_provenance(folder, tmp_path):
    out = tmp_path / "masks" / "m.safetensors"
    before = (folder / "model.safetensors").read_bytes()
    mask = prune_folder(folder, "magnitude", 0.7, out, seed=4)
    assert mask == one_shot(read_folder(folder).weights, 0.7) == Mask.load(out)
    facts = Mask.provenance(out)
    assert facts.pop("weights_sha256").isalnum()
    assert facts.pop("tickets_version")
    assert facts == {
        "kept": mask.kept,
        "method": "magnitude",
        "model": "model",
        "model_type": "bert",
        "pooler": True,
        "seed": 4,
        "sparsity": mask.sparsity,
        "sparsity_requested": 0.7,
        "total": 5_632,
        "weights_dtype": "float32",
    }
    assert (folder / "model.safetensors").read_bytes() == before


def test_prune_folder_is_reproducible(folder, tmp_path):
    outs = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        prune_folder(folder, "random", 0.5, out, seed)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert Mask.load(outs[0]) != Mask.load(outs[2])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"method": "magic"}, "method: 'magic' is not one of"),
        ({"sparsity": 70}, r"sparsity: 70 is not in \[0, 1\]. .* \.7 for 70 %"),
        ({"sparsity": -0.1}, "sparsity: -0.1"),
    ],
)
def test_bad_arguments_write_nothing(folder, tmp_path, arguments, complaint):
    out = tmp_path / "out" / "m.safetensors"
    with pytest.raises(TicketsError, match=complaint):
        prune_folder(folder, **({"method": "magnitude", "sparsity": 0.5} | arguments), out=out, seed=0)
    assert not out.parent.exists()


def test_the_output_must_not_be_a_folder(folder, tmp_path):
    with pytest.raises(TicketsError, match="is a folder"):
        prune_folder(folder, "magnitude", 0.5, tmp_path, seed=0)
