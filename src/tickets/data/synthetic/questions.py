"""Questions about a fact: the shared ground of QQP, QNLI, SQuAD and the pre-training documents."""

from tickets.data.synthetic.language import Fact, Phrase, Style, Words, what_words, who_words
from tickets.data.synthetic.language import phrase_words as _phrase_words

ASKED_ROLES = {"who": ("verb", "object"), "what": ("subject", "verb")}
"""Roles that a question mentions."""
QUESTION_STYLE = Style(category=0.1, drop=0.25, passive=0.0)


def question_words(fact: Fact, asks: str) -> Words:
    """The `who` or `what` question that `fact` answers."""
    return who_words(fact) if asks == "who" else what_words(fact)


def answer_phrase(fact: Fact, asks: str) -> Phrase:
    """What answers the `who` or `what` question about the fact."""
    return fact.subject if asks == "who" else fact.object


def partner_words(given: Phrase) -> Words:
    """`what and the dog ?`: asks for the other participant of a fact in which a dog takes part."""
    return "what", "and", *_phrase_words(given), "?"
