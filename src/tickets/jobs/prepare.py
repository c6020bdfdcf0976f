"""Jobs before any experiment: encode the data of a task, and bring theta_0 into place."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from tickets.config import Config, ModelSection
from tickets.data.encoded import EncodedTask
from tickets.data.tasks import STREAMS
from tickets.errors import TicketsError
from tickets.grid import data_file
from tickets.jobs.files import copy, write_json
from tickets.jobs.identity import model_identity
from tickets.jobs.records import circumstances
from tickets.models.heads import Head, initial_values
from tickets.models.hf import WEIGHTS, Checkpoint, load_folder, load_state, save_folder
from tickets.models.model import Model
from tickets.permissions import open_to_readers
from tickets.training import checkpoint as inflight
from tickets.training.evaluate import predict, predict_words
from tickets.training.interrupt import stop_on_signals
from tickets.training.loop import Trained, Watch, train
from tickets.training.objective import PretrainingObjective
from tickets.training.progress import Progress
from tickets.training.resident import Resident
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed


def encode(config: Config, task: str, max_length: int, role: str = "") -> Path:
    """Write the encoded data of a task of the preset, cut to `max_length` tokens; returns the file.

    role  a model with a tokenizer of its own; without one, the tokenizer is that of the role 'base'.
    Raises `TicketsError` for a role that reads the data of 'base'.
    """
    preset = config.settings
    if role and role not in preset.own_tokenizers:
        raise TicketsError(
            f"the model '{role}' has no tokenizer of its own, it reads the data of 'base'. Leave the role out, "
            f"or set presets.{config.preset}.models.{role}.tokenizer to 'own'."
        )
    out = config.root / data_file(task, max_length, role)
    if preset.data.source == "synthetic":
        from tickets.data.synthetic.build import build_task

        build_task(task, preset.data.world_seed, preset.data.sizes.get(task)).save(out)
        return out
    from tickets.data.sources import build_real_task
    from tickets.data.tokenization import load_tokenizer

    model = preset.model_of(role or "base")
    most = preset.data.wikitext_sequences if task in STREAMS else preset.data.mlm_sequences
    build_real_task(
        task,
        tokenizer=load_tokenizer(model.path or model.hub or "", model.revision),
        data_path=preset.data.path,
        revision=preset.data.revision,
        max_length=max_length,
        files=preset.data.files.get(task),
        max_rows={"train": most} if most else None,
    ).save(out)
    return out


def place_model(config: Config, role: str = "base") -> Path:
    """Pre-train the model of a role, or copy it from a local folder or the hub; returns its folder."""
    model, out = config.settings.model_of(role), config.root / config.settings.model_folder(role)
    if model.shape is not None:
        pretrain(config, role, out)
        return out
    source = model.path if model.path is not None else _download(model)
    load_folder(source)  # refuses what is not a complete BERT or RoBERTa before anything is copied
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.suffix in (".json", ".txt") and not path.name.endswith(".index.json"):
            copy(path, out / path.name)
    if (source / WEIGHTS).exists():
        copy(source / WEIGHTS, out / WEIGHTS)
    else:  # shards or pickled tensors: one file of the usual name, whose hash then stands for theta_0
        part = out / f"{WEIGHTS}.part"
        save_file({k: v.clone().contiguous() for k, v in load_state(source).items()}, part, {"format": "pt"})
        open_to_readers(part)
        part.replace(out / WEIGHTS)
    identity = {"fingerprint": model_identity(config, role)}
    write_json(out / "run.json", {"identity": identity, "source": str(source)})
    return out


def _download(model: ModelSection) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        patterns = ["*.json", "*.txt", "model.safetensors"]
        return Path(snapshot_download(model.hub or "", revision=model.revision, allow_patterns=patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise TicketsError(
            f"model '{model.hub}' at revision {model.revision} cannot be downloaded ({type(error).__name__}). "
            "Check the network, or download the folder elsewhere and name it as model.path in config.yaml."
        ) from None


def pretrain(config: Config, role: str, out: Path) -> None:
    """Pre-train a small BERT or RoBERTa on the synthetic language and save it for transformers.

    Design and limits: docs/explanation/micro-world.md.
    """
    from tickets.data.synthetic.build import build_pretraining, vocabulary

    preset = config.settings
    torch.set_num_threads(preset.execution.threads)
    section = preset.model_of(role)
    settings, shape = section.pretraining, section.shape
    assert settings is not None
    assert shape is not None
    data = build_pretraining(preset.data.world_seed, settings.pairs)
    words = vocabulary()
    heads = (Head("mlm"),) if shape.family == "roberta" else (Head("mlm"), Head("nsp", 2))
    model = Model(shape.encoder(len(words)), heads)
    shapes = {name: span.shape for name, span in model.parameters.spans.items()}
    generator = torch.Generator().manual_seed(derive_seed(preset.seed, "pretraining-init"))
    model.parameters.load(initial_values(shapes, shape.initializer_range, generator))

    seed, recipe = derive_seed(preset.seed, "pretraining"), settings.recipe
    objective = PretrainingObjective(data, recipe, model, seed, settings.nsp)
    steps = recipe.total_steps(len(data.splits["train"]))
    schedule = LinearDecay(recipe.learning_rate, steps, int(recipe.warmup * steps))
    identity = model_identity(config, role)
    progress = Progress("pretrain", steps)
    progress.start(section.name)
    folder = Path(".tickets/inflight") / config.preset / f"pretrain-{identity[:16]}"
    with stop_on_signals() as stop:
        state = inflight.Checkpoint(folder, identity)
        watch = Watch(state, preset.execution.checkpoint_seconds, None, progress, stop)
        trained = train(model, objective, recipe, schedule, steps, seed=seed, watch=watch)
    progress.finish()
    _save(out, model, words)
    write_json(out / "run.json", _certificate(config, role, model, data, trained, seed))
    inflight.discard(folder)


def _save(out: Path, model: Model, words: Sequence[str]) -> None:
    """The model and its tokenizer as a folder for transformers."""
    body = model.body()
    if model.config.family == "roberta":
        # transformers' RobertaForMaskedLM has no pooler either: nothing has trained it, and no head reads it.
        body = {name: value for name, value in body.items() if not name.startswith("pooler.")}
    save_folder(out, Checkpoint(model.config, body, model.head_values()))
    (out / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": model.config.max_length,
    }
    write_json(out / "tokenizer_config.json", tokenizer)


def _certificate(
    config: Config, role: str, model: Model, data: EncodedTask, trained: Trained, seed: int
) -> dict[str, object]:
    mlm, *rest = model.heads
    section = config.settings.model_of(role)
    settings = section.pretraining
    assert settings is not None
    dev = data.splits["dev"]
    labels = dev.labels
    assert labels is not None
    resident, true_pairs = (Resident(split, model.config) for split in (dev, dev.rows(labels == 1)))
    words = predict_words(model, mlm, true_pairs, data, settings.recipe, derive_seed(seed, "dev")).scores()
    guesses = predict(model, rest[0], resident) if settings.nsp else None
    return {
        "identity": {
            "fingerprint": model_identity(config, role),
            "model": section.model_dump(mode="json"),
        },
        "dev": {
            "mlm_loss": words["loss"],
            "mlm_accuracy": words["accuracy"],
            "nsp_accuracy": None
            if guesses is None
            else 100 * float((guesses.argmax(1) == labels).float().mean()),
        },
        "cost": {"steps": trained.steps, "seconds": round(trained.seconds, 3), "resumed": trained.resumed},
        "circumstances": circumstances("cpu"),
    }
