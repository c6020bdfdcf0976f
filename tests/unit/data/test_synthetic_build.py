import hashlib
import time

import pytest
import torch

from tickets.data.encoded import EncodedTask, content_hash
from tickets.data.synthetic.build import build_pretraining, build_task, vocabulary
from tickets.data.synthetic.tasks import RULES
from tickets.data.tasks import TASKS

SMALL = {"train": 60, "dev": 40, "test": 40}
WORDS = vocabulary()


def small(task_id, seed=0):
    return build_task(task_id, seed, SMALL)


@pytest.mark.parametrize("task_id", TASKS)
def test_tensors_have_the_documented_form(task_id):
    encoded = small(task_id)
    for name, split in encoded.splits.items():
        n, width = split.ids.shape
        assert (split.ids.dtype, split.segments.dtype) == (torch.int32, torch.uint8)
        assert split.segments.shape == (n, width)
        assert split.lengths.dtype == torch.int32
        assert torch.equal(split.lengths, (split.ids != 0).sum(1).to(torch.int32)), name
        assert (split.ids[:, 0] == WORDS.index("[CLS]")).all()
        assert not (split.ids == WORDS.index("[UNK]")).any()
        assert not split.segments[split.ids == 0].any()
        kind = TASKS[task_id].kind
        if kind == "mlm":
            assert split.labels is None
        elif kind == "span":
            assert split.labels.shape == (n, 2)
        else:
            assert split.labels.shape == (n,)
            assert split.labels.dtype == (torch.float32 if kind == "regression" else torch.int64)


def test_segments_begin_after_the_first_separator():
    split = small("rte").splits["dev"]
    for ids, segments, length in zip(split.ids, split.segments, split.lengths, strict=True):
        first = int((ids == WORDS.index("[SEP]")).nonzero()[0])
        assert segments.tolist() == [int(first < i < length) for i in range(len(ids))]


def test_spans_and_offsets_point_at_the_answer():
    split = small("squad").splits["dev"]
    for row, (first, last) in enumerate(split.labels.tolist()):
        text = split.texts[int(split.extras["example"][row])]
        offsets = split.extras["offsets"][row]
        answer = text["context"][offsets[first][0] : offsets[last][1]]
        assert [answer] == text["answers"]
        inside = offsets[:, 1] > 0
        assert torch.equal(inside, (split.segments[row] == 1) & (split.ids[row] != WORDS.index("[SEP]")))
        tokens = [WORDS[i] for i in split.ids[row][inside]]
        assert [text["context"][a:b] for a, b in offsets[inside].tolist()] == tokens


def test_meta_is_complete():
    meta = small("mnli", seed=4).meta
    assert meta["task"] == "mnli"
    assert meta["world_seed"] == 4
    assert meta["vocab_size"] == len(WORDS)
    assert [WORDS[meta[key]] for key in ("pad_id", "cls_id", "sep_id", "mask_id")] == [
        "[PAD]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
    ]
    assert meta["special_ids"] == [0, 1, 2, 3, 4]
    assert len(meta["source"]["sha256"]) == 64


def test_mnli_has_a_mismatched_split_and_round_trips(tmp_path):
    encoded = small("mnli")
    assert set(encoded.splits) == {"train", "dev", "test", "dev_mismatched"}
    encoded.save(tmp_path / "mnli.safetensors")
    again = EncodedTask.load(tmp_path / "mnli.safetensors")
    assert fingerprint(again) == fingerprint(encoded)
    assert again.meta == encoded.meta


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    assert fingerprint(small("cola", 1)) == fingerprint(small("cola", 1))
    assert fingerprint(small("cola", 1)) != fingerprint(small("cola", 2))


def test_a_split_does_not_depend_on_the_size_of_another():
    whole, part = build_task("rte", 0), build_task("rte", 0, {"train": 10})
    assert torch.equal(whole.splits["dev"].labels, part.splits["dev"].labels)


def test_pretraining_pairs_carry_next_sentence_labels():
    encoded = build_pretraining(0, n_pairs=400, n_dev=100)
    assert {name: len(split) for name, split in encoded.splits.items()} == {"train": 400, "dev": 100}
    assert encoded.splits["train"].labels.float().mean() == 0.5
    assert encoded.splits["train"].extras == {}


def test_one_word_of_each_wikitext_pair_is_corrupted():
    mask, special = WORDS.index("[MASK]"), torch.arange(5)
    pairs = build_task("wikitext-pairs", 3, {"train": 2000, "dev": 300, "test": 10})
    assert not torch.equal(
        pairs.splits["train"].ids[:300], build_task("wikitext", 3).splits["train"].ids[:300]
    )
    masked = (pairs.splits["train"].ids == mask).sum(1)
    assert masked.max() == 1
    assert masked.float().mean() == pytest.approx(0.8, abs=0.04)
    for split in pairs.splits.values():
        segments = [row[1:length][split.ids[i, 1:length] != 3] for i, (row, length) in
                    enumerate(zip(split.segments, split.lengths, strict=True))]  # fmt: skip
        assert all(set(row.tolist()) == {0, 1} for row in segments), "a sentence and its continuation"
        assert ((split.ids == 3).sum(1) == 2).all()
        assert not torch.isin(split.ids, special[1:2]).any()


def test_golden_bytes():
    """Fails when any sentence changes: raise WORLD_VERSION and pin anew."""
    parts = [fingerprint(small(task_id)) for task_id in list(RULES)[:11]]
    parts.append(fingerprint(build_pretraining(0, n_pairs=200, n_dev=50)))
    assert hashlib.sha256("".join(parts).encode()).hexdigest() == GOLDEN
    assert {task_id: fingerprint(small(task_id))[:16] for task_id in list(RULES)[11:]} == LATER


def test_a_task_is_written_in_seconds():
    start = time.process_time()
    build_task("mnli", 5)
    assert time.process_time() - start < 5


def fingerprint(encoded):
    tensors = {}
    for name, split in encoded.splits.items():
        tensors |= {f"{name}.ids": split.ids, f"{name}.segments": split.segments}
        if split.labels is not None:
            tensors[f"{name}.labels"] = split.labels
        tensors |= {f"{name}.{key}": value for key, value in split.extras.items()}
    return content_hash(tensors)


GOLDEN = "016b5ec83b1e83c36784a55a87604fefadcad2f0e1c02969da46de542e7d0fb9"
LATER = {
    "snli": "e2216f6e7a30cc39",
    "scitail": "6edb4a6ae1e44df5",
    "wikitext": "2ac9cb2cb7141f2b",
    "wikitext-pairs": "bc3a0b87a59a9d88",
}
"""Tasks added since: a new one leaves all others as they are."""
