"""What a person can get wrong in config.yaml, and the message that says so."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tickets.config import load_config, parse_config
from tickets.errors import TicketsError
from tiny_engine import tiny_preset

ROOT = Path(__file__).parents[2]
REMOVE = object()


def changed(path, value):
    """The tiny preset with one key changed; `path` is dotted, below the preset."""
    raw = deepcopy(tiny_preset())
    *parents, last = path.split(".")
    section = raw["presets"]["tiny"]
    for key in parents:
        section = section.setdefault(key, {})
    if value is REMOVE:
        del section[last]
    else:
        section[last] = value
    return raw


def message(raw, preset=None):
    with pytest.raises(TicketsError) as caught:
        parse_config(raw, preset)
    return str(caught.value)


CASES = [
    ("sead", 1, "config.yaml: presets.tiny.sead: unknown key; did you mean 'seed'?"),
    ("lth.replicats", {}, "config.yaml: presets.tiny.lth.replicats: unknown key; did you mean 'replicates'?"),
    (
        "lth.grid.transfer_source",
        [],
        "lth.grid.transfer_source: unknown key; did you mean 'transfer_sources'?",
    ),
    ("lth.chain.rewnd", True, "lth.chain.rewnd: unknown key; did you mean 'rewind'?"),
    (
        "lth.recipes.default.learningrate",
        1,
        "lth.recipes.default.learningrate: unknown key; did you mean 'learning_rate'?",
    ),
    ("execution.thread", 2, "execution.thread: unknown key; did you mean 'threads'?"),
    ("model.shape.hidden", 8, "model.shape.hidden: unknown key"),
    ("zzz", 1, "presets.tiny.zzz: unknown key."),
    ("lth", REMOVE, "presets.tiny.lth: required key is missing."),
    ("lth.multitask_recipe", REMOVE, "presets.tiny.lth.multitask_recipe: required key is missing."),
    ("lth.recipes.default.epochs", 3, "lth.recipes.default: give exactly one of 'steps' and 'epochs'"),
    ("lth.recipes.default.steps", REMOVE, "lth.recipes.default: give exactly one of 'steps' and 'epochs'"),
    ("lth.recipes.default.steps", 0, "lth.recipes.default.steps: Input should be greater than 0 (got 0)"),
    ("lth.recipes.default.learning_rate", "fast", "learning_rate: Input should be a valid number"),
    (
        "lth.recipes.default.optimizer",
        "sgd",
        "optimizer: Input should be 'adamw' or 'adamw-reference' (got 'sgd')",
    ),
    ("lth.recipes", {"rte": {"steps": 3}}, "recipes: neither 'mlm' nor 'default' is given"),
    ("lth.tasks", ["rte", "colla"], "unknown task 'colla'; did you mean 'cola'?"),
    ("lth.grid.rewind_tasks", ["sst2"], "unknown task 'sst2'; did you mean 'sst-2'?"),
    ("lth.grid.transfer_levels", ["75"], "lth.grid: there is no mask of sparsity '75'; there are 10, 20"),
    ("lth.grid.transfer_levels", [70], "lth.grid.transfer_levels.0: Input should be a valid string (got 70)"),
    ("lth.grid.rewindings", ["rewind30"], "lth.grid.rewindings.0: Input should be 'rewind05'"),
    ("lth.ddof", 2, "lth.ddof: Input should be 0 or 1 (got 2)"),
    ("execution.device", "gpu", "execution.device: Input should be 'auto', 'cpu' or 'cuda' (got 'gpu')"),
    ("execution.checkpoint_seconds", 0, "execution.checkpoint_seconds: Input should be greater than 0"),
    ("model.path", "here", "presets.tiny.model: give exactly one of 'shape', 'path' and 'hub'"),
    ("model.pretraining", REMOVE, "presets.tiny.model: 'shape' and 'pretraining' belong together"),
    ("model.shape.heads", 3, "presets.tiny.model.shape: hidden_size 16 is not a multiple of heads 3"),
    ("model.shape.activation", "swish", "model.shape: activation 'swish' is not one of gelu, relu, gelu_new"),
    ("model.name", "../up", "presets.tiny.model.name: String should match pattern"),
    (
        "model",
        {"name": "b", "hub": "bert-base-uncased"},
        "presets.tiny.model: 'hub' needs a pinned 'revision'",
    ),
    ("data", {"source": "local"}, "presets.tiny.data: source 'local' needs 'path'"),
    ("data", {"source": "local", "path": "x"}, "synthetic data and a model with 'shape' belong together"),
    (
        "data.source",
        "internet",
        "data.source: Input should be 'synthetic', 'local' or 'hub' (got 'internet')",
    ),
    (
        "lth.replicates.transfer",
        3,
        "lth.replicates: 'transfer' needs a mask for each replicate, so it cannot exceed 'imp' (2)",
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), CASES, ids=[f"{p}-{i}" for i, (p, _, _) in enumerate(CASES)]
)
def test_a_mistake_is_named_with_its_key(path, value, expected):
    said = message(changed(path, value))
    assert expected in said
    assert said.startswith("config.yaml: presets.tiny")
    assert "Traceback" not in said
    assert "pydantic" not in said


def test_all_mistakes_are_told_at_once():
    raw = changed("sead", 1)
    raw["presets"]["tiny"]["lth"]["ddof"] = 7
    assert len(message(raw).splitlines()) == 2


def test_presets_are_chosen_by_name():
    raw = tiny_preset()
    raw["presets"]["other"] = raw["presets"]["tiny"] | {"seed": 99}
    assert parse_config(raw).settings.seed == 7
    assert parse_config(raw, "other").settings.seed == 99
    assert parse_config(raw, "other").root == Path("results/other")
    assert message(raw, "tinny") == (
        "config.yaml: preset 'tinny' is not defined; did you mean 'tiny'? Defined are: tiny, other."
    )
    assert "preset 'None' is not defined" in message({"presets": raw["presets"]})
    assert message(raw | {"presests": 1}) == "config.yaml: unknown key 'presests'; did you mean 'presets'?"


def test_a_mistake_in_another_preset_does_not_matter():
    raw = tiny_preset()
    raw["presets"]["broken"] = {"nonsense": 1}
    parse_config(raw)
    assert "presets.broken" in message(raw, "broken")


def test_a_preset_name_cannot_leave_the_results_folder():
    raw = tiny_preset()
    raw["presets"]["../up"] = raw["presets"]["tiny"]
    assert "preset" in message(raw, "../up")


def test_files_that_are_no_config(tmp_path):
    path = tmp_path / "config.yaml"
    for content, expected in (
        (None, "config.yaml: not found. Run in the repository's root"),
        ("a: [", "config.yaml: not valid YAML"),
        ("- 1", "config.yaml: must be a mapping with the keys 'preset' and 'presets'."),
        ("", "config.yaml: must be a mapping"),
        ("preset: x\npresets: [1]", "config.yaml: 'presets' must be a mapping"),
    ):
        if content is not None:
            path.write_text(content)
        with pytest.raises(TicketsError) as caught:
            load_config(path)
        assert expected in str(caught.value)
        assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("preset", ["micro", "mini", "paper"])
def test_the_shipped_presets_are_valid(preset):
    assert load_config(ROOT / "config.yaml", preset).preset == preset


def test_values_written_differently_are_the_same_config():
    raw = tiny_preset()
    text = yaml.safe_dump(raw).replace("learning_rate: 0.002", "learning_rate: 2e-3")
    assert "2e-3" in text
    assert parse_config(yaml.safe_load(text)) == parse_config(raw)
