"""Importance scores of attention heads and FFNs, as values and as files (spec supertickets section 1.2)."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tickets.data.encoded import content_hash
from tickets.errors import TicketsError
from tickets.pruning.sealed import seal, unseal

Variant = Literal["token", "example", "batch", "triangular"]
"""Over what the signed gradient is summed before its absolute value is taken; `triangular` is the token score with
weights that fall from the first batch to the last (see `importance.accumulate`)."""

VARIANTS: tuple[Variant, ...] = get_args(Variant)
Kind = Literal["head", "ffn"]
FORMAT = "tickets-importance/1"
_KEY = "tickets-importance"
_ADVICE = "Restore the file (`dvc checkout`, or a fresh copy) or delete it and make it again."
_TINY = 1e-20


@dataclass(frozen=True, eq=False)
class Scores:
    """One score for each structure, larger = more important; raw, i.e. in units of the loss.

    heads  float64 [layers, heads]
    ffns   float64 [layers]
    Both are kept on the CPU. Raises `TicketsError` if they do not fit together or are not finite.
    """

    heads: Tensor
    ffns: Tensor

    def __post_init__(self) -> None:
        for name in ("heads", "ffns"):
            object.__setattr__(self, name, getattr(self, name).detach().to("cpu", torch.float64))
        if self.heads.ndim != 2 or self.ffns.shape != self.heads.shape[:1] or not self.heads.numel():
            raise TicketsError(
                f"importance: heads {list(self.heads.shape)} and FFNs {list(self.ffns.shape)} do not fit; "
                "expected [layers, heads] and [layers]."
            )
        if not (bool(torch.isfinite(self.heads).all()) and bool(torch.isfinite(self.ffns).all())):
            raise TicketsError(
                "importance: scores hold NaN or infinity, so they have no order. "
                "The training run before diverged; lower its learning rate."
            )

    @property
    def layers(self) -> int:
        """Layers, L."""
        return self.heads.shape[0]

    @property
    def heads_per_layer(self) -> int:
        """Heads in a layer, H."""
        return self.heads.shape[1]

    def normalised(self, kind: Kind) -> Tensor:
        """Heads: each layer's vector over its l2 norm [layers, heads]; FFNs: the vector over its own [layers].

        An all-zero vector stays zero.
        """
        values = self.heads if kind == "head" else self.ffns
        norm: Tensor = torch.linalg.vector_norm(values, dim=-1, keepdim=True)
        return values / (norm + _TINY)


@dataclass(frozen=True, eq=False)
class Importance:
    """The scores of one sweep over a training set, by variant."""

    scores: Mapping[str, Scores]

    def __getitem__(self, variant: str) -> Scores:
        if variant not in self.scores:
            raise TicketsError(
                f"importance: there are no {variant!r} scores. Choose one of {', '.join(self.scores)}."
            )
        return self.scores[variant]

    def normalised(self, variant: str, kind: Kind) -> Tensor:
        """See `Scores.normalised`."""
        return self[variant].normalised(kind)

    def save(self, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write atomically, with the JSON facts about the making sealed into the header.

        Equal scores with equal provenance are equal files. Raises `TicketsError` if it cannot be written.
        """
        tensors = {f"{variant}.heads": scores.heads.contiguous() for variant, scores in self.scores.items()}
        tensors |= {f"{variant}.ffns": scores.ffns.contiguous() for variant, scores in self.scores.items()}
        header: dict[str, Any] = {
            "format": FORMAT,
            "provenance": dict(provenance),
            "sha256": content_hash(tensors),
            "variants": list(self.scores),
        }
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, part, metadata={_KEY: seal(header)})
            part.replace(path)
        except (OSError, SafetensorError) as error:
            with suppress(OSError):
                part.unlink()
            raise TicketsError(
                f"{path}: cannot write the scores ({error}). Check the folder's permissions and the free space."
            ) from None

    @classmethod
    def load(cls, path: Path) -> "Importance":
        """Read and verify what `save` wrote. Raises `TicketsError` if it is missing, foreign or damaged."""
        header, tensors = _open(path)
        wanted = {f"{variant}.{kind}" for variant in header["variants"] for kind in ("heads", "ffns")}
        if wanted != tensors.keys() or content_hash(tensors) != header["sha256"]:
            raise TicketsError(f"{path}: content does not match its sha256; the file is damaged. {_ADVICE}")
        return cls({v: Scores(tensors[f"{v}.heads"], tensors[f"{v}.ffns"]) for v in header["variants"]})

    @staticmethod
    def provenance(path: Path) -> dict[str, Any]:
        """The facts that `save` was given, from the verified header."""
        facts: dict[str, Any] = _open(path)[0]["provenance"]
        return facts


def _open(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise TicketsError(f"{path}: importance scores not found. Check the path, or make them.") from None
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise TicketsError(f"{path}: not a readable safetensors file ({error}). {_ADVICE}") from None
    if text is None:
        raise TicketsError(f"{path}: a safetensors file, but not importance scores of this program.")
    return unseal(path, text, FORMAT, _ADVICE, "Make the scores again."), tensors
