"""What a user can get wrong on Snakemake's command line and in the config ends in one message."""

import pytest
from small import checkout, small_preset, snakemake, write_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("mistakes"))


def refused(folder, *arguments):
    """The output of a Snakemake that must fail without a traceback and without making anything."""
    done = snakemake(folder, *arguments)
    assert done.returncode != 0
    assert "Traceback (most recent call last)" not in done.stdout
    assert not (folder / "results").exists()
    return done.stdout


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "lth_tabel2",
            "unknown target 'lth_tabel2'; did you mean 'lth_table2'? `tickets list` shows them all.",
        ),
        (
            "supertickets_tabel1",
            "unknown target 'supertickets_tabel1'; did you mean 'supertickets_table1'? `tickets list`",
        ),
        ("superticket", "unknown target 'superticket'; did you mean 'supertickets'?"),
        ("tamt_fgi3", "unknown target 'tamt_fgi3'; did you mean 'tamt_fig3'?"),
        ("lth_fig1", "lth_fig1 is not reproduced: Figure 1 is a schematic drawing"),
        (
            "supertickets_fig2",
            "supertickets_fig2 is not reproduced: Figure 2 is a schematic drawing of head and FFN masks; "
            "it contains no result.",
        ),
        ("results/small/lth/figures/fig99.png", "No rule to produce results/small/lth/figures/fig99.png"),
    ],
)
def test_an_unknown_target_is_named_with_what_was_meant(folder, target, message):
    assert message in refused(folder, "--dry-run", "lth_fig2", target)


def test_words_that_are_no_targets_are_left_alone(folder):
    targets = ("lth_fig2", "supertickets_fig3")
    done = snakemake(folder, "--dry-run", *targets, "--keep-going", "--jobname", "anything")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("preset=smal", "preset 'smal' is not defined; did you mean 'small'?"),
        ("preest=small", "unknown key 'preest'; did you mean 'preset'?"),
        ("presets=small", "'presets' must be a mapping"),
    ],
)
def test_a_wrong_override_is_named(folder, override, message):
    assert message in refused(folder, "--config", override)


def test_an_unknown_key_is_named(tmp_path):
    folder = checkout(tmp_path)
    preset = small_preset()
    preset["lth"]["recipe"] = preset["lth"].pop("recipes")
    write_config(folder, preset)
    output = refused(folder)
    assert "config.yaml: presets.small.lth.recipe: unknown key; did you mean 'recipes'?" in output
    assert "config.yaml: presets.small.lth.recipes: required key is missing." in output


def test_a_preset_without_papers_is_refused(tmp_path):
    folder = checkout(tmp_path)
    preset = small_preset()
    del preset["lth"], preset["supertickets"], preset["tamt"]
    write_config(folder, preset)
    expected = (
        "config.yaml: presets.small: there is no paper to run; give a section 'lth', 'supertickets' or 'tamt'"
    )
    assert expected in refused(folder)


def test_a_model_without_a_role_in_the_preset_is_named(tmp_path):
    folder = checkout(tmp_path)
    preset = small_preset()
    del preset["models"]
    write_config(folder, preset)
    assert "presets.small: models: there is no model 'large'; there are base." in refused(folder)


@pytest.mark.parametrize(
    ("paper", "word", "first"),
    [("lth", "imps", "imp"), ("supertickets", "trials", "trial"), ("tamt", "masks", "baseline_masks")],
)
def test_a_stage_to_pack_that_there_is_not_is_named(tmp_path, paper, word, first):
    folder = checkout(tmp_path)
    preset = small_preset()
    preset[paper]["pack"] = {word: ["task"]}
    write_config(folder, preset)
    assert f"{paper}.pack: '{word}' is no stage; the stages are {first}, " in refused(folder)


def test_an_unknown_key_below_a_paper_is_named(tmp_path):
    folder = checkout(tmp_path)
    preset = small_preset()
    preset["supertickets"]["ticket"] = {"importance": "example"}
    write_config(folder, preset)
    expected = "config.yaml: presets.small.supertickets.ticket: unknown key; did you mean 'tickets'?"
    assert expected in refused(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"grid": {"objectives": ["mlm", "nsp"]}},
            "tamt.grid.objectives.1: Input should be 'mlm', 'kd' or 'mlm-kd'",
        ),
        (
            {"grid": {"objectives": ["mlm-kd"]}},
            "tamt: mask_training: 'mlm-kd' is not given, but in grid.objectives",
        ),
        ({"main_steps": {"50": 3}}, "tamt: main_steps: none for the sparsity '70'"),
        (
            {"grid": {"baseline_levels": ["50"]}},
            "tamt: grid.baseline_levels: no '70', which masks of grid.levels",
        ),
        ({"grid": {"interval_levels": ["60"]}}, "tamt: grid: sparsity '60' is none of grid.levels.base"),
        (
            {"tasks": ["mnli", "qqp"]},
            "tamt: tasks: 'qqp' is not one of this paper's tasks: mnli, sst-2, cola",
        ),
        ({"tasks": ["mnli", "mlni"]}, "tamt: tasks: 'mlni' is not one of this paper's tasks"),
        ({"models": ["base", "large"]}, "tamt: grid.levels: no sparsities for the model 'large'"),
        (
            {"mask_trainings": {}},
            "presets.small.tamt.mask_trainings: unknown key; did you mean 'mask_training'?",
        ),
        (
            {"scores": {"pooled": True}},
            "presets.small.tamt.scores.pooled: unknown key; did you mean 'pooler'?",
        ),
    ],
)
def test_mistakes_in_a_section_are_named(tmp_path, change, message):
    folder = checkout(tmp_path)
    preset = small_preset()
    section = preset["tamt"]
    section |= change | ({"grid": section["grid"] | change["grid"]} if "grid" in change else {})
    write_config(folder, preset)
    output = refused(folder, "--dry-run", "tamt")
    assert message in " ".join(output.split())


def test_a_config_that_is_no_yaml_is_refused(tmp_path):
    folder = checkout(tmp_path)
    (folder / "config.yaml").write_text("preset: [small\n")
    assert "Config file is not valid JSON or YAML" in refused(folder), "in Snakemake's words"
