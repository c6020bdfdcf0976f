"""What the command line and the workflow ask of the papers: which run, what they read, which files they make."""

from copy import deepcopy
from pathlib import Path

import pytest

from tickets.config import parse_config
from tickets.errors import TicketsError
from tickets.papers.registry import (
    CROSS,
    PAPERS,
    artifact,
    artifacts,
    cell_stages,
    cells_read,
    chapter,
    chapters,
    frame,
    paper,
    paper_tasks,
    papers,
    preset_data,
)
from tickets.provenance.facts import facts_identity
from tiny_engine import three_papers, tiny_preset, tiny_supertickets, two_papers


def test_ids_are_those_of_the_sections_and_of_the_artifacts():
    for id, found in PAPERS.items():
        assert found.id == id
        assert paper(id) is found
        assert all(item.paper == id and item.id.startswith(f"{id}_") for item in found.artifacts)
        assert all(name.startswith(f"{id}_") for name in found.not_reproduced)
    everything = [item.id for found in PAPERS.values() for item in found.artifacts]
    assert len(everything) == len(set(everything))
    with pytest.raises(TicketsError, match="unknown paper 'nlp'; the papers are lth, supertickets, tamt"):
        paper("nlp")


def test_artifacts_read_stages_and_frames_that_there_are():
    config = parse_config(three_papers())
    for found in PAPERS.values():
        stages = {stage.name for stage in found.stages(config)}
        frames = {made.name for made in found.frames}
        for item in found.artifacts:
            assert set(item.stages) <= stages, item.id
            assert set(item.frames) <= frames, item.id
            assert artifact(item.id) is item


def test_what_is_made_of_all_papers_reads_stages_that_they_have():
    config = parse_config(two_papers())
    running = papers(config)
    for item in CROSS.artifacts:
        assert item.paper == CROSS.id
        assert set(item.frames) <= {made.name for made in CROSS.frames}
        for id in item.reads.keys() & running.keys():
            assert set(item.reads[id]) <= {stage.name for stage in running[id].stages(config)}
        assert artifact(item.id) is item
    read = cells_read(config, artifact("cross_fig1"))
    assert Path("lth/cells/mlm_ticket.csv") in read
    assert Path("supertickets/cells/trial_source.csv") in read
    assert {path.parts[0] for path in read} == {"lth", "supertickets"}, "none of a paper that is left out"
    assert cells_read(config, artifact("cross_fig2")) == ()
    assert cells_read(config, artifact("lth_table1")) == (Path("lth/cells/imp.csv"),)
    assert set(CROSS.evidence_options(config)) == {"lth", "supertickets"}


def test_all_papers_together_are_a_chapter_where_there_are_two():
    one, both = parse_config(tiny_preset()), parse_config(two_papers())
    assert list(chapters(one)) == ["lth"]
    assert list(chapters(both)) == ["lth", "supertickets", "cross"]
    assert list(chapters()) == [*PAPERS, "cross"]
    assert chapter("cross") is CROSS
    assert chapter("lth") is PAPERS["lth"]
    assert "cross" not in PAPERS, "it has no stages, claims or facts"


def test_no_two_targets_of_snakemake_have_one_name():
    """An artifact is a rule and a target; so are a paper, its frames and its stages."""
    config = parse_config(three_papers())
    for id, found in papers(config).items():
        names = [id, *(item.id for item in found.artifacts), *found.not_reproduced]
        names += [f"{id}_{made.name}_frame" for made in found.frames]
        names += [f"{id}_{name}" for name in ("cells", "facts", "claims")]
        names += [f"{id}_cells_{stage.name}" for stage in found.stages(config)]
        assert len(names) == len(set(names))
        stages = {f"{id}_{stage.name}" for stage in found.stages(config)}
        assert not stages & {*(item.id for item in found.artifacts)}


def test_only_the_artifacts_of_the_presets_papers_are_built():
    one, both = parse_config(tiny_preset()), parse_config(two_papers())
    assert set(artifacts(one)) == {item.id for item in PAPERS["lth"].artifacts}
    ran = [*papers(both).values(), CROSS]
    assert set(artifacts(both)) == {item.id for found in ran for item in found.artifacts}


def test_a_frame_that_there_is_not_is_answered_with_those_there_are():
    assert frame(PAPERS["lth"], "overlap").models == ("base",)
    with pytest.raises(TicketsError, match=r"paper 'lth' has no frame 'importance'; it has overlap."):
        frame(PAPERS["lth"], "importance")

    class Bare:
        id, frames = "bare", ()

    with pytest.raises(TicketsError, match=r"paper 'bare' has no frame 'overlap'; it has none."):
        frame(Bare(), "overlap")


