import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from real_data import SENTENCES, both_tokenizers, real_file

from tickets.data.encoded import Split
from tickets.data.sources import build_real_task
from tickets.data.squad import Question, decode_spans, read_squad, span_split
from tickets.data.tokenization import Template
from tickets.errors import TicketsError
from tickets.metrics.fast import score

CONTEXT = " ".join(SENTENCES)


def question(answer="Denmark, Iceland", context=CONTEXT, text="Where did the raiders come from?", id="q0"):
    return Question(id, text, context, (answer,), (context.index(answer),))


def official(questions):
    paragraphs = [
        {
            "context": q.context,
            "qas": [
                {
                    "id": q.id,
                    "question": q.question,
                    "answers": [
                        {"text": t, "answer_start": s} for t, s in zip(q.answers, q.starts, strict=True)
                    ],
                }
            ],
        }
        for q in questions
    ]
    return {"version": "1.1", "data": [{"title": "x", "paragraphs": paragraphs}]}


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    return both_tokenizers(tmp_path_factory)


def windows_of(split):
    """(example, [(start char, end char) of each context token]) of every row."""
    for row in range(len(split)):
        spans = [tuple(pair) for pair in split.extras["offsets"][row].tolist() if pair[1] > 0]
        yield int(split.extras["example"][row]), spans


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_windows_start_every_stride_tokens_and_cover_the_context(tokenizers, kind):
    split = span_split([question()], tokenizers[kind], max_length=36, doc_stride=12, max_query=9)
    full = tokenizers[kind](CONTEXT, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    room = 36 - 9 - Template.of(tokenizers[kind]).overhead(pair=True)
    expected = 1 + -(-(len(full) - room) // 12)
    assert len(split) == expected > 3
    for index, (_, spans) in enumerate(windows_of(split)):
        assert spans == full[12 * index : 12 * index + room]
    assert split.ids.shape[1] == 36


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_labels_point_at_the_answer_or_lie_outside(tokenizers, kind):
    split = span_split([question()], tokenizers[kind], max_length=36, doc_stride=12, max_query=9)
    inside = [row for row in range(len(split)) if split.labels[row, 0] >= 0]
    assert 0 < len(inside) < len(split)
    for row in range(len(split)):
        spans = split.extras["offsets"][row]
        held = {tuple(pair) for pair in spans.tolist()}
        if row in inside:
            first, last = split.labels[row].tolist()
            assert CONTEXT[spans[first, 0] : spans[last, 1]] == "Denmark, Iceland"
        else:
            assert split.labels[row].tolist() == [-1, -1]
            start = CONTEXT.index("Denmark")
            whole = any(a <= start < b for a, b in held) and any(a < start + 16 <= b for a, b in held)
            assert not whole


def test_a_long_question_is_cut_and_rows_read_query_then_window(tokenizers):
    tokenizer = tokenizers["bert"]
    split = span_split([question(text=CONTEXT * 2, context=CONTEXT)], tokenizer, max_length=100)
    ids = tokenizer(CONTEXT * 2, add_special_tokens=False)["input_ids"]
    template = Template.of(tokenizer)
    row = split.ids[0].tolist()
    assert row[:66] == [template.cls, *ids[:64], template.sep]
    assert row[66:99] == ids[:33]
    assert row[99] == template.sep
    assert split.segments[0].tolist() == [0] * 66 + [1] * 34


def test_every_token_has_most_context_in_exactly_one_window(tokenizers):
    questions = [question(), question("lazy dog", id="q1", context=SENTENCES[0])]
    split = span_split(questions, tokenizers["bert"], max_length=40, doc_stride=10, max_query=9)
    seen: dict[tuple[int, int, int], list[tuple[float, int, int]]] = {}
    for row, (example, spans) in enumerate(windows_of(split)):
        where = [i for i, pair in enumerate(split.extras["offsets"][row].tolist()) if pair[1] > 0]
        for rank, (place, span) in enumerate(zip(where, spans, strict=True)):
            context = min(rank, len(spans) - 1 - rank) + 0.01 * len(spans)
            marked = int(split.extras["max_context"][row, place])
            seen.setdefault((example, *span), []).append((context, -row, marked))
    for entries in seen.values():
        assert sum(entry[2] for entry in entries) == 1
        assert max(entries)[2] == 1


def plain_decode(starts, ends, split, n_best, max_answer):
    """The reference procedure, one candidate at a time."""
    answers = []
    for example in range(len(split.texts)):
        candidates = []
        for row in range(len(split)):
            if int(split.extras["example"][row]) != example:
                continue
            length = int(split.lengths[row])
            best = [
                sorted(range(length), key=lambda i, side=side, row=row: (-float(side[row, i]), i))[:n_best]
                for side in (starts, ends)
            ]
            offsets = split.extras["offsets"][row].tolist()
            for first in best[0]:
                for last in best[1]:
                    inside = offsets[first][1] > 0 and offsets[last][1] > 0
                    if not inside or not split.extras["max_context"][row, first]:
                        continue
                    if last < first or last - first + 1 > max_answer:
                        continue
                    total = float(starts[row, first]) + float(ends[row, last])
                    candidates.append((total, offsets[first][0], offsets[last][1]))
        top = max(candidates, key=lambda c: c[0], default=None)
        answers.append("" if top is None else split.texts[example]["context"][top[1] : top[2]])
    return answers


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([2, 5, 20]), st.sampled_from([1, 4, 30]))
def test_decoding_equals_the_plain_procedure(tokenizers, seed, n_best, max_answer):
    questions = [question(), question("lazy dog", id="q1", context=SENTENCES[0])]
    split = span_split(questions, tokenizers["bert"], max_length=40, doc_stride=10, max_query=9)
    generator = np.random.default_rng(seed)
    starts, ends = np.round(generator.normal(size=(2, *split.ids.shape)), 1)  # rounded: ties occur
    expected = plain_decode(starts, ends, split, n_best, max_answer)
    assert decode_spans(starts, ends, split, n_best, max_answer) == expected
    as_tensors = torch.from_numpy(starts), torch.from_numpy(ends)
    assert decode_spans(*as_tensors, split, n_best, max_answer) == expected


def test_decoding_of_one_row_contexts_without_max_context():
    context = "the fox sees a dog"
    offsets = torch.tensor([[(0, 0), (0, 0), (0, 0), (0, 3), (4, 7), (8, 12), (13, 14), (15, 18), (0, 0)]])
    split = Split(
        torch.zeros(1, 9, dtype=torch.int32),
        torch.zeros(1, 9, dtype=torch.uint8),
        torch.tensor([9], dtype=torch.int32),
        extras={"example": torch.tensor([0], dtype=torch.int32), "offsets": offsets.int()},
        texts=({"id": "a", "context": context, "answers": ["fox"]},),
    )
    starts, ends = torch.zeros(1, 9), torch.zeros(1, 9)
    starts[0, 6], ends[0, 7] = 5, 5
    assert decode_spans(starts, ends, split) == ["a dog"]
    ends[0, 4] = 9  # before the start: an end may not precede it
    assert decode_spans(starts, ends, split, max_answer=1)[0] in {"a", "fox"}
    starts[:], ends[:] = float("nan"), float("nan")
    assert decode_spans(starts, ends, split) == [""]


def test_gold_logits_decode_to_the_gold_answers(tokenizers):
    questions = [question(), question("lazy dog", id="q1"), question("Seine in France", id="q2")]
    split = span_split(questions, tokenizers["bert"], max_length=60, doc_stride=20)
    logits = torch.zeros(2, *split.ids.shape)
    rows = torch.arange(len(split))
    for side in range(2):
        inside = split.labels[:, side] >= 0
        logits[side, rows[inside], split.labels[inside, side]] = 9.0
    assert decode_spans(logits[0], logits[1], split) == ["Denmark, Iceland", "lazy dog", "Seine in France"]


def test_squad_is_built_from_a_folder(tmp_path, tokenizers):
    (tmp_path / "SQuAD").mkdir()
    for name in ("train", "dev"):
        path = tmp_path / f"SQuAD/{name}-v1.1.json"
        path.write_text(json.dumps(official([question(), question("lazy dog", id="q1")])))
    task = build_real_task("squad", tokenizer=tokenizers["bert"], data_path=tmp_path, max_length=48)
    assert set(task.splits["train"].extras) == {"example"}
    assert task.splits["train"].texts == ()
    assert [text["answers"] for text in task.splits["dev"].texts] == [["Denmark, Iceland"], ["lazy dog"]]
    assert torch.equal(task.splits["train"].labels, task.splits["dev"].labels)
    task.save(tmp_path / "squad.safetensors")


def spoil(change):
    content = official([question()])
    change(content["data"][0]["paragraphs"][0])
    return json.dumps(content)


BAD = {
    "not valid JSON": json.dumps(official([question()]))[:-40],
    "no key 'data'": "[]",
    r"data\[0\].paragraphs\[0\]: not of the SQuAD form": spoil(lambda p: p.pop("qas")),
    r"data\[0\].paragraphs\[0\].qas\[0\]: expected id": spoil(lambda p: p["qas"][0]["answers"].clear()),
    "SQuAD 2.0": spoil(lambda p: p["qas"][0].update(is_impossible=True)),
    "1 of 1 answers are not at answer_start": spoil(
        lambda p: p["qas"][0]["answers"][0].update(answer_start=3)
    ),
    "no questions": json.dumps({"data": []}),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_files_are_named_with_the_entry(tmp_path, message):
    path = tmp_path / "dev-v1.1.json"
    path.write_text(BAD[message])
    with pytest.raises(TicketsError, match=rf"dev-v1\.1\.json.*{message}"):
        read_squad(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TicketsError, match=r"none.json: cannot read it"):
        read_squad(tmp_path / "none.json")


def test_an_answer_that_is_not_where_it_should_be_gets_no_label(tokenizers):
    misplaced = Question("q", "Where?", CONTEXT, ("Denmark",), (3,))
    assert (span_split([misplaced], tokenizers["bert"]).labels == -1).all()


@pytest.mark.slow
def test_o19_squad_dev_has_its_official_size_and_gold_scores_near_100(tokenizers):
    questions = read_squad(real_file("SQuAD", "dev-v1.1.json"))
    assert len(questions) == 10_570
    some = questions[::40]
    split = span_split(some, tokenizers["roberta"])  # byte-level: every answer can be spelt
    logits = torch.zeros(2, *split.ids.shape)
    rows = torch.arange(len(split))
    for side in range(2):
        inside = split.labels[:, side] >= 0
        logits[side, rows[inside], split.labels[inside, side]] = 9.0
    found = score("squad", decode_spans(*logits, split, max_answer=400), [q.answers for q in some])
    assert found["f1"] > 99


def test_o19_squad_iterations_per_epoch():
    # 87,599 questions make 88,641 windows of the reference tokenizer (spec lth section 3.1), batch 16.
    assert -(-88_641 // 16) == 5_541
