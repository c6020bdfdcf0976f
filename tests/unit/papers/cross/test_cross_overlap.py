"""overlap.csv of all papers: what is compared with what, and the numbers on masks that are known."""

import csv

import pytest
import torch

from tickets.config import parse_config
from tickets.models.hf import load_folder
from tickets.papers.cross.masks import LEVELS, compared_masks
from tickets.papers.cross.overlap_rows import COLUMNS, Magnitude, kept_weights, write_overlaps
from tickets.papers.registry import CROSS, papers
from tickets.pruning.local import local_magnitude
from tickets.pruning.magnitude import one_shot
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS, select_prunable
from tickets.pruning.random import random_mask
from tickets.pruning.structured import StructuredMask
from tiny_engine import build_preset, tiny_config, tiny_model, tiny_preset, two_papers


@pytest.fixture(scope="module")
def weights():
    return select_prunable(tiny_model(seed=4).body())


def rows(pruned, mask, sparsity=None):
    found = {row["reference"]: row for row in pruned.compare({}, mask, sparsity)}
    assert list(found) == ["global", "local"]
    return found


def test_magnitude_pruning_agrees_with_itself_and_with_the_other_one_less(weights):
    pruned = Magnitude(weights)
    for kind, mask in (("global", one_shot(weights, 0.7)), ("local", local_magnitude(weights, 0.7))):
        found = rows(pruned, mask, 0.7)
        assert {found[kind][name] for name in ("shared", "micro", "macro")} == {1.0}
        other = found["local" if kind == "global" else "global"]
        assert found[kind]["null"] < other["micro"] < 1


def test_word_embeddings_do_not_count_and_a_missing_pooler_is_left_out_of_the_reference(weights):
    pruned = Magnitude(weights)
    words = {WORDS: torch.zeros(60, 16, dtype=torch.bool)}
    plain = one_shot(weights, 0.5)
    assert rows(pruned, Mask({**plain, **words}), 0.5) == rows(pruned, plain, 0.5)
    found = rows(pruned, Mask({name: kept for name, kept in plain.items() if name != POOLER}), 0.5)
    assert found["global"]["micro"] == 1.0


def test_random_masks_have_about_what_independence_predicts(weights):
    shapes = {name: weight.shape for name, weight in weights.items()}
    found = rows(Magnitude(weights), random_mask(shapes, 0.5, torch.Generator().manual_seed(1)), 0.5)
    for row in found.values():
        assert row["null"] == pytest.approx(1 / 3)
        assert row["micro"] == pytest.approx(row["null"], abs=0.05)
        assert row["shared"] == pytest.approx(0.5, abs=0.05)


def test_a_structured_ticket_is_the_weights_of_its_heads_and_ffns():
    config = tiny_config()
    structure = StructuredMask.without(2, 2, torch.tensor([1]), torch.tensor([1]))
    kept = kept_weights(config, structure)
    assert POOLER not in kept
    assert len(kept) == 12
    first, second = "encoder.layer.0.", "encoder.layer.1."
    for name in ("query", "key", "value"):
        assert kept[f"{first}attention.self.{name}.weight"][:8].all()
        assert not kept[f"{first}attention.self.{name}.weight"][8:].any()
    assert not kept[f"{first}attention.output.dense.weight"][:, 8:].any()
    assert kept[f"{first}attention.output.dense.weight"][:, :8].all()
    assert kept[f"{first}intermediate.dense.weight"].all()
    assert not kept[f"{second}intermediate.dense.weight"].any()
    assert not kept[f"{second}output.dense.weight"].any()
    assert kept[f"{second}attention.self.query.weight"].all()


def test_a_structured_ticket_meets_references_of_its_own_size(weights):
    structure = StructuredMask.without(2, 2, torch.tensor([0, 3]), torch.tensor([0]))
    mask = kept_weights(tiny_config(), structure)
    found = rows(Magnitude(weights), mask)
    layers = {name: weight for name, weight in weights.items() if name != POOLER}
    reference = one_shot(layers, mask.sparsity)
    assert reference.kept == mask.kept
    row = found["global"]
    assert row["keep"] == mask.kept / mask.total
    assert row["shared"] == pytest.approx((mask & reference).kept / reference.kept)
    full = rows(Magnitude(weights), kept_weights(tiny_config(), StructuredMask.full(2, 2)))
    assert full["local"]["micro"] == full["local"]["null"] == 1.0, "a level may remove nothing"


def test_masks_are_those_of_the_papers_that_run():
    config = parse_config(two_papers())
    found = compared_masks(config, papers(config))
    assert {mask.paper for mask in found} == {"lth", "supertickets"}
    assert {mask.level for mask in found if mask.paper == "lth"} == set(LEVELS)
    assert {mask.method for mask in found if mask.paper == "supertickets"} == {"winning", "random", "losing"}
    made = {
        path
        for p in papers(config).values()
        for s in p.stages(config)
        for job in s.jobs()
        for path in job.outputs
    }
    inputs = CROSS.frames[0].inputs(config)
    assert set(inputs) <= made
    assert len(inputs) == len(set(inputs))


def test_the_file_has_two_rows_a_mask_and_the_masks_that_are_not_stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = build_preset(tiny_preset())
    base = load_folder(config.root / "models" / "tiny-bert")
    weights = select_prunable(base.body)
    listed = compared_masks(config, papers(config))
    for address in listed:
        one_shot(weights, int(address.level) / 100).save(config.root / address.file, {})
    out = tmp_path / "overlap.csv"
    write_overlaps(config, out)
    with out.open() as file:
        found = list(csv.DictReader(file))
    assert tuple(found[0]) == COLUMNS
    stored = [row for row in found if row["method"] == "imp"]
    assert len(stored) == 2 * len(listed)
    assert {float(row["micro"]) for row in stored if row["reference"] == "global"} == {1.0}
    drawn = [row for row in found if row["method"] == "random"]
    assert len(drawn) == 2 * len(LEVELS) * 2
    assert {row["source"] for row in drawn} == {"rte"}
    assert len([row for row in found if row["method"] == "oneshot"]) == 2 * len(LEVELS)
