"""What a person can get wrong in config.yaml, and the message that says so."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tickets.config import load_config, parse_config
from tickets.errors import TicketsError
from tickets.papers.registry import PAPERS, papers
from tiny_engine import tiny_preset, tiny_supertickets, two_models, two_papers

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
    ("model", REMOVE, "presets.tiny.model: required key is missing."),
    ("lth", REMOVE, "presets.tiny: there is no paper to run; give a section 'lth', 'supertickets' or 'tamt'"),
    ("lth.multitask_recipe", REMOVE, "presets.tiny.lth.multitask_recipe: required key is missing."),
    ("lth.recipes.default.epochs", 3, "lth.recipes.default: give exactly one of 'steps' and 'epochs'"),
    ("lth.recipes.default.steps", REMOVE, "lth.recipes.default: give exactly one of 'steps' and 'epochs'"),
    ("lth.recipes.default.steps", 0, "lth.recipes.default.steps: Input should be greater than 0 (got 0)"),
    ("lth.recipes.default.learning_rate", "fast", "learning_rate: Input should be a valid number"),
    (
        "lth.recipes.default.optimizer",
        "sgd",
        "optimizer: Input should be 'adamw', 'adamw-reference', 'adamax' or 'bertadam' (got 'sgd')",
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


def changed_second(path, value):
    """The tiny preset with both papers and two models, and one key changed."""
    raw = two_models()
    *parents, last = path.split(".")
    section = raw["presets"]["tiny"]
    for key in parents:
        section = section.setdefault(key, {})
    section[last] = value
    return raw


LARGE = two_models()["presets"]["tiny"]["models"]["large"]
NAMES = "every model needs a role and a name of its own; the role 'base' is `model`"
SECOND = [
    ("supertickets.models", ["base", "huge"], "models: there is no model 'huge'; there are base, large."),
    ("supertickets.models", ["lareg"], "models: there is no model 'lareg'; there are base, large."),
    ("models", {}, "models: there is no model 'large'; there are base."),
    ("models", {"base": LARGE, "large": LARGE}, NAMES),
    ("models", {"large": LARGE | {"name": "tiny-bert"}}, NAMES),
    ("models", {"large": LARGE, "huge": LARGE}, NAMES),
    (
        "models",
        {"large": LARGE, "a.b": LARGE | {"name": "c"}},
        "models.a.b.[key]: String should match pattern",
    ),
    ("models", {"large": LARGE, "Huge": LARGE}, "models.Huge.[key]: String should match pattern"),
    ("models.large.hubb", "x", "presets.tiny.models.large.hubb: unknown key; did you mean 'hub'?"),
    ("models.large", {"name": "b", "path": "x"}, "synthetic data and a model with 'shape' belong together"),
    ("supertickets.grid.famlies", [], "supertickets.grid.famlies: unknown key; did you mean 'families'?"),
    (
        "supertickets.grid.families",
        ["wnli"],
        "supertickets.grid: 'wnli' is not one of this paper's tasks: rte",
    ),
    ("supertickets.grid.domains", ["mnli"], "supertickets.grid: 'mnli' is not one of snli, scitail"),
    ("supertickets.grid.rate_tasks", ["mnli"], "rate_tasks must be among the tasks of 'finetune'"),
    ("supertickets.grid.multitask", ["mtdnn"], "supertickets.grid.multitask.0: Input should be 'mt-dnn'"),
    ("supertickets.tasks", ["squad"], "tasks: 'squad' is not one of this paper's tasks: rte, mrpc"),
    ("supertickets.recipes", {}, "recipes: neither 'rte' nor 'default' is given"),
    (
        "supertickets.recipes.rtee",
        tiny_supertickets()["multitask_recipe"],
        "unknown task 'rtee'; did you mean",
    ),
    ("supertickets.replicates.reruns", 3, "'reruns' needs a trial for each replicate: at most 'trial' (2)"),
    ("supertickets.rate_factors", [2.0, 1.0, 4.0], "rate_factors: give three, the first of them 1.0"),
    ("supertickets.selection", "dev", "supertickets.selection: Input should be 'full', 'p10' or 'half'"),
    ("supertickets.tickets.importance", "abs", "supertickets.tickets.importance: Input should be 'token'"),
    ("supertickets.pack", {"trial": ["sead"]}, "supertickets.pack.trial.0: Input should be 'model'"),
    ("supertickets.head_dropout", {"rte": 1}, "supertickets.head_dropout.rte: Input should be less than 1"),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), SECOND, ids=[f"{p}-{i}" for i, (p, _, _) in enumerate(SECOND)]
)
def test_a_mistake_in_the_second_paper_or_model_is_named_with_its_key(path, value, expected):
    said = message(changed_second(path, value))
    assert expected in said
    assert said.startswith("config.yaml: presets.tiny")


def test_models_have_roles_folders_and_files():
    preset = parse_config(two_models()).settings
    assert preset.roles == ("base", "large")
    assert preset.model_of("base") is preset.model
    assert preset.model_of("large").name == "tiny-large"
    assert preset.model_folder("large") == Path("models/tiny-large")
    assert preset.model_files("base") == tuple(
        Path("models/tiny-bert") / name for name in ("config.json", "model.safetensors", "run.json")
    )
    with pytest.raises(TicketsError, match="models: there is no model 'huge'; there are base, large"):
        preset.model_files("huge")


def test_a_preset_runs_the_papers_that_it_has_a_section_for():
    raw = two_papers()
    assert list(papers(parse_config(raw))) == ["lth", "supertickets"]
    first, second = deepcopy(raw), deepcopy(raw)
    del first["presets"]["tiny"]["supertickets"]
    second["presets"]["tiny"]["lth"] = None
    assert list(papers(parse_config(first))) == ["lth"]
    assert list(papers(parse_config(second))) == ["supertickets"]
    for raw, absent in ((first, "supertickets"), (second, "lth")):
        with pytest.raises(TicketsError) as refused:
            PAPERS[absent].stages(parse_config(raw))
        assert str(refused.value) == (
            f"presets.tiny: there is no section '{absent}', so this paper is not run."
        )
    del first["presets"]["tiny"]["lth"]
    assert message(first).startswith(
        "config.yaml: presets.tiny: there is no paper to run; give a section 'lth', 'supertickets' or 'tamt'"
    )


@pytest.mark.parametrize("paper", list(PAPERS))
def test_a_stage_to_pack_that_there_is_not_is_named(paper):
    raw = two_papers()
    recipe = {"steps": 2}
    raw["presets"]["tiny"]["tamt"] = {
        "models": ["base"],
        "recipes": {"default": recipe},
        "mask_training": {name: {"recipe": recipe} for name in ("mlm", "kd", "mlm-kd")},
        "imp": {"recipe": recipe},
    }
    raw["presets"]["tiny"][paper]["pack"] = {"trail": ["task"]}
    with pytest.raises(TicketsError, match=rf"{paper}.pack: 'trail' is no stage; the stages are "):
        PAPERS[paper].stages(parse_config(raw))


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
