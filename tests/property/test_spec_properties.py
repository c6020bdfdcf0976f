"""Addresses and paths are two spellings of one thing; a fingerprint does not depend on the order of facts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tickets.data.tasks import TASKS
from tickets.errors import TicketsError
from tickets.spec import RULES, MaskAddress, RunAddress, canonical, fingerprint, level_of

TASK = st.sampled_from(sorted(TASKS))
SOURCE = st.one_of(TASK, st.just("any"), st.sampled_from(["mlm+qnli", "mlm+qnli+cola", "mlm@sst-2"]))
LEVEL = st.one_of(st.integers(0, 100).map(lambda k: f"{k:02d}"), st.sampled_from(RULES))
METHOD = st.sampled_from(["imp", "random", "oneshot", "imp-rewind05", "imp-standard", "imp-code"])
WEIGHTS = st.sampled_from(["pretrained", "reinit", "shuffled", "shuffled-elements", "rewind50", "standard"])
MODEL = st.sampled_from(["", "base", "large", "roberta"])
VARIANT = st.sampled_from(["", "lr2", "draw8", "data10", "data0.1", "data0.1-extended"])
ADDRESS = st.builds(
    RunAddress,
    st.sampled_from(["lth", "tamt"]),
    TASK,
    WEIGHTS,
    METHOD,
    SOURCE,
    LEVEL,
    st.integers(0, 10_000),
    MODEL,
    VARIANT,
)
LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
FACTS = st.dictionaries(
    st.text(),
    st.recursive(LEAF, lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=4),
    max_size=4,
)


def reordered(value):
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(ADDRESS)
@example(RunAddress("lth", "rte", "pretrained", "imp", "rte", "100", 1))
@example(RunAddress("lth", "rte", "pretrained", "imp", "rte", "super", 1, "base", "data0.1"))
@example(RunAddress("lth", "rte", "pretrained", "imp", "rte", "00", 1, "", "lr2"))
@example(RunAddress("lth", "rte", "pretrained", "imp", "rte", "00", 1, "large", ""))
def test_a_path_is_read_back_as_its_address(address):
    assert RunAddress.parse(address.folder) == address
    assert RunAddress.parse(Path(address.folder.as_posix())) == address
    assert address.metrics.parent == address.folder


@given(ADDRESS, ADDRESS)
def test_paths_are_equal_for_equal_addresses_only(one, other):
    assert (one.folder == other.folder) == (one == other)
    assert (one.mask.folder == other.mask.folder) == (one.mask == other.mask)
    assert (fingerprint(one.facts()) == fingerprint(other.facts())) == (one == other)


@given(ADDRESS)
def test_a_rule_is_a_level_chosen_later(address):
    assert (address.rule == "") == (address.mask.sparsity is not None)
    if not address.rule:
        assert level_of(address.mask.sparsity) == address.level
    assert address.at("70").rule == ""
    assert address.at("70").at(address.level) == address
    assert RunAddress(**address.facts()) == address


def test_model_and_variant_are_part_of_path_and_facts_only_where_given():
    plain = RunAddress("p", "rte", "pretrained", "winning", "rte", "30", 2)
    assert plain.folder == Path("p/runs/rte/pretrained/winning/from-rte/sparsity30/seed2")
    assert not {"model", "variant"} & (plain.facts().keys() | plain.mask.facts().keys())
    full = replace(plain, model="large", variant="data0.1")
    assert full.folder == Path("p/runs/rte@data0.1/large.pretrained/winning/from-rte/sparsity30/seed2")
    assert full.mask.folder == Path("p/masks/large.winning/from-rte@data0.1/sparsity30/seed2")
    assert full.facts() == plain.facts() | {"model": "large", "variant": "data0.1"}
    assert full.mask.facts() == plain.mask.facts() | {"model": "large", "variant": "data0.1"}
    assert MaskAddress(**full.mask.facts()) == full.mask


@pytest.mark.parametrize(
    "path",
    [
        "p/runs/rte@/base.pretrained/winning/from-rte/sparsity70/seed1",
        "p/runs/@lr2/base.pretrained/winning/from-rte/sparsity70/seed1",
        "p/runs/rte/.pretrained/winning/from-rte/sparsity70/seed1",
        "p/runs/rte/base./winning/from-rte/sparsity70/seed1",
        "p/runs/rte/base.large.pretrained/winning/from-rte/sparsity70/seed1",
        "p/runs/rte@lr2/base.pretrained/winning/from-rte/sparsitysuper/seed1",
        "p/masks/base.winning/from-rte/sparsity70/seed1",
        "lth/runs/rte/pretrained/imp/from-rte/sparsity-70/seed1",
        "lth/runs/rte/pretrained/imp/from-rte/sparsitywinning/seed1",
        "lth/runs/rte/pretrained/imp/from-rte/sparsity70/seed01",
        "lth/runs/rte/pretrained/imp/from-rte/sparsity7/seed1",
        "lth/runs/rte/pretrained/imp/from-rte/sparsity070/seed1",
        "lth/runs/rte/pretrained/imp/from-rte/sparsity٧٠/seed1",
        "lth/runs/rte/pretrained/imp/rte/sparsity70/seed1",
        "lth/masks/imp/from-rte/sparsity70/seed1",
        "results/micro/lth/runs/rte/pretrained/imp/from-rte/sparsity70/seed1",
        "lth/runs/rte/pretrained/imp/from-rte/sparsity70/seed1/metrics.json",
    ],
)
def test_other_paths_are_no_runs(path):
    with pytest.raises(TicketsError, match=r"not the path of a run; expected <paper>/runs/<task>"):
        RunAddress.parse(Path(path))


@given(FACTS)
def test_canonical_json_does_not_depend_on_order(facts):
    assert canonical(facts) == canonical(reordered(facts))
    assert json.loads(canonical(facts)) == facts
    assert fingerprint(facts) == fingerprint(reordered(facts))
    assert len(fingerprint(facts)) == 64


@given(FACTS, st.text(), LEAF)
def test_every_fact_counts(facts, key, value):
    other = {**facts, key: value}
    assert (fingerprint(other) == fingerprint(facts)) == (canonical(other) == canonical(facts))
    assert fingerprint({**facts, f"{key}!": value}) != fingerprint(
        {n: v for n, v in facts.items() if n != f"{key}!"}
    )


def test_a_number_that_is_none_has_no_fingerprint():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint({"a": float("nan")})


@given(st.integers(0, 100))
def test_levels_are_whole_percents(percent):
    assert level_of(percent / 100) == f"{percent:02d}"


@pytest.mark.parametrize("sparsity", [0.705, -0.1, 1.1])
def test_other_sparsities_have_no_level(sparsity):
    with pytest.raises(TicketsError, match="is not a whole percent between 0 and 1"):
        level_of(sparsity)


def test_a_mask_has_its_file_in_its_folder():
    mask = MaskAddress("lth", "imp", "mlm", "70", 1)
    assert mask.file == Path("lth/masks/imp/from-mlm/sparsity70/seed1/mask.safetensors")
