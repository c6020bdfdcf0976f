import numpy as np
import pytest
from real_data import SENTENCES, both_tokenizers, real_file

from tickets.data import text as module
from tickets.data.sizes import completeness
from tickets.data.sources import build_real_task
from tickets.data.text import block_split, read_text
from tickets.data.tokenization import Template
from tickets.errors import TicketsError

CORPUS = " \n = Title = \n \n\n" + " \n".join(SENTENCES * 6) + "\n\n\t  end \n"


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    return both_tokenizers(tmp_path_factory)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("chunk", [1, 7, 50, 1 << 16])
def test_o18_blocks_are_the_token_stream_between_cls_and_sep(monkeypatch, tokenizers, kind, chunk):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    tokenizer = tokenizers[kind]
    template = Template.of(tokenizer)
    stream = tokenizer(CORPUS, add_special_tokens=False)["input_ids"]
    split = block_split(CORPUS, tokenizer, max_length=16)
    assert len(split) == len(stream) // 14 > 5
    assert (split.ids[:, 0] == template.cls).all()
    assert (split.ids[:, -1] == template.sep).all()
    assert split.ids[:, 1:-1].flatten().tolist() == stream[: len(split) * 14]
    assert (split.lengths == 16).all()
    assert not split.segments.any()
    assert split.labels is None


def test_a_cap_keeps_the_first_blocks(monkeypatch, tokenizers):
    monkeypatch.setattr(module, "_CHUNK", 20)
    monkeypatch.setattr(module, "_BATCH", 2)
    whole = block_split(CORPUS, tokenizers["bert"], max_length=16)
    capped = block_split(CORPUS, tokenizers["bert"], max_length=16, max_blocks=3)
    assert np.array_equal(capped.ids, whole.ids[:3])
    assert len(block_split(CORPUS, tokenizers["bert"], max_length=16, max_blocks=10_000)) == len(whole)


def test_bad_corpora_are_named(tmp_path, tokenizers):
    with pytest.raises(TicketsError, match=r"none.txt: cannot read the corpus"):
        read_text(tmp_path / "none.txt")
    (tmp_path / "blank.txt").write_text(" \n\n")
    with pytest.raises(TicketsError, match=r"blank.txt: the corpus is empty"):
        read_text(tmp_path / "blank.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(TicketsError, match="not UTF-8 at byte 3"):
        read_text(tmp_path / "latin.txt")
    with pytest.raises(TicketsError, match="less than one block of 510"):
        block_split("A fox.", tokenizers["bert"])


def test_mlm_task_from_a_folder(tmp_path, tokenizers):
    (tmp_path / "MLM").mkdir()
    (tmp_path / "MLM/train.txt").write_text(CORPUS * 2)
    (tmp_path / "MLM/valid.txt").write_text(CORPUS)
    task = build_real_task(
        "mlm",
        tokenizer=tokenizers["bert"],
        data_path=tmp_path,
        max_length=32,
        files={"dev": "valid.txt"},
        max_rows={"train": 4},
    )
    assert len(task.splits["train"]) == 4
    assert task.meta["source"]["rows"] == {name: len(split) for name, split in task.splits.items()}


@pytest.mark.slow
def test_o18_blocks_of_512_from_wikitext(tokenizers):
    text = read_text(real_file("WikiText-2", "wiki.valid.tokens"))
    split = block_split(text, tokenizers["bert"], max_blocks=20)
    assert split.ids.shape == (20, 512)


@pytest.mark.parametrize(("rows", "told"), [(223_344, "other"), (223_345, "official"), (223_360, "official")])
def test_a31_wikitext_in_blocks_of_bert_has_13960_batches_of_16(rows, told):
    assert completeness("wikitext", "train", rows, blocks=True).startswith(told)
    assert completeness("wikitext", "train", rows) == "open", "of another tokenizer or length"
    assert completeness("wikitext", "dev", rows, blocks=True) == "open"
    assert "13960 batches of 16 blocks, here 13961" in completeness("wikitext", "train", 223_361, blocks=True)


def test_only_whole_corpora_in_full_blocks_of_bert_are_compared(tmp_path, tokenizers):
    (tmp_path / "WikiText-103").mkdir()
    for split in ("train", "valid"):
        (tmp_path / f"WikiText-103/wiki.{split}.raw").write_text(CORPUS * 20)

    def told(kind, **options):
        task = build_real_task("wikitext", tokenizer=tokenizers[kind], data_path=tmp_path, **options)
        return task.meta["source"]["completeness"]["train"]

    assert told("bert").startswith("other than official")
    assert told("roberta") == told("bert", max_length=64) == told("bert", max_rows={"train": 2}) == "open"
