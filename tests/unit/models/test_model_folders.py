"""Model folders: what transformers writes we read, what we write transformers reads, and what neither should."""

import json
import os
import pickle

import pytest
import torch
from hf_twins import both_inputs, fill, hf_config
from safetensors.torch import load_file, save_file
from transformers import AutoModelForPreTraining
from transformers.models.bert import modeling_bert as bert
from transformers.models.roberta import modeling_roberta as roberta

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.encoder import grid_tokens
from tickets.models.heads import Head
from tickets.models.hf import Checkpoint, load_folder, save_folder
from tickets.models.model import Model

CLOSE = {"rtol": 1e-4, "atol": 2e-5}
MLM, NSP = Head("mlm"), Head("nsp", 2)


def model_of(checkpoint, *heads):
    model = Model(checkpoint.config, heads)
    model.load_body(checkpoint.body)
    if heads:
        model.load_heads({n: v for n, v in checkpoint.heads.items() if n in model.head_names})
    return model


def words(model, batch):
    everything = torch.ones(batch.rows, batch.width, dtype=torch.bool)
    return model.forward(batch, MLM, read=grid_tokens(batch, everything))


@pytest.fixture
def bert_folder(tmp_path):
    theirs = fill(bert.BertForPreTraining(hf_config("bert")))
    theirs.save_pretrained(tmp_path / "theirs")
    return theirs, tmp_path / "theirs"


def test_what_transformers_saves_we_load(bert_folder):
    theirs, folder = bert_folder
    ours = model_of(load_folder(folder), MLM, NSP)
    arguments, batch, real = both_inputs("bert")
    with torch.no_grad():
        out = theirs(**arguments)
        torch.testing.assert_close(words(ours, batch), out.prediction_logits[real], **CLOSE)
        torch.testing.assert_close(ours.forward(batch, NSP), out.seq_relationship_logits, **CLOSE)


def test_what_transformers_saves_of_roberta_we_load(tmp_path):
    theirs = fill(roberta.RobertaForMaskedLM(hf_config("roberta")))
    theirs.save_pretrained(tmp_path)
    with pytest.raises(TicketsError, match=r"pooler.dense.weight' is missing. This checkpoint has no pooler"):
        load_folder(tmp_path, pooler=True)
    checkpoint = load_folder(tmp_path)
    assert checkpoint.config.pad_id == 1
    assert checkpoint.config.position_offset == 2
    assert checkpoint.body["pooler.dense.weight"].abs().max() == 0
    arguments, batch, real = both_inputs("roberta")
    with torch.no_grad():
        expected = theirs(**arguments).logits[real]
        torch.testing.assert_close(words(model_of(checkpoint, MLM), batch), expected, **CLOSE)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_what_we_save_transformers_loads(family, tmp_path):
    config = EncoderConfig.from_hf(hf_config(family).to_dict())
    heads = (MLM, NSP) if family == "bert" else (MLM,)
    ours = Model(config, heads)
    ours.parameters.flat.data.copy_(torch.randn(ours.parameters.flat.shape) * 0.2)
    save_folder(tmp_path, Checkpoint(config, ours.body(), ours.head_values()))
    # Both families resolve through the architecture that our config.json names.
    theirs, report = AutoModelForPreTraining.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert set(report["unexpected_keys"]) <= {"roberta.pooler.dense.weight", "roberta.pooler.dense.bias"}
    arguments, batch, real = both_inputs(family)
    with torch.no_grad():
        out = theirs.eval()(**arguments)
        expected = out.prediction_logits if family == "bert" else out.logits
        torch.testing.assert_close(words(ours, batch), expected[real], **CLOSE)
        if family == "bert":
            torch.testing.assert_close(ours.forward(batch, NSP), out.seq_relationship_logits, **CLOSE)


def test_the_pooler_survives_the_way_to_transformers_and_back(tmp_path):
    config = EncoderConfig.from_hf(hf_config("bert").to_dict())
    ours = Model(config, ())
    ours.parameters.flat.data.copy_(torch.randn(ours.parameters.flat.shape) * 0.2)
    save_folder(tmp_path / "a", Checkpoint(config, ours.body(), {}))
    theirs = bert.BertModel.from_pretrained(tmp_path / "a")
    arguments, batch, _ = both_inputs("bert")
    with torch.no_grad():
        pooled = ours.encoder.pool(ours.encoder(batch, "first"))
        torch.testing.assert_close(pooled, theirs(**arguments).pooler_output, **CLOSE)
    theirs.save_pretrained(tmp_path / "b")
    again = load_folder(tmp_path / "b")
    assert all(torch.equal(again.body[name], value) for name, value in ours.body().items())
    assert again.heads == {}


def test_saving_and_loading_keeps_every_bit(bert_folder, tmp_path):
    checkpoint = load_folder(bert_folder[1])
    save_folder(tmp_path / "ours", checkpoint)
    again = load_folder(tmp_path / "ours")
    assert again.config == checkpoint.config
    for before, after in ((checkpoint.body, again.body), (checkpoint.heads, again.heads)):
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)
    assert sorted(p.name for p in (tmp_path / "ours").iterdir()) == ["config.json", "model.safetensors"]


