"""Documents in two parts (spec tamt section 1.11b), with a tokenizer whose tokens can be read off the text."""

import re
import time
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from real_data import both_tokenizers, real_file, write_byte_tokenizer, write_tokenizer

from tickets.data.documents import MIN_TOKENS, document_split, documents
from tickets.data.masking import corrupt_one
from tickets.data.sources import build_real_task
from tickets.data.text import block_split, read_text
from tickets.data.tokenization import Template, load_tokenizer
from tickets.errors import TicketsError

PAD, CLS, SEP, MASK, FIRST = 0, 1, 2, 3, 4


class Numbers:
    """A tokenizer to which a word is its number: 'w17' is token 17. With two separators it is RoBERTa's form."""

    name_or_path = "numbers"
    pad_token_id, cls_token_id, sep_token_id, mask_token_id = PAD, CLS, SEP, MASK
    all_special_ids = (PAD, CLS, SEP, MASK)

    def __init__(self, separators=1, vocabulary=5000):
        self.separators, self.vocabulary = separators, vocabulary
        self.model_input_names = ["input_ids"] + ["token_type_ids"] * (separators == 1)

    def __len__(self):
        return self.vocabulary

    def num_special_tokens_to_add(self, pair):
        return 2 + self.separators * pair

    def __call__(self, texts, **options):
        return {"input_ids": [[int(n) for n in re.findall(r"w(\d+)", text)] for text in texts]}


def corpus(shape):
    """Text of documents with paragraphs of the given numbers of words, no word twice; and the paragraphs' ids."""
    words, told, next_word = [], [], FIRST
    for paragraphs in shape:
        told.append([])
        for length in paragraphs:
            told[-1].append(list(range(next_word, next_word + length)))
            next_word += length
        words.append(" \n".join(" ".join(f"w{i}" for i in line) for line in told[-1]))
    return " \n = Title = \n \n" + " \n \n".join(words) + " \n", told


def parts_of(row, separators):
    """A, B (None where there is none) of a row of ids, checking what stands around them."""
    ids = [int(i) for i in row]
    assert ids[0] == CLS
    assert ids[-1] == SEP
    body = ids[1:-1]
    if SEP not in body:
        return body, None
    at = body.index(SEP)
    assert body[at : at + separators] == [SEP] * separators
    a, b = body[:at], body[at + separators :]
    assert SEP not in b
    assert a
    assert b
    return a, b


def rows_of(split):
    return [row[:length] for row, length in zip(split.ids, split.lengths, strict=True)]


SHAPES = st.lists(st.lists(st.integers(MIN_TOKENS, 60), min_size=1, max_size=6), min_size=1, max_size=8)


@given(SHAPES, st.integers(24, 90), st.integers(0, 50))
def test_every_row_is_consecutive_text_of_one_document_cut_at_paragraphs(shape, max_length, seed):
    tokenizer = Numbers(separators=2)  # without corruption, so that rows show the text
    text, told = corpus(shape)
    split = document_split(text, tokenizer, seed=seed, max_length=max_length)
    budget = max_length - 4
    starts = {paragraph[0] for document in told for paragraph in document}
    ends = {paragraph[-1] for document in told for paragraph in document}
    document_of = {i: n for n, document in enumerate(told) for paragraph in document for i in paragraph}
    previous = FIRST - 1
    for row in rows_of(split):
        a, b = parts_of(row, 2)
        both = a + (b or [])
        assert len(both) <= budget
        assert len({document_of[i] for i in both}) == 1
        assert a == list(range(a[0], a[-1] + 1))
        assert b is None or b == list(range(b[0], b[-1] + 1))
        assert a[0] > previous, "rows follow the text and share none of it"
        previous = both[-1]
        if len(both) < budget:  # nothing was cut off
            assert both == list(range(both[0], both[-1] + 1))
            assert both[0] in starts
            assert both[-1] in ends
            assert b is None or b[0] in starts
    if int(split.lengths.max()) < max_length - 2:  # no row is full, so none was cut
        shown = {int(i) for row in rows_of(split) for i in row} - {CLS, SEP}
        assert shown == document_of.keys(), "nothing is lost"


