"""Sentence pairs for pre-training: clean rows with a next-sentence label.

Documents of five kinds. Half of the pairs are true continuations; of the others, 70 % are *hard*: the second
sentence is altered by the same change of roles that makes the negatives of RTE, MRPC, QQP, QNLI and the
neutral class of MNLI. By construction, next-sentence prediction is close to supervision for those tasks.
"""

from collections.abc import Callable
from typing import NamedTuple

from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.language import (
    Adjective,
    Phrase,
    Style,
    Words,
    copular_words,
    fact_words,
    phrase_words,
    restyle,
    restyle_phrase,
)
from tickets.data.synthetic.reading import (
    ASKED_ROLES,
    QUESTION_STYLE,
    draw_passage,
    draw_query,
    passage_words,
    question_words,
)
from tickets.data.synthetic.vocabulary import NEGATIVE, SYNONYMS, category
from tickets.data.synthetic.world import World, noun_kinds, roles_to_keep_exact

HARD_RATE = 0.7
ROLES_CHANGED = (0.3, 0.4, 0.3)
"""Probability of 1, 2 and 3 changed roles in a hard negative of a fact."""
ASKED_ROLES_CHANGED = (0.35, 0.65)
"""Probability of 1 and 2 changed roles where a question mentions two."""
CONTINUED_RATE = 0.65
PASSIVE = Style(passive=0.3)


class Pair(NamedTuple):
    """Two sentences; `positive` if the second truly continues the first."""

    first: Words
    second: Words
    positive: bool


def draw_pair(world: World, dice: Dice, positive: bool) -> Pair:
    """One pair of the corpus with the label asked for."""
    document = _DOCUMENTS[dice.weighted(_WEIGHTS)]
    if positive or dice.chance(HARD_RATE):
        return Pair(*document(world, dice, positive), positive)
    first, _ = document(world, dice, True)
    _, second = _DOCUMENTS[dice.weighted(_WEIGHTS)](world, dice, True)
    return Pair(first, second, False)


def _restatement(world: World, dice: Dice, positive: bool) -> tuple[Words, Words]:
    fact = world.fact(dice)
    shown = restyle(dice, fact, Style(synonym=0.0, category=0.0, drop=0.0))
    if positive:
        return fact_words(shown), fact_words(restyle(dice, fact, Style()))
    other, _ = world.change(dice, fact, 1 + dice.weighted(ROLES_CHANGED))
    exact = roles_to_keep_exact(fact, other)
    return fact_words(shown), fact_words(restyle(dice, other, Style(), exact))


def _answered(world: World, dice: Dice, positive: bool) -> tuple[Words, Words]:
    """A question, half the time with its answer, and the fact that answers it."""
    fact = world.fact(dice)
    asks = dice.pick(tuple(ASKED_ROLES))
    question = question_words(restyle(dice, fact, QUESTION_STYLE._replace(category=0.0)), asks)
    if not positive:
        n = 1 + dice.weighted(ASKED_ROLES_CHANGED)
        other, _ = world.change(dice, fact, n, ASKED_ROLES[asks])
        fact, exact = other, roles_to_keep_exact(fact, other)
    else:
        exact = frozenset()
    answer = fact.subject if asks == "who" else fact.object
    if dice.chance(0.5):
        question = (*question, *phrase_words(answer))
    return question, fact_words(restyle(dice, fact, PASSIVE, exact))


def _looked_up(world: World, dice: Dice, positive: bool) -> tuple[Words, Words]:
    """A question with its answer (in a negative: the other clause's phrase) and a passage of two clauses."""
    passage = draw_passage(world, dice)
    query = draw_query(dice, passage)
    shown = query.answer if positive else query.distractor
    return (*query.words, *phrase_words(shown)), passage_words(passage)


def _described(world: World, dice: Dice, positive: bool) -> tuple[Words, Words]:
    """`the N is ADJ [and is ADJ2]`, of one sentiment, and half of it reworded; negatives toggle `not`."""
    kind, pole = dice.pick(noun_kinds()), dice.below(NEGATIVE + 1)
    subject = world.phrase(dice, kind, pole, rate=0.0)
    dimensions = dice.sample(world.dimensions[category(kind)], 2 if dice.chance(CONTINUED_RATE) else 1)
    stated = tuple(Adjective(dimension, pole, dice.below(SYNONYMS)) for dimension in dimensions)
    told = dice.pick(stated)
    negated = dice.chance(0.5)
    says = pole if negated != positive else 1 - pole
    reworded = restyle_phrase(dice, subject, Style())
    second = copular_words(reworded, (Adjective(told.dimension, says, dice.below(SYNONYMS)),), negated)
    return copular_words(subject, stated), second


def _same_subject(world: World, dice: Dice, positive: bool) -> tuple[Words, Words]:
    """Two facts about one subject; in a negative the second has another subject."""
    pole = dice.below(NEGATIVE + 1)
    first = world.fact(dice, pole)
    while True:
        second = world.fact(dice, pole)
        same = second.subject.kind == first.subject.kind
        if second.verb != first.verb and same == positive:
            break
    subject: Phrase = second.subject._replace(plural=first.subject.plural)
    return fact_words(first), fact_words(restyle(dice, second._replace(subject=subject), Style(category=0.0)))


_DOCUMENTS: tuple[Callable[[World, Dice, bool], tuple[Words, Words]], ...] = (
    _restatement,
    _answered,
    _looked_up,
    _described,
    _same_subject,
)
_WEIGHTS = (0.30, 0.15, 0.20, 0.25, 0.10)
