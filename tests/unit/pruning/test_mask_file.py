"""The mask on disk: packed, verified, atomic."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch_file

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask

FACTS = {"method": "magnitude", "seed": 3, "sparsity": 0.7}


@pytest.fixture
def mask(generator):
    return Mask(
        {
            "z": torch.rand(5, 7, generator=generator) > 0.7,
            "a": torch.rand(3, generator=generator) > 0.5,
            "m": torch.rand(4, 4, generator=generator) > 0.2,
        }
    )


@pytest.fixture
def path(mask, tmp_path):
    path = tmp_path / "deep" / "mask.safetensors"
    mask.save(path, FACTS)
    return path


def rewrite(path, **changes):
    """Write the file again with other tensors but its old header, as an editor of the file would."""
    with safe_open(path, framework="np") as file:
        header = file.metadata()
    tensors = load_file(path)
    for name, change in changes.items():
        tensors[name] = change(tensors[name].copy())
    save_file(tensors, path, metadata=header)


def test_round_trip_with_order_and_provenance(mask, path):
    loaded = Mask.load(path)
    assert loaded == mask
    assert list(loaded) == ["z", "a", "m"]
    assert Mask.provenance(path) == FACTS
    assert [file.name for file in path.parent.iterdir()] == ["mask.safetensors"]


def test_eight_weights_a_byte(path):
    packed = load_file(path)
    assert {name: (t.dtype, t.shape) for name, t in packed.items()} == {
        "z": (np.dtype("uint8"), (5,)),
        "a": (np.dtype("uint8"), (1,)),
        "m": (np.dtype("uint8"), (2,)),
    }


def test_equal_masks_make_equal_files(mask, path, tmp_path):
    again = tmp_path / "again.safetensors"
    mask.save(again, dict(reversed(FACTS.items())))
    assert again.read_bytes() == path.read_bytes()


def test_an_older_file_is_replaced(mask, path):
    Mask.dense(mask.shapes).save(path, {})
    assert Mask.load(path).kept == mask.total


def test_a_flipped_weight_is_found(path):
    rewrite(path, z=lambda t: t ^ np.array([1, 0, 0, 0, 0], dtype=np.uint8))
    with pytest.raises(TicketsError, match="does not match its sha256"):
        Mask.load(path)


def test_a_flipped_padding_bit_is_found(path):
    rewrite(path, a=lambda t: t | np.uint8(1))
    with pytest.raises(TicketsError, match="a has padding bits that are not zero"):
        Mask.load(path)


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t.astype(np.int16), lambda t: t[None]])
def test_a_tensor_of_another_form_is_found(path, change):
    rewrite(path, z=change)
    with pytest.raises(TicketsError, match="z does not hold 35 bits"):
        Mask.load(path)


def test_edited_provenance_is_found(path):
    raw = path.read_bytes()
    assert raw.count(b'seed\\":3') == 1
    path.write_bytes(raw.replace(b'seed\\":3', b'seed\\":4'))
    for read in (Mask.load, Mask.provenance):
        with pytest.raises(TicketsError, match="does not match its seal"):
            read(path)


@pytest.mark.parametrize("length", [0, 5, 200, -1])
def test_truncated(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(
        TicketsError, match=r"mask\.safetensors: not a readable safetensors file .* make the mask"
    ):
        Mask.load(path)


def test_missing(tmp_path):
    with pytest.raises(TicketsError, match="mask not found"):
        Mask.load(tmp_path / "none.safetensors")
    with pytest.raises(TicketsError, match="not a readable"):
        Mask.load(tmp_path)


def test_foreign_safetensors(tmp_path):
    path = tmp_path / "model.safetensors"
    for dtype in (torch.float32, torch.bfloat16):
        save_torch_file({"w": torch.zeros(3, dtype=dtype)}, path)
        with pytest.raises(TicketsError, match="not a mask of this program"):
            Mask.load(path)


@pytest.mark.parametrize("header", ["{", "[]", '{"format": "tickets-mask/1"}'])
def test_foreign_header(tmp_path, header):
    path = tmp_path / "odd.safetensors"
    save_file({"w": np.zeros(3, dtype=np.uint8)}, path, metadata={"tickets-mask": header})
    with pytest.raises(TicketsError, match="does not match its seal"):
        Mask.load(path)


def test_a_later_format_is_named(mask, path, monkeypatch):
    monkeypatch.setattr("tickets.pruning.mask_file.FORMAT", "tickets-mask/9")
    with pytest.raises(TicketsError, match="format is 'tickets-mask/1', this version reads 'tickets-mask/9'"):
        Mask.load(path)


def test_a_swapped_tensor_name_is_found(path):
    tensors = load_file(path)
    with safe_open(path, framework="np") as file:
        header = file.metadata()
    save_file({("y" if name == "z" else name): t for name, t in tensors.items()}, path, metadata=header)
    with pytest.raises(TicketsError, match="not those of the header"):
        Mask.load(path)


def test_a_failed_write_leaves_the_old_file_and_no_part(mask, path, monkeypatch):
    def full(tensors, part, metadata):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tickets.pruning.mask_file.save_file", full)
    with pytest.raises(TicketsError, match=r"cannot write the mask .*No space left.* free space"):
        Mask.dense(mask.shapes).save(path, {})
    monkeypatch.undo()
    assert Mask.load(path) == mask
    assert len(list(path.parent.iterdir())) == 1


def test_an_unwritable_place(mask, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TicketsError, match="cannot write the mask"):
        mask.save(tmp_path / "file" / "mask.safetensors", {})


def test_provenance_must_be_json(mask, tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        mask.save(tmp_path / "mask.safetensors", {"score": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_the_header_is_one_readable_document(path, mask):
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    document = json.loads(metadata["tickets-mask"])
    assert len(metadata) == 1
    assert document["sha256"] == mask.digest()
    assert document["shapes"] == [["z", [5, 7]], ["a", [3]], ["m", [4, 4]]]
