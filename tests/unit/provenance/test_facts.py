"""Table 1's facts from the encoded data and the recipe."""

import pytest
import torch
from safetensors.torch import save_file

from tickets.data.encoded import EncodedTask
from tickets.data.synthetic.build import build_task
from tickets.errors import TicketsError
from tickets.provenance.facts import recipe_facts, rows
from tickets.training.recipe import Recipe


def test_rows_are_examples_not_windows(tmp_path):
    """SQuAD's long paragraphs give several windows an example; Table 1 counts examples."""
    data = build_task("squad", 1, {"train": 9, "dev": 7, "test": 7})
    data.save(tmp_path / "one.safetensors")
    assert rows(tmp_path / "one.safetensors") == {"train": 9, "dev": 7, "test": 7}

    windows = data.splits["train"].rows(torch.arange(9).repeat_interleave(2))
    assert len(windows) == 18
    EncodedTask({"train": windows, "dev": data.splits["dev"]}, data.meta).save(tmp_path / "two.safetensors")
    assert rows(tmp_path / "two.safetensors")["train"] == 9


def test_iterations_count_the_last_partial_batch():
    recipe = Recipe(epochs=3, batch_size=32, learning_rate=2e-5, max_length=128)
    facts = recipe_facts(recipe, 8551, 1043, "matthews")  # CoLA
    assert facts["iterations_per_epoch"] == 268
    assert facts["steps"] == 804
    assert facts["epochs"] == 3.0
    assert (facts["train_examples"], facts["dev_examples"], facts["metric"]) == (8551, 1043, "matthews")


def test_epochs_follow_from_steps():
    recipe = Recipe(steps=100, batch_size=10, learning_rate=1e-3)
    assert recipe_facts(recipe, 400, 10, "accuracy")["epochs"] == 2.5


def test_foreign_and_missing_files_are_named(tmp_path):
    path = tmp_path / "rte.safetensors"
    with pytest.raises(
        TicketsError, match=r"rte.safetensors: encoded data not found. Run the `encode` rule first."
    ):
        rows(path)
    save_file({"weights": torch.zeros(2)}, path)
    with pytest.raises(TicketsError, match=r"rte.safetensors: not the data of a task"):
        rows(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(TicketsError, match=r"rte.safetensors: not a readable safetensors file"):
        rows(path)
