"""Which ticket is meant: a mask file, or the folder of a mask or run below results/<preset>. Knows no paper's code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os.path import abspath
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from tickets.errors import TicketsError
from tickets.jobs.files import read_json
from tickets.pruning.mask import Mask
from tickets.pruning.structured import StructuredMask
from tickets.spec import MaskAddress, RunAddress

MASK = "mask.safetensors"
_REWOUND = ("imp-rewind", "imp-standard")


@dataclass(frozen=True)
class Use:
    """Which runs train a ticket, by the columns of cells.csv; None: any.

    weights    what the runs start from
    replicate  of the runs that train exactly this mask
    """

    paper: str
    model: str
    weights: str
    method: str
    source: str
    level: str
    replicate: int | None
    variant: str | None
    task: str | None = None


@dataclass(frozen=True)
class Ticket:
    """A mask with what is known of it.

    address  of a mask of the pipeline
    root     results/<preset> that it lies below
    use      how runs use it; None if no run of the pipeline does
    """

    file: Path
    mask: Mask
    digest: str
    provenance: Mapping[str, Any]
    address: MaskAddress | None
    root: Path | None
    use: Use | None

    @property
    def structure(self) -> StructuredMask | None:
        """The mask over heads and FFNs, if it is one."""
        return StructuredMask.from_mask(self.mask) if StructuredMask.describes(self.mask) else None


def find(asked: Path, results: Path | None = None) -> Ticket:
    """The ticket of a path, which may also be relative to `results` (results/<preset>).

    Raises `TicketsError` where there is none, where a run's mask is not stored, and for damaged files.
    """
    place = asked if asked.exists() or results is None else results / asked
    if place.is_file():
        return _of_mask(place)
    if (place / MASK).exists():
        return _of_mask(place / MASK)
    if (place / "metrics.json").exists():
        return _of_run(place)
    raise TicketsError(
        f"{asked}: no mask and no run. Name a mask.safetensors, or the folder of one or of a run, as in "
        "lth/masks/imp/from-rte/sparsity70/seed1 below results/<preset>."
    )


def _of_mask(file: Path) -> Ticket:
    mask, facts = Mask.load(file), Mask.provenance(file)
    address = _address(facts)
    root = None if address is None else _root_of(file, address)
    use = None if address is None else _use_of(address)
    return Ticket(file, mask, mask.digest(), facts, address, root, use)


def _address(facts: Mapping[str, Any]) -> MaskAddress | None:
    """What the mask's header says it is; None of a mask that the pipeline did not make."""
    try:
        if "spec" in facts:
            return MaskAddress(**facts["spec"]["mask"])
        return RunAddress(**facts["of"]).mask if "of" in facts else None
    except (TypeError, KeyError):
        return None


def _root_of(file: Path, address: MaskAddress) -> Path | None:
    """results/<preset> above the file; None if it was copied elsewhere. A file in another's place is an error."""
    parts = Path(abspath(file.parent)).parts  # links stay as they are: DVC's lead out of results
    depth = len(address.folder.parts)
    place = Path(*parts[-depth:])
    if place == address.folder:
        return _above(file.parent, depth)
    if place.parts[:2] == address.folder.parts[:2]:
        raise TicketsError(
            f"{file}: the mask says that it is {address.folder}, which is not where it lies. "
            "Restore the file (`dvc checkout`, or a fresh copy), or delete it and make it again."
        )
    return None


def _above(folder: Path, depth: int) -> Path:
    """The folder so many levels higher, relative if the path says enough."""
    given = len(folder.parts) > depth and ".." not in folder.parts
    return Path(*(folder.parts if given else Path(abspath(folder)).parts)[:-depth])


def _use_of(address: MaskAddress) -> Use:
    """The runs for which a mask is made."""
    weights, source, replicate, variant = "pretrained", address.source, address.replicate, address.variant
    if address.paper == "lth" and address.method.startswith(_REWOUND):
        weights = address.method.removeprefix("imp-")
    if address.paper == "tamt":
        return Use(
            "tamt", address.model, weights, address.method, f"mask{replicate}", address.level, None, None
        )
    return Use(
        address.paper, address.model, weights, address.method, source, address.level, replicate, variant
    )


def _of_run(folder: Path) -> Ticket:
    parts = Path(abspath(folder)).parts
    run = RunAddress.parse(Path(*parts[-8:]))
    root = _above(folder, 8)
    level = read_json(folder / "metrics.json").get("resolved", run.level)
    wanted = read_json(folder / "run.json", "`dvc pull` brings it.").get("inputs", {}).get("mask_sha256")
    file = _stored(root, run.at(str(level)), wanted)
    if file is None:
        raise TicketsError(f"{folder}: {_why_not(run, str(level))}")
    ticket = _of_mask(file)
    if ticket.digest != wanted:
        raise TicketsError(
            f"{folder}: it was trained under another mask (sha256 {str(wanted)[:16]}…) than {file} holds "
            f"({ticket.digest[:16]}…). One of them was changed; `tickets audit` says which."
        )
    use = ticket.use
    if use is not None and run.paper == "lth":
        use = replace(use, weights=run.weights)
    elif use is not None and run.paper == "supertickets" and run.method != use.method:
        use = Use(run.paper, run.model, run.weights, run.method, run.source, str(level), None, None, run.task)
    return replace(ticket, use=use)


def _stored(root: Path, run: RunAddress, digest: str | None) -> Path | None:
    """The mask of a run: at its own address, or else the one of the paper that has this hash."""
    own = run.mask
    if run.paper == "tamt":
        seed = int(run.source.removeprefix("mask"))
        own = MaskAddress("tamt", run.method, "pretraining", run.level, seed, run.model)
    if (root / own.file).exists():
        return root / own.file
    files = sorted((root / run.paper / "masks").rglob(MASK))
    return next((file for file in files if digest is not None and _recorded_hash(file) == digest), None)


def _recorded_hash(file: Path) -> str | None:
    """What the header says; only to find the file, which is verified when it is read."""
    try:
        with safe_open(file, framework="np") as opened:
            found = json.loads((opened.metadata() or {})["tickets-mask"])["sha256"]
            return str(found)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError):
        return None


def _why_not(run: RunAddress, level: str) -> str:
    if level == "00":
        return "a run of the full model; nothing is masked. Name a run or mask with a sparsity."
    if run.method == "oneshot":
        return (
            "the one-shot mask is not stored, since it follows from θ₀. Make it with `tickets prune --method "
            f"magnitude --sparsity 0.{level}` and export that."
        )
    if run.method == "random":
        return "random masks of this paper are not stored, since they follow from the run's seed. They are controls."
    return "its mask is not stored here. `dvc pull` brings the masks, if they were only left out."
