"""The model that a ticket belongs to: which folder it is, where it came from, under which licence."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tickets.config import Config
from tickets.errors import TicketsError
from tickets.exporting.ticket import Ticket

LICENCES = {
    "google-bert/bert-base-uncased": "apache-2.0",
    "google-bert/bert-large-uncased": "apache-2.0",
    "FacebookAI/roberta-base": "mit",
}
OWN = "apache-2.0"
UNKNOWN = "unknown"
_FRONT = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)


@dataclass(frozen=True)
class Origin:
    """A base model.

    hub, revision  where it is on the hub, if it is known to be from there
    made           whether the pipeline pre-trained it, on the synthetic language
    licence        identifier, or 'unknown'
    """

    folder: Path
    name: str
    hub: str | None = None
    revision: str | None = None
    made: bool = False
    licence: str = UNKNOWN


def base_of(ticket: Ticket, certificate: Mapping[str, Any] | None, config: Callable[[str], Config]) -> Origin:
    """The pre-trained model of a ticket of the pipeline, below its results/<preset>.

    What it is stands in the mask's header, else in the certificate of a run, else in the config of the preset.
    Raises `TicketsError` where the ticket is not below results or its model is not there.
    """
    if ticket.root is None or ticket.address is None:
        raise TicketsError(
            f"{ticket.file}: it does not lie in results/<preset>, so nothing says where its model is. "
            "Name the model's folder with --model."
        )
    facts = ticket.provenance.get("spec", {}).get("model")
    if facts is None and certificate is not None:
        facts = certificate.get("identity", {}).get("spec", {}).get("model")
    if facts is None:
        facts = (
            config(ticket.root.name).settings.model_of(ticket.address.model or "base").model_dump(mode="json")
        )
    folder = ticket.root / "models" / str(facts["name"])
    if not (folder / "config.json").exists():
        raise TicketsError(
            f"{folder}: the model of this ticket is not there. `dvc pull` or `snakemake {folder}/model.safetensors` "
            "brings it; or name its folder with --model."
        )
    made = facts.get("shape") is not None
    hub = facts.get("hub")
    licence = OWN if made else LICENCES.get(hub, licence_in(folder))
    return Origin(folder, str(facts["name"]), hub, facts.get("revision"), made, licence)


def given(folder: Path) -> Origin:
    """A folder that the user names."""
    return Origin(folder, folder.resolve().name, licence=licence_in(folder))


def licence_in(folder: Path) -> str:
    """What the front matter of the folder's own model card says; 'unknown' without one."""
    try:
        found = _FRONT.match((folder / "README.md").read_text(encoding="utf-8"))
        facts = yaml.safe_load(found[1]) if found else {}
    except (OSError, ValueError, yaml.YAMLError):
        return UNKNOWN
    licence = facts.get("license") if isinstance(facts, dict) else None
    return licence if isinstance(licence, str) else UNKNOWN
