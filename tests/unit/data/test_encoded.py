import pytest
import torch

from tickets.data.encoded import EncodedTask, Split
from tickets.errors import TicketsError


def task() -> EncodedTask:
    ids = torch.arange(12, dtype=torch.int32).view(3, 4)
    segments = torch.zeros(3, 4, dtype=torch.uint8)
    extras = {"example": torch.tensor([0, 0, 1], dtype=torch.int32)}
    texts = ({"id": "a", "context": "é", "answers": ["é"]}, {"id": "b", "context": "x", "answers": []})
    spans = torch.tensor([[1, 2], [-1, -1], [0, 3]])
    lengths = torch.tensor([4, 3, 2], dtype=torch.int32)
    train = Split(ids, segments, lengths, spans, extras, texts)
    return EncodedTask({"train": train, "dev": train.head(1)}, {"task": "squad", "pad_id": 0})


def test_what_is_saved_is_what_is_loaded(tmp_path):
    path = tmp_path / "deep" / "squad.safetensors"
    task().save(path)
    loaded = EncodedTask.load(path)
    assert loaded.meta == task().meta
    assert sorted(loaded.splits) == ["dev", "train"]
    for name, split in task().splits.items():
        got = loaded.splits[name]
        assert torch.equal(got.ids, split.ids)
        assert torch.equal(got.labels, split.labels)
        assert torch.equal(got.extras["example"], split.extras["example"])
        assert got.texts == split.texts
    assert [p.name for p in path.parent.iterdir()] == ["squad.safetensors"]


def test_rows_select_everything_that_belongs_to_them():
    train = task().splits["train"]
    chosen = train.rows(torch.tensor([False, True, True]))
    assert chosen.ids.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert chosen.lengths.tolist() == [3, 2]
    assert chosen.labels.tolist() == [[-1, -1], [0, 3]]
    assert chosen.extras["example"].tolist() == [0, 1]
    assert len(train.head(99)) == 3


@pytest.mark.parametrize("place", [0.3, 0.6, 0.95])
def test_a_flipped_byte_or_a_cut_is_found(tmp_path, place):
    path = tmp_path / "squad.safetensors"
    task().save(path)
    good = path.read_bytes()
    path.write_bytes(good[: int(place * len(good))])
    with pytest.raises(TicketsError, match=r"squad.safetensors: not a readable safetensors file"):
        EncodedTask.load(path)
    tensors = len(good) - 3
    path.write_bytes(good[:tensors] + bytes([good[tensors] ^ 1]) + good[tensors + 1 :])
    with pytest.raises(TicketsError, match=r"does not match its sha256; the file is damaged. Delete it"):
        EncodedTask.load(path)


def test_missing_and_foreign_files_say_what_to_do(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(TicketsError, match=r"encoded data not found. Run the `encode` rule"):
        EncodedTask.load(tmp_path / "none.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(TicketsError, match=r"format is None, expected 'tickets-encoded/1'"):
        EncodedTask.load(tmp_path / "foreign.safetensors")
