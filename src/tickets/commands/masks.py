"""The general-purpose door: masks of any Hugging Face BERT or RoBERTa folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from tickets.pruning.mask import Mask
    from tickets.pruning.structured import StructuredMask

MaskFile = Annotated[Path, typer.Argument(help="A mask.safetensors file.")]
mask_app = typer.Typer(no_args_is_help=True, help="Look at, compare and convert masks.")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(rich_help_panel="Masks")(prune)
    app.add_typer(mask_app, name="mask", rich_help_panel="Masks")


def prune(
    model: Annotated[Path, typer.Option(help="A local Hugging Face model folder.")],
    method: Annotated[str, typer.Option(help="Pruning method: magnitude or random.")],
    sparsity: Annotated[float, typer.Option(help="Fraction of the prunable weights to remove, 0 to 1.")],
    out: Annotated[Path, typer.Option(help="Where to write the mask.")],
    seed: Annotated[int, typer.Option(help="Seed of random methods.")] = 1,
    pooler: Annotated[bool, typer.Option(help="Prune the pooler too, as the papers do.")] = True,
) -> None:
    """Prune a BERT or RoBERTa and write the mask, bit-packed, with its provenance."""
    from tickets.pruning.hf_folder import prune_folder

    mask = prune_folder(model, method, sparsity, out, seed, pooler)
    typer.echo(f"{out}: kept {mask.kept:,} of {mask.total:,} weights, sparsity {mask.sparsity:.6f}")


@mask_app.command()
def show(file: MaskFile) -> None:
    """Print what a mask keeps, in all and by tensor (or by layer, if it is over heads), and where it comes from."""
    import json

    from rich.console import Console

    from tickets.pruning.mask import Mask
    from tickets.pruning.structured import StructuredMask

    mask, console = Mask.load(file), Console()
    if StructuredMask.describes(mask):
        structure = StructuredMask.from_mask(mask)
        heads, layers = structure.heads.numel(), len(structure.ffns)
        typer.echo(f"{file}: {heads - structure.removed_heads} of {heads} heads and "
                   f"{layers - structure.removed_ffns} of {layers} FFNs kept")  # fmt: skip
        console.print(_structure_table(structure))
    else:
        typer.echo(f"{file}: {mask.kept:,} of {mask.total:,} kept, sparsity {mask.sparsity:.4f}")
        console.print(_tensor_table(mask))
    console.print_json(json.dumps(Mask.provenance(file)))


def _tensor_table(mask: "Mask") -> "Table":
    from rich.table import Table

    table = Table()
    table.add_column("tensor", overflow="fold")
    for name in ("weights", "kept", "sparsity"):
        table.add_column(name, justify="right")
    for name, kept in mask.kept_per_tensor().items():
        total = mask[name].numel()
        table.add_row(name, f"{total:,}", f"{kept:,}", f"{1 - kept / total:.4f}")
    return table


def _structure_table(structure: "StructuredMask") -> "Table":
    """Layers and heads are counted from 0, as in the names of the weights."""
    from rich.table import Table

    table = Table()
    table.add_column("layer", justify="right")
    table.add_column("heads", justify="right")
    table.add_column("kept heads", overflow="fold")
    table.add_column("FFN")
    for layer, (heads, ffn) in enumerate(zip(structure.heads, structure.ffns.tolist(), strict=True)):
        kept = heads.nonzero().flatten().tolist()
        names = " ".join(map(str, kept)) or "none"
        table.add_row(str(layer), f"{len(kept)} of {len(heads)}", names, "kept" if ffn else "removed")
    return table


@mask_app.command()
def diff(first: MaskFile, second: MaskFile) -> None:
    """Compare two masks over the same tensors."""
    from tickets.pruning.mask import Mask
    from tickets.pruning.overlap import overlap
    from tickets.pruning.structured import StructuredMask

    a, b = Mask.load(first), Mask.load(second)
    found = overlap(a, b)
    what = "heads and FFNs" if StructuredMask.describes(a) else "weights"
    typer.echo(f"sparsity            {a.sparsity:.4f}  {b.sparsity:.4f}")
    typer.echo(f"kept in both        {100 * found.intersection_kept:.2f} % of all {what}")
    typer.echo(f"overlap of kept     {100 * found.kept_jaccard:.2f} %")
    typer.echo(f"overlap of removed  {100 * found.pruned_jaccard:.2f} %")
    typer.echo(f"nested              {'first in second' if a.nested_in(b) else ''}"
               f"{'second in first' if b.nested_in(a) and a != b else ''}"
               f"{'' if a.nested_in(b) or b.nested_in(a) else 'no'}")  # fmt: skip


@mask_app.command()
def export(
    file: MaskFile,
    out: Annotated[Path, typer.Option(help="Where to write.")],
    format: Annotated[str, typer.Option(help="torch: the buffers of torch.nn.utils.prune.")] = "torch",
) -> None:
    """Write a mask for other tools: <name>_mask float tensors in a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    from tickets.errors import TicketsError
    from tickets.permissions import open_to_readers
    from tickets.pruning.mask import Mask

    if format != "torch":
        raise TicketsError(f"--format {format!r}: only 'torch' is supported.")
    state = Mask.load(file).to_torch_state()
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        save_file(state, part)
        open_to_readers(part)
        part.replace(out)
    except (OSError, SafetensorError) as error:
        raise TicketsError(
            f"{out}: could not be written ({error}). Check the folder's permissions and the free space."
        ) from None
    typer.echo(f"{out}: {len(state)} tensors")
