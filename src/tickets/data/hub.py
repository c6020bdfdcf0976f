"""GLUE, SNLI, SciTail, SQuAD and WikiText-103 from the Hugging Face hub, at pinned revisions."""

from dataclasses import dataclass
from typing import Any

from tickets.data.layouts import GLUE, TABLES
from tickets.data.squad import Question
from tickets.data.tables import features
from tickets.data.tasks import STREAMS, task
from tickets.errors import TicketsError


@dataclass(frozen=True)
class HubSource:
    """A data set of the hub: repository, configuration, pinned commit."""

    repository: str
    config: str
    revision: str


_GLUE = ("nyu-mll/glue", "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c")
_CONFIGS = {"sts-b": "stsb", "sst-2": "sst2"}
SOURCES: dict[str, HubSource] = (
    {id: HubSource(_GLUE[0], _CONFIGS.get(id, id), _GLUE[1]) for id in GLUE}
    | {
        "snli": HubSource("stanfordnlp/snli", "plain_text", "cdb5c3d5eed6ead6e5a341c8e56e669bb666725b"),
        # Not `tsv_format`: it was read with quotes, which lost 499 of its 23,596 training rows.
        "scitail": HubSource("allenai/scitail", "snli_format", "0cc4353235b289165dfde1c7c5d1be983f99ce44"),
        "squad": HubSource("rajpurkar/squad", "plain_text", "7b6d24c440a36b6815f21b70d25016731768db1f"),
    }
    | dict.fromkeys(
        ("mlm", *STREAMS),
        HubSource("Salesforce/wikitext", "wikitext-103-raw-v1", "b08601e04326c79dfdd32d625aee71d232d685c3"),
    )
)
_SPLITS = {"train": "train", "validation": "dev"}
_MNLI_SPLITS = {"train": "train", "validation_matched": "dev", "validation_mismatched": "dev_mismatched"}


def hub_source(task_id: str, revision: str | None = None) -> HubSource:
    """Where a task comes from; `revision` replaces the pinned commit."""
    source = SOURCES[task(task_id).id]
    return HubSource(source.repository, source.config, revision or source.revision)


def hub_table(task_id: str, source: HubSource) -> dict[str, Any]:
    """Splits with the columns of `tables.features`: labels in the order of `Task.labels`, rows without one left out."""
    found = {}
    for theirs, ours in (_MNLI_SPLITS if task_id == "mnli" else _SPLITS).items():
        data = _download(source, theirs)
        labels = _labels(task_id, data)
        kept = [row for row, label in enumerate(labels) if label is not None]
        columns: dict[str, list[Any]] = {"label": [labels[row] for row in kept]}
        for ours_name, name in zip(("first", "second"), _hub_columns(task_id), strict=False):
            texts = list(data[name])
            columns[ours_name] = [texts[row] for row in kept]
        found[ours] = type(data).from_dict(columns, features=features(task_id))
    return found


def hub_squad(source: HubSource) -> dict[str, list[Question]]:
    """Questions of each split in the order of the official files."""
    found = {}
    for theirs, ours in _SPLITS.items():
        found[ours] = [
            Question(
                row["id"],
                row["question"],
                row["context"],
                tuple(row["answers"]["text"]),
                tuple(row["answers"]["answer_start"]),
            )
            for row in _download(source, theirs)
        ]
    return found


def hub_text(source: HubSource) -> dict[str, str]:
    """The text of each split as in the raw file, whose blank lines the hub stores as empty rows."""
    return {
        ours: "".join(line or " \n" for line in _download(source, theirs)["text"])
        for theirs, ours in _SPLITS.items()
    }


def _download(source: HubSource, split: str) -> Any:
    from datasets import load_dataset

    try:
        return load_dataset(source.repository, source.config, revision=source.revision, split=split)
    except Exception as error:  # the hub client raises errors of several unrelated families
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TicketsError(
            f"{source.repository} ({source.config}, revision {source.revision}): cannot load it from the hub "
            f"({reason}). Without network, set data.source to local and data.path to a folder of "
            "files (see DATA.md)."
        ) from None


def _hub_columns(task_id: str) -> tuple[str, ...]:
    nli, pair = ("premise", "hypothesis"), ("sentence1", "sentence2")
    renamed = {"mnli": nli, "snli": nli, "mrpc": pair, "scitail": pair}
    return renamed.get(task_id, TABLES[task_id].texts)


def _labels(task_id: str, data: Any) -> list[int | float | None]:
    """Label of each row; None where SNLI has -1, no label."""
    labels = task(task_id).labels
    if task_id == "scitail":
        return [labels.index("entails" if word == "entailment" else word) for word in data["gold_label"]]
    if not labels:
        return [float(label) for label in data["label"]]
    if labels == ("0", "1"):  # the hub gives these two words, in the same order
        return [int(label) for label in data["label"]]
    order = [labels.index(name) for name in data.features["label"].names]
    return [None if label < 0 else order[label] for label in data["label"]]
