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

RULES = ("winning", "strict", "own", "super")
"""Criteria that choose a sparsity at run time: s* of the target task under the one-std or the strict criterion,
(own) s* of the source task under the one-std criterion, and (super) the level of the task's super ticket."""


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
    `model` and `variant` are as in `RunAddress`.
    """

    paper: str
    method: str
    source: str
    level: str
    replicate: int
    model: str = ""
    variant: str = ""

    @property
    def sparsity(self) -> float | None:
        """Fraction removed, or None where a criterion chooses it."""
        return None if self.level in RULES else int(self.level) / 100

    @property
    def folder(self) -> Path:
        """Path below results/<preset>."""
        source = f"from-{_qualified(self.source, self.variant)}"
        tail = Path(source, _level_token(self.level), f"seed{self.replicate}")
        return Path(self.paper, "masks", _of_model(self.model, self.method)) / tail

    @property
    def file(self) -> Path:
        """The mask file below results/<preset>."""
        return self.folder / "mask.safetensors"

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return _plain(self)


@dataclass(frozen=True, order=True)
class RunAddress:
    """Which run: target task, initial weights, mask, replicate.

    model    role of the pre-trained model, where a paper has several
    variant  what differs from the paper's standard recipe or data: 'lr2', 'data10'
    """

    paper: str
    task: str
    weights: str
    method: str
    source: str
    level: str
    replicate: int
    model: str = ""
    variant: str = ""

    @property
    def mask(self) -> MaskAddress:
        """The mask that the run trains under."""
        address = (self.paper, self.method, self.source, self.level, self.replicate)
        return MaskAddress(*address, self.model, self.variant)

    @property
    def rule(self) -> str:
        """The criterion that chooses the sparsity, or ''."""
        return self.level if self.level in RULES else ""

    @property
    def folder(self) -> Path:
        """Path below results/<preset>."""
        tail = Path(self.method, f"from-{self.source}", _level_token(self.level), f"seed{self.replicate}")
        task, weights = _qualified(self.task, self.variant), _of_model(self.model, self.weights)
        return Path(self.paper, "runs", task, weights) / tail

    @property
    def metrics(self) -> Path:
        """The metrics file below results/<preset>."""
        return self.folder / "metrics.json"

    def at(self, level: str) -> "RunAddress":
        """The same run at another level."""
        return replace(self, level=level)

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return _plain(self)

    @classmethod
    def parse(cls, folder: Path) -> "RunAddress":
        """The inverse of `folder`."""
        match = _RUN.fullmatch(folder.as_posix())
        facts = {} if match is None else {k: v or "" for k, v in match.groupdict().items()}
        found = cls(**{**facts, "replicate": int(facts["replicate"])}) if facts else None  # type: ignore[arg-type]
        if found is None or found.folder != folder:
            raise TicketsError(f"{folder}: not the path of a run; expected {_RUN_SHAPE}")
        return found


def _plain(address: MaskAddress | RunAddress) -> dict[str, Any]:
    """All fields; `model` and `variant` only where given, so that a paper without them has no such facts."""
    return {name: v for name, v in asdict(address).items() if v or name not in ("model", "variant")}


def _qualified(name: str, variant: str) -> str:
    return f"{name}@{variant}" if variant else name


def _of_model(model: str, name: str) -> str:
    return f"{model}.{name}" if model else name


def _level_token(level: str) -> str:
    return f"sparsity-{level}" if level in RULES else f"sparsity{level}"


_RUN_SHAPE = (
    "<paper>/runs/<task>[@<variant>]/[<model>.]<weights>/<method>/from-<source>/"
    "sparsity<level>/seed<replicate>"
)
_RUN = re.compile(
    r"(?P<paper>[^/]+)/runs/(?P<task>[^/@]+)(@(?P<variant>[^/]+))?/((?P<model>[^/.]+)\.)?(?P<weights>[^/.]+)/"
    r"(?P<method>[^/]+)/from-(?P<source>[^/]+)/"
    rf"sparsity-?(?P<level>[0-9]{{2}}|100|{'|'.join(RULES)})/seed(?P<replicate>[0-9]+)"
)
