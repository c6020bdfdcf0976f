"""An independent reader of the micro language: words to meaning, without using the code that wrote them."""

from typing import NamedTuple

from tickets.data.synthetic import vocabulary as v

NOUN = {
    word + ending: (kind, ending == "s")
    for kind, synonyms in enumerate(v.NOUNS)
    for word in synonyms
    for ending in ("", "s")
}
CATEGORY = {word + ending: (c, ending == "s") for c, word in enumerate(v.CATEGORIES) for ending in ("", "s")}
VERB = {
    word + ending: (kind, ending == "")
    for kind, synonyms in enumerate(v.VERBS)
    for word in synonyms
    for ending in ("", "s")
}
ADJECTIVE = {
    word: (d, pole)
    for d, poles in enumerate(v.ADJECTIVES)
    for pole, synonyms in enumerate(poles)
    for word in synonyms
}
PLACE = {word: place for place, synonyms in enumerate(v.PLACES) for word in synonyms}


class Np(NamedTuple):
    """kind is None for a category word."""

    kind: int | None
    category: int
    plural: bool
    adjective: tuple[int, int] | None

    def covers(self, other: "Np") -> bool:
        """Is everything this phrase says true of what `other` names?"""
        same_noun = self.category == other.category and self.kind in (None, other.kind)
        return same_noun and self.plural == other.plural and self.adjective in (None, other.adjective)


class Clause(NamedTuple):
    subject: Np | None
    verb: int | None
    object: Np | None
    place: int | None = None
    negated: bool = False
    asks: str = ""

    def follows_from(self, fact: "Clause") -> bool:
        """Does this clause hold whenever `fact` does? Missing parts claim nothing."""
        nouns = all(
            mine is None or (theirs is not None and mine.covers(theirs))
            for mine, theirs in ((self.subject, fact.subject), (self.object, fact.object))
        )
        place = self.place in (None, fact.place)
        return nouns and place and self.verb == fact.verb and self.negated == fact.negated


class Unreadable(Exception):
    pass


class Reader:
    def __init__(self, words):
        self.words, self.at = list(words), 0

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, *allowed):
        word = self.peek()
        if allowed and word not in allowed:
            raise Unreadable(f"{word!r} where one of {sorted(allowed)[:6]} is due in {self.words}")
        self.at += 1
        return word

    def noun_phrase(self):
        first = self.take("the", *ADJECTIVE)
        noun = self.take(*NOUN, *CATEGORY)
        adjective = ADJECTIVE.get(first)
        if noun in NOUN:
            kind, plural = NOUN[noun]
            return Np(kind, kind // 2, plural, adjective)
        category, plural = CATEGORY[noun]
        return Np(None, category, plural, adjective)

    def verb(self, plural):
        kind, is_plural = VERB[self.take(*VERB)]
        if is_plural != plural:
            raise Unreadable(f"agreement in {self.words}")
        return kind

    def place(self):
        if self.peek() != "in":
            return None
        self.take()
        return PLACE[self.take(*PLACE)]

    def done(self):
        if self.at != len(self.words):
            raise Unreadable(f"words left over in {self.words}")

    def clause(self):
        first = self.noun_phrase()
        be, do = ("are", "do") if first.plural else ("is", "does")
        if self.peek() in ("do", "does"):
            self.take(do)
            self.take("not")
            return Clause(first, self.verb(True), self.noun_phrase(), self.place(), True)
        if self.peek() in ("is", "are"):
            self.take(be)
            verb = self.verb(False)
            self.take("by")
            return Clause(self.noun_phrase(), verb, first, self.place())
        return Clause(first, self.verb(first.plural), self.noun_phrase(), self.place())


def read_fact(words):
    reader = Reader(words)
    clause = reader.clause()
    reader.done()
    return clause


def read_facts(words):
    """One or two clauses on one subject: `S V O and V2 O2`, without place or negation if two."""
    reader = Reader(words)
    first = reader.clause()
    if reader.at == len(reader.words):
        return [first]
    reader.take("and")
    second = Clause(first.subject, reader.verb(first.subject.plural), reader.noun_phrase())
    reader.done()
    return [first, second]


def read_partner_question(words):
    """The phrase given in `what and NP ?`."""
    reader = Reader(words)
    reader.take("what")
    reader.take("and")
    given = reader.noun_phrase()
    reader.take("?")
    reader.done()
    return given


def read_question(words):
    reader = Reader(words)
    asks = reader.take("who", "what", "where")
    if asks == "who":
        clause = Clause(None, reader.verb(False), reader.noun_phrase(), asks=asks)
    else:
        do = reader.take("do", "does")
        subject = reader.noun_phrase()
        if (do == "do") != subject.plural:
            raise Unreadable(f"agreement in {words}")
        verb = reader.verb(True)
        clause = Clause(subject, verb, reader.noun_phrase() if asks == "where" else None, asks=asks)
    reader.take("?")
    reader.done()
    return clause


def read_copular(words):
    """The noun phrase and what is said of it: [(dimension, pole)], `not` taken into account."""
    reader = Reader(words)
    subject = reader.noun_phrase()
    claims = []
    while True:
        reader.take("are" if subject.plural else "is")
        negated = reader.peek() == "not"
        if negated:
            reader.take()
        dimension, pole = ADJECTIVE[reader.take(*ADJECTIVE)]
        claims.append((dimension, 1 - pole if negated else pole))
        if reader.at == len(reader.words):
            return subject, claims
        reader.take("and")


def legal(world, clause):
    """Does the verb take these categories?"""
    return (
        clause.subject.category in world.subjects[clause.verb]
        and clause.object.category in world.objects[clause.verb]
    )


def acceptable(world, words):
    """Is this a sentence of the language: in form, agreement and selection?"""
    try:
        return legal(world, read_fact(words))
    except Unreadable:
        pass
    try:
        read_copular(words)
    except Unreadable:
        return False
    return True


def changed_roles(before, after):
    """Roles in which two clauses differ, category words counting as the same where they cover the noun."""

    def differ(a, b):
        return not (a.category == b.category and (a.kind == b.kind or None in (a.kind, b.kind)))

    roles = {"verb"} if before.verb != after.verb else set()
    for role in ("subject", "object"):
        a, b = getattr(before, role), getattr(after, role)
        if a is not None and b is not None and differ(a, b):
            roles.add(role)
    return roles
