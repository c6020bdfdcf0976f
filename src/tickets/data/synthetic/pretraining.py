"""Sentence pairs for pre-training: clean rows with a next-sentence label.

Documents of four kinds. Half of the pairs are true continuations; of the others, 70 % are *hard*: the second
sentence is altered by the same change of roles that makes the negatives of RTE, MRPC, QQP, QNLI and the
neutral class of MNLI. By construction, next-sentence prediction is close to supervision for those tasks.
"""

from collections.abc import Callable
from typing import NamedTuple

from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.language import (
    Adjective,
    Style,
    Words,
    copular_words,
    fact_words,
    phrase_words,
    restyle,
    restyle_phrase,
)
from tickets.data.synthetic.questions import ASKED_ROLES, QUESTION_STYLE, answer_phrase, question_words
from tickets.data.synthetic.vocabulary import NEGATIVE, SYNONYMS, category
from tickets.data.synthetic.world import World, noun_kinds, roles_to_keep_exact

HARD_RATE = 0.7
ROLES_CHANGED = (0.3, 0.4, 0.3)
"""Probability of 1, 2 and 3 changed roles in a hard negative of a fact."""
ASKED_ROLES_CHANGED = (0.35, 0.65)
"""Probability of 1 and 2 changed roles where a question mentions two."""
CONTINUED_RATE = 0.65
PASSIVE = Style(passive=0.3)
COMMENT_STYLE = Style(category=0.0)
NEGATED_RATE = 0.3


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
    if positive:
        return fact_words(fact), fact_words(restyle(dice, fact, Style()))
    other, _ = world.change(dice, fact, 1 + dice.weighted(ROLES_CHANGED))
    exact = roles_to_keep_exact(fact, other)
    return fact_words(fact), fact_words(restyle(dice, other, Style(), exact))


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
    if dice.chance(0.5):
        question = (*question, *phrase_words(answer_phrase(fact, asks)))
    return question, fact_words(restyle(dice, fact, PASSIVE, exact))


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


def _commented(world: World, dice: Dice, positive: bool) -> tuple[Words, Words]:
    """A fact, and a description of its subject or object in the same sentiment; negatives describe another noun.

    Here nothing but the verb tells what its subject and object may be: what CoLA needs.
    """
    pole = dice.below(NEGATIVE + 1)
    fact = world.fact(dice, pole)
    named = dice.pick((fact.subject, fact.object))
    if not positive:
        others = [kind for kind in noun_kinds() if kind not in (fact.subject.kind, fact.object.kind)]
        named = named._replace(kind=dice.pick(others))
    subject = restyle_phrase(dice, named._replace(adjective=None), COMMENT_STYLE)
    negated = dice.chance(NEGATED_RATE)
    adjective = world.adjective(dice, named.kind, 1 - pole if negated else pole)
    return fact_words(fact), copular_words(subject, (adjective,), negated)


_DOCUMENTS: tuple[Callable[[World, Dice, bool], tuple[Words, Words]], ...] = (
    _restatement,
    _answered,
    _described,
    _commented,
)
_WEIGHTS = (0.40, 0.22, 0.20, 0.18)
