"""Files appear whole or not at all; theta_0 comes to its place from wherever it is."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tickets.config import parse_config
from tickets.data.encoded import EncodedTask
from tickets.data.synthetic.build import build_task
from tickets.data.tasks import TASKS
from tickets.errors import TicketsError
from tickets.grid import find_stage
from tickets.jobs.context import Context
from tickets.jobs.files import publish, read_json, write_json
from tickets.jobs.identity import data_identity, model_identity
from tickets.jobs.prepare import encode, place_model, pretrain
from tickets.models.heads import Head, initial_values
from tickets.models.hf import load_folder
from tickets.models.model import Model
from tickets.papers.registry import PAPERS
from tickets.training.resident import Resident
from tiny_engine import tiny_preset, two_models


def test_publishing_twice_leaves_one_file_and_no_part(tmp_path):
    staged, final = tmp_path / "staged.json", tmp_path / "a" / "b" / "final.json"
    staged.write_text("{}")
    for _ in range(2):
        publish(staged, final)
        assert [path.name for path in final.parent.iterdir()] == ["final.json"]
    staged.unlink()
    staged.write_text('{"new": 1}')
    (final.parent / "final.json.part").write_text("left by a kill")
    publish(staged, final)
    assert final.read_text() == '{"new": 1}'
    assert [path.name for path in final.parent.iterdir()] == ["final.json"]


def test_publishing_copies_where_links_cannot_be_made(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("cross-device link")

    monkeypatch.setattr("tickets.jobs.files.os.link", refuse)
    (tmp_path / "staged").write_text("x")
    publish(tmp_path / "staged", tmp_path / "out" / "final")
    assert (tmp_path / "out" / "final").read_text() == "x"


def test_json_is_sorted_utf8_and_never_nan(tmp_path):
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"b": 1, "a": "θ₀ – é"})
    assert path.read_bytes() == '{\n "a": "θ₀ – é",\n "b": 1\n}\n'.encode()
    assert read_json(path) == {"b": 1, "a": "θ₀ – é"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert read_json(path)["b"] == 1
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize(("content", "message"), [("{", "not valid JSON"), ("[1]", "expected a JSON object")])
def test_unreadable_json_names_the_file(tmp_path, content, message):
    path = tmp_path / "metrics.json"
    with pytest.raises(TicketsError, match=r"metrics.json: not found. Run the job"):
        read_json(path)
    path.write_text(content)
    with pytest.raises(TicketsError, match=rf"metrics.json: {message}.*Run the job that makes it again"):
        read_json(path)


def test_a_missing_gpu_is_an_error_and_not_a_fallback(finished, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    raw = tiny_preset()
    raw["presets"]["tiny"]["execution"]["device"] = "cuda"
    with pytest.raises(TicketsError, match=r"presets.tiny.execution.device is 'cuda', but no GPU is visible"):
        _ = Context(parse_config(raw), finished.job("imp", task="rte")).device


def local(folder):
    raw = tiny_preset()
    raw["presets"]["tiny"]["model"] = {"name": "mine", "path": str(folder)}
    raw["presets"]["tiny"]["data"] = {"source": "local", "path": str(folder)}
    return parse_config(raw)


@pytest.mark.parametrize("form", ["single", "shards", "pickle"])
def test_a_local_model_becomes_one_weights_file(finished, tmp_path, monkeypatch, form):
    source = tmp_path / "source"
    source.mkdir()
    theirs = finished.root / "models" / "tiny-bert"
    state = load_file(theirs / "model.safetensors")
    (source / "config.json").write_text((theirs / "config.json").read_text())
    (source / "vocab.txt").write_text("[PAD]\n")
    (source / "README.md").write_text("not wanted")
    if form == "single":
        save_file(state, source / "model.safetensors")
    elif form == "pickle":
        torch.save(state, source / "pytorch_model.bin")
    else:
        names, shards = sorted(state), {}
        for shard, part in (("one.safetensors", names[::2]), ("two.safetensors", names[1::2])):
            save_file({name: state[name] for name in part}, source / shard)
            shards |= dict.fromkeys(part, shard)
        (source / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    monkeypatch.chdir(tmp_path)
    out = tmp_path / place_model(local(source))
    assert out == tmp_path / "results" / "tiny" / "models" / "mine"
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json", "model.safetensors", "run.json", "vocab.txt"
    ]  # fmt: skip
    found, expected = load_folder(out), load_folder(theirs)
    assert all(torch.equal(found.body[name], value) for name, value in expected.body.items())
    assert found.heads.keys() == expected.heads.keys()


def test_an_incomplete_local_model_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TicketsError, match=r"config.json: not found"):
        place_model(local(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_every_role_is_pretrained_from_its_own_section(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = parse_config(two_models())
    folders = [place_model(config, role) for role in config.settings.roles]
    assert folders == [config.root / "models" / name for name in ("tiny-bert", "tiny-large")]
    assert [load_folder(folder).config.layers for folder in folders] == [2, 3]
    for role, folder in zip(config.settings.roles, folders, strict=True):
        certificate = json.loads((folder / "run.json").read_text())["identity"]
        assert certificate["fingerprint"] == model_identity(config, role)
        assert certificate["model"]["name"] == folder.name
        assert all((config.root / path).is_file() for path in config.settings.model_files(role))
    with pytest.raises(TicketsError, match="models: there is no model 'huge'; there are base, large"):
        place_model(config, "huge")


def test_prepared_inputs_have_identities_of_their_own():
    config = parse_config(two_models())
    assert model_identity(config, "base") == model_identity(config) != model_identity(config, "large")
    found = {data_identity(config, task, n) for task in ("rte", "mlm") for n in (24, 32)}
    assert len(found) == 4
    changed = two_models()
    changed["presets"]["tiny"]["models"]["large"]["shape"]["dropout"] = 0.3
    other = parse_config(changed)
    assert model_identity(other, "base") == model_identity(config, "base")
    assert model_identity(other, "large") != model_identity(config, "large")


def test_a_job_reads_the_data_of_its_own_length_and_the_model_of_a_role(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = parse_config(two_models())
    stage = find_stage(PAPERS["supertickets"].stages(config), "trial")
    context = Context(config, stage.job({"model": "large", "task": "rte", "seed": "1"}))
    assert context.data_path("rte") == config.root / "data" / "rte-24.safetensors"
    assert context.pretrained_file("large") == config.root / "models" / "tiny-large" / "model.safetensors"
    assert context.pretrained_file() == config.root / "models" / "tiny-bert" / "model.safetensors"
    with pytest.raises(TicketsError, match=r"models/tiny-large/config.json: not found"):
        context.pretrained("large")


def tiny_roberta():
    """The tiny preset with a second model, pre-trained here: a RoBERTa."""
    raw = two_models()
    section = raw["presets"]["tiny"]["models"].pop("large")
    shape, pretraining = section["shape"] | {"family": "roberta"}, section["pretraining"] | {"nsp": False}
    raw["presets"]["tiny"]["models"]["roberta"] = {
        "name": "tiny-roberta", "shape": shape, "pretraining": pretraining
    }  # fmt: skip
    raw["presets"]["tiny"]["supertickets"]["models"] = ["base", "roberta"]
    return parse_config(raw)


def test_a_roberta_is_pretrained_on_the_shared_vocabulary_and_equals_transformers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tiny_roberta()
    folder = place_model(config, "roberta")
    theta0 = load_folder(folder)
    shape = theta0.config
    assert (shape.family, shape.pad_id, shape.position_offset, shape.segment_types) == ("roberta", 0, 1, 1)
    assert (shape.max_positions, shape.max_length, shape.layer_norm_eps) == (33, 32, 1e-5)
    assert theta0.body["pooler.dense.weight"].abs().max() == 0
    assert set(theta0.heads) == set(Head("mlm").shapes(shape))
    assert json.loads((folder / "run.json").read_text())["dev"]["nsp_accuracy"] is None

    from transformers import RobertaForMaskedLM, RobertaForSequenceClassification

    theirs, report = RobertaForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    data = build_task("wikitext-pairs", 1, {"train": 4, "dev": 6, "test": 1})
    split = data.splits["dev"]
    assert split.segments.any(), "BERT's segments, which this model does not have"
    batch = Resident(split, shape).batch(torch.arange(6))
    head, labels = Head("mlm"), Head("classification", 3)
    ours = Model(shape, (head, labels))
    ours.load_body(theta0.body)
    gamma = initial_values(labels.shapes(shape), 0.2, torch.Generator().manual_seed(0))
    ours.load_heads(gamma | theta0.heads)
    real = torch.arange(split.ids.shape[1]) < split.lengths[:, None]
    arguments = {"input_ids": split.ids.long(), "attention_mask": real.long()}
    with torch.no_grad():
        expected = theirs.eval()(**arguments).logits[real]
        found = ours.forward(batch, head, read=torch.arange(len(batch.ids)))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        judge = RobertaForSequenceClassification.from_pretrained(folder, num_labels=3).eval()
        judge.load_state_dict(gamma, strict=False)
        expected = judge(**arguments).logits
        torch.testing.assert_close(ours.forward(batch, labels), expected, rtol=1e-4, atol=1e-5)


def test_a_job_starts_from_a_roberta_without_a_pooler(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tiny_roberta()
    place_model(config, "roberta")
    stage = find_stage(PAPERS["supertickets"].stages(config), "trial")
    context = Context(config, stage.job({"model": "roberta", "task": "rte", "seed": "1"}))
    assert context.pretrained("roberta").body["pooler.dense.bias"].abs().max() == 0
    assert context.data_path("rte") == config.root / "data" / "rte-24.safetensors", "one vocabulary"
    raw = local(tmp_path / config.root / "models" / "tiny-roberta")
    assert load_folder(place_model(raw)).config.family == "roberta"


def real_preset(folder, **second):
    """Base and a second model from folders that hold no more than tokenizers, and one local data set."""
    raw = two_models()
    preset = raw["presets"]["tiny"]
    preset["data"] = {"source": "local", "path": str(folder)}
    preset["model"] = {"name": "first", "path": str(folder / "first")}
    preset["models"] = {"large": {"name": "second", "path": str(folder / "second"), **second}}
    return parse_config(raw)


def test_data_are_encoded_with_the_tokenizer_of_a_role(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, extra in (("first", []), ("second", ["lazy", "dog"])):
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *extra, "the", "fox"]
        (tmp_path / name).mkdir()
        (tmp_path / name / "vocab.txt").write_text("\n".join(words) + "\n")
        (tmp_path / name / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "WikiText-103").mkdir()
    for split in ("train", "valid"):
        (tmp_path / "WikiText-103" / f"wiki.{split}.raw").write_text("the lazy fox the dog \n" * 40)
    config = real_preset(tmp_path, tokenizer="own")
    files = [encode(config, "wikitext", 16, role) for role in ("", "large")]
    assert files == [config.root / "data" / f"{role}wikitext-16.safetensors" for role in ("", "large/")]
    first, second = (EncodedTask.load(path) for path in files)
    assert (first.meta["vocab_size"], second.meta["vocab_size"]) == (7, 9)
    assert first.splits["dev"].ids[0, 1:4].tolist() == [5, 1, 6]
    assert second.splits["dev"].ids[0, 1:4].tolist() == [7, 5, 8]
    with pytest.raises(
        TicketsError, match=r"the model 'large' has no tokenizer of its own.*Leave the role out"
    ):
        encode(real_preset(tmp_path), "wikitext", 16, "large")


def test_identities_of_data_know_the_tokenizer_and_the_cap(tmp_path):
    config = real_preset(tmp_path, tokenizer="own")
    own, base = data_identity(config, "rte", 24, "large"), data_identity(config, "rte", 24)
    assert own != base == data_identity(real_preset(tmp_path), "rte", 24)
    moved = real_preset(tmp_path, tokenizer="own", revision="f" * 40)
    assert data_identity(moved, "rte", 24) == base
    assert data_identity(moved, "rte", 24, "large") != own
    raw = tiny_preset()
    raw["presets"]["tiny"]["data"]["wikitext_sequences"] = 100
    capped, plain = parse_config(raw), parse_config(tiny_preset())
    changed = {t: data_identity(capped, t, 32) != data_identity(plain, t, 32) for t in TASKS}
    assert [task for task, there in changed.items() if there] == ["wikitext", "wikitext-pairs"]


def test_pretraining_is_repeatable_and_loads_into_transformers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = parse_config(tiny_preset())
    for name in ("a", "b"):
        pretrain(config, "base", tmp_path / name)
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (
        tmp_path / "b" / "model.safetensors"
    ).read_bytes()
    certificate = json.loads((tmp_path / "a" / "run.json").read_text())
    assert certificate["cost"]["steps"] == 4
    assert certificate["dev"]["mlm_loss"] > 0
    assert not list((tmp_path / ".tickets").rglob("*.safetensors"))

    from transformers import BertForPreTraining, BertTokenizer

    _, report = BertForPreTraining.from_pretrained(tmp_path / "a", output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert len(BertTokenizer.from_pretrained(tmp_path / "a")) == load_folder(tmp_path / "a").config.vocab_size
