"""Shared by the tests of real data: small tokenizers, and the folder of real files where there is one."""

import json
import os
from pathlib import Path

import pytest
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer

from tickets.data.tokenization import load_tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "A wizard's job is to vex chumps quickly in fog!",
    "Normandy was settled by Norse raiders from Denmark, Iceland and Norway in the 10th century.",
    "Where is the city of Paris? It lies on the Seine in France.",
)


def write_tokenizer(folder: Path, texts=SENTENCES, size: int = 400) -> Path:
    """A BERT tokenizer folder with a vocabulary learnt from `texts`."""
    tokenizer = BertWordPieceTokenizer(lowercase=True)
    tokenizer.train_from_iterator(
        texts, vocab_size=size, min_frequency=1, show_progress=False, special_tokens=SPECIAL
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_model(str(folder))
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    return folder


def write_byte_tokenizer(folder: Path, texts=SENTENCES, size: int = 400) -> Path:
    """A RoBERTa tokenizer folder with a byte-level vocabulary learnt from `texts`."""
    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        texts, vocab_size=size, min_frequency=1, show_progress=False, special_tokens=special
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_model(str(folder))
    (folder / "config.json").write_text(json.dumps({"model_type": "roberta"}))
    return folder


def both_tokenizers(factory: pytest.TempPathFactory):
    folder = factory.mktemp("tokenizers")
    return {
        "bert": load_tokenizer(write_tokenizer(folder / "bert")),
        "roberta": load_tokenizer(write_byte_tokenizer(folder / "roberta")),
    }


def real_folder() -> Path:
    """TICKETS_TEST_DATA, or shared/data beside the checkout; skips the test where neither exists."""
    given = os.environ.get("TICKETS_TEST_DATA")
    folder = Path(given) if given else Path(__file__).parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder of real data (set TICKETS_TEST_DATA)")
    return folder


def real_file(*parts: str) -> Path:
    """A file of the real data; skips where it is missing."""
    path = real_folder().joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"no {'/'.join(parts)} among the real data")
    return path
