"""`tickets export`: whole folders or none, and what cannot be exported."""

import json

import pytest
import torch
from transformers import AutoModelForMaskedLM, BertConfig, BertForPreTraining, BertModel

from tickets.pruning.mask import Mask
from tickets.pruning.structured import StructuredMask

SHAPE = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24, "max_position_embeddings": 16}


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert") / "my-bert"
    torch.manual_seed(0)
    BertForPreTraining(BertConfig(vocab_size=50, num_hidden_layers=2, **SHAPE)).save_pretrained(folder)
    return folder


@pytest.fixture
def pruned(bert, tickets, tmp_path):
    out = tmp_path / "mask.safetensors"
    tickets("prune", "--model", bert, "--method", "magnitude", "--sparsity", 0.6, "--out", out)
    return out


def test_what_prune_made_is_exported_and_loaded(tickets, bert, pruned, tmp_path):
    done = tickets("export", pruned, "--model", bert, "--out", tmp_path / "ticket")
    assert done.code == 0, done
    assert "numbers are zero" in done.out
    assert done.err == ""
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "ticket")
    mask = Mask.load(pruned)
    for name, kept in mask.items():
        if not name.startswith("pooler"):
            assert (model.bert.get_parameter(name)[~kept] == 0).all()
    card = (tmp_path / "ticket" / "README.md").read_text()
    assert "one-shot magnitude pruning" in card
    assert "those that the mask was made from" in card
    assert "60 %" in card


def test_other_weights_of_the_same_shape_are_exported_with_a_warning(tickets, pruned, tmp_path):
    torch.manual_seed(1)
    BertModel(BertConfig(vocab_size=50, num_hidden_layers=2, **SHAPE)).save_pretrained(tmp_path / "other")
    done = tickets("export", pruned, "--model", tmp_path / "other", "--out", tmp_path / "ticket")
    assert done.code == 0
    assert "note: weights: not those that the mask was made from" in done.err


def test_a_mask_of_another_model_names_the_first_tensor_that_differs(refused, pruned, tmp_path):
    for changes, words in (
        (
            {"num_hidden_layers": 3},
            "encoder.layer.2.attention.self.query.weight is missing in the mask and [16, 16]",
        ),
        (
            {"num_hidden_layers": 1},
            "encoder.layer.1.attention.self.query.weight is [16, 16] in the mask and missing",
        ),
        (
            {"intermediate_size": 20},
            "encoder.layer.0.intermediate.dense.weight is [24, 16] in the mask and [20, 16]",
        ),
    ):
        shape = {"num_hidden_layers": 2, **SHAPE, **changes}
        folder = tmp_path / "-".join(changes)
        BertModel(BertConfig(vocab_size=50, **shape)).save_pretrained(folder)
        assert words in refused("export", pruned, "--model", folder, "--out", tmp_path / "ticket")
    assert not (tmp_path / "ticket").exists()


def test_a_model_without_the_masked_pooler_is_refused(refused, pruned, bert, tmp_path):
    model = BertModel(BertConfig(vocab_size=50, num_hidden_layers=2, **SHAPE), add_pooling_layer=False)
    model.save_pretrained(tmp_path / "headless")
    message = refused("export", pruned, "--model", tmp_path / "headless", "--out", tmp_path / "ticket")
    assert "pooler.dense.weight is [16, 16] in the mask and missing in the model" in message


def test_a_structured_mask_of_another_model_is_refused(refused, bert, tmp_path):
    StructuredMask.full(2, 4).mask().save(tmp_path / "mask.safetensors", {})
    message = refused("export", tmp_path / "mask.safetensors", "--model", bert, "--out", tmp_path / "ticket")
    assert message.startswith(f"{tmp_path / 'mask.safetensors'}: structured mask: it is over [2, 4]")


def test_what_is_there_stays_as_it_is(refused, tickets, pruned, bert, tmp_path):
    (tmp_path / "ticket").mkdir()
    (tmp_path / "ticket" / "mine.txt").write_text("mine")
    assert "is there already" in refused("export", pruned, "--model", bert, "--out", tmp_path / "ticket")
    assert [p.name for p in (tmp_path / "ticket").iterdir()] == ["mine.txt"]
    (tmp_path / "file").write_text("")
    assert "is there already" in refused("export", pruned, "--model", bert, "--out", tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert tickets("export", pruned, "--model", bert, "--out", tmp_path / "empty").code == 0
    assert tickets("export", pruned, "--model", bert, "--out", tmp_path / "deep" / "er" / "ticket").code == 0


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("x")]
)
def test_a_folder_is_whole_or_not_there(pruned, bert, tmp_path, monkeypatch, error):
    from tickets.errors import TicketsError
    from tickets.exporting import folder
    from tickets.exporting.ticket import find

    def fail(facts):
        raise error

    monkeypatch.setattr(folder, "render", fail)
    before = set(tmp_path.iterdir())
    with pytest.raises((TicketsError, KeyboardInterrupt, RuntimeError)):
        folder.export(find(pruned), tmp_path / "ticket", bert, "run", False, lambda name: None)
    assert set(tmp_path.iterdir()) == before


def test_what_cannot_be_exported_is_said(refused, pruned, bert, tmp_path):
    out = ("--out", tmp_path / "ticket")
    assert "no mask and no run" in refused("export", tmp_path / "none", *out)
    assert "--model" in refused("export", pruned, *out)
    assert "Export it without --remove" in refused("export", pruned, "--model", bert, "--remove", *out)
    assert "config.json: not found" in refused("export", pruned, "--model", tmp_path, *out)
    (bert / "model.safetensors").rename(bert / "away")
    try:
        assert "model.safetensors" in refused("export", pruned, "--model", bert, *out)
    finally:
        (bert / "away").rename(bert / "model.safetensors")
    data = pruned.read_bytes()
    pruned.write_bytes(data[:-1] + bytes([data[-1] ^ 255]))
    assert "damaged" in refused("export", pruned, "--model", bert, *out)
    assert not (tmp_path / "ticket").exists()


def test_runs_without_a_stored_mask_say_why(refused, tmp_path):
    for method, level, words in (
        ("imp", "00", "full model"),
        ("oneshot", "50", "tickets prune --method magnitude --sparsity 0.50"),
        ("random", "50", "controls"),
        ("imp", "50", "dvc pull"),
    ):
        run = tmp_path / f"results/own/lth/runs/rte/pretrained/{method}/from-any/sparsity{level}/seed1"
        run.mkdir(parents=True)
        (run / "metrics.json").write_text(json.dumps({"resolved": level}))
        (run / "run.json").write_text(json.dumps({"inputs": {"mask_sha256": "0" * 64}}))
        assert words in refused("export", run, "--out", tmp_path / "ticket")
