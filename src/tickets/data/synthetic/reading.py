"""Passages and questions about them: the shared ground of QNLI, QQP, SQuAD and the pre-training documents."""

from typing import NamedTuple

from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.language import (
    Fact,
    Phrase,
    Style,
    Words,
    phrase_words,
    restyle,
    verb_phrase,
    what_words,
    who_words,
)
from tickets.data.synthetic.vocabulary import NEGATIVE
from tickets.data.synthetic.world import World

ASKED_ROLES = {"who": ("verb", "object"), "what": ("subject", "verb")}
"""Roles that a question mentions."""
QUESTION_STYLE = Style(category=0.1, drop=0.25, passive=0.0)


class Passage(NamedTuple):
    """Two clauses with different verbs; when `shared`, both have the subject of the first."""

    clauses: tuple[Fact, Fact]
    shared: bool


class Query(NamedTuple):
    """A question on one clause of a passage, its answer, and the other clause's phrase in the same role."""

    words: Words
    answer: Phrase
    distractor: Phrase


def question_words(fact: Fact, asks: str) -> Words:
    """The `who` or `what` question that `fact` answers."""
    return who_words(fact) if asks == "who" else what_words(fact)


def draw_passage(world: World, dice: Dice, shared_rate: float = 0.3) -> Passage:
    """Two active clauses of one sentiment, without place, that differ in verb and in every unshared role."""
    pole = dice.below(NEGATIVE + 1)
    first = world.fact(dice, pole)._replace(place=None)
    shared = dice.chance(shared_rate)
    used = {first.object.kind, first.subject.kind}
    while True:
        second = world.fact(dice, pole)._replace(place=None)
        if second.verb == first.verb or second.object.kind in used:
            continue
        if shared and world.allows(first.subject.kind, second.verb, second.object.kind):
            return Passage((first, second._replace(subject=first.subject)), True)
        if not shared and second.subject.kind not in used:
            return Passage((first, second), False)


def passage_words(passage: Passage) -> Words:
    """`S V O and S V O`, or `S V O and V O` when the subject is shared."""
    first, second = passage.clauses
    plural = first.subject.plural
    head = (*phrase_words(first.subject), *verb_phrase(first, plural), "and")
    if passage.shared:
        return *head, *verb_phrase(second, plural)
    return *head, *phrase_words(second.subject), *verb_phrase(second, second.subject.plural)


def draw_query(dice: Dice, passage: Passage) -> Query:
    """A question in other words about a clause picked at random; only `what` where the subject is shared."""
    target = dice.below(2)
    clause, other = passage.clauses[target], passage.clauses[1 - target]
    reworded = restyle(dice, clause, QUESTION_STYLE)
    if passage.shared or dice.chance(0.5):
        return Query(what_words(reworded), clause.object, other.object)
    return Query(who_words(reworded), clause.subject, other.subject)