def test_shards_pickles_of_tensors_and_old_names_load_too(bert_folder, tmp_path):
    theirs, folder = bert_folder
    expected = load_folder(folder)
    theirs.save_pretrained(tmp_path / "shards", max_shard_size="10KB")
    assert not (tmp_path / "shards" / "model.safetensors").exists()

    old = {n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
           for n, v in theirs.state_dict().items()}  # fmt: skip
    (tmp_path / "pickle").mkdir()
    torch.save(old, tmp_path / "pickle" / "pytorch_model.bin")
    (tmp_path / "pickle" / "config.json").write_text((folder / "config.json").read_text())
    for other in ("shards", "pickle"):
        found = load_folder(tmp_path / other)
        assert all(torch.equal(found.body[name], value) for name, value in expected.body.items())
        assert found.heads.keys() == expected.heads.keys()


class Evil:
    def __reduce__(self):
        return os.system, ("touch hacked",)


@pytest.mark.parametrize("content", ["code", "torch", "empty"])
def test_a_pickle_of_more_than_tensors_is_refused_unexecuted(bert_folder, content, monkeypatch):
    _, folder = bert_folder
    monkeypatch.chdir(folder)
    (folder / "model.safetensors").unlink()
    binary = folder / "pytorch_model.bin"
    if content == "code":
        binary.write_bytes(pickle.dumps(Evil(), protocol=2))
    elif content == "torch":
        torch.save({"a": Evil()}, binary)
    else:
        binary.write_bytes(b"")
    with pytest.raises(TicketsError, match=r"holds more than tensors|cannot be read"):
        load_folder(folder)
    assert not (folder / "hacked").exists()


def test_damaged_and_incomplete_folders_name_what_is_wrong(bert_folder, tmp_path):
    _, folder = bert_folder
    weights, config = folder / "model.safetensors", folder / "config.json"
    good, facts = weights.read_bytes(), json.loads(config.read_text())
    state = {name: value.clone() for name, value in load_file(weights).items()}  # not mapped from the file

    weights.write_bytes(good[: len(good) // 2])
    with pytest.raises(
        TicketsError, match=r"model.safetensors: cannot be read as .* Download the model again"
    ):
        load_folder(folder)
    name = "bert.encoder.layer.1.output.dense.weight"
    save_file({n: v for n, v in state.items() if n != name}, weights)
    with pytest.raises(TicketsError, match=r"parameter 'encoder.layer.1.output.dense.weight' is missing"):
        load_folder(folder)
    save_file({n: v[:5].clone() if n == name else v for n, v in state.items()}, weights)
    with pytest.raises(
        TicketsError, match=r"layer.1.output.dense.weight' is \(5, 40\), config says \(16, 40\)"
    ):
        load_folder(folder)
    weights.unlink()
    with pytest.raises(
        TicketsError, match=r"no model.safetensors, model.safetensors.index.json or pytorch_model.bin"
    ):
        load_folder(folder)

    for change, message in (
        ({"model_type": "gpt2"}, r"model_type is 'gpt2'; only 'bert' and 'roberta'"),
        ({"position_embedding_type": "relative_key"}, r"only absolute position embeddings"),
        ({"hidden_act": "silu"}, r"config.json: activation 'silu' is not one of gelu, relu, gelu_new"),
        ({"num_attention_heads": 5}, r"config.json: hidden_size 16 is not a multiple of heads 5"),
    ):
        config.write_text(json.dumps(facts | change))
        with pytest.raises(TicketsError, match=message):
            EncoderConfig.from_folder(folder)
    config.write_text(json.dumps({k: v for k, v in facts.items() if k != "hidden_size"}))
    with pytest.raises(TicketsError, match=r"key 'hidden_size' is missing"):
        EncoderConfig.from_folder(folder)
    config.write_text("{")
    with pytest.raises(TicketsError, match=r"config.json: not valid JSON"):
        EncoderConfig.from_folder(folder)
    with pytest.raises(TicketsError, match=r"config.json: not found. Name a Hugging Face model folder"):
        load_folder(tmp_path / "nowhere")


def test_a_bert_without_a_pooler_is_refused_by_default(tmp_path):
    fill(bert.BertForMaskedLM(hf_config("bert"))).save_pretrained(tmp_path)
    with pytest.raises(TicketsError, match="This checkpoint has no pooler"):
        load_folder(tmp_path)
    assert load_folder(tmp_path, pooler=False).body["pooler.dense.bias"].abs().max() == 0


def test_a_roberta_config_that_leaves_the_pad_id_out_means_one():
    facts = hf_config("roberta").to_dict()
    facts.pop("pad_token_id")
    assert EncoderConfig.from_hf(facts).pad_id == 1
