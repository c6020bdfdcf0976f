import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_data import real_file

from tickets.data.layouts import GLUE, TABLES
from tickets.data.sizes import OFFICIAL_ROWS, completeness
from tickets.data.tables import read_table
from tickets.data.tasks import TASKS
from tickets.errors import TicketsError

# What each official header looks like; CoLA and SciTail have none.
HEADERS = {
    "mnli": "index promptID pairID genre s1bp s2bp s1p s2p sentence1 sentence2 label1 gold_label",
    "qqp": "id qid1 qid2 question1 question2 is_duplicate",
    "sts-b": "index genre filename year old_index source1 source2 sentence1 sentence2 score",
    "wnli": "index sentence1 sentence2 label",
    "qnli": "index question sentence label",
    "mrpc": "Quality|#1 ID|#2 ID|#1 String|#2 String",
    "rte": "index sentence1 sentence2 label",
    "sst-2": "sentence label",
    "cola": "",
    "snli": "gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 "
    "sentence2 captionID pairID label1 label2 label3 label4 label5",
    "scitail": "",
}


def header(task_id):
    text = HEADERS[task_id]
    return text.split("|") if "|" in text else text.split()


def write(path, task_id, rows, *, bom=False, newline="\n", final=True):
    """rows: (first, second or None, label); further columns are filled with x."""
    layout, names = TABLES[task_id], header(task_id) or list(TABLES[task_id].columns)
    lines = ["\t".join(names)] if header(task_id) else []
    for first, second, label in rows:
        values = dict(zip(layout.texts, (first, second), strict=False)) | {layout.label: label}
        lines.append("\t".join(values.get(name, "x") for name in names))
    text = newline.join(lines) + (newline if final else "")
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + text.encode())
    return path


def some_label(task_id):
    return TASKS[task_id].labels[1] if TASKS[task_id].labels else "3.75"


@pytest.mark.parametrize("task_id", TABLES)
@pytest.mark.parametrize("options", [{}, {"bom": True}, {"final": False}, {"newline": "\r\n"}])
def test_every_task_is_read_from_its_official_columns(tmp_path, task_id, options):
    rows = [("One.", "Two.", some_label(task_id)), ('Say "hi', "it's, ok\u2028", some_label(task_id))]
    data = read_table(task_id, write(tmp_path / "f.tsv", task_id, rows, **options))
    assert data["first"][:] == ["One.", 'Say "hi']
    if len(TABLES[task_id].texts) == 2:
        assert data["second"][:] == ["Two.", "it's, ok\u2028"]
    else:
        assert data.column_names == ["first", "label"]
    assert data["label"][:] == ([1, 1] if TASKS[task_id].labels else [3.75, 3.75])


