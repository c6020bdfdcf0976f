import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from real_data import SENTENCES, both_tokenizers, real_folder, write_tokenizer
from test_tables import HEADERS, some_label, write

from tickets.data import hub, sources
from tickets.data.encoded import EncodedTask
from tickets.data.layouts import GLUE, TABLES
from tickets.data.sources import build_real_task, task_files
from tickets.data.tasks import TASKS
from tickets.data.tokenization import Template, encode_pairs, load_tokenizer, longest_first
from tickets.errors import TicketsError


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    return both_tokenizers(tmp_path_factory)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("pair", [False, True])
def test_untruncated_rows_equal_the_tokenizers_own(tokenizers, kind, pair):
    tokenizer = tokenizers[kind]
    second = list(reversed(SENTENCES)) if pair else None
    theirs = tokenizer(list(SENTENCES), second, padding=True, return_tensors="pt", return_token_type_ids=True)
    ours = encode_pairs(tokenizer, SENTENCES, second, max_length=200)
    assert torch.equal(ours.ids.long(), theirs["input_ids"])
    assert torch.equal(ours.lengths.long(), theirs["attention_mask"].sum(1))
    expected = theirs["token_type_ids"] if kind == "bert" else torch.zeros_like(theirs["input_ids"])
    assert torch.equal(ours.segments.long(), expected)
    assert (ours.ids.dtype, ours.segments.dtype) == (torch.int32, torch.uint8)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(2, 200))
def test_longest_first_equals_one_token_at_a_time(first, second, budget):
    a, b = first, second
    while a + b > budget:  # the slow tokenizers of 2020
        if a > b:
            a -= 1
        else:
            b -= 1
    assert longest_first(first, second, budget) == (a, b)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_truncated_pairs_keep_the_heads_of_both_sides(tokenizers, kind):
    tokenizer = tokenizers[kind]
    template = Template.of(tokenizer)
    row = encode_pairs(tokenizer, [SENTENCES[2]], [SENTENCES[0]], max_length=20).ids[0].tolist()
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in SENTENCES[2::-2])
    keep = longest_first(len(first), len(second), 20 - template.overhead(pair=True))
    middle = [template.sep] * template.separators
    assert row == [template.cls, *first[: keep[0]], *middle, *second[: keep[1]], template.sep]
    assert len(row) == 20


def test_single_sentences_are_cut_at_the_end(tokenizers):
    split = encode_pairs(tokenizers["bert"], [SENTENCES[2], "fox"], max_length=8)
    assert split.ids.shape == (2, 8)
    assert split.ids[0, -1] == Template.of(tokenizers["bert"]).sep
    assert split.lengths[1] < 8
    assert (split.ids[1, split.lengths[1] :] == Template.of(tokenizers["bert"]).pad).all()


def test_no_room_for_text_is_refused(tokenizers):
    with pytest.raises(TicketsError, match="max_length is 4"):
        encode_pairs(tokenizers["bert"], ["a"], ["b"], max_length=4)


