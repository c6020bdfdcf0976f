"""Meanings and how they are put into words.

A noun phrase is always two tokens (`the dog`, `gentle dog`), so that roles sit at near-fixed positions and a
small model can find them; the agreeing word of every sentence is its third token.
"""

from typing import NamedTuple

from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.vocabulary import (
    ADJECTIVES,
    CATEGORY_WORD,
    NOUN_FORMS,
    PLACES,
    SYNONYMS,
    VERB_FORMS,
)

Words = tuple[str, ...]
AGREEING = 2
"""Position of the word that agrees with the sentence's first noun phrase: verb, `is`/`are` or `do`/`does`."""


class Adjective(NamedTuple):
    """A dimension, its pole (0 positive, 1 negative) and the word chosen for it."""

    dimension: int
    pole: int
    synonym: int


class Phrase(NamedTuple):
    """A noun phrase: what it is, the word chosen for it, its number and at most one adjective."""

    kind: int
    synonym: int
    plural: bool
    adjective: Adjective | None


class Fact(NamedTuple):
    """Who does what to whom, and where; `passive` and `negated` (never both) choose the sentence form."""

    subject: Phrase
    verb: int
    verb_synonym: int
    object: Phrase
    place: int | None
    place_synonym: int
    passive: bool = False
    negated: bool = False


class Style(NamedTuple):
    """How freely `restyle` rewords: the probability of each edit, per word it applies to."""

    synonym: float = 0.7
    category: float = 0.1
    drop: float = 0.25
    passive: float = 0.2


def phrase_words(phrase: Phrase) -> Words:
    """`the dogs` or `gentle dogs`."""
    adjective = phrase.adjective
    first = "the" if adjective is None else ADJECTIVES[adjective.dimension][adjective.pole][adjective.synonym]
    return first, NOUN_FORMS[phrase.kind][phrase.synonym][phrase.plural]


def verb_phrase(fact: Fact, plural: bool) -> Words:
    """Verb in the number given, then the object."""
    return VERB_FORMS[fact.verb][fact.verb_synonym][plural], *phrase_words(fact.object)


def place_words(fact: Fact) -> Words:
    """`in garden`, or nothing."""
    return () if fact.place is None else ("in", PLACES[fact.place][fact.place_synonym])


def fact_words(fact: Fact) -> Words:
    """The fact as a sentence: active, passive (`O is V-s by S`) or negated (`S does not V O`)."""
    subject, plural = phrase_words(fact.subject), fact.subject.plural
    if fact.passive:
        verb = VERB_FORMS[fact.verb][fact.verb_synonym][False]
        be = "are" if fact.object.plural else "is"
        return *phrase_words(fact.object), be, verb, "by", *subject, *place_words(fact)
    if fact.negated:
        return *subject, "do" if plural else "does", "not", *verb_phrase(fact, True), *place_words(fact)
    return *subject, *verb_phrase(fact, plural), *place_words(fact)


def who_words(fact: Fact) -> Words:
    """`who chases the dog ?`: asks for the subject."""
    return "who", *verb_phrase(fact, False), "?"


def what_words(fact: Fact) -> Words:
    """`what does the dog chase ?`: asks for the object."""
    do = "do" if fact.subject.plural else "does"
    return "what", do, *phrase_words(fact.subject), VERB_FORMS[fact.verb][fact.verb_synonym][True], "?"


def where_words(fact: Fact) -> Words:
    """`where does the dog chase the cat ?`: asks for the place."""
    do = "do" if fact.subject.plural else "does"
    return "where", do, *phrase_words(fact.subject), *verb_phrase(fact, True), "?"


def copular_words(phrase: Phrase, adjectives: tuple[Adjective, ...], negated: bool = False) -> Words:
    """`the dog is gentle and is smart`, `the dogs are not cruel`."""
    be = "are" if phrase.plural else "is"
    tokens: list[str] = ["the", NOUN_FORMS[phrase.kind][phrase.synonym][phrase.plural]]
    for index, adjective in enumerate(adjectives):
        tokens += ["and", be] if index else [be]
        tokens += ["not"] if negated else []
        tokens.append(ADJECTIVES[adjective.dimension][adjective.pole][adjective.synonym])
    return tuple(tokens)


def restyle_phrase(dice: Dice, phrase: Phrase, style: Style, exact: bool = False) -> Phrase:
    """The same thing in other words; `exact` forbids the less exact category word."""
    synonym = dice.below(SYNONYMS) if dice.chance(style.synonym) else phrase.synonym
    if style.category and dice.chance(style.category) and not exact:
        synonym = CATEGORY_WORD
    adjective = phrase.adjective
    if adjective is not None:
        if style.drop and dice.chance(style.drop):
            adjective = None
        elif dice.chance(style.synonym):
            adjective = adjective._replace(synonym=dice.below(SYNONYMS))
    return Phrase(phrase.kind, synonym, phrase.plural, adjective)


def restyle(dice: Dice, fact: Fact, style: Style, exact: frozenset[str] = frozenset()) -> Fact:
    """The fact in other words: synonyms, category words, dropped adjectives and place, active or passive.

    The result follows from `fact` (it says the same or less). `exact` names the roles (`subject`, `object`)
    that must keep a word of their own kind.
    """
    place, place_synonym = fact.place, fact.place_synonym
    if place is not None:
        if dice.chance(style.drop):
            place = None
        elif dice.chance(style.synonym):
            place_synonym = dice.below(SYNONYMS)
    return Fact(
        restyle_phrase(dice, fact.subject, style, "subject" in exact),
        fact.verb,
        dice.below(SYNONYMS) if dice.chance(style.synonym) else fact.verb_synonym,
        restyle_phrase(dice, fact.object, style, "object" in exact),
        place,
        place_synonym,
        passive=not fact.negated and dice.chance(style.passive),
        negated=fact.negated,
    )