field = st.text(st.characters(blacklist_characters="\t\n\r\ufeff", blacklist_categories=("Cs",)), max_size=20)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(field, field), min_size=1, max_size=4))
def test_any_text_without_tab_and_newline_survives(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("tsv") / "f.tsv"
    data = read_table("rte", write(path, "rte", [(a, b, "entailment") for a, b in pairs]))
    assert list(zip(data["first"][:], data["second"][:], strict=True)) == pairs


@pytest.mark.parametrize("task_id", ["mnli", "qnli", "rte", "snli", "scitail"])
def test_labels_are_numbered_in_the_order_of_the_registry(tmp_path, task_id):
    labels = TASKS[task_id].labels
    data = read_table(task_id, write(tmp_path / "f.tsv", task_id, [("a", "b", label) for label in labels]))
    assert data["label"][:] == list(range(len(labels)))
    assert tuple(data.features["label"].names) == labels


def test_a_missing_column_is_named_with_the_expected_ones(tmp_path):
    path = tmp_path / "dev.tsv"
    path.write_text("index\tpremise\thypothesis\tlabel\n0\ta\tb\tentailment\n")
    with pytest.raises(TicketsError, match="line 1: 'sentence1', 'sentence2' not among 'index'") as caught:
        read_table("rte", path)
    assert str(path) in str(caught.value)
    assert "'sentence1', 'sentence2', 'label'" in str(caught.value)


@pytest.mark.parametrize("row", ["7\tonly two", "7\ta\tb\tentailment\textra"])
def test_a_row_of_another_width_is_named_by_line(tmp_path, row):
    path = write(tmp_path / "dev.tsv", "rte", [("a", "b", "entailment")] * 3)
    path.write_text(path.read_text() + row + "\n")
    with pytest.raises(TicketsError, match=r"dev.tsv, line 5: \d fields, expected 4"):
        read_table("rte", path)


@pytest.mark.parametrize(
    ("task_id", "label"),
    [("rte", "1"), ("cola", "label"), ("mnli", "-"), ("snli", ""), ("scitail", "entailment")],
)
def test_a_foreign_label_is_named_by_line(tmp_path, task_id, label):
    path = write(tmp_path / "f.tsv", task_id, [("a", "b", some_label(task_id)), ("a", "b", label)])
    line = 3 if header(task_id) else 2
    with pytest.raises(TicketsError, match=f"line {line}: .* is '{label}', expected one of"):
        read_table(task_id, path)


def test_snli_rows_without_a_gold_label_are_left_out(tmp_path):
    rows = [("a", "b", "neutral"), ("c", "d", "-"), ("e", "f", "contradiction")]
    data = read_table("snli", write(tmp_path / "f.txt", "snli", rows))
    assert (data["first"][:], data["label"][:]) == (["a", "e"], [2, 0])
    with pytest.raises(TicketsError, match="no rows"):
        read_table("snli", write(tmp_path / "g.txt", "snli", [("c", "d", "-")]))


def json_line(first, second, label):
    return json.dumps({"gold_label": label, "sentence1": first, "sentence2": second, "pairID": "1r1n"})


def test_snli_is_the_same_from_json_lines(tmp_path):
    rows = [("A \u2028 b.", 'Say "hi"', "entailment"), ("c", "d", "-"), ("e", "N/A", "neutral")]
    path = tmp_path / "f.jsonl"
    path.write_text("\n".join(json_line(*row) for row in rows) + "\n")
    lines, table = read_table("snli", path), read_table("snli", write(tmp_path / "f.txt", "snli", rows))
    assert lines[:] == table[:]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"gold_label": "neu', "no JSON"),
        ("[]", "no text under"),
        ('{"sentence1": "a"}', "'sentence2', 'gold_label'"),
    ],
)
def test_a_damaged_json_line_is_named(tmp_path, line, message):
    path = tmp_path / "f.jsonl"
    path.write_text(json_line("a", "b", "neutral") + "\n" + line + "\n")
    with pytest.raises(TicketsError, match=f"f.jsonl, line 2: .*{message}"):
        read_table("snli", path)


def test_a_scitail_file_with_a_header_is_not_the_official_one(tmp_path):
    path = tmp_path / "f.tsv"
    path.write_text("premise\thypothesis\tlabel\na\tb\tneutral\n")
    with pytest.raises(TicketsError, match="line 1: label is 'label', expected one of neutral, entails"):
        read_table("scitail", path)


@pytest.mark.parametrize("score", ["", "nan", "6.0", "high"])
def test_a_score_that_is_no_similarity_is_refused(tmp_path, score):
    path = write(tmp_path / "f.tsv", "sts-b", [("a", "b", score)])
    with pytest.raises(TicketsError, match=r"line 2: score is .* expected a number from 0 to 5"):
        read_table("sts-b", path)


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(TicketsError, match=r"none.tsv: cannot read it .* \(see DATA.md\)"):
        read_table("rte", tmp_path / "none.tsv")
    (tmp_path / "empty.tsv").write_text("\n")
    with pytest.raises(TicketsError, match="empty"):
        read_table("rte", tmp_path / "empty.tsv")
    (tmp_path / "latin.tsv").write_bytes(b"sentence\tlabel\ncaf\xe9\t1\n")
    with pytest.raises(TicketsError, match="line 2: not UTF-8"):
        read_table("sst-2", tmp_path / "latin.tsv")
    with pytest.raises(TicketsError, match="no rows"):
        read_table("rte", write(tmp_path / "header.tsv", "rte", []))


