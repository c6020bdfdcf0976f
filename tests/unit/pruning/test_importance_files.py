import pytest
import torch
from safetensors.torch import save_file

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask
from tickets.pruning.scores import Importance, Scores


def scores(seed=0, layers=2, heads=3):
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand(layers, heads + 1, generator=generator, dtype=torch.float64)
    return Scores(draw[:, :heads], draw[:, heads])


@pytest.fixture
def saved(tmp_path):
    found = Importance({"token": scores(0), "example": scores(1)})
    found.save(tmp_path / "new" / "i.safetensors", {"task": "cola", "batch_size": 32})
    return found, tmp_path / "new" / "i.safetensors"


def test_file_round_trip_is_exact_and_reproducible(saved, tmp_path):
    found, path = saved
    loaded = Importance.load(path)
    assert list(loaded.scores) == ["token", "example"]
    for variant in found.scores:
        assert torch.equal(loaded[variant].heads, found[variant].heads)
        assert torch.equal(loaded[variant].ffns, found[variant].ffns)
        assert loaded[variant].heads.dtype == torch.float64
    assert Importance.provenance(path) == {"task": "cola", "batch_size": 32}
    loaded.save(tmp_path / "again", {"batch_size": 32, "task": "cola"})
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert not list(path.parent.glob("*.part"))


def test_no_flipped_bit_of_the_file_passes_unseen(saved):
    found, path = saved
    good = path.read_bytes()
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 1 << (place % 8)
        path.write_bytes(bad)
        try:
            loaded = Importance.load(path)
        except TicketsError:
            continue
        assert torch.equal(loaded["token"].heads, found["token"].heads)  # white space before the tensors
        assert Importance.provenance(path) == {"task": "cola", "batch_size": 32}


def test_missing_truncated_and_foreign_files(saved, tmp_path):
    _, path = saved
    with pytest.raises(TicketsError, match="not found"):
        Importance.load(tmp_path / "none")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(TicketsError, match="not a readable"):
        Importance.load(path)
    save_file({"x": torch.ones(1)}, tmp_path / "x")
    with pytest.raises(TicketsError, match="not importance scores"):
        Importance.load(tmp_path / "x")
    Mask({"w": torch.ones(3, dtype=torch.bool)}).save(tmp_path / "mask", {})
    with pytest.raises(TicketsError, match="not importance scores"):
        Importance.provenance(tmp_path / "mask")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TicketsError, match="cannot write"):
        Importance({"token": scores()}).save(tmp_path / "file" / "i", {})


def test_normalisation():
    found = Scores(torch.tensor([[3.0, 4.0], [0.0, 0.0], [5.0, 12.0]]), torch.tensor([2.0, 1.0, 2.0]))
    expected = torch.tensor([[0.6, 0.8], [0.0, 0.0], [5 / 13, 12 / 13]], dtype=torch.float64)
    torch.testing.assert_close(found.normalised("head"), expected)
    torch.testing.assert_close(
        Importance({"token": found}).normalised("token", "ffn"),
        torch.tensor([2 / 3, 1 / 3, 2 / 3], dtype=torch.float64),
    )


def test_unfit_scores_and_unknown_variants():
    with pytest.raises(TicketsError, match="do not fit"):
        Scores(torch.ones(2, 3), torch.ones(3))
    with pytest.raises(TicketsError, match="NaN"):
        Scores(torch.tensor([[1.0, float("nan")]]), torch.ones(1))
    with pytest.raises(TicketsError, match=r"'tokens'.*token"):
        Importance({"token": scores()})["tokens"]
