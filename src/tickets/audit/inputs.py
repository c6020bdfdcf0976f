"""What everything started from: encoded data and pre-trained models."""

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tickets.audit.check import Check, Options, Unit
from tickets.audit.records import as_written, differences, read_record, shown
from tickets.audit.report import Part
from tickets.audit.subject import Subject
from tickets.data.encoded import EncodedTask
from tickets.errors import TicketsError
from tickets.papers.registry import preset_data

DATA = "Restore it (`dvc checkout`), or delete it: Snakemake encodes it again, and runs all that read it."
MODEL = "Restore the folder (`dvc checkout`), or delete it: Snakemake makes it again, and all runs."


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One a file of data, one a model."""
    for path in preset_data(subject.config):
        yield Unit(check_data, {"path": path, "again": not options.quick})
    yield from (Unit(check_model, {"role": role}) for role in subject.config.settings.roles)


def check_data(subject: Subject, path: Path, again: bool) -> Part:
    """Encoded data with their own hash; the synthetic language is also spoken again, byte by byte."""
    part = Part()
    if not subject.have([path], part):
        return part
    part.items += 1
    file, data = subject.root / path, subject.config.settings.data
    task, _, _ = preset_data(subject.config)[path]
    try:
        found = EncodedTask.load(file)
        if found.meta["task"] != task:
            part.fault(file, f"holds the task {found.meta['task']}", DATA)
    except TicketsError as error:
        part.fault(file, str(error).partition(": ")[2].partition(". ")[0], DATA)
        return part
    except (KeyError, ValueError) as error:
        part.fault(file, f"its header cannot be read ({error}); the file is damaged", DATA)
        return part
    if data.source != "synthetic":
        part.skip("data of real tasks beyond their own hash (their source is not here)")
    elif not again:
        part.skip("encoding again (left out by --quick)")
    elif not _spoken_again(file, task, data.world_seed, data.sizes.get(task)):
        part.fault(file, "is not what the synthetic language of this seed and these sizes gives", DATA)
    return part


def _spoken_again(file: Path, task: str, seed: int, sizes: dict[str, int] | None) -> bool:
    from tickets.data.synthetic.build import build_task

    with TemporaryDirectory() as temporary:
        again = Path(temporary, file.name)
        build_task(task, seed, sizes).save(again)
        return again.read_bytes() == file.read_bytes()


def check_model(subject: Subject, role: str) -> Part:
    """A model folder with the config; that its weights are those of the runs is in the runs' certificates."""
    from tickets.jobs.identity import model_identity

    part, config = Part(), subject.config
    files = config.settings.model_files(role)
    if not subject.have(files, part, len(files)):
        return part
    part.items += len(files)
    folder, section = subject.root / config.settings.model_folder(role), config.settings.model_of(role)
    try:
        identity = read_record(folder / "run.json")["identity"]
    except (TicketsError, KeyError) as error:
        part.fault(folder / "run.json", str(error), MODEL)
        return part
    if identity.get("fingerprint") != model_identity(config, role):
        told = identity.get("model", {})
        odd = next(differences(told, section.model_dump(mode="json")), None)
        words = f": {odd.key} was {shown(odd.theirs)}, is {shown(odd.ours)}" if odd and told else ""
        part.fault(folder / "run.json", f"the model was made under another config{words}", MODEL)
    if section.shape is not None:
        if odd := next(differences(identity.get("model"), section.model_dump(mode="json")), None):
            part.fault(folder / "run.json", f"identity.model.{odd.key} is not that of the config", MODEL)
        _check_own(part, folder, subject, role)
    return part


def _check_own(part: Part, folder: Path, subject: Subject, role: str) -> None:
    """The files of a model of our own that follow from its shape, and the weights' names and shapes."""
    from tickets.data.synthetic.build import vocabulary
    from tickets.models.hf import load_folder

    shape, words = subject.config.settings.model_of(role).shape, vocabulary()
    assert shape is not None
    encoder = shape.encoder(len(words))
    tokenizer = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": encoder.max_length,
    }
    texts = {
        "config.json": json.dumps(encoder.to_hf(), indent=2, sort_keys=True) + "\n",
        "tokenizer_config.json": as_written(tokenizer).decode(),
        "vocab.txt": "\n".join(words) + "\n",
    }
    for name, text in texts.items():
        path = folder / name
        if not path.is_file():
            part.fault(path, "is missing", MODEL)
        elif path.read_bytes() != text.encode():
            part.fault(path, "is not what the config's shape and the synthetic language give", MODEL)
    try:
        load_folder(folder)
    except TicketsError as error:
        part.fault(folder / "model.safetensors", str(error).partition(": ")[2], MODEL)


CHECK = Check("inputs", "data and models ← config, synthetic language", units)
