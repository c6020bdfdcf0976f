"""Two models with different tokenizers: the tasks are encoded once for each (planned; nothing is run)."""

import pytest
from small import checkout, plan, small_preset, write_config


@pytest.mark.parametrize("tokenizer", ["base", "own"])
def test_a_model_with_a_tokenizer_of_its_own_reads_data_of_its_own(tmp_path, tokenizer):
    folder, preset = checkout(tmp_path), small_preset()
    preset["data"] = {"source": "local", "path": "data"}
    preset["model"] = {"name": "first", "path": "first"}
    preset["models"] = {"large": {"name": "second", "path": "second", "tokenizer": tokenizer}}
    preset["supertickets"]["pack"] = {"default": ["seed", "family"]}
    write_config(folder, preset)
    found = plan(folder, "supertickets_fig4")
    own = {"base": {}, "own": {"encode_own": 3}}[tokenizer]
    assert {name: n for name, n in found.rules.items() if name.startswith("encode")} == {"encode": 3} | own
    assert {text for text in found.jobs if text.startswith("encode")} == {
        f"encode {task}{role}"
        for task in ("rte", "sts-b", "mnli")
        for role in ("", *[" for large"] * len(own))
    }
