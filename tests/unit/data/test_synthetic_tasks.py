from collections import Counter
from itertools import combinations

import pytest
from synthetic_oracle import (
    ADJECTIVE,
    NOUN,
    Unreadable,
    acceptable,
    changed_roles,
    legal,
    read_copular,
    read_fact,
    read_facts,
    read_partner_question,
    read_question,
)

from tickets.data.synthetic import vocabulary as v
from tickets.data.synthetic.nli_tasks import (
    COPULAR_RATE,
    SCITAIL_ENTAILS,
    SCITAIL_NEUTRAL,
    TWO_FACTS_RATE,
)
from tickets.data.synthetic.pair_tasks import CONTRADICTION, ENTAILMENT, NEUTRAL
from tickets.data.synthetic.pretraining import draw_pair
from tickets.data.synthetic.questions import ASKED_ROLES
from tickets.data.synthetic.single_tasks import COLA_FAULTS, OTHER_NUMBER, SST_TRAIN_SYNONYMS
from tickets.data.synthetic.tasks import RULES, draw_pretraining, draw_task
from tickets.data.synthetic.world import World
from tickets.errors import TicketsError

WORLD = World.draw(11)
LONGEST = 21


@pytest.fixture(scope="module")
def drawn():
    return {id: {split.split: split.examples for split in draw_task(WORLD, id)} for id in RULES}


@pytest.fixture(scope="module")
def pretraining():
    return {split.split: split.examples for split in draw_pretraining(WORLD, 6000, 600)}


def every(drawn, task_id):
    return [example for examples in drawn[task_id].values() for example in examples]


@pytest.mark.parametrize("task_id", RULES)
def test_sizes_are_as_documented_and_rows_are_short(drawn, task_id):
    splits = drawn[task_id]
    assert {name: len(examples) for name, examples in splits.items()} == RULES[task_id].sizes
    assert len(splits["test"]) == len(splits["dev"])
    rows = [len(e.first) + len(e.second) + 2 + bool(e.second) for e in every(drawn, task_id)]
    assert max(rows) <= LONGEST


@pytest.mark.parametrize("task_id", RULES)
def test_no_example_is_in_two_splits_or_twice_in_one(drawn, task_id):
    keys = {name: [frozenset((e.first, e.second)) for e in s] for name, s in drawn[task_id].items()}
    for one, other in combinations(keys, 2):
        assert not set(keys[one]) & set(keys[other])
    exact = {name: [(e.first, e.second) for e in s] for name, s in drawn[task_id].items()}
    assert all(len(set(split)) == len(split) for split in exact.values())


@pytest.mark.parametrize("task_id", RULES)
def test_no_held_out_pair_is_in_the_pretraining_corpus(drawn, pretraining, task_id):
    corpus = {frozenset((e.first, e.second)) for e in pretraining["train"]}
    for name, examples in drawn[task_id].items():
        if name != "train":
            assert not corpus & {frozenset((e.first, e.second)) for e in examples}


@pytest.mark.parametrize(
    "task_id", [id for id in RULES if id not in ("sts-b", "wnli") and len(RULES[id].shares) > 1]
)
def test_classes_are_balanced(drawn, task_id):
    classes = len(RULES[task_id].shares)
    for examples in drawn[task_id].values():
        counts = Counter(e.label for e in examples)
        assert set(counts) == set(range(classes))
        assert max(counts.values()) - min(counts.values()) <= 1


def test_wnli_majority_is_56_percent(drawn):
    for examples in drawn["wnli"].values():
        assert sum(e.label == 0 for e in examples) / len(examples) == pytest.approx(0.56, abs=0.01)


def test_mnli_labels_are_true(drawn):
    for example in every(drawn, "mnli"):
        premise, hypothesis = read_fact(example.first), read_fact(example.second)
        assert not premise.negated
        roles = changed_roles(premise, hypothesis)
        if example.label == ENTAILMENT:
            assert hypothesis.follows_from(premise)
        elif example.label == NEUTRAL:
            assert len(roles) >= 2
            assert not hypothesis.negated
        else:
            assert example.label == CONTRADICTION
            assert not roles
            assert hypothesis.negated or _antonyms(premise, hypothesis) == 1


def _antonyms(one, other):
    pairs = [
        (a.adjective, b.adjective) for a, b in ((one.subject, other.subject), (one.object, other.object))
    ]
    return sum(a is not None and b is not None and a[0] == b[0] and a[1] != b[1] for a, b in pairs)


def test_mnli_mismatched_is_another_domain(drawn):
    def rare(split):
        verbs = [read_fact(e.first).verb for e in drawn["mnli"][split]]
        return sum(verb in WORLD.rare_verbs for verb in verbs) / len(verbs)

    assert rare("dev_mismatched") == 1
    assert rare("train") < 0.04