@pytest.mark.parametrize(("id", "name"), [(id, made.name) for id in PAPERS for made in PAPERS[id].frames])
def test_a_frame_is_made_of_what_jobs_make(id, name):
    config = parse_config(three_papers())
    made = {path for stage in PAPERS[id].stages(config) for job in stage.jobs() for path in job.outputs}
    inputs = frame(PAPERS[id], name).inputs(config)
    assert inputs
    assert len(inputs) == len(set(inputs))
    assert set(inputs) <= made


def test_a_frame_is_written_by_the_function_that_it_names(tmp_path, monkeypatch):
    config, calls = parse_config(tiny_preset()), []
    monkeypatch.setattr("tickets.papers.lth.overlap_rows.write_overlaps", lambda *given: calls.append(given))
    frame(PAPERS["lth"], "overlap").write(config, tmp_path / "overlap.csv")
    assert calls == [(config, tmp_path / "overlap.csv")]


def test_every_length_that_a_paper_reads_is_a_data_file_of_its_own():
    config = parse_config(two_papers())
    assert preset_data(config) == {
        Path(f"data/{task}-{length}.safetensors"): (task, length, "")
        for task, length in (
            ("rte", 32), ("mlm", 32),
            ("rte", 24), ("sts-b", 24), ("mnli", 24), ("snli", 24), ("scitail", 24),
        )
    }  # fmt: skip
    read = {
        path
        for found in papers(config).values()
        for stage in found.stages(config)
        for job in stage.jobs()
        for path in job.inputs
        if path.parts[0] == "data"
    }
    assert read == set(preset_data(config))


def test_papers_with_inputs_of_one_length_share_their_data():
    second = tiny_supertickets()
    raw = two_papers(recipes={"default": second["recipes"]["default"] | {"max_length": 32}})
    shared = preset_data(parse_config(raw))
    assert len(shared) == 6
    assert all(length == 32 for _, length, _ in shared.values())


def real_models(**large):
    """Two papers on local files, the second with two models."""
    raw = two_papers(models=["base", "large"])
    preset = raw["presets"]["tiny"]
    preset["model"] = {"name": "first", "path": "first"}
    preset["models"] = {"large": {"name": "second", "path": "second", **large}}
    preset["data"] = {"source": "local", "path": "data"}
    return raw


def test_models_with_a_tokenizer_of_their_own_read_data_of_their_own():
    shared, config = parse_config(real_models()), parse_config(real_models(tokenizer="own"))
    assert all(role == "" for _, _, role in preset_data(shared).values())
    found = preset_data(config)
    own = {(task, 24, "large") for task in ("rte", "sts-b", "mnli")}
    assert set(found.values()) == set(preset_data(shared).values()) | own
    assert found[Path("data/large/rte-24.safetensors")] == ("rte", 24, "large")
    for stage in PAPERS["supertickets"].stages(config):
        for job in stage.jobs():
            folder = "data/large" if job.models == ("large",) else "data"
            assert {path.parent for path in job.inputs if path.parts[0] == "data"} <= {Path(folder)}
            assert {path for path in job.inputs if path.parts[0] == "data"} <= set(found)


def test_a_job_cannot_read_two_encodings():
    raw = real_models(tokenizer="own")
    raw["presets"]["tiny"]["supertickets"]["pack"] = {"default": ["model"]}
    with pytest.raises(TicketsError, match=r"'large' has a tokenizer of its own.* Do not pack models"):
        preset_data(parse_config(raw))


def test_tasks_of_a_paper_are_those_that_its_jobs_read():
    config = parse_config(two_papers(grid=tiny_supertickets()["grid"] | {"domains": []}))
    assert paper_tasks(config, PAPERS["lth"]) == ("rte", "mlm")
    assert set(paper_tasks(config, PAPERS["supertickets"])) == {"mnli", "sts-b", "rte"}


def test_stages_without_runs_have_no_cells():
    config = parse_config(two_papers(grid=tiny_supertickets()["grid"] | {"domains": [], "subset_models": []}))
    found = cell_stages(config, PAPERS["supertickets"])
    every = [stage.name for stage in PAPERS["supertickets"].stages(config)]
    without = ("trial_source", "subsets", "subset_families", "domain")
    assert found == tuple(name for name in every if name not in without)
    assert cell_stages(config, PAPERS["supertickets"], ["domain", "finetune", "trial"]) == (
        "trial",
        "finetune",
    )
    assert "multitask" not in cell_stages(config, PAPERS["lth"]), "its chains make masks and no runs"


def test_facts_depend_on_the_recipes_of_their_own_paper():
    def identities(raw):
        config = parse_config(raw)
        return {id: facts_identity(config, found) for id, found in papers(config).items()}

    before = identities(two_papers())
    assert before["lth"] == identities(tiny_preset())["lth"]
    assert before["lth"] != before["supertickets"]
    changed = deepcopy(two_papers())
    changed["presets"]["tiny"]["supertickets"]["recipes"]["default"]["batch_size"] = 4
    after = identities(changed)
    assert [after[id] == before[id] for id in ("lth", "supertickets")] == [True, False]
