"""The rules of CoLA, SST-2 and SQuAD."""

from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.language import (
    AGREEING,
    Adjective,
    Fact,
    Phrase,
    Words,
    copular_words,
    fact_words,
    phrase_words,
    restyle,
    where_words,
)
from tickets.data.synthetic.pair_tasks import Example
from tickets.data.synthetic.questions import QUESTION_STYLE, answer_phrase, partner_words, question_words
from tickets.data.synthetic.vocabulary import (
    NEGATIVE,
    POSITIVE,
    SYNONYMS,
    VERB_FORMS,
    category,
)
from tickets.data.synthetic.world import World, noun_kinds

NEGATED_RATE = 0.5
"""Share of `not` in copular sentences."""
COLA_FAULTS = (0.60, 0.20, 0.20)
"""Probability of a fault of agreement, of selection, of order."""
OTHER_NUMBER = {"is": "are", "are": "is", "do": "does", "does": "do"} | {
    form: forms[1 - index] for kind in VERB_FORMS for forms in kind for index, form in enumerate(forms)
}
SST_TRAIN_SYNONYMS = (0,)
SST_FACT_RATE, SST_PASSIVE_RATE = 0.65, 0.3
"""Adjectives seen in SST-2's train split; dev and test use all four synonyms."""
SQUAD_KINDS, SQUAD_SHARES = ("partner", "plain", "where"), (0.6, 0.2, 0.2)
SQUAD_PASSIVE_RATE = 0.35
BOTH = frozenset({"subject", "object"})


def cola(world: World, dice: Dice, label: int, split: str) -> Example:
    """1 a good sentence; 0 wrong agreement, forbidden subject and object, or two words swapped."""
    fault = None if label == 1 else ("agreement", "selection", "order")[dice.weighted(COLA_FAULTS)]
    if fault != "selection" and dice.chance(0.3):
        words = _copular(world, dice, dice.below(NEGATIVE + 1), range(SYNONYMS))
    else:
        fact = world.fact(dice)
        fact = _misselect(world, dice, fact) if fault == "selection" else fact
        form = dice.below(3)
        words = fact_words(fact._replace(passive=form == 1, negated=form == 2))
    if fault == "agreement":
        words = (*words[:AGREEING], OTHER_NUMBER[words[AGREEING]], *words[AGREEING + 1 :])
    if fault == "order":
        at = dice.below(len(words) - 1)
        words = (*words[:at], words[at + 1], words[at], *words[at + 2 :])
    return Example(words, (), label)


def _misselect(world: World, dice: Dice, fact: Fact) -> Fact:
    """The fact with a subject and an object that its verb does not take."""
    kinds = [
        dice.pick([kind for kind in noun_kinds() if category(kind) not in allowed])
        for allowed in (world.subjects[fact.verb], world.objects[fact.verb])
    ]
    pole = dice.below(NEGATIVE + 1)
    return fact._replace(
        subject=world.phrase(dice, kinds[0], pole), object=world.phrase(dice, kinds[1], pole)
    )


def _copular(world: World, dice: Dice, pole: int, synonyms: tuple[int, ...] | range) -> Words:
    """`the N is ADJ` or `the N is not ANTONYM`, of the sentiment `pole`."""
    kind = dice.pick(noun_kinds())
    negated = dice.chance(NEGATED_RATE)
    dimension = dice.pick(world.dimensions[category(kind)])
    adjective = Adjective(dimension, 1 - pole if negated else pole, dice.pick(synonyms))
    return copular_words(world.phrase(dice, kind, pole, rate=0.0), (adjective,), negated)


def sst2(world: World, dice: Dice, label: int, split: str) -> Example:
    """1 positive, 0 negative: a copular sentence, or a fact in which the sentiment of whoever acts decides.

    Subject and object of a fact are of opposite sentiment and a third of the facts is passive, so that a bag of
    words, which random pruning leaves intact, does not do.
    """
    synonyms = SST_TRAIN_SYNONYMS if split == "train" else tuple(range(SYNONYMS))
    pole = POSITIVE if label == 1 else NEGATIVE
    if not dice.chance(SST_FACT_RATE):
        return Example(_copular(world, dice, pole, synonyms), (), label)
    fact = world.fact(dice, pole, rate=1.0)
    fact = fact._replace(
        subject=_judge(dice, fact.subject, pole, synonyms),
        object=_judge(dice, fact.object, 1 - pole, synonyms),
        passive=dice.chance(SST_PASSIVE_RATE),
    )
    return Example(fact_words(fact), (), label)


def _judge(dice: Dice, phrase: Phrase, pole: int, synonyms: tuple[int, ...]) -> Phrase:
    assert phrase.adjective is not None
    return phrase._replace(adjective=Adjective(phrase.adjective.dimension, pole, dice.pick(synonyms)))


def squad(world: World, dice: Dice, label: int, split: str) -> Example:
    """A question on one fact: mostly "which phrase goes with this one?", else `who`, `what` or `where`.

    The form of the question alone gives away the answers of the latter, but not of the former: there the phrase
    in the question must be recognised, in other words, as the subject or the object.
    """
    kind = SQUAD_KINDS[dice.weighted(SQUAD_SHARES)]
    fact = world.fact(dice)
    while kind == "where" and fact.place is None:
        fact = world.fact(dice)
    context = fact_words(fact._replace(passive=dice.chance(SQUAD_PASSIVE_RATE)))
    alike = category(fact.subject.kind) == category(fact.object.kind)
    reworded = restyle(dice, fact, QUESTION_STYLE, BOTH if alike else frozenset())
    if kind == "where":
        return Example(where_words(reworded), context, 0, (len(context) - 1, len(context) - 1))
    asks = dice.pick(("who", "what"))
    given = reworded.object if asks == "who" else reworded.subject
    question = partner_words(given) if kind == "partner" else question_words(reworded, asks)
    answer = phrase_words(answer_phrase(fact, asks))
    at = next(i for i in range(len(context) - 1) if context[i : i + 2] == answer)
    return Example(question, context, 0, (at + (answer[0] == "the"), at + 1))