def test_a_folder_without_tokenizer_is_named(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(TicketsError, match=str(tmp_path)):
        load_tokenizer(tmp_path / "nowhere" / "at" / "all")
    with pytest.raises(TicketsError, match="no vocabulary"):
        load_tokenizer(tmp_path)


def test_a_tokenizer_without_mask_is_refused(tokenizers):
    class Headless:
        name_or_path = "gpt"
        pad_token_id = cls_token_id = sep_token_id = 0
        mask_token_id = None

    with pytest.raises(TicketsError, match="gpt: the tokenizer lacks the tokens mask"):
        Template.of(Headless())


def table_folder(root):
    for task_id, layout in TABLES.items():
        (root / layout.folder).mkdir(parents=True)
        for name in layout.files.values():
            rows = [(SENTENCES[i % 4], SENTENCES[(i + 1) % 4], some_label(task_id)) for i in range(5)]
            write(root / layout.folder / name, task_id, rows)
    return root


@pytest.mark.parametrize("task_id", HEADERS)
def test_tables_are_built_from_a_folder(tmp_path, tokenizers, task_id):
    task = build_real_task(task_id, tokenizer=tokenizers["bert"], data_path=table_folder(tmp_path))
    expected = {"train", "dev", "dev_mismatched"} if task_id == "mnli" else {"train", "dev"}
    assert set(task.splits) == expected
    labels = task.splits["dev"].labels
    assert labels.dtype == (torch.float32 if task_id == "sts-b" else torch.int64)
    assert labels.tolist() == [3.75] * 5 if task_id == "sts-b" else [1] * 5
    assert bool(task.splits["train"].segments.any()) == (len(TABLES[task_id].texts) == 2)
    assert {"pad_id", "cls_id", "sep_id", "mask_id", "vocab_size", "special_ids", "task"} <= set(task.meta)
    files = task.meta["source"]["files"]
    assert all(len(entry["sha256"]) == 64 for entry in files.values())
    task.save(tmp_path / "out" / "task.safetensors")
    assert EncodedTask.load(tmp_path / "out" / "task.safetensors").meta == task.meta


def test_file_names_can_be_replaced(tmp_path):
    found = task_files("qnli", tmp_path, {"train": "train.partial.tsv"})
    assert found == {"train": tmp_path / "QNLI/train.partial.tsv", "dev": tmp_path / "QNLI/dev.tsv"}
    assert task_files("mlm", tmp_path, {"dev": "../Wiki/x.txt"})["dev"] == tmp_path / "Wiki/x.txt"
    with pytest.raises(TicketsError, match="no split 'test'"):
        task_files("rte", tmp_path, {"test": "test.tsv"})


def test_a_missing_data_folder_is_named(tmp_path, tokenizers):
    with pytest.raises(TicketsError, match=r"data.path: .*gone is no folder"):
        build_real_task("rte", tokenizer=tokenizers["bert"], data_path=tmp_path / "gone")


def test_an_unreachable_hub_says_how_to_use_local_files(monkeypatch, tokenizers):
    def unreachable(*arguments, **options):
        raise ConnectionError("Couldn't reach the hub\nlong story")

    monkeypatch.setattr("datasets.load_dataset", unreachable)
    for task_id in ("rte", "squad", "mlm"):
        with pytest.raises(TicketsError, match=r"cannot load it from the hub .*and data.path"):
            build_real_task(task_id, tokenizer=tokenizers["bert"])


def hub_stub(task_id):
    """A stand-in for `datasets.load_dataset` with the hub's own columns and label names."""
    from datasets import ClassLabel, Dataset, Features, Value

    names = {
        "mnli": ["entailment", "neutral", "contradiction"],
        "rte": ["entailment", "not_entailment"],
        "wnli": ["not_entailment", "entailment"],
        "sst-2": ["negative", "positive"],
        "snli": ["entailment", "neutral", "contradiction"],
    }[task_id]
    nli = ["premise", "hypothesis"]
    texts = {"mnli": nli, "snli": nli, "sst-2": ["sentence"]}.get(task_id, ["sentence1", "sentence2"])
    kinds = Features({name: Value("string") for name in texts} | {"label": ClassLabel(names=names)})
    columns = {name: [f"{name} {i}" for i in range(len(names))] for name in texts}

    def load(repository, config, *, revision, split):
        assert repository == ("stanfordnlp/snli" if task_id == "snli" else "nyu-mll/glue")
        assert len(revision) == 40
        return Dataset.from_dict(columns | {"label": list(range(len(names)))}, features=kinds)

    return load


@pytest.mark.parametrize(
    ("task_id", "labels"),
    [("mnli", [1, 2, 0]), ("snli", [1, 2, 0]), ("rte", [0, 1]), ("wnli", [0, 1]), ("sst-2", [0, 1])],
)
def test_hub_labels_are_renumbered_to_the_registry(monkeypatch, tokenizers, task_id, labels):
    monkeypatch.setattr("datasets.load_dataset", hub_stub(task_id))
    task = build_real_task(task_id, tokenizer=tokenizers["bert"])
    assert task.splits["dev"].labels.tolist() == labels
    assert task.meta["source"]["revision"] == hub.SOURCES[task_id].revision
    assert build_real_task(task_id, tokenizer=tokenizers["bert"], revision="f" * 40).meta["source"][
        "revision"
    ] == ("f" * 40)


def test_hub_rows_of_snli_without_a_label_are_left_out(monkeypatch, tokenizers):
    from datasets import ClassLabel, Dataset, Features, Value

    names = ClassLabel(names=["entailment", "neutral", "contradiction"])
    kinds = Features({"premise": Value("string"), "hypothesis": Value("string"), "label": names})
    rows = {"premise": ["a", "b", "c"], "hypothesis": ["d", "e", "f"], "label": [0, -1, 2]}
    monkeypatch.setattr("datasets.load_dataset", lambda *a, **k: Dataset.from_dict(rows, features=kinds))
    found = hub.hub_table("snli", hub.SOURCES["snli"])["dev"]
    assert (found["first"][:], found["second"][:], found["label"][:]) == (["a", "c"], ["d", "f"], [1, 0])


def test_hub_words_of_scitail_become_labels(monkeypatch):
    from datasets import Dataset

    rows = {"sentence1": ["a", "b"], "sentence2": ["c", "d"], "gold_label": ["entailment", "neutral"]}
    asked = []

    def load(repository, config, **rest):
        asked.append((repository, config))
        return Dataset.from_dict(rows)

    monkeypatch.setattr("datasets.load_dataset", load)
    found = hub.hub_table("scitail", hub.SOURCES["scitail"])["train"]
    assert (found["first"][:], found["second"][:], found["label"][:]) == (["a", "b"], ["c", "d"], [1, 0])
    assert set(asked) == {("allenai/scitail", "snli_format")}, "tsv_format lacks 499 rows"


def test_hub_text_gets_its_blank_lines_back(monkeypatch):
    from datasets import Dataset

    rows = Dataset.from_dict({"text": ["", " = Title = \n", "", " Words . \n"]})
    monkeypatch.setattr("datasets.load_dataset", lambda *a, **k: rows)
    assert hub.hub_text(hub.SOURCES["mlm"])["train"] == " \n = Title = \n \n Words . \n"


def test_every_task_has_a_source():
    assert set(hub.SOURCES) == set(sources.FILES) == set(TASKS)


@pytest.mark.slow
@pytest.mark.parametrize("task_id", ["cola", "rte", "sts-b", "mrpc"])
def test_o19_real_tasks_are_built_whole(tmp_path, task_id):
    folder = real_folder()
    if not (folder / GLUE[task_id].folder / "train.tsv").is_file():
        pytest.skip(f"no {task_id} among the real data")
    text = (folder / GLUE[task_id].folder / "dev.tsv").read_text().splitlines()
    tokenizer = load_tokenizer(write_tokenizer(tmp_path / "tokenizer", text, size=3000))
    task = build_real_task(task_id, tokenizer=tokenizer, data_path=folder)
    assert task.meta["source"]["completeness"] == {"train": "official", "dev": "official"}
    for split in task.splits.values():
        rows = np.arange(len(split))
        assert (split.ids[rows, split.lengths.long() - 1] == task.meta["sep_id"]).all()
        assert (split.ids[:, 0] == task.meta["cls_id"]).all()
        assert split.ids.shape[1] <= 128