@given(SHAPES, st.integers(24, 90), st.integers(0, 50), st.integers(1, 6))
def test_a_cap_keeps_the_first_rows_and_equal_seeds_give_equal_rows(shape, max_length, seed, most):
    tokenizer = Numbers()
    text, _ = corpus(shape)
    whole, again = (document_split(text, tokenizer, seed=seed, max_length=max_length) for _ in range(2))
    assert torch.equal(whole.ids, again.ids)
    capped = document_split(text, Numbers(2), seed=seed, max_length=max_length + 1, max_rows=most)
    clean = document_split(text, Numbers(2), seed=seed, max_length=max_length + 1)
    assert torch.equal(capped.ids, clean.ids[:most, : capped.ids.shape[1]])
    assert torch.equal(capped.lengths, clean.lengths[:most])


@given(SHAPES, st.integers(24, 90), st.integers(0, 50))
def test_a9_of_bert_one_ordinary_token_a_row_is_corrupted(shape, max_length, seed):
    text, _ = corpus(shape)
    # Equal room for text (three special ids and four), so that the same draws cut the same rows.
    clean = document_split(text, Numbers(2), seed=seed, max_length=max_length + 1)
    split = document_split(text, Numbers(1), seed=seed, max_length=max_length)
    assert len(split) == len(clean)
    for row, other, segments in zip(rows_of(split), rows_of(clean), split.segments, strict=True):
        (a, b), (clean_a, clean_b) = parts_of(row, 1), parts_of(other, 2)
        mine, theirs = a + (b or []), clean_a + (clean_b or [])
        assert sum(x != y for x, y in zip(mine, theirs, strict=True)) <= 1
        expected = [0] * (len(a) + 2) + [1] * (0 if b is None else len(b) + 1)
        assert segments[: len(row)].tolist() == expected
        assert not segments[len(row) :].any()
    assert not clean.segments.any()


def test_headings_and_stubs_are_left_out_but_not_the_last_document():
    line = " ".join(f"w{i}" for i in range(10, 35))
    stub = "w100 w101"
    text = f" = Head = \n \n{line}\n{stub}\n\n{stub}\n{line}\n \n = = Sub = = \n{line}\n\n = w200 ="
    found = list(documents(text))
    assert [len(document) for document, _ in found] == [1, 2, 2, 2, 1]
    assert [last for _, last in found] == [False] * 4 + [True]
    split = document_split(text, Numbers(2), seed=0, max_length=64)
    (a, b), (last, nothing) = (parts_of(row, 2) for row in rows_of(split))
    assert (a, b) == (list(range(10, 35)), [100, 101])
    assert (last, nothing) == ([200], None)


def test_parts_meet_at_every_boundary_equally_often():
    shape = [[20, 20, 20, 20]] * 800
    text, _ = corpus(shape)
    split = document_split(text, Numbers(2, 10**6), seed=4, max_length=128)
    whole = [parts_of(row, 2) for row in rows_of(split) if len(row) == 84]
    counts = Counter(len(a) for a, _ in whole)
    assert set(counts) == {20, 40, 60}
    assert len(whole) == pytest.approx(0.9 * 800 + 0.1 * 800 * 64 / 123, abs=40), (
        "a tenth has shorter targets"
    )
    assert all(
        n == pytest.approx(len(whole) / 3, abs=4 * (len(whole) * 2 / 9) ** 0.5) for n in counts.values()
    )


def test_what_is_too_long_goes_at_both_ends_of_the_longer_part():
    text, _ = corpus([[400]] * 300)
    split = document_split(text, Numbers(2, 10**6), seed=1, max_length=104)
    firsts = [(parts_of(row, 2)[0][0] - FIRST) % 400 for row in rows_of(split)]
    assert all(len(row) == 102 for row in rows_of(split)), "100 tokens, and two around them"
    assert np.mean(firsts) == pytest.approx(150, abs=2)
    assert np.std(firsts) == pytest.approx((300 * 0.25) ** 0.5, rel=0.15)
    text, _ = corpus([[30, 300]] * 50)
    for row in rows_of(document_split(text, Numbers(2, 10**6), seed=1, max_length=104)):
        a, b = parts_of(row, 2)
        assert b is None or (len(a), len(b)) == (30, 70)