def test_snli_labels_are_true(drawn):
    copular = 0
    for example in every(drawn, "snli"):
        try:
            told, claim = read_copular(example.first), read_copular(example.second)
        except Unreadable:
            _check_scene(example)
            continue
        copular += 1
        (dimension, pole), same = claim[1][0], claim[0].covers(told[0])
        assert dimension in WORLD.dimensions[claim[0].category]
        assert same == (example.label != NEUTRAL)
        if same:
            assert dict(told[1])[dimension] == (pole if example.label == ENTAILMENT else 1 - pole)
    assert copular / len(every(drawn, "snli")) == pytest.approx(COPULAR_RATE, abs=0.02)


def _check_scene(example):
    premise, hypothesis = read_fact(example.first), read_fact(example.second)
    assert premise.place is not None or "by" in example.first, "a scene has a place or is passive"
    if example.label == ENTAILMENT:
        assert hypothesis.follows_from(premise)
        return
    roles = changed_roles(premise, hypothesis)
    if example.label == NEUTRAL:
        assert len(roles) >= 2
        assert not hypothesis.negated
    else:
        assert not roles
        assert hypothesis.negated or _antonyms(premise, hypothesis) == 1


def test_not_says_nothing_about_the_label_of_a_description(drawn):
    counts = Counter()
    for example in every(drawn, "snli"):
        if example.first[2] in ("is", "are") and "by" not in example.first:
            counts[example.label, "not" in example.second] += 1
    for label in (CONTRADICTION, ENTAILMENT, NEUTRAL):
        assert counts[label, True] / (counts[label, True] + counts[label, False]) == pytest.approx(
            0.5, abs=0.06
        )


def test_snli_hypotheses_are_shorter_than_those_of_mnli(drawn):
    def length(task_id):
        facts = [e for e in drawn[task_id]["train"] if "by" in e.first or "in" in e.first]
        facts = [e for e in facts if e.label == ENTAILMENT]
        return sum(len(e.second) for e in facts) / sum(len(e.first) for e in facts)

    assert length("snli") < length("mnli") - 0.05


def test_scitail_statements_follow_from_a_fact_or_from_none(drawn):
    two = 0
    for example in every(drawn, "scitail"):
        told, statement = read_facts(example.first), read_fact(example.second)
        two += len(told) == 2
        assert all(legal(WORLD, clause) for clause in (*told, statement))
        assert any(statement.follows_from(clause) for clause in told) == (example.label == SCITAIL_ENTAILS)
        if example.label == SCITAIL_NEUTRAL:
            assert all(changed_roles(clause, statement) for clause in told)
    assert two / len(every(drawn, "scitail")) == pytest.approx(TWO_FACTS_RATE, abs=0.03)


@pytest.mark.parametrize(("task_id", "same"), [("rte", 0), ("mrpc", 1)])
def test_restatements_follow_and_others_do_not(drawn, task_id, same):
    for example in every(drawn, task_id):
        first, second = read_fact(example.first), read_fact(example.second)
        assert legal(WORLD, second)
        assert second.follows_from(first) == (example.label == same)
        assert bool(changed_roles(first, second)) == (example.label != same)


def test_qqp_duplicates_ask_the_same(drawn):
    for example in every(drawn, "qqp"):
        first, second = read_question(example.first), read_question(example.second)
        assert first.asks == second.asks
        assert bool(changed_roles(first, second)) == (example.label == 0)


def test_qnli_facts_answer_their_question_or_not(drawn):
    for example in every(drawn, "qnli"):
        question, fact = read_question(example.first), read_fact(example.second)
        roles = changed_roles(question, fact)
        assert bool(roles) == (example.label == 1)
        assert roles <= set(ASKED_ROLES[question.asks])


def test_stsb_scores_follow_the_roles(drawn):
    examples = every(drawn, "sts-b")
    for example in examples:
        first, second = read_fact(example.first), read_fact(example.second)
        score = 5.0 - 1.8 * (first.verb != second.verb)
        for a, b in ((first.subject, second.subject), (first.object, second.object)):
            if a.kind != b.kind:
                score -= 0.9 if a.category == b.category else 1.5
            score -= 0.3 * (a.adjective is not None and b.adjective is None)
        assert example.label == pytest.approx(max(score, 0), abs=1e-6)
    assert len({e.label for e in examples}) > 15


def test_cola_good_sentences_are_acceptable_and_bad_ones_are_not(drawn):
    for example in every(drawn, "cola"):
        assert acceptable(WORLD, example.first) == (example.label == 1), example


