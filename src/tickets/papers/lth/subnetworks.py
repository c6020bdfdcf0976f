"""Jobs that train given subnetworks: f(x; m * theta, gamma) for masks and weights that exist already."""

from pathlib import Path

import torch
from torch import Tensor

from tickets.jobs.context import Context
from tickets.jobs.files import publish, read_json, write_json
from tickets.jobs.records import finished
from tickets.models.body_file import load_body
from tickets.models.model import Model
from tickets.papers.lth.addresses import weights_file
from tickets.papers.lth.imp import State
from tickets.papers.lth.lab import ChainLab
from tickets.papers.lth.levels import resolve
from tickets.pruning.magnitude import one_shot
from tickets.pruning.mask import Mask, Shapes
from tickets.pruning.perturb import reinitialise, shuffle_elements, shuffle_layers
from tickets.pruning.random import random_mask
from tickets.spec import RunAddress, fingerprint
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed


def run_subnetworks(context: Context) -> None:
    """Train every run of the job once; runs whose resolved spec exists already are shared, not repeated."""
    lab = ChainLab(context)
    runs = context.job.runs
    context.progress.total = sum(lab.steps(address.task) for address in runs)
    for address in runs:
        train_subnetwork(lab, address)


def train_subnetwork(lab: ChainLab, address: RunAddress) -> None:
    """Train and record one run, unless an earlier attempt or an equal run has done so."""
    context, steps = lab.context, lab.steps(address.task)
    if finished(context, address, lab.identity.fingerprint(address)):
        context.progress.skip(steps, f"{address.folder}: finished earlier")
        return
    resolved = resolve(context, address)
    twin = _twin(lab, address, resolved)
    if twin is not None:
        _share(lab, address, resolved, twin)
        context.progress.skip(steps, f"{address.folder}: shared with {twin.folder}")
        return
    model, recipe = lab.model(address.task), lab.recipe(address.task)
    kept = mask_of(lab, model, resolved)
    heads = lab.fresh_heads(model, address.replicate, address.task, random=address.weights == "reinit")
    state = State(weights_of(lab, resolved), heads, kept)
    seed = lab.train_seed(resolved)
    warmup = int(recipe.warmup * steps)
    _, trained = lab.train(
        model,
        lab.objective(address.task, model, seed),
        recipe,
        state,
        LinearDecay(recipe.learning_rate, steps, warmup),
        steps,
        seed=seed,
        label=f"{address.source} -> {address.task} {address.weights}/{address.method} {resolved.level} %, "
        f"seed {address.replicate}",
        identity=fingerprint({"job": context.fingerprint, "run": address.facts()}),
    )
    evaluation = lab.judge(address.task, model)
    lab.keep(address, resolved, kept, evaluation, trained, start_file(resolved))
    if lab.checkpoint is not None:
        lab.checkpoint.clear()


def mask_of(lab: ChainLab, model: Model, resolved: RunAddress) -> Mask:
    """The mask of a run whose sparsity is known."""
    shapes = {name: torch.Size(shape) for name, shape in model.prunable.items()}
    sparsity = resolved.mask.sparsity
    assert sparsity is not None
    if sparsity == 0.0:
        return Mask.dense(shapes)
    if resolved.method == "random":
        return drawn_mask(lab.seed, resolved.task, resolved.level, resolved.replicate, shapes)
    if resolved.method == "oneshot":
        return one_shot({name: lab.context.pretrained().body[name] for name in shapes}, sparsity)
    return lab.context.mask(resolved.mask)


def drawn_mask(seed: int, task: str, level: str, replicate: int, shapes: Shapes) -> Mask:
    """The random mask of a task and replicate at a level ('70') under a preset's seed."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "random-mask", task, level, replicate))
    return random_mask(shapes, int(level) / 100, generator)


def weights_of(lab: ChainLab, resolved: RunAddress) -> dict[str, Tensor]:
    """The body that the run starts from; a new draw for each replicate where it is random (spec lth section 4)."""
    theta0 = dict(lab.context.pretrained().body)
    kind, replicate = resolved.weights, resolved.replicate
    if kind == "pretrained":
        return theta0
    generator = torch.Generator().manual_seed(derive_seed(lab.seed, kind, resolved.task, replicate))
    if kind == "reinit":
        return reinitialise(theta0, lab.context.pretrained().config.initializer_range, generator)
    if kind == "shuffled":
        return shuffle_layers(theta0, generator)
    if kind == "shuffled-elements":
        return shuffle_elements(theta0, generator)
    start = start_file(resolved)
    assert start is not None
    return load_body(lab.context.path(start))


def start_file(resolved: RunAddress) -> Path | None:
    """The weights that a rewound or standard-pruned subnetwork starts from; None where θ0 determines them."""
    if resolved.weights in ("pretrained", "reinit", "shuffled", "shuffled-elements"):
        return None
    return weights_file(resolved.weights, resolved.source, resolved.replicate)


def _twin(lab: ChainLab, address: RunAddress, resolved: RunAddress) -> RunAddress | None:
    """A run with the same resolved spec that this job made or was given."""
    if not address.rule:
        return None
    given = (run for cell in lab.context.job.plans() for run in cell.needs_runs)
    for candidate in given:
        if candidate == resolved:
            found = read_json(lab.context.path(candidate.metrics))["fingerprint"]
            return candidate if found == lab.identity.fingerprint(candidate) else None
    for candidate in lab.context.job.runs:
        same = candidate.at("") == resolved.at("") and candidate != address
        path = lab.context.results / candidate.metrics
        if same and path.exists() and read_json(path)["resolved"] == resolved.level:
            return candidate
    return None


def _share(lab: ChainLab, address: RunAddress, resolved: RunAddress, twin: RunAddress) -> None:
    """Record a run as the same as another: its numbers and predictions, under its own fingerprint."""
    source, target = lab.context.path(twin.metrics).parent, lab.context.results / address.folder
    own = {"fingerprint": lab.identity.fingerprint(address), "shared_with": twin.folder.as_posix()}
    metrics = read_json(source / "metrics.json") | own | {"resolved": resolved.level}
    certificate = read_json(source / "run.json")
    certificate["identity"] = {"fingerprint": own["fingerprint"], "spec": lab.identity.run(address)}
    certificate["shared_with"] = own["shared_with"]
    for name in ("predictions.safetensors", "predictions.json"):
        if (source / name).exists():
            publish(source / name, target / name)
    write_json(target / "run.json", certificate)
    write_json(Path(target / "metrics.json"), metrics)
