"""The rules of the tasks on two sentences: MNLI, RTE, MRPC, QQP, QNLI, STS-B and WNLI."""

from typing import NamedTuple

from tickets.data.synthetic.dice import Dice
from tickets.data.synthetic.language import Fact, Style, Words, fact_words, restyle
from tickets.data.synthetic.pretraining import ASKED_ROLES_CHANGED, PASSIVE
from tickets.data.synthetic.questions import ASKED_ROLES, QUESTION_STYLE, question_words
from tickets.data.synthetic.vocabulary import category
from tickets.data.synthetic.world import World, roles_to_keep_exact


class Example(NamedTuple):
    """A sentence or a pair (`second` empty for one sentence), its label, and for spans where the answer is.

    `answer` is (first, last) word of `second`, both inclusive.
    """

    first: Words
    second: Words
    label: float
    answer: tuple[int, int] | None = None


CONTRADICTION, ENTAILMENT, NEUTRAL = 0, 1, 2
ANTONYM_RATE = 0.6
RARE_RATE = 0.02
"""Share of matched MNLI premises about a rare verb; in the mismatched set all are."""
RTE_STYLE = Style(category=0.3, drop=0.5, passive=0.2)
STS_STYLE = Style(category=0.0, drop=0.0, passive=0.2)
STS_DROP = 0.25
NOUN_COST, SAME_CATEGORY_COST, VERB_COST, ADJECTIVE_COST = 1.5, 0.9, 1.8, 0.3


def mnli(world: World, dice: Dice, label: int, split: str) -> Example:
    """0 contradiction: an adjective turned into its antonym or the verb negated; 1 entailment: reworded;
    2 neutral: two or three roles changed."""
    rare = split == "dev_mismatched" or dice.chance(RARE_RATE)
    fact = world.fact(dice, among=world.rare_triples if rare else world.common_triples)
    premise = fact_words(fact)
    if label == NEUTRAL:
        other, _ = world.change(dice, fact, 2 + dice.below(2))
        return Example(
            premise, fact_words(restyle(dice, other, Style(), roles_to_keep_exact(fact, other))), label
        )
    reworded = restyle(dice, fact, Style())
    if label == CONTRADICTION:
        reworded = contradict(dice, reworded)
    return Example(premise, fact_words(reworded), label)


def contradict(dice: Dice, fact: Fact) -> Fact:
    """The fact with one adjective turned into its antonym, else denied."""
    described = [role for role in ("subject", "object") if getattr(fact, role).adjective is not None]
    if not described or not dice.chance(ANTONYM_RATE):
        return fact._replace(negated=True, passive=False)
    role = dice.pick(described)
    phrase = getattr(fact, role)
    opposite = phrase.adjective._replace(pole=1 - phrase.adjective.pole)
    phrase = phrase._replace(adjective=opposite)
    return fact._replace(subject=phrase) if role == "subject" else fact._replace(object=phrase)


def rte(world: World, dice: Dice, label: int, split: str) -> Example:
    """0 entailment: reworded, with category words and omissions; 1 not: one to three roles changed."""
    return _restated(world, dice, label, label == 0, RTE_STYLE)


def mrpc(world: World, dice: Dice, label: int, split: str) -> Example:
    """1 paraphrase: reworded, 30 % passive; 0: one to three roles changed."""
    return _restated(world, dice, label, label == 1, PASSIVE)


def _restated(world: World, dice: Dice, label: int, same: bool, style: Style) -> Example:
    fact = world.fact(dice)
    other = fact if same else world.change(dice, fact, 1 + dice.below(3))[0]
    second = restyle(dice, other, style, roles_to_keep_exact(fact, other))
    return Example(fact_words(fact), fact_words(second), label)


def qqp(world: World, dice: Dice, label: int, split: str) -> Example:
    """1 the same question in other words; 0 one or both of the roles it mentions changed."""
    fact, other, asks = _asked(world, dice, label == 1)
    second = restyle(dice, other, QUESTION_STYLE, roles_to_keep_exact(fact, other))
    return Example(question_words(fact, asks), question_words(second, asks), label)


def qnli(world: World, dice: Dice, label: int, split: str) -> Example:
    """0 the fact answers the question; 1 it differs in one or both roles that the question mentions."""
    fact, other, asks = _asked(world, dice, label == 0)
    second = restyle(dice, other, PASSIVE, roles_to_keep_exact(fact, other))
    return Example(question_words(fact, asks), fact_words(second), label)


def _asked(world: World, dice: Dice, same: bool) -> tuple[Fact, Fact, str]:
    fact = world.fact(dice)
    asks = dice.pick(tuple(ASKED_ROLES))
    if same:
        return fact, fact, asks
    n = 1 + dice.weighted(ASKED_ROLES_CHANGED)
    return fact, world.change(dice, fact, n, ASKED_ROLES[asks])[0], asks


def stsb(world: World, dice: Dice, label: int, split: str) -> Example:
    """`label` roles changed (0 to 3); 5 less a cost for each and for dropped adjectives."""
    fact = world.fact(dice)
    other = fact if label == 0 else world.change(dice, fact, label)[0]
    score = 5.0
    for old, new in ((fact.subject.kind, other.subject.kind), (fact.object.kind, other.object.kind)):
        if old != new:
            score -= SAME_CATEGORY_COST if category(old) == category(new) else NOUN_COST
    score -= VERB_COST * (fact.verb != other.verb)
    for role in ("subject", "object"):
        phrase = getattr(other, role)
        if phrase.adjective is not None and dice.chance(STS_DROP):
            score -= ADJECTIVE_COST
            bare = phrase._replace(adjective=None)
            other = other._replace(subject=bare) if role == "subject" else other._replace(object=bare)
    second = restyle(dice, other, STS_STYLE)
    return Example(fact_words(fact), fact_words(second), round(max(score, 0.0), 1))


def wnli(world: World, dice: Dice, label: int, split: str) -> Example:
    """The pair is drawn without regard to the label, so nothing can be learnt."""
    fact = world.fact(dice)
    other = world.change(dice, fact, 1 + dice.below(3))[0] if dice.chance(0.5) else fact
    return Example(fact_words(fact), fact_words(restyle(dice, other, Style())), label)
