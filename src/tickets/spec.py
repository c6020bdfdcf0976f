"""What a run is: its readable address, its complete spec and the fingerprint of that spec.

People browse addresses, machines compare fingerprints. Both are pure functions of the config; nothing here imports
torch.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tickets.errors import TicketsError

RULES = ("winning", "strict", "own")
"""Criteria that choose a sparsity at run time: s* of the target task under the one-std or the strict criterion,
and (own) s* of the source task under the one-std criterion."""


def canonical(facts: Mapping[str, Any]) -> str:
    """JSON that is equal for equal facts: sorted keys, no blanks, no NaN."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def fingerprint(facts: Mapping[str, Any]) -> str:
    """sha256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(facts).encode()).hexdigest()


def level_of(sparsity: float) -> str:
    """Path token of a sparsity: 0.7 -> '70'. Raises for what is not a whole percent."""
    percent = round(sparsity * 100)
    if abs(percent - sparsity * 100) > 1e-9 or not 0 <= percent <= 100:
        raise TicketsError(f"sparsity {sparsity} is not a whole percent between 0 and 1.")
    return f"{percent:02d}"


@dataclass(frozen=True, order=True)
class MaskAddress:
    """Which mask: how it was found, on which task, and how sparse it is.

    `level` is the sparsity in percent ('70') or the criterion by which it is chosen at run time ('winning').
    """

    paper: str
    method: str
    source: str
    level: str
    replicate: int

    @property
    def sparsity(self) -> float | None:
        """Fraction removed, or None where a criterion chooses it."""
        return None if self.level in RULES else int(self.level) / 100

    @property
    def folder(self) -> Path:
        """Path below results/<preset>."""
        tail = Path(self.method, f"from-{self.source}", _level_token(self.level), f"seed{self.replicate}")
        return Path(self.paper, "masks") / tail

    @property
    def file(self) -> Path:
        """The mask file below results/<preset>."""
        return self.folder / "mask.safetensors"


@dataclass(frozen=True, order=True)
class RunAddress:
    """Which run: target task, initial weights, mask, replicate."""

    paper: str
    task: str
    weights: str
    method: str
    source: str
    level: str
    replicate: int

    @property
    def mask(self) -> MaskAddress:
        """The mask that the run trains under."""
        return MaskAddress(self.paper, self.method, self.source, self.level, self.replicate)

    @property
    def rule(self) -> str:
        """The criterion that chooses the sparsity, or ''."""
        return self.level if self.level in RULES else ""

    @property
    def folder(self) -> Path:
        """Path below results/<preset>."""
        tail = Path(self.method, f"from-{self.source}", _level_token(self.level), f"seed{self.replicate}")
        return Path(self.paper, "runs", self.task, self.weights) / tail

    @property
    def metrics(self) -> Path:
        """The metrics file below results/<preset>."""
        return self.folder / "metrics.json"

    def at(self, level: str) -> "RunAddress":
        """The same run at another level."""
        return replace(self, level=level)

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def parse(cls, folder: Path) -> "RunAddress":
        """The inverse of `folder`."""
        match = _RUN.fullmatch(folder.as_posix())
        facts = {} if match is None else match.groupdict()
        found = cls(**{**facts, "replicate": int(facts["replicate"])}) if facts else None  # type: ignore[arg-type]
        if found is None or found.folder != folder:
            raise TicketsError(f"{folder}: not the path of a run; expected {_RUN_SHAPE}")
        return found


def _level_token(level: str) -> str:
    return f"sparsity-{level}" if level in RULES else f"sparsity{level}"


_RUN_SHAPE = "<paper>/runs/<task>/<weights>/<method>/from-<source>/sparsity<level>/seed<replicate>"
_RUN = re.compile(
    r"(?P<paper>[^/]+)/runs/(?P<task>[^/]+)/(?P<weights>[^/]+)/(?P<method>[^/]+)/from-(?P<source>[^/]+)/"
    r"sparsity-?(?P<level>[0-9]{2}|100|winning|strict|own)/seed(?P<replicate>[0-9]+)"
)
