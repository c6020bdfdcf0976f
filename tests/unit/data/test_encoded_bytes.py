"""Equal data are equal files: safetensors writes header entries in a random order."""

from tickets.data.encoded import EncodedTask
from tickets.data.synthetic.build import build_task

SIZES = {"train": 12, "dev": 12, "test": 12}


def test_a_file_saved_many_times_has_the_same_bytes(tmp_path):
    data = build_task("squad", 1, SIZES)
    files = set()
    for index in range(12):  # four header entries have 24 orders
        data.save(tmp_path / f"{index}.safetensors")
        files.add((tmp_path / f"{index}.safetensors").read_bytes())
    assert len(files) == 1


def test_what_was_saved_is_read_back(tmp_path):
    data = build_task("squad", 1, SIZES)
    data.save(tmp_path / "data.safetensors")
    read = EncodedTask.load(tmp_path / "data.safetensors")
    assert read.meta == data.meta
    assert read.splits["dev"].texts == data.splits["dev"].texts
    assert (read.splits["train"].ids == data.splits["train"].ids).all()