def test_qqp_questions_broken_by_a_newline_are_left_out(tmp_path):
    path = write(tmp_path / "f.tsv", "qqp", [("a", "b", "1"), ("was\nit", "c", "0"), ("d", "e", "0")])
    assert read_table("qqp", path)["first"][:] == ["a", "d"]
    path = write(tmp_path / "g.tsv", "qqp", [("was\nit", "c", "0")] * 40)
    with pytest.raises(TicketsError, match="fields, expected 6"):
        read_table("qqp", path)


def test_o19_the_retired_qnli_is_refused(tmp_path):
    path = write(tmp_path / "dev.tsv", "qnli", [("a", "b", "entailment")] * 5732)
    with pytest.raises(TicketsError, match="QNLI version 1"):
        read_table("qnli", path)


# Iterations per epoch, spec lth section 3.1: batch 32, last partial batch kept.
ITERATIONS = {
    "mnli": 12_272,
    "qqp": 11_371,
    "sts-b": 180,
    "wnli": 20,
    "qnli": 3_274,
    "mrpc": 115,
    "rte": 78,
    "sst-2": 2_105,
    "cola": 268,
}


@pytest.mark.parametrize("task_id", GLUE)
def test_o19_iterations_per_epoch_follow_from_the_training_sizes(task_id):
    assert math.ceil(OFFICIAL_ROWS[task_id]["train"] / 32) == ITERATIONS[task_id]


REAL = [
    ("cola", "CoLA", "train.tsv", "train", 8_551, [2_528, 6_023]),
    ("cola", "CoLA", "dev.tsv", "dev", 1_043, [322, 721]),
    ("rte", "RTE", "train.tsv", "train", 2_490, None),
    ("rte", "RTE", "dev.tsv", "dev", 277, [146, 131]),
    ("mrpc", "MRPC", "train.tsv", "train", 3_668, None),
    ("mrpc", "MRPC", "dev.tsv", "dev", 408, [129, 279]),
    ("sts-b", "STS-B", "train.tsv", "train", 5_749, None),
    ("sts-b", "STS-B", "dev.tsv", "dev", 1_500, None),
    ("qnli", "QNLI", "dev.tsv", "dev", 5_463, None),
    ("mnli", "MNLI", "dev_matched.tsv", "dev", 9_815, [3_213, 3_479, 3_123]),
    ("scitail", "SciTail", "scitail_1.0_dev.tsv", "dev", 1_304, [647, 657]),
    ("scitail", "SciTail", "scitail_1.0_test.tsv", "test", 2_126, [1_284, 842]),
]


@pytest.mark.parametrize(("task_id", "folder", "name", "split", "rows", "counts"), REAL)
def test_o19_real_files_have_their_official_sizes(task_id, folder, name, split, rows, counts):
    data = read_table(task_id, real_file(folder, name))
    assert len(data) == rows == OFFICIAL_ROWS[task_id][split]
    assert completeness(task_id, split, len(data)) == "official"
    labels = data["label"][:]
    if counts:
        assert [labels.count(label) for label in range(len(counts))] == counts


@pytest.mark.parametrize(
    ("task_id", "folder", "name"),
    [
        ("qnli", "QNLI", "train.kshot.tsv"),
        ("qqp", "QQP", "train.kshot.tsv"),
        ("mnli", "MNLI", "train.kshot.tsv"),
    ],
)
def test_rows_of_the_large_official_files_are_read(task_id, folder, name):
    data = read_table(task_id, real_file(folder, name))
    assert len(data) == (480 if task_id == "mnli" else 320)
    assert completeness(task_id, "train", len(data)).startswith("other than official")