def test_corruption_rates_and_places():
    n, width = 40_000, 12
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 1000, (n, width), generator=generator, dtype=torch.int32)
    ids[:, 0], ids[:, 5] = CLS, SEP
    lengths = torch.full((n,), 10, dtype=torch.int32)
    specials = (PAD, CLS, SEP, MASK)
    out = corrupt_one(ids, lengths, specials, MASK, 1000, torch.Generator().manual_seed(1))
    rows, columns = (out != ids).nonzero(as_tuple=True)
    assert len(rows) == len(set(rows.tolist())), "never two in a row"
    new = out[rows, columns]
    assert (new == MASK).sum() / n == pytest.approx(0.8, abs=0.01)
    assert (new != MASK).sum() / n == pytest.approx(0.1, abs=0.01)
    assert not torch.isin(new[new != MASK], torch.tensor(specials)).any()
    counts = Counter(columns.tolist())
    assert set(counts) == {1, 2, 3, 4, 6, 7, 8, 9}
    assert all(c == pytest.approx(len(rows) / 8, rel=0.06) for c in counts.values())
    bare = torch.tensor([[CLS, SEP, PAD]], dtype=torch.int32)
    assert torch.equal(corrupt_one(bare, torch.tensor([2]), specials, MASK, 1000), bare)


def test_a_corpus_without_room_or_text_is_named():
    with pytest.raises(TicketsError, match="max_length is 4, which leaves no room"):
        document_split("w5 w6", Numbers(), seed=0, max_length=4)
    with pytest.raises(TicketsError, match="no text that the tokenizer knows"):
        document_split("none of it\n\nat all", Numbers(), seed=0)


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    return both_tokenizers(tmp_path_factory)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_wikitext_from_a_folder_as_blocks_and_as_documents(tmp_path, tokenizers, kind):
    folder = tmp_path / "WikiText-103"
    folder.mkdir()
    line = "The quick brown fox jumps over the lazy dog . " * 6
    text = f" \n = Fox = \n \n {line}\n {line}\n {line}\n \n" * 20
    (folder / "wiki.train.raw").write_text(text)
    (folder / "wiki.valid.raw").write_text(text)
    options = {"tokenizer": tokenizers[kind], "data_path": tmp_path, "max_length": 64}
    blocks, pairs = (build_real_task(task, **options) for task in ("wikitext", "wikitext-pairs"))
    assert torch.equal(blocks.splits["train"].ids, block_split(text, tokenizers[kind], max_length=64).ids)
    assert pairs.meta["source"]["completeness"]["train"] == "open"
    train, dev = pairs.splits["train"], pairs.splits["dev"]
    assert not torch.equal(train.ids[: len(dev)], dev.ids), "each split has draws of its own"
    assert bool(train.segments.any()) == (kind == "bert")
    assert int(train.lengths.max()) <= 64
    capped = build_real_task("wikitext-pairs", max_rows={"train": 3}, **options)
    assert (len(capped.splits["train"]), len(capped.splits["dev"])) == (3, len(dev))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_real_wikitext_as_documents(tmp_path, kind):
    text = read_text(real_file("WikiText-2", "wiki.valid.tokens"))
    write = write_tokenizer if kind == "bert" else write_byte_tokenizer
    tokenizer = load_tokenizer(write(tmp_path / kind, text.splitlines(), size=8000))
    template = Template.of(tokenizer)
    start = time.process_time()
    split = document_split(text, tokenizer, seed=0)
    assert time.process_time() - start < 30
    assert 300 < len(split) < 1000
    rows = torch.arange(len(split))
    assert (split.ids[:, 0] == template.cls).all()
    assert (split.ids[rows, split.lengths.long() - 1] == template.sep).all()
    assert split.ids.shape[1] == 512
    separators = (split.ids[:, 1:] == template.sep).sum(1)
    assert set(separators.tolist()) == {1, 1 + template.separators}
    masked = (split.ids == template.mask).sum(1)
    if kind == "bert":
        assert int(masked.max()) == 1
        assert float(masked.float().mean()) == pytest.approx(0.8, abs=0.08)
    else:
        assert int(masked.max()) == 0