def test_cola_faults_have_their_shares(drawn):
    bad = [e.first for e in every(drawn, "cola") if e.label == 0]
    kinds = Counter(map(_fault, bad))
    for kind, share in zip(("agreement", "selection", "order"), COLA_FAULTS, strict=True):
        assert kinds[kind] / len(bad) == pytest.approx(share, abs=0.04), kind


def _fault(words):
    """The one fault of a bad sentence; in a fault of selection neither noun is allowed."""
    try:
        fact = read_fact(words)
    except Unreadable:
        mended = (*words[:2], OTHER_NUMBER.get(words[2], ""), *words[3:])
        return "agreement" if acceptable(WORLD, mended) else "order"
    assert fact.subject.category not in WORLD.subjects[fact.verb]
    assert fact.object.category not in WORLD.objects[fact.verb]
    return "selection"


def test_sst2_labels_are_the_sentiment(drawn):
    for split, examples in drawn["sst-2"].items():
        allowed = set(SST_TRAIN_SYNONYMS) if split == "train" else set(range(4))
        used = set()
        for example in examples:
            pole, synonyms = _sentiment(example.first)
            used |= synonyms
            assert pole == 1 - example.label
        assert used == allowed


def test_sst2_needs_more_than_a_bag_of_words(drawn):
    """Neither counting poles nor the first adjective's pole gets near the label."""
    examples = every(drawn, "sst-2")
    pole = {w: p for poles in v.ADJECTIVES for p, s in enumerate(poles) for w in s}
    first = [next(pole[w] for w in e.first if w in pole) == 1 - e.label for e in examples]
    assert sum(first) / len(first) < 0.70
    balance = [sum(1 - 2 * pole[w] for w in e.first if w in pole) for e in examples]
    assert sum(
        (b > 0) == (e.label == 1) and b != 0 for b, e in zip(balance, examples, strict=True)
    ) < 0.25 * len(examples)


def _sentiment(words):
    where = {w: i for poles in v.ADJECTIVES for s in poles for i, w in enumerate(s)}
    synonyms = {where[w] for w in words if w in where}
    if words[2] in ("is", "are") and "by" not in words:
        ((_, pole),) = read_copular(words)[1]
        return pole, synonyms
    fact = read_fact(words)
    assert fact.object.adjective[1] != fact.subject.adjective[1]
    return fact.subject.adjective[1], synonyms


def test_squad_answers_are_true(drawn):
    kinds = Counter()
    for example in every(drawn, "squad"):
        fact = read_fact(example.second)
        first, last = example.answer
        answer = example.second[first : last + 1]
        assert sum(example.second[i : i + len(answer)] == answer for i in range(len(example.second))) == 1
        if example.first[:2] == ("what", "and"):
            kinds["partner"] += 1
            given = read_partner_question(example.first)
            others = {phrase for phrase in (fact.subject, fact.object) if not given.covers(phrase)}
            assert len(others) == 1
            _check_phrase(answer, others)
            continue
        question = read_question(example.first)
        kinds[question.asks] += 1
        assert not changed_roles(question, fact)
        if question.asks == "where":
            assert (first, last) == (len(example.second) - 1,) * 2
            assert v.PLACES[fact.place].count(answer[0]) == 1
        else:
            _check_phrase(answer, {fact.subject if question.asks == "who" else fact.object})
    total = sum(kinds.values())
    assert kinds["partner"] / total == pytest.approx(0.6, abs=0.05)
    assert kinds["where"] / total == pytest.approx(0.2, abs=0.05)


def _check_phrase(answer, phrases):
    """`answer` is `ADJ N` or, without adjective, `N` alone, of one of the phrases."""
    assert "the" not in answer
    names = {(p.kind, p.plural, p.adjective) for p in phrases}
    adjective = ADJECTIVE[answer[0]] if len(answer) == 2 else None
    assert (*NOUN[answer[-1]], adjective) in names


def test_pretraining_pairs_are_half_continuations(pretraining):
    for examples in pretraining.values():
        assert sum(e.label for e in examples) == len(examples) / 2


def test_true_continuations_of_facts_follow():
    from tickets.data.synthetic.dice import Dice
    from tickets.data.synthetic.pretraining import _restatement

    dice = Dice(3)
    for _ in range(500):
        first, second = _restatement(WORLD, dice, True)
        assert read_fact(second).follows_from(read_fact(first))
        first, second = _restatement(WORLD, dice, False)
        assert changed_roles(read_fact(first), read_fact(second))
    assert draw_pair(WORLD, dice, positive=False).positive is False


def test_unknown_task_split_and_impossible_size_are_told():
    with pytest.raises(TicketsError, match="unknown synthetic task 'sst'"):
        draw_task(WORLD, "sst")
    with pytest.raises(TicketsError, match="rte: no split validation"):
        draw_task(WORLD, "rte", {"validation": 5})
