"""Masks: whole, of the right shape and size, nested where a chain made them, and where they belong."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tickets.audit.check import Check, Options, Unit
from tickets.audit.expected import Ticket, expected
from tickets.audit.packed import PackedMask, read_packed
from tickets.audit.records import differences, other_config, shown
from tickets.audit.report import Part
from tickets.audit.subject import Subject
from tickets.errors import TicketsError
from tickets.grid import Cell
from tickets.spec import MaskAddress, fingerprint

REMEDY = "Restore the file (`dvc checkout`, or a fresh copy), or delete it: Snakemake then makes it again."
CONFIG = "If the config is right, `snakemake` makes it again; if it was changed by mistake, change it back."
TOLERANCE = 0.05
"""How far a trained mask may be from its nominal sparsity: weights cross thresholds between their updates."""


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One a job that makes masks or other files."""
    for index, job in enumerate(subject.jobs):
        if any(cell.masks or cell.files for cell in job.plans()):
            yield Unit(check_job, {"index": index})


def check_job(subject: Subject, index: int) -> Part:
    """All masks of a job, and what is kept beside them."""
    part, job = Part(), subject.job(index)
    found = expected(subject, job)
    for cell in job.plans():
        there = Cell(cell.runs, tuple(m for m in cell.masks if subject.have([m.file], part)))
        needs = [path for path in (*cell.files, *cell.needs_files) if path.parts[1] == "importance"]
        try:
            if there.masks and subject.have(needs, part, len(there.masks)):
                _check_masks(subject, part, found.masks(cell), set(there.masks))
            if subject.have([*cell.files, *(mask.file for mask in cell.masks)], part, len(cell.files)):
                _check_files(subject, part, found.files(cell))
        except TicketsError as error:
            file, _, wrong = str(error).partition(": ")
            part.fault(file, wrong, REMEDY)
    return part


def _check_masks(
    subject: Subject, part: Part, tickets: Iterable[tuple[MaskAddress, Ticket]], there: set[MaskAddress]
) -> None:
    read: dict[MaskAddress, PackedMask] = {}
    for address, ticket in tickets:
        if address not in there:
            continue
        part.items += 1
        path = subject.root / address.file
        try:
            read[address] = found = read_packed(path)
        except TicketsError as error:
            part.fault(path, str(error).partition(": ")[2], REMEDY)
            continue
        wrong = _damage(found, path.read_bytes()) or _provenance(found, ticket) or _size(found, ticket)
        if wrong:
            part.fault(path, *wrong)
            del read[address]  # nothing lies in it, or it in anything
        elif ticket.nested_in in read and not found.nested_in(read[ticket.nested_in]):
            part.fault(path, f"is not nested in the mask before it, {ticket.nested_in.file}", REMEDY)


Wrong = tuple[str, str] | None
"""What is wrong, and what to do."""


def _damage(found: PackedMask, data: bytes) -> Wrong:
    if not found.fits() or found.digest() != found.header["sha256"]:
        return "its bits do not match their sha256: the file is damaged", REMEDY
    if found.data() != data:
        return "its header is not as this program writes it: the file was edited", REMEDY
    return None


def _provenance(found: PackedMask, ticket: Ticket) -> Wrong:
    told, wanted = found.header["provenance"], ticket.provenance
    if told == wanted:
        return None
    if _whose(told) != _whose(wanted):
        other = " ".join(str(value) for value in (_whose(told) or {}).values())
        return f"is another mask, {other}: it lies in the wrong place, or masks were swapped", REMEDY
    if "spec" in told and fingerprint(told["spec"]) != told.get("fingerprint"):
        return "its spec does not give its fingerprint: the header was edited", REMEDY
    return other_config(told.get("spec", told), wanted.get("spec", wanted)), CONFIG


def _whose(provenance: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The address that a mask's header names, of the mask or of the run that it was made with."""
    found: Mapping[str, Any] | None = provenance.get("of") or provenance.get("spec", {}).get("mask")
    return found


def _size(found: PackedMask, ticket: Ticket) -> Wrong:
    shapes = {name: tuple(shape) for name, shape in ticket.shapes.items()}
    if found.shapes != shapes:
        odd = next(d for d in differences(found.shapes, shapes))
        return f"{odd.key} is {shown(odd.theirs)}, the model has {shown(odd.ours)}", REMEDY
    if ticket.digest is not None and found.digest() != ticket.digest:
        return "is not the mask that θ0, the seed or the scores give", REMEDY
    kept = found.kept()
    if isinstance(ticket.kept, int) and sum(kept.values()) != ticket.kept:
        return f"keeps {sum(kept.values()):,} weights, its sparsity has {ticket.kept:,}", REMEDY
    if ticket.kept is not None and not isinstance(ticket.kept, int) and kept != dict(ticket.kept):
        odd = next(differences(kept, dict(ticket.kept)))
        return f"{odd.key} keeps {odd.theirs:,} weights, its sparsity has {odd.ours:,}", REMEDY
    if ticket.nominal is not None and abs(found.sparsity - ticket.nominal) > TOLERANCE:
        return f"removes {found.sparsity:.3f}, its address says {ticket.nominal}", REMEDY
    return None


def _check_files(subject: Subject, part: Part, files: Iterable[tuple[Path, str]]) -> None:
    for path, wrong in files:
        part.items += 1
        if wrong:
            part.fault(subject.root / path, wrong, REMEDY)


CHECK = Check("masks", "masks: bits, size, chain, address ← θ0, seeds, scores", units)
