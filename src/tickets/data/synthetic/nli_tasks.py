"""The rules of SNLI and SciTail: inference in other registers of the language than MNLI's (domain adaptation)."""

from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.language import (
    Adjective,
    Fact,
    Style,
    copular_words,
    fact_words,
    restyle,
    restyle_phrase,
    verb_phrase,
)
from tickets.data.synthetic.pair_tasks import CONTRADICTION, NEUTRAL, Example, contradict
from tickets.data.synthetic.vocabulary import NEGATIVE, SYNONYMS, category
from tickets.data.synthetic.world import Roles, World, noun_kinds, roles_to_keep_exact

SNLI_STYLE = Style(synonym=0.9, category=0.2, drop=0.5, passive=0.1)
COPULAR_RATE = 0.3
SCENE_PASSIVE_RATE = 0.5
SCITAIL_NEUTRAL, SCITAIL_ENTAILS = 0, 1
SCITAIL_STYLE = Style(synonym=0.9, category=0.3, drop=0.7, passive=0.3)
TWO_FACTS_RATE = 0.4
ROLES_UNTOLD = (0.2, 0.5, 0.3)
"""Probability of 1, 2 and 3 changed roles in a neutral statement."""


def snli(world: World, dice: Dice, label: int, split: str) -> Example:
    """MNLI's relations between a scene and a shorter hypothesis, or between two descriptions.

    A scene has a place or is told in the passive. 0 contradiction: an adjective turned into its antonym or the verb
    negated; 1 entailment: reworded; 2 neutral: two or three roles changed.
    """
    if dice.chance(COPULAR_RATE):
        return _described(world, dice, label)
    fact = world.fact(dice)
    if dice.chance(SCENE_PASSIVE_RATE):
        fact = fact._replace(passive=True)
    elif fact.place is None:
        fact = fact._replace(place=dice.pick(world.places[fact.verb]))
    if label == NEUTRAL:
        other, _ = world.change(dice, fact, 2 + dice.below(2))
        reworded = restyle(dice, other, SNLI_STYLE, roles_to_keep_exact(fact, other))
    else:
        reworded = restyle(dice, fact, SNLI_STYLE)
    if label == CONTRADICTION:
        reworded = contradict(dice, reworded)
    return Example(fact_words(fact), fact_words(reworded), label)


def _described(world: World, dice: Dice, label: int) -> Example:
    """`the N is ADJ and is ADJ2` and one claim: 0 denied; 1 in other words; 2 about another noun, true or not.

    Half of the claims hold a `not`, whatever the label.
    """
    kind, pole = dice.pick(noun_kinds()), dice.below(NEGATIVE + 1)
    subject = world.phrase(dice, kind, pole, rate=0.0)
    dimensions = dice.sample(world.dimensions[category(kind)], 2)
    premise = copular_words(subject, tuple(Adjective(d, pole, dice.below(SYNONYMS)) for d in dimensions))
    dimension = dice.pick(dimensions)
    if label == NEUTRAL:
        others = [other for other in noun_kinds() if category(other) != category(kind)]
        subject = subject._replace(kind=dice.pick(others))
        dimension = dice.pick(world.dimensions[category(subject.kind)])
    claim = restyle_phrase(dice, subject, SNLI_STYLE)
    negated = dice.chance(0.5)
    denied = label == CONTRADICTION or (label == NEUTRAL and dice.chance(0.5))
    says = pole if negated == denied else 1 - pole
    adjective = Adjective(dimension, says, dice.below(SYNONYMS))
    return Example(premise, copular_words(claim, (adjective,), negated), label)


def scitail(world: World, dice: Dice, label: int, split: str) -> Example:
    """A sentence of one fact, or of two on one subject, and a statement in less exact words.

    1 entails: the statement is the fact, or one of the two, reworded; 0 neutral: with one to three roles changed.
    """
    fact = world.fact(dice)
    told, premise = [fact], fact_words(fact)
    if dice.chance(TWO_FACTS_RATE):
        told = [bare := fact._replace(place=None), _second(world, dice, bare)]
        premise = (*fact_words(bare), "and", *verb_phrase(told[1], fact.subject.plural))
    stated, exact = dice.pick(told), Roles()
    if label == SCITAIL_NEUTRAL:
        stated = _untold(world, dice, stated, told)
        exact = exact.union(*(roles_to_keep_exact(one, stated) for one in told))
    return Example(premise, fact_words(restyle(dice, stated, SCITAIL_STYLE, exact)), label)


def _second(world: World, dice: Dice, fact: Fact) -> Fact:
    """Another fact on the same subject, of another verb and object."""
    subject, verb, object = _kinds(fact)
    found = [new for new in world.triples if new[0] == subject and new[1] != verb and new[2] != object]
    _, verb, object = dice.pick(found)
    adjectives = [phrase.adjective for phrase in (fact.subject, fact.object) if phrase.adjective is not None]
    pole = adjectives[0].pole if adjectives else dice.below(NEGATIVE + 1)
    return fact._replace(
        verb=verb, verb_synonym=dice.below(SYNONYMS), object=world.phrase(dice, object, pole)
    )


def _untold(world: World, dice: Dice, fact: Fact, told: list[Fact]) -> Fact:
    """The fact with some roles changed, and none of those told."""
    while True:
        other, _ = world.change(dice, fact, 1 + dice.weighted(ROLES_UNTOLD))
        if _kinds(other) not in map(_kinds, told):
            return other


def _kinds(fact: Fact) -> tuple[int, int, int]:
    return fact.subject.kind, fact.verb, fact.object.kind
