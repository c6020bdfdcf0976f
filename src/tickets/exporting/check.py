"""Whether mask and weights are those that the runs of a ticket record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickets.data.encoded import content_hash
from tickets.errors import TicketsError
from tickets.exporting.model import Origin
from tickets.exporting.scores import Line
from tickets.exporting.ticket import Ticket
from tickets.exporting.weights import Base
from tickets.jobs.files import file_hash, read_json
from tickets.models.hf import WEIGHTS


@dataclass(frozen=True)
class Checked:
    """What is known of the weights; `doubt` if they may not be the ticket's."""

    words: str
    doubt: bool = False


def _run_files(ticket: Ticket, lines: Sequence[Line]) -> list[Path]:
    """Certificates of the runs under this mask, as far as they are at hand (they are DVC's, cells.csv is git's)."""
    assert ticket.root is not None or not lines
    found = [ticket.root / run / "run.json" for line in lines for run in line.runs] if ticket.root else []
    return [path for path in found if path.exists()]


def certificate_of(ticket: Ticket, lines: Sequence[Line]) -> dict[str, Any] | None:
    """The birth certificate of a run under this mask, if one is at hand."""
    files = _run_files(ticket, lines)
    return read_json(files[0]) if files else None


def check(
    ticket: Ticket, lines: Sequence[Line], origin: Origin, base: Base, start: Path | None, chosen: bool
) -> Checked:
    """What is known of the weights; only those that the user has `chosen` may be others than the runs'.

    Raises `TicketsError` for others, and if a run was trained under another mask.
    """
    if ticket.address is None:
        return _check_header(ticket, base)
    recorded = _recorded_weights(ticket, lines)
    use = ticket.use
    if use is not None and start is None and use.weights != "pretrained":
        return Checked(f"not what the runs of this mask start from, which is `{use.weights}`", True)
    if not recorded:
        return Checked("no run at hand records whether they are those that the mask was found on", chosen)
    file = start if start is not None else origin.folder / WEIGHTS
    if file.exists() and recorded == {file_hash(file)}:
        return Checked("the same file that the runs record")
    if chosen:
        return Checked("not, byte for byte, the file that the runs record", True)
    raise TicketsError(
        f"{file}: not the weights (sha256 {', '.join(sorted(recorded))[:16]}…) from which the ticket's runs started. "
        "`tickets audit` says which file was changed; or name a model's folder with --model."
    )


def _recorded_weights(ticket: Ticket, lines: Sequence[Line]) -> set[str]:
    """sha256 of what the ticket's runs started from. Raises `TicketsError` if they were under another mask."""
    found = set()
    for path in _run_files(ticket, lines):
        facts = read_json(path)
        inputs, address = (
            facts.get("inputs", {}),
            facts.get("identity", {}).get("spec", {}).get("address", {}),
        )
        if inputs.get("mask_sha256") != ticket.digest:
            raise TicketsError(
                f"{path}: the run was trained under another mask (sha256 {str(inputs.get('mask_sha256'))[:16]}…) than "
                f"{ticket.file} holds ({ticket.digest[:16]}…). One of them was changed; `tickets audit` says which."
            )
        # The run on the source itself made the weights that a ticket is rewound to; what it records is θ0.
        made = address.get("weights") != "pretrained" and address.get("task") == address.get("source")
        if not made and inputs.get("weights_sha256"):
            found.add(str(inputs["weights_sha256"]))
    return found


def _check_header(ticket: Ticket, base: Base) -> Checked:
    """Of a mask that the pipeline did not make: `tickets prune` records its weights."""
    recorded = ticket.provenance.get("weights_sha256")
    if recorded is None:
        return Checked("the mask does not record which weights it was made from", True)
    names = {name: base.stored[name] for name in ticket.mask if name in base.stored}
    if content_hash({name: base.state[stored].float() for name, stored in names.items()}) == recorded:
        return Checked("those that the mask was made from")
    return Checked("not those that the mask was made from, as its header records them", True)
