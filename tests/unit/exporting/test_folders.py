"""Exported folders in plain transformers: what it computes, which keys it misses, what stays zero."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.utils import prune
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer

from tickets.cli import app as main
from tickets.errors import TicketsError
from tickets.exporting.folder import export
from tickets.exporting.ticket import find
from tickets.models.encoder import pack
from tickets.models.heads import Head
from tickets.models.hf import load_folder
from tickets.models.model import Model
from tickets.models.removal import cut
from tickets.pruning.hf_folder import prune_folder
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import WORDS
from tickets.pruning.structured import StructuredMask

SPARSE = torch.tensor([[1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]]).bool(), torch.tensor([1, 0, 0]).bool()


def no_config(preset):
    raise AssertionError("the header says it all")


def write(asked, out, model=None, weights="run", remove=False):
    return export(find(asked), out, model, weights, remove, no_config)


def loaded(auto, folder, **options):
    model, report = auto.from_pretrained(folder, output_loading_info=True, **options)
    return model.eval(), report


def sentences(family, seed=5):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([9, 4, 12, 7])
    real = torch.arange(12) < lengths[:, None]
    ids = torch.where(real, torch.randint(5, 60, real.shape, generator=generator), 0)
    theirs = {"input_ids": ids, "attention_mask": real.long()}
    return theirs, pack(ids, torch.zeros_like(ids), lengths, 12, int(family == "roberta")), real


def engine(folder, mask, structure=None):
    """Our model of the base folder under the mask, MLM head and all."""
    start = load_folder(folder, pooler=False)
    model = Model(start.config, (Head("mlm"),), structure=structure)
    model.load_body(start.body if structure is None else cut(start.body, start.config, structure))
    model.load_heads({name: start.heads[name] for name in model.head_names})
    if structure is None:
        model.apply_mask(mask)
    return model


def masked_logits(model, batch):
    """Our MLM head at every token."""
    with torch.no_grad():
        return model.forward(batch, Head("mlm"), read=torch.arange(len(batch.ids)))


def states(model, batch):
    with torch.no_grad():
        return model.encoder.hidden_states(batch)[-1]


CASES = {
    "lth": ("lth", "lth/masks/imp/from-rte/sparsity70/seed1", "tiny-bert"),
    "supertickets": (
        "supertickets",
        "supertickets/masks/base.winning/from-rte/sparsity50/seed1",
        "tiny-bert",
    ),
    "tamt": ("tamt", "tamt/masks/base.tamt-mlm/from-pretraining/sparsity70/seed1", "tiny-bert"),
    "tamt roberta": ("tamt", "tamt/masks/roberta.tamt-mlm/from-pretraining/sparsity50/seed1", "tiny-roberta"),
    "random": ("tamt", "tamt/masks/base.random/from-pretraining/sparsity70/seed1", "tiny-bert"),
}


@pytest.fixture(params=list(CASES))
def case(request):
    world, address, model = CASES[request.param]
    root = request.getfixturevalue(world)
    return root / address, root / "models" / model


def test_transformers_computes_what_the_engine_does_under_the_mask(case, tmp_path):
    asked, base = case
    write(asked, tmp_path / "out")
    mask = Mask.load(asked / "mask.safetensors")
    structure = StructuredMask.from_mask(mask) if StructuredMask.describes(mask) else None
    ours = engine(base, mask, structure)
    theirs, batch, real = sentences(ours.config.family)
    with torch.no_grad():
        body, _ = loaded(AutoModel, tmp_path / "out")
        torch.testing.assert_close(
            body(**theirs).last_hidden_state[real], states(ours, batch), rtol=1e-4, atol=2e-5
        )
        words, _ = loaded(AutoModelForMaskedLM, tmp_path / "out")
        torch.testing.assert_close(
            words(**theirs).logits[real], masked_logits(ours, batch), rtol=1e-4, atol=5e-5
        )


def test_the_same_keys_are_missing_and_unexpected_as_of_the_base_model(case, tmp_path):
    asked, base = case
    write(asked, tmp_path / "out")
    for auto in (AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification):
        _, before = loaded(auto, base)
        _, after = loaded(auto, tmp_path / "out")
        assert after["missing_keys"] == before["missing_keys"], auto
        assert not after["mismatched_keys"]
        further = {name for name in after["unexpected_keys"] if ".decoder." not in name}
        assert further == set(before["unexpected_keys"])


def test_weights_under_the_mask_are_zero_and_all_others_as_they_were(case, tmp_path):
    asked, base = case
    facts = write(asked, tmp_path / "out")
    before, after = load_file(base / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    masks = load_file(tmp_path / "out" / "mask_torch.safetensors")
    zeros = 0
    for name, value in before.items():
        kept = masks.get(
            name.removeprefix("bert.").removeprefix("roberta.") + "_mask", torch.ones_like(value)
        ).bool()
        assert torch.equal(after[name][kept], value[kept]), name
        assert (after[name][~kept] == 0).all()
        assert not torch.signbit(after[name][~kept]).any()
        zeros += int((after[name] == 0).sum())
    assert zeros <= facts.zeros < facts.size
    assert (tmp_path / "out" / "mask.safetensors").read_bytes() == (asked / "mask.safetensors").read_bytes()


def test_words_of_the_mlm_head_stay_whole_where_the_mask_is_over_lookups(tamt, tmp_path):
    write(tamt / CASES["tamt"][1], tmp_path / "out")
    model, report = loaded(AutoModelForMaskedLM, tmp_path / "out")
    assert not report["missing_keys"]
    mask = Mask.load(tamt / CASES["tamt"][1] / "mask.safetensors")
    whole, lookups = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    assert (lookups[~mask[WORDS]] == 0).all()
    assert (whole[~mask[WORDS]] != 0).all()
    ours = engine(tamt / "models" / "tiny-bert", mask)
    theirs, batch, real = sentences("bert")
    wanted = masked_logits(ours, batch)
    with torch.no_grad():
        torch.testing.assert_close(model(**theirs).logits[real], wanted, rtol=1e-4, atol=5e-5)


def test_a_rewound_ticket_has_its_own_weights_and_the_heads_of_the_base(lth, tmp_path):
    asked = lth / "lth/masks/imp-rewind50/from-mlm/sparsity70/seed1"
    write(asked, tmp_path / "run")
    write(asked, tmp_path / "theta0", weights="pretrained")
    start = load_file(lth / "lth/weights/rewind50/from-mlm/seed1/model.safetensors")
    base = load_file(lth / "models/tiny-bert/model.safetensors")
    run, theta0 = (load_file(tmp_path / name / "model.safetensors") for name in ("run", "theta0"))
    mask = Mask.load(asked / "mask.safetensors")
    for name, value in start.items():
        kept = mask[name] if name in mask else torch.ones_like(value).bool()
        assert torch.equal(run[f"bert.{name}"], torch.where(kept, value, 0.0))
        assert torch.equal(theta0[f"bert.{name}"], torch.where(kept, base[f"bert.{name}"], 0.0))
    assert not torch.equal(run[f"bert.{WORDS}"], theta0[f"bert.{WORDS}"])
    assert torch.equal(run["cls.predictions.bias"], base["cls.predictions.bias"])


def test_a_run_exports_the_mask_that_it_trained(lth, supertickets, tamt, tmp_path):
    runs = {
        lth / "lth/runs/rte/pretrained/imp/from-rte/sparsity70/seed1": lth / CASES["lth"][1],
        supertickets / "supertickets/runs/rte/base.pretrained/winning/from-rte/sparsity50/seed1": supertickets
        / CASES["supertickets"][1],
        tamt / "tamt/runs/rte/base.pretrained/tamt-mlm/from-mask1/sparsity70/seed2": tamt / CASES["tamt"][1],
        lth / "lth/runs/mlm/rewind50/imp-rewind50/from-mlm/sparsity70/seed1": lth
        / "lth/masks/imp-rewind50/from-mlm/sparsity70/seed1",
    }
    for index, (run, mask) in enumerate(runs.items()):
        write(run, tmp_path / f"run{index}")
        write(mask, tmp_path / f"mask{index}")
        one, two = (load_file(tmp_path / f"{n}{index}" / "model.safetensors") for n in ("run", "mask"))
        assert all(torch.equal(one[name], two[name]) for name in two)


def test_a_run_that_starts_from_shared_weights_exports_these_under_its_ticket(supertickets, tmp_path):
    (run, *_) = sorted((supertickets / "supertickets/runs").glob("snli@*/base.mnli-super/*/*/*/seed1"))
    write(run, tmp_path / "out")
    shared = load_file(supertickets / "supertickets/weights/base/mnli-super/seed1/model.safetensors")
    after = load_file(tmp_path / "out" / "model.safetensors")
    assert torch.equal(after[f"bert.{WORDS}"], shared[WORDS])
    hash = json.loads((run / "run.json").read_text())["inputs"]["mask_sha256"]
    assert Mask.load(tmp_path / "out" / "mask.safetensors").digest() == hash
    assert "SNLI" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("inside", ["", "results/tiny", "results/tiny/lth/masks/imp"])
def test_addresses_are_below_the_presets_results_or_from_where_one_is(lth, tmp_path, monkeypatch, inside):
    folder = lth.parents[1]
    monkeypatch.chdir(folder / inside)
    monkeypatch.setenv("TICKETS_CONFIG", str(folder / "config.yaml"))
    address = Path("results/tiny", CASES["lth"][1])
    words = CASES["lth"][1] if not inside else str(address.relative_to(inside))
    out = tmp_path / "out"
    main(["export", words, "--out", str(out)], standalone_mode=False)
    assert "preset `tiny`" in (out / "README.md").read_text()
    assert find(folder / address).root == folder / "results" / "tiny"
    if inside:
        main(
            ["export", f"../{Path.cwd().name}/{words}", "--out", str(tmp_path / "two")], standalone_mode=False
        )


def test_the_one_shot_mask_is_made_as_the_message_says(lth, tmp_path):
    run = lth / "lth/runs/rte/pretrained/oneshot/from-any/sparsity70/seed1"
    with pytest.raises(TicketsError, match=r"--method magnitude --sparsity 0\.70") as error:
        write(run, tmp_path / "out")
    assert "not stored" in str(error.value)
    mask = prune_folder(lth / "models" / "tiny-bert", "magnitude", 0.70, tmp_path / "mask", 1)
    assert mask.digest() == json.loads((run / "run.json").read_text())["inputs"]["mask_sha256"]


@pytest.fixture(params=["bert", "roberta"])
def structured(request, supertickets, tamt, tmp_path):
    """A base folder of three layers of four heads, and a mask without a whole layer's heads and two FFNs."""
    from structured_models import build

    return build(request.param, tmp_path)


