"""Models of several kinds in one preset: which combinations there can be, and that old identities stay."""

import pytest

from tickets.config import parse_config
from tickets.errors import TicketsError
from tiny_engine import two_models


def with_second(**changes):
    raw = two_models()
    raw["presets"]["tiny"]["models"]["large"] |= changes
    return raw


def roberta(**changes):
    section = two_models()["presets"]["tiny"]["models"]["large"]
    shape, pretraining = section["shape"] | {"family": "roberta"}, section["pretraining"] | {"nsp": False}
    return with_second(shape=shape, pretraining=pretraining | changes)


def test_fields_younger_than_the_first_results_are_dumped_only_where_they_differ():
    model = parse_config(two_models()).settings.model
    dump = model.model_dump(mode="json")
    assert "tokenizer" not in dump
    assert "family" not in dump["shape"]
    found = parse_config(roberta()).settings.models["large"].model_dump(mode="json")
    assert found["shape"]["family"] == "roberta"
    assert found["shape"].keys() - {"family"} == dump["shape"].keys()


def test_a_roberta_shape_has_room_for_as_many_tokens_as_a_bert_shape():
    settings = parse_config(roberta()).settings
    ours, other = (settings.model_of(role).shape.encoder(200) for role in ("large", "base"))
    assert (ours.family, other.family) == ("roberta", "bert")
    assert ours.max_length == other.max_length
    assert (ours.segment_types, other.segment_types) == (1, 2)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            roberta(nsp=True),
            "models.large: family 'roberta' is pre-trained on masked words only; set pretraining",
        ),
        (
            with_second(tokenizer="own"),
            "models.large: tokenizer 'own' is for real models; those with 'shape'",
        ),
        (with_second(tokenizer="mine"), "models.large.tokenizer: Input should be 'base' or 'own'"),
    ],
)
def test_what_cannot_be_is_named(raw, message):
    with pytest.raises(TicketsError, match=r"config.yaml: presets.tiny.models") as caught:
        parse_config(raw)
    assert message in str(caught.value)


def test_the_base_model_has_no_tokenizer_besides_that_of_the_data():
    raw = two_models()
    preset = raw["presets"]["tiny"]
    preset["data"] = {"source": "local", "path": "data"}
    preset["model"] = {"name": "first", "path": "first", "tokenizer": "own"}
    preset["models"] = {"large": {"name": "second", "path": "second"}}
    with pytest.raises(TicketsError, match=r"model.tokenizer: 'own' is for further models"):
        parse_config(raw)
    del preset["model"]["tokenizer"]
    assert parse_config(raw).settings.own_tokenizers == ()
    preset["models"]["large"]["tokenizer"] = "own"
    assert parse_config(raw).settings.own_tokenizers == ("large",)
