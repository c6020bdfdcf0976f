"""The words of the micro language: kinds of noun, verb, adjective and place, and four synonyms of each.

Words are English so that a person can read the sentences, but what they may be combined with is drawn from a
seed (`world`), not taken from English. A *kind* is a meaning; its synonyms are interchangeable.
"""

PAD, UNK, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = (PAD, UNK, CLS, SEP, MASK)
FUNCTION = ("the", "is", "are", "not", "do", "does", "who", "what", "where", "?", "and", "in", "by")

SYNONYMS = 4
CATEGORY_WORD = SYNONYMS
"""The "synonym" of a noun that stands for its category word (`doctor` -> `person`): true, but less exact."""

CATEGORIES = ("person", "animal", "machine", "group", "food", "tool", "garment", "building")
AGENTS = 4
"""The first four categories can be subjects."""

NOUNS = (
    ("doctor", "medic", "physician", "surgeon"),
    ("teacher", "tutor", "instructor", "educator"),
    ("dog", "hound", "mutt", "pup"),
    ("horse", "colt", "stallion", "mare"),
    ("robot", "android", "droid", "automaton"),
    ("drone", "copter", "glider", "flyer"),
    ("team", "squad", "crew", "unit"),
    ("band", "choir", "orchestra", "ensemble"),
    ("apple", "pear", "plum", "grape"),
    ("loaf", "bun", "roll", "bagel"),
    ("hammer", "mallet", "gavel", "club"),
    ("blade", "dagger", "sword", "sabre"),
    ("coat", "jacket", "parka", "cloak"),
    ("hat", "cap", "beret", "bonnet"),
    ("house", "cottage", "cabin", "villa"),
    ("tower", "spire", "turret", "steeple"),
)
VERBS = (
    ("chase", "pursue", "follow", "hunt"),
    ("see", "spot", "notice", "view"),
    ("lift", "hoist", "raise", "heave"),
    ("hit", "strike", "kick", "beat"),
    ("clean", "scrub", "rinse", "sweep"),
    ("sell", "trade", "vend", "peddle"),
    ("mend", "repair", "restore", "renew"),
    ("praise", "admire", "honor", "applaud"),
)
POSITIVE, NEGATIVE = 0, 1
ADJECTIVES = (
    (("good", "great", "fine", "superb"), ("bad", "poor", "awful", "lousy")),
    (("kind", "gentle", "caring", "tender"), ("cruel", "mean", "harsh", "nasty")),
    (("pretty", "lovely", "gorgeous", "handsome"), ("ugly", "hideous", "unsightly", "grim")),
    (("smart", "clever", "bright", "wise"), ("stupid", "foolish", "dumb", "silly")),
    (("tidy", "neat", "pure", "spotless"), ("dirty", "filthy", "messy", "grimy")),
    (("sturdy", "solid", "robust", "durable"), ("flimsy", "fragile", "shaky", "brittle")),
)
"""[dimension][pole][synonym]; every adjective is evaluative."""
PLACES = (
    ("garden", "yard", "park", "meadow"),
    ("school", "academy", "college", "campus"),
    ("harbor", "port", "dock", "pier"),
    ("market", "bazaar", "mall", "fair"),
)

KINDS_PER_CATEGORY = len(NOUNS) // len(CATEGORIES)


def _number(word: str) -> tuple[str, str]:
    return word, f"{word}s"


NOUN_FORMS = tuple(
    tuple(_number(word) for word in (*synonyms, CATEGORIES[kind // KINDS_PER_CATEGORY]))
    for kind, synonyms in enumerate(NOUNS)
)
"""[kind][synonym or CATEGORY_WORD][plural]."""
VERB_FORMS = tuple(tuple((f"{word}s", word) for word in synonyms) for synonyms in VERBS)
"""[kind][synonym][subject is plural]; the first form also serves the passive (`is chases by`)."""


def category(noun_kind: int) -> int:
    """The category of a noun kind."""
    return noun_kind // KINDS_PER_CATEGORY


def words() -> tuple[str, ...]:
    """All tokens in the order of their ids; `[PAD]` is 0. One a line, this is a BERT `vocab.txt`."""
    nouns = [form for word in sum(NOUNS, ()) for form in _number(word)]
    categories = [form for word in CATEGORIES for form in _number(word)]
    verbs = [form for synonyms in VERB_FORMS for forms in synonyms for form in forms]
    adjectives = [word for poles in ADJECTIVES for synonyms in poles for word in synonyms]
    places = [word for synonyms in PLACES for word in synonyms]
    return (*SPECIAL, *FUNCTION, *nouns, *categories, *verbs, *adjectives, *places)
