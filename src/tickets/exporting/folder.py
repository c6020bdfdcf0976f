"""Write a ticket as a Hugging Face model folder: all of it, or nothing."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from tickets.config import Config
from tickets.errors import TicketsError
from tickets.exporting.card import Facts, card_path, render
from tickets.exporting.check import certificate_of, check
from tickets.exporting.model import base_of, given
from tickets.exporting.removed import smaller_model
from tickets.exporting.scores import Line, lines_of, read_rows
from tickets.exporting.start import start_of
from tickets.exporting.ticket import MASK, Ticket
from tickets.exporting.weights import (
    Base,
    decodes_with_words,
    masked_state,
    read_base,
    reduced_state,
    weight_mask,
    with_body,
)
from tickets.models.body_file import load_body
from tickets.models.hf import WEIGHTS
from tickets.pruning.structured import StructuredMask

TORCH_MASK = "mask_torch.safetensors"
_TOKENIZER = ("tokenizer", "vocab", "merges", "special_tokens_map", "added_tokens", "spiece", "sentencepiece")
Weights = Literal["run", "pretrained"]


def export(
    ticket: Ticket,
    out: Path,
    model: Path | None,
    weights: Weights,
    remove: bool,
    config: Callable[[str], Config],
) -> Facts:
    """Write the folder `out`, which must not be there yet; returns what its card says.

    model    the folder of the base model; by default that of the pipeline which the ticket was found on
    weights  run: what the ticket's runs start from. pretrained: θ₀
    remove   leave out what a structured ticket lacks, instead of writing zeros
    Raises `TicketsError` for a mask of another model, for weights that are not there or are not those of the runs,
    and for what cannot be written.
    """
    _refuse(ticket, out, remove)
    lines = _lines(ticket)
    certificate = certificate_of(ticket, lines)
    origin = given(model) if model is not None else base_of(ticket, certificate, config)
    base, start = read_base(origin.folder), start_of(ticket, weights)
    checked = check(ticket, lines, origin, base, start, model is not None)
    if start is not None:
        base = with_body(base, load_body(start), start)
    mask, gone = weight_mask(ticket.mask, base, ticket.file), ticket.structure if remove else None
    state = masked_state(base, mask) if gone is None else reduced_state(base, gone)
    facts = Facts(
        name=out.name,
        ticket=ticket,
        mask=mask,
        origin=origin,
        weights="pretrained" if start is None or ticket.use is None else ticket.use.weights,
        lines=lines,
        certificate=certificate,
        zeros=sum(int((value == 0).sum()) for value in state.values()),
        size=sum(value.numel() for value in state.values()),
        checked=checked,
        mlm=any(name.startswith(("cls.predictions", "lm_head")) for name in state),
        untied=decodes_with_words(base, mask),
        removed=gone is not None,
        tokenizer=bool(_tokenizer(base.folder)),
    )
    _write(out, base, state, gone, facts)
    return facts


def _refuse(ticket: Ticket, out: Path, remove: bool) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TicketsError(
            f"{out}: is there already, and is left as it is. Name a new folder, or delete it first."
        )
    if remove and ticket.structure is None:
        raise TicketsError(
            f"{ticket.file}: a mask over single weights, of which nothing can be left out. Export it without --remove."
        )


def _write(
    out: Path, base: Base, state: Mapping[str, Tensor], gone: StructuredMask | None, facts: Facts
) -> None:
    """All files. gone: the structure by which `state` is reduced, if it is."""
    changes: dict[str, Any] = {"tie_word_embeddings": False} if facts.untied else {}
    with _folder(out) as part:
        if gone is None:
            _save(facts.mask.to_torch_state(), part / TORCH_MASK)
        else:
            changes |= smaller_model(part, base.config, gone)
        _config(base.folder, part, changes)
        _save(state, part / WEIGHTS)
        shutil.copyfile(facts.ticket.file, part / MASK)
        for path in _tokenizer(base.folder):
            shutil.copyfile(path, part / path.name)
        card_path(part).write_text(render(facts), encoding="utf-8")
        for path in part.iterdir():
            path.chmod(0o644)  # safetensors files are their maker's only, and a ticket is to be taken away


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A folder beside the target that becomes it in one rename, or goes away."""
    part: Path | None = None
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.absolute().parent))
        part.chmod(0o755)
        yield part
        part.rename(out)
    except (OSError, SafetensorError) as error:
        raise TicketsError(
            f"{out}: could not be written ({error}). Check permissions and free space."
        ) from None
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _save(state: Mapping[str, Tensor], path: Path) -> None:
    save_file({name: value.contiguous() for name, value in state.items()}, path, metadata={"format": "pt"})


def _config(source: Path, part: Path, changes: Mapping[str, Any]) -> None:
    """config.json as it is, byte for byte, unless something of it has to change."""
    if not changes:
        shutil.copyfile(source / "config.json", part / "config.json")
        return
    facts = json.loads((source / "config.json").read_text(encoding="utf-8")) | changes
    (part / "config.json").write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _tokenizer(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.startswith(_TOKENIZER)]


def _lines(ticket: Ticket) -> list[Line]:
    if ticket.use is None or ticket.root is None:
        return []
    rows = read_rows(ticket.root, ticket.use.paper)
    return [] if rows is None else lines_of(ticket.use, rows)
