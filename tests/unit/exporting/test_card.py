"""What the model card says, against the files that it is made from."""

import csv
import json
import re
import shutil
from statistics import mean, stdev

import pytest
import yaml
from test_folders import CASES, write

from tickets.errors import TicketsError
from tickets.exporting.model import given, licence_in
from tickets.exporting.scores import lines_of, read_rows
from tickets.exporting.ticket import find
from tickets.exporting.words import REFERENCES, method_words, source_words, variant_words
from tickets.papers.tamt.methods import Method
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress


def card_of(folder):
    text = (folder / "README.md").read_text()
    front, body = text.removeprefix("---\n").split("\n---\n", 1)
    return yaml.safe_load(front), body


def rows(root, paper, **wanted):
    with (root / paper / "cells.csv").open(newline="") as file:
        found = [row for row in csv.DictReader(file) if all(row[k] == v for k, v in wanted.items())]
    return [float(row["score"]) for row in found]


def words(values):
    return f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if values[1:] else "") + f" ({len(values)})"


def line(body, start):
    (found,) = (line for line in body.splitlines() if line.startswith(start))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_scores_of_an_imp_ticket_stand_beside_those_of_the_full_model(lth, tmp_path):
    write(lth / CASES["lth"][1], tmp_path / "out")
    front, body = card_of(tmp_path / "out")
    imp = {"task": "rte", "weights": "pretrained", "method": "imp", "source": "rte", "rule": ""}
    this = rows(lth, "lth", **imp, sparsity="0.7", replicate="1")
    found = line(body, "| **RTE**")
    assert found[2:5] == [
        words(this),
        words(rows(lth, "lth", **imp, sparsity="0.7")),
        words(rows(lth, "lth", **imp, sparsity="0.0")),
    ]
    (result,) = front["model-index"][0]["results"]
    assert result["metrics"] == [
        {"type": "accuracy", "name": "accuracy", "value": pytest.approx(this[0], abs=1e-4)}
    ]
    assert result["dataset"]["type"] == "synthetic"
    assert front["license"] == "apache-2.0"
    assert front["language"] == "art"
    assert {"lottery-ticket", "lth", "preset-tiny"} <= set(front["tags"])
    assert "base_model" not in front  # it is nowhere on the hub


def test_scores_of_a_super_ticket_and_of_random_ones(supertickets, tmp_path):
    write(supertickets / CASES["supertickets"][1], tmp_path / "out")
    _, body = card_of(tmp_path / "out")
    rte = {"task": "rte", "source": "rte", "weights": "pretrained", "variant": ""}
    assert line(body, "| **RTE**")[2:] == [
        words(rows(supertickets, "supertickets", **rte, method="winning", sparsity="0.5", replicate="1")),
        words(rows(supertickets, "supertickets", **rte, method="winning", sparsity="0.5")),
        words(rows(supertickets, "supertickets", **rte, method="winning", sparsity="0.0")),
        words(rows(supertickets, "supertickets", **rte, method="random", sparsity="0.5")),
    ]
    mask = Mask.load(supertickets / CASES["supertickets"][1] / "mask.safetensors")
    heads, ffns = mask["heads"], mask["ffns"]
    assert (
        f"{int((~heads).sum())} of 12 attention heads, {int((~ffns).sum())} of 3 feed-forward layers" in body
    )
    for layer in range(3):
        kept = " ".join(str(h) for h in range(4) if heads[layer, h]) or "none"
        state = "kept" if ffns[layer] else "removed"
        assert f"| {layer} | {kept} of 4 | {state} |" in body


def test_a_trained_mask_is_summed_over_its_fine_tunings(tamt, tmp_path):
    write(tamt / CASES["tamt"][1], tmp_path / "out")
    _, body = card_of(tmp_path / "out")
    cell = {"task": "rte", "model": "base", "variant": ""}
    this = rows(tamt, "tamt", **cell, method="tamt-mlm", source="mask1", sparsity="0.7")
    assert len(this) > 1
    assert line(body, "| RTE")[2:] == [
        words(this),
        words(rows(tamt, "tamt", **cell, method="tamt-mlm", sparsity="0.7")),
        words(rows(tamt, "tamt", **cell, method="full")),
        words(rows(tamt, "tamt", **cell, method="random", sparsity="0.7")),
    ]
    assert "tie_word_embeddings" in body


def test_provenance_is_that_of_the_header_and_the_runs(lth, tmp_path):
    asked = lth / CASES["lth"][1]
    write(asked, tmp_path / "out")
    _, body = card_of(tmp_path / "out")
    facts, mask = Mask.provenance(asked / "mask.safetensors"), Mask.load(asked / "mask.safetensors")
    run = json.loads((lth / "lth/runs/rte/pretrained/imp/from-rte/sparsity70/seed1/run.json").read_text())
    for wanted in (
        facts["fingerprint"],
        mask.digest(),
        run["identity"]["fingerprint"][:16],
        str(run["circumstances"]["code"]["commit"]),
        f"{mask.total - mask.kept:,} of {mask.total:,} prunable weights removed (nominal 70 %)",
        "the same file that the runs record",
        REFERENCES["lth"].bibtex,
        "It is not fine-tuned",
        "seed: 7 (root of the preset), replicate 1",
    ):
        assert wanted in body, wanted
    spec = re.search(r"<summary>The whole spec.*?```yaml\n(.*?)```", body, re.DOTALL)
    assert yaml.safe_load(spec[1]) == facts["spec"]
    assert run["circumstances"]["host"] not in body  # it is to be published


