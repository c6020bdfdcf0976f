"""A world: which kinds of thing may do what to which, drawn from a seed.

Every verb takes subjects of two categories and objects of two, and has two typical places; every category can
be described along four of the six adjective dimensions. The draw is balanced (each category serves equally
many verbs), so that worlds of different seeds are about equally hard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.language import Adjective, Fact, Phrase
from tickets.data.synthetic.vocabulary import (
    ADJECTIVES,
    AGENTS,
    CATEGORIES,
    KINDS_PER_CATEGORY,
    NEGATIVE,
    NOUNS,
    PLACES,
    SYNONYMS,
    VERBS,
    category,
)

ROLES = ("subject", "verb", "object")
Roles = frozenset[str]
Triple = tuple[int, int, int]

ADJECTIVE_RATE, PLACE_RATE, TYPICAL_PLACE_RATE, PLURAL_RATE = 0.5, 0.3, 0.85, 0.5
RARE_VERBS = 2
"""Verbs that the training facts of MNLI hardly use: the domain of its mismatched set."""


@dataclass(frozen=True)
class World:
    """The rules of one world: kinds, categories, places and dimensions are indices into `vocabulary`.

    subjects, objects, places  by verb: the categories it takes, its typical places
    dimensions                 by category: the adjective dimensions said of it
    triples                    every legal (subject, verb, object), also split by whether the verb is rare
    """

    seed: int
    subjects: tuple[tuple[int, ...], ...]
    objects: tuple[tuple[int, ...], ...]
    places: tuple[tuple[int, ...], ...]
    dimensions: tuple[tuple[int, ...], ...]
    rare_verbs: tuple[int, ...]
    triples: tuple[Triple, ...]
    rare_triples: tuple[Triple, ...]
    common_triples: tuple[Triple, ...]

    @classmethod
    def draw(cls, seed: int) -> "World":
        """The world of a seed (a non-negative integer)."""
        dice = Dice(seed, 0)
        n_verbs = len(VERBS)
        subjects = _balanced(dice, n_verbs, AGENTS, 2)
        objects = _balanced(dice, n_verbs, len(CATEGORIES), 2)
        places = _balanced(dice, n_verbs, len(PLACES), 2)
        dimensions = tuple(
            tuple(sorted(dice.sample(range(len(ADJECTIVES)), 4))) for _ in range(len(CATEGORIES))
        )
        rare = tuple(sorted(dice.sample(range(n_verbs), RARE_VERBS)))
        triples = tuple(
            (s, v, o)
            for v in range(n_verbs)
            for s in _kinds(subjects[v])
            for o in _kinds(objects[v])
            if s != o
        )
        of_rare = tuple(triple for triple in triples if triple[1] in rare)
        of_common = tuple(triple for triple in triples if triple[1] not in rare)
        return cls(seed, subjects, objects, places, dimensions, rare, triples, of_rare, of_common)

    def adjective(self, dice: Dice, kind: int, pole: int) -> Adjective:
        """An adjective of the pole that can be said of the noun kind."""
        return Adjective(dice.pick(self.dimensions[category(kind)]), pole, dice.below(SYNONYMS))

    def phrase(self, dice: Dice, kind: int, pole: int, rate: float = ADJECTIVE_RATE) -> Phrase:
        """A noun phrase on the kind; its adjective, if any, takes the pole of its document."""
        adjective = self.adjective(dice, kind, pole) if dice.chance(rate) else None
        return Phrase(kind, dice.below(SYNONYMS), dice.chance(PLURAL_RATE), adjective)

    def fact(
        self,
        dice: Dice,
        pole: int | None = None,
        among: tuple[Triple, ...] | None = None,
        rate: float | None = None,
    ) -> Fact:
        """A legal fact of one sentiment (`pole`, else random), from the triples `among` (else from all)."""
        subject, verb, object = dice.pick(self.triples if among is None else among)
        pole = dice.below(NEGATIVE + 1) if pole is None else pole
        rate = ADJECTIVE_RATE if rate is None else rate
        place = None
        if dice.chance(PLACE_RATE):
            typical = dice.chance(TYPICAL_PLACE_RATE)
            place = dice.pick(self.places[verb]) if typical else dice.below(len(PLACES))
        return Fact(
            self.phrase(dice, subject, pole, rate),
            verb,
            dice.below(SYNONYMS),
            self.phrase(dice, object, pole, rate),
            place,
            dice.below(SYNONYMS),
        )

    def change(self, dice: Dice, fact: Fact, n: int, within: tuple[str, ...] = ROLES) -> tuple[Fact, Roles]:
        """Replace `n` of the roles `within` by other legal kinds; roles outside `within` may change as well.

        Returns the fact and the roles among `within` that changed. Where no legal fact differs in exactly `n`
        of these roles, one that differs in more is taken.
        """
        for size in range(n, len(within) + 1):
            for roles in dice.shuffled(tuple(combinations(within, size))):
                found = self._alternatives(fact, frozenset(roles), frozenset(within) - frozenset(roles))
                if found:
                    return self._replace(dice, fact, dice.pick(found)), frozenset(roles)
        raise AssertionError(f"no legal change of {fact} within {within}")

    def _alternatives(self, fact: Fact, differ: Roles, same: Roles) -> Sequence[Triple]:
        old = (fact.subject.kind, fact.verb, fact.object.kind)
        found: Sequence[Triple] = self.triples
        for index, role in enumerate(ROLES):
            if role in same:
                found = [new for new in found if new[index] == old[index]]
            elif role in differ:
                found = [new for new in found if new[index] != old[index]]
        return found

    def _replace(self, dice: Dice, fact: Fact, new: Triple) -> Fact:
        subject = self._rename(dice, fact.subject, new[0])
        synonym = fact.verb_synonym if new[1] == fact.verb else dice.below(SYNONYMS)
        object = self._rename(dice, fact.object, new[2])
        return fact._replace(subject=subject, verb=new[1], verb_synonym=synonym, object=object)

    def _rename(self, dice: Dice, phrase: Phrase, kind: int) -> Phrase:
        if kind == phrase.kind:
            return phrase
        adjective = phrase.adjective
        if adjective is not None and adjective.dimension not in self.dimensions[category(kind)]:
            adjective = self.adjective(dice, kind, adjective.pole)
        return Phrase(kind, dice.below(SYNONYMS), phrase.plural, adjective)


def roles_to_keep_exact(before: Fact, after: Fact) -> Roles:
    """Noun roles that changed inside their category: there a category word would hide the change."""
    pairs = {
        "subject": (before.subject.kind, after.subject.kind),
        "object": (before.object.kind, after.object.kind),
    }
    return frozenset(
        role for role, (old, new) in pairs.items() if old != new and category(old) == category(new)
    )


def noun_kinds() -> range:
    """All noun kinds."""
    return range(len(NOUNS))


def _kinds(categories: tuple[int, ...]) -> list[int]:
    return [kind for c in categories for kind in range(c * KINDS_PER_CATEGORY, (c + 1) * KINDS_PER_CATEGORY)]


def _balanced(dice: Dice, rows: int, values: int, k: int) -> tuple[tuple[int, ...], ...]:
    """`rows` sets of `k` different values, each value in equally many of them."""
    slots = [value for value in range(values) for _ in range(rows * k // values)]
    while True:
        drawn = dice.shuffled(slots)
        sets = [tuple(sorted(drawn[i * k : (i + 1) * k])) for i in range(rows)]
        if all(len(set(one)) == k for one in sets):
            return tuple(sets)
