"""The rounds of a chain as jobs run them: one round's training, and chains that survive a kill."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from tickets.models.model import Model
from tickets.papers.lth.imp import Round, State, iterate
from tickets.papers.lth.lab import ChainLab
from tickets.papers.lth.settings import ChainPolicy
from tickets.pruning.mask import Mask
from tickets.spec import MaskAddress, RunAddress, fingerprint
from tickets.training import checkpoint as inflight
from tickets.training.loop import Trained
from tickets.training.recipe import Recipe
from tickets.training.schedule import LinearDecay

TrainRound = Callable[[int, State], tuple[State, Trained]]
SPAN_ROUNDS = 10


def train_round(
    lab: ChainLab,
    model: Model,
    address: RunAddress,
    state: State,
    schedule: LinearDecay,
    steps: int,
    first_step: int = 0,
) -> tuple[State, Trained]:
    """Train a round of a single task's chain; its address gives seed, label and identity."""
    seed = lab.train_seed(address)
    return lab.train(
        model,
        lab.objective(address.task, model, seed),
        lab.recipe(address.task),
        state,
        schedule,
        steps,
        seed=seed,
        label=f"{address.task} {address.method} {address.level} %, seed {address.replicate}",
        identity=fingerprint({"job": lab.context.fingerprint, "run": address.facts()}),
        first_step=first_step,
    )


def schedule_of(policy: ChainPolicy, recipe: Recipe, steps: int, index: int, begin: int = 0) -> LinearDecay:
    """Rate of a round: to 0 within it, or (release) a tenth of one decay over ten rounds (spec lth O13)."""
    warmup = int(recipe.warmup * steps)
    if policy.schedule == "round":
        return LinearDecay(recipe.learning_rate, steps, warmup, begin)
    continued = steps * index if policy.optimizer == "continued" else 0
    return LinearDecay(recipe.learning_rate, SPAN_ROUNDS * steps, warmup, continued + begin)


def save_mask(lab: ChainLab, address: MaskAddress, found: Mask) -> None:
    """Stage a mask under its address, with its spec."""
    facts = {"spec": lab.identity.mask(address), "fingerprint": lab.identity.fingerprint(address)}
    lab.save_mask(found, address.file, facts)


def resumable_chain(
    lab: ChainLab,
    key: tuple[Any, ...],
    policy: ChainPolicy,
    origin: State,
    rounds: int,
    train: TrainRound,
    steps: int,
) -> Iterator[Round]:
    """`iterate`, with the start of every round saved so that a killed job re-enters at the round it was in."""
    identity = fingerprint({"job": lab.context.fingerprint, "chain": [str(part) for part in key]})
    store = inflight.Checkpoint(lab.context.staging / "chains", identity, identity[:16])
    keeps_weights = not policy.rewind
    keeps_heads = keeps_weights or policy.head == "carry"

    behind: list[inflight.Checkpoint] = []

    def saved_train(index: int, state: State) -> tuple[State, Trained]:
        tensors = {"mask": state.mask.flat().to(torch.uint8)}
        parts = {"body": state.body if keeps_weights else {}, "heads": state.heads if keeps_heads else {}}
        for part, values in (*parts.items(), ("moments", state.moments or {})):
            tensors |= {f"{part}/{name}": value for name, value in values.items()}
        store.save(tensors, {"round": index})
        while behind:
            behind.pop().clear()
        trained = train(index, state)
        if lab.checkpoint is not None:
            behind.append(lab.checkpoint)
        return trained

    saved = store.load()
    resume = None
    if saved is not None:
        tensors, facts = saved
        kept = Mask.from_flat(tensors["mask"].bool(), {n: t.shape for n, t in origin.mask.items()})
        body = _part(tensors, "body") or origin.body
        heads = _part(tensors, "heads") or origin.heads
        resume = (facts["round"], State(body, heads, kept, _part(tensors, "moments") or None))
        lab.context.progress.skip(steps * facts["round"], f"{' '.join(map(str, key))}: finished rounds")
    yield from iterate(policy, origin, rounds, saved_train, resume)


def _part(tensors: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(f"{part}/"): t for name, t in tensors.items() if name.startswith(f"{part}/")}