def test_every_tensor_is_counted_once(lth, tmp_path):
    asked = lth / CASES["lth"][1]
    write(asked, tmp_path / "out")
    _, body = card_of(tmp_path / "out")
    mask = Mask.load(asked / "mask.safetensors")
    part = body.split("## What is left")[1].split("## Scores")[0]
    numbers = [
        [cell.strip() for cell in row.strip("|").split("|")] for row in part.splitlines() if "%" in row
    ]
    columns = list(zip(*numbers, strict=True))
    assert sum(map(int, columns[1])) == len(mask)
    assert sum(int(n.replace(",", "")) for n in columns[2]) == mask.total
    assert sum(int(n.replace(",", "")) for n in columns[3]) == mask.kept


def test_controls_and_rewound_tickets_say_what_they_are(lth, tamt, tmp_path):
    write(tamt / CASES["random"][1], tmp_path / "random")
    assert "A control, not a winning ticket" in card_of(tmp_path / "random")[1]
    rewound = lth / "lth/masks/imp-rewind50/from-mlm/sparsity70/seed1"
    write(rewound, tmp_path / "rewound")
    _, body = card_of(tmp_path / "rewound")
    assert "A control" not in body
    assert "rewound to their state at 50 % of training" in body
    assert "`rewind50`, from which the runs start" in body
    write(rewound, tmp_path / "theta0", weights="pretrained")
    assert "not what the runs of this mask start from, which is `rewind50`" in card_of(tmp_path / "theta0")[1]


def test_a_mask_without_runs_at_hand_says_so(lth, tmp_path):
    copy = tmp_path / "elsewhere.safetensors"
    shutil.copyfile(lth / CASES["lth"][1] / "mask.safetensors", copy)
    facts = write(copy, tmp_path / "out", model=lth / "models" / "tiny-bert")
    front, body = card_of(tmp_path / "out")
    assert facts.checked.doubt
    assert "no run of the pipeline that uses this mask is at hand" in body
    assert "model-index" not in front
    assert front["license"] == "unknown"
    assert "look it up before you pass this on" in body


def test_without_certificates_the_scores_are_those_of_the_table(lth, tmp_path):
    """As in a clone before `dvc pull`: cells.csv is in git, runs are not."""
    root = tmp_path / "results" / "tiny"
    for part in ("models", "lth/masks", "lth/cells.csv"):
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (lth / part).is_dir() else shutil.copyfile
        copy(lth / part, root / part)
    facts = write(root / CASES["lth"][1], tmp_path / "out")
    assert [line.task for line in facts.lines] == ["rte"]
    assert not facts.checked.doubt
    assert "no run at hand records whether" in card_of(tmp_path / "out")[1]


def test_a_rule_that_chose_the_sparsity_adds_no_run(lth):
    use = find(lth / CASES["lth"][1]).use
    rows = read_rows(lth, "lth")
    twice = [*rows, *({**row, "rule": "winning"} for row in rows)]
    assert lines_of(use, twice) == lines_of(use, rows)


def test_another_mask_or_other_weights_than_the_runs_record_are_refused(lth, tmp_path):
    root = tmp_path / "results" / "tiny"
    shutil.copytree(lth, root)
    asked = root / CASES["lth"][1]
    shutil.copyfile(
        lth / "lth/masks/imp/from-rte/sparsity50/seed1/mask.safetensors", asked / "mask.safetensors"
    )
    with pytest.raises(TicketsError, match="which is not where it lies"):
        write(asked, tmp_path / "out")
    facts = Mask.provenance(lth / CASES["lth"][1] / "mask.safetensors")
    Mask.load(asked / "mask.safetensors").save(asked / "mask.safetensors", facts)
    with pytest.raises(TicketsError, match="trained under another mask"):
        write(asked, tmp_path / "out")
    shutil.copyfile(lth / CASES["lth"][1] / "mask.safetensors", asked / "mask.safetensors")
    weights = root / "models" / "tiny-bert" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(TicketsError, match="not the weights"):
        write(asked, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        (("lth", "imp", "mlm@cola", "70", 1), "MLM with as many sequences as CoLA has examples"),
        (("lth", "imp", "mlm+qnli", "70", 1), "MLM + QNLI"),
        (("lth", "imp-standard", "rte", "70", 1), "without rewinding"),
        (("lth", "imp-code", "rte", "70", 1), "released code"),
        (("supertickets", "winning", "mnli", "30", 1, "base", "data10"), "on MNLI (on 10 % of its data)"),
        (("supertickets", "losing", "mnli", "30", 1, "base"), "the most important"),
        (("tamt", "tamt-kd-random.step30", "pretraining", "70", 1, "base"), "from a random mask, at step 30"),
        (("tamt", "imp.every5", "pretraining", "70", 1, "base"), "every 5 steps"),
    ],
)
def test_every_way_to_a_mask_has_words(address, wanted):
    assert wanted in method_words(MaskAddress(*address), {})


def test_words_cover_all_methods_and_variants():
    for kind in ("omp", "random", "imp", "imp-rewind", "tamt-mlm", "tamt-kd", "tamt-mlm-kd"):
        for ablation in ("", "always", "calm", "adamw", "unpadded"):
            token = Method(kind, ablation=ablation).token
            assert len(method_words(MaskAddress("tamt", token, "pretraining", "70", 1, "base"), {})) > 20
    assert source_words("rte") == "RTE"
    assert variant_words("n500") == "500 examples"
    assert variant_words("data1-extended") == "1 % of the data, trained longer"


def test_the_licence_is_that_of_the_base_models_own_card(tmp_path):
    assert licence_in(tmp_path) == "unknown"
    (tmp_path / "README.md").write_text("---\nlicense: mit\ntags: [a]\n---\n# Model\n")
    assert given(tmp_path).licence == "mit"
    (tmp_path / "README.md").write_text("---\nlicense: [a: b\n---\n")
    assert licence_in(tmp_path) == "unknown"