@pytest.mark.parametrize("auto", [AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification])
def test_a_removed_ticket_computes_what_the_masked_one_does(structured, tmp_path, auto):
    base, mask = structured
    write(mask, tmp_path / "zeros", model=base)
    write(mask, tmp_path / "small", model=base, remove=True)
    torch.manual_seed(0)  # the fresh classifier
    whole, _ = loaded(auto, tmp_path / "zeros")
    torch.manual_seed(0)
    small, report = loaded(auto, tmp_path / "small", trust_remote_code=True)
    fresh = {name for name, _ in whole.named_parameters() if name.startswith("classifier")}
    small.load_state_dict({n: v for n, v in whole.state_dict().items() if n in fresh}, strict=False)
    assert set(report["missing_keys"]) <= fresh | {"pooler.dense.weight", "pooler.dense.bias"}
    assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in whole.parameters())
    theirs, _, real = sentences(whole.config.model_type)
    with torch.no_grad():
        one, two = (m(**theirs)[0] for m in (whole, small))
    if one.shape[:2] == real.shape:
        one, two = one[real], two[real]
    torch.testing.assert_close(one, two, rtol=1e-4, atol=2e-5)


def test_a_removed_ticket_is_what_our_engine_makes_of_it(structured, tmp_path):
    base, mask = structured
    write(mask, tmp_path / "small", model=base, remove=True)
    small, _ = loaded(AutoModel, tmp_path / "small", trust_remote_code=True)
    structure = StructuredMask.from_mask(Mask.load(mask))
    ours = engine(base, None, structure)
    theirs, batch, real = sentences(ours.config.family)
    with torch.no_grad():
        torch.testing.assert_close(
            small(**theirs).last_hidden_state[real], states(ours, batch), rtol=1e-4, atol=2e-5
        )


