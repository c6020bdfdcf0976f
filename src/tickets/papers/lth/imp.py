"""Iterative magnitude pruning, as in Algorithm 1 of Chen et al. 2020 (spec lth section 3).

theta <- theta_i ; m <- 1
for k = 0, 1, ..., rounds:
    train m * theta on the task            # this run is the evaluation of m
    prune 10 % of the original weights, the smallest |theta_t| among the survivors, globally
    theta <- theta_i                       # rewind (unless the policy says otherwise)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from tickets.papers.lth.settings import ChainPolicy
from tickets.pruning.magnitude import imp_fraction, prune_global
from tickets.pruning.mask import Mask
from tickets.training.loop import Trained

Weights = Mapping[str, Tensor]
REMAINING_FRACTION = 0.1


@dataclass(frozen=True)
class State:
    """What a round starts from: body theta, heads gamma, mask, and Adam's moments where they continue."""

    body: Weights
    heads: Weights
    mask: Mask
    moments: Weights | None = None


@dataclass(frozen=True)
class Round:
    """A finished round k: the state it started from, the weights it ended with, and what it cost."""

    index: int
    start: State
    trained: State
    facts: Trained


def next_state(policy: ChainPolicy, index: int, origin: State, trained: State) -> State:
    """Prune after round `index` and rewind as the policy says."""
    weights = {name: trained.body[name] for name in trained.mask}
    fraction = imp_fraction(index) if policy.amount == "original" else REMAINING_FRACTION
    mask = prune_global(weights, trained.mask, fraction)
    return State(
        origin.body if policy.rewind else trained.body,
        origin.heads if policy.head == "reset" and policy.rewind else trained.heads,
        mask,
        trained.moments if policy.optimizer == "continued" else None,
    )


def iterate(
    policy: ChainPolicy,
    origin: State,
    rounds: int,
    train: Callable[[int, State], tuple[State, Trained]],
    resume: tuple[int, State] | None = None,
) -> Iterator[Round]:
    """Yield rounds 0 to `rounds`; round k trains under the mask of sparsity 10 k %.

    With `prune_first`, round k trains under 10 (k + 1) %. `resume` enters at a later round's start.
    """
    first, state = resume or (0, origin)
    ahead = 1 if policy.prune_first else 0
    if policy.prune_first and resume is None:
        state = replace(state, mask=next_state(policy, 0, origin, origin).mask)
    for index in range(first, rounds + 1):
        trained, facts = train(index, state)
        yield Round(index, state, trained, facts)
        if index < rounds:
            state = next_state(policy, index + ahead, origin, trained)