@pytest.mark.parametrize("kind", ["weights", "structure"])
def test_the_lines_of_the_card_keep_the_mask_while_transformers_trains(kind, lth, structured, tmp_path):
    base, mask = structured
    if kind == "structure":
        write(mask, tmp_path / "out", model=base)
    else:
        write(lth / CASES["lth"][1], tmp_path / "out")
    model, _ = loaded(AutoModelForSequenceClassification, tmp_path / "out", num_labels=2)
    card = (tmp_path / "out" / "README.md").read_text()
    code = card.split("## Keep it sparse")[1].split("```python\n")[1].split("```")[0]
    names = {"model": model}
    exec(code.replace('"out/', f'"{tmp_path}/out/'), names)
    step(model.train(), decay=0.01)
    masks = load_file(tmp_path / "out" / "mask_torch.safetensors")
    parts, moved = dict(model.base_model.named_modules()), 0
    before = load_file(tmp_path / "out" / "model.safetensors")
    prefix = f"{model.config.model_type}."
    for name, kept in masks.items():
        part, parameter = name.removesuffix("_mask").rsplit(".", 1)
        if part in parts:
            prune.remove(parts[part], parameter)
            value = getattr(parts[part], parameter)
            assert (value[~kept.bool()] == 0).all(), name
            moved += int((value != before[prefix + name.removesuffix("_mask")]).sum())
    assert moved > 100
    model.save_pretrained(tmp_path / "tuned")
    again, report = loaded(AutoModelForSequenceClassification, tmp_path / "tuned")
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    theirs, _, _ = sentences(model.config.model_type)
    torch.testing.assert_close(again(**theirs).logits, model.eval()(**theirs).logits)


def step(model, decay):
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], 1e-2, weight_decay=decay
    )
    for seed in range(3):
        theirs, _, _ = sentences(model.config.model_type, seed)
        model(**theirs, labels=torch.tensor([0, 1, 1, 0])).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


def test_without_these_lines_the_bias_of_a_removed_ffn_grows_back(structured, tmp_path):
    base, mask = structured
    write(mask, tmp_path / "out", model=base)
    model, _ = loaded(AutoModelForSequenceClassification, tmp_path / "out", num_labels=2)
    step(model.train(), decay=0.0)
    assert (model.base_model.encoder.layer[1].output.dense.bias != 0).any()


def test_the_tokenizer_comes_along_and_config_stays_as_it_is(lth, tmp_path):
    write(lth / CASES["lth"][1], tmp_path / "out")
    base = lth / "models" / "tiny-bert"
    assert (tmp_path / "out" / "config.json").read_bytes() == (base / "config.json").read_bytes()
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "README.md", "config.json", "mask.safetensors", "mask_torch.safetensors", "model.safetensors",
        "tokenizer_config.json", "vocab.txt",
    }  # fmt: skip
    assert AutoTokenizer.from_pretrained(tmp_path / "out").tokenize("w7 w9") == ["w7", "w9"]
