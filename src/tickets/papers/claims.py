"""Every claim of a paper, judged on our runs and, as a check on ourselves, on the published numbers.

The claims are data (`paper/<id>/claims.yaml`); each names its predicate, which the paper passes in.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import yaml

from tickets.errors import TicketsError
from tickets.papers.verdict import Status, Verdict

# (evidence, published) -> verdict; the two kinds of evidence are the paper's own types
Predicate = Callable[[Any, Any], Verdict]


@dataclass(frozen=True)
class Claim:
    """One entry of claims.yaml: what is claimed, where, and what the published numbers say about it."""

    id: str
    title: str
    source: str
    predicate: str
    published: Status
    why: str


@dataclass(frozen=True)
class ClaimResult:
    """A claim with the verdict on our runs and the verdict on the published numbers."""

    claim: Claim
    ours: Verdict
    published: Verdict


def load_claims(path: Path, predicates: Mapping[str, Predicate]) -> tuple[Claim, ...]:
    """Read a claims.yaml in its order; `TicketsError` names an entry with a wrong key, status or predicate."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))["claims"]
    except FileNotFoundError:
        raise TicketsError(f"{path}: claims not found. Restore the file from git.") from None
    except (yaml.YAMLError, TypeError, KeyError, UnicodeDecodeError) as error:
        raise TicketsError(f"{path}: no list under the key 'claims' ({error}). Correct it.") from None
    return tuple(_claim(path, entry, predicates) for entry in entries)


def evaluate_claims(
    path: Path, predicates: Mapping[str, Predicate], evidence: Any, published: Any
) -> list[ClaimResult]:
    """Judge every claim of the file at `path` on our runs and on the published numbers."""
    results = []
    for claim in load_claims(path, predicates):
        judge = predicates[claim.predicate]
        results.append(ClaimResult(claim, judge(evidence, published), judge(published, published)))
    return results


def write_claims(
    results: Sequence[ClaimResult], json_path: Path, md_path: Path, preset: str, paper: str
) -> None:
    """Write claims.json (everything) and claims.md (for people), each replaced as a whole."""
    document = {
        "paper": paper,
        "preset": preset,
        "claims": [
            {
                **asdict(r.claim),
                "ours": _plain(asdict(r.ours)),
                "published_verdict": _plain(asdict(r.published)),
            }
            for r in results
        ],
    }
    _write(json_path, json.dumps(document, indent=1, allow_nan=False) + "\n")
    _write(md_path, claims_markdown(results, preset, paper))


def claims_markdown(results: Sequence[ClaimResult], preset: str, paper: str) -> str:
    """The claims as a Markdown page: a count of verdicts, then one row a claim, ours beside published."""
    counts = {status: sum(r.ours.status == status for r in results) for status in get_args(Status)}
    lines = [
        f"# Claims of {paper}, preset `{preset}`",
        "",
        f"Of {len(results)} claims: {', '.join(f'{n} {status}' for status, n in counts.items())}.",
        "The verdict on the published numbers is a check on the predicates, and shows where the paper's own",
        "numbers do not carry its text.",
        "",
        "| id | claim | our runs | why | published numbers | why |",
        "|---|---|---|---|---|---|",
    ]
    for r in results:
        cells = (
            r.claim.id,
            r.claim.title,
            f"**{r.ours.status}**",
            r.ours.reason,
            r.published.status,
            r.claim.why or r.published.reason,
        )
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _claim(path: Path, entry: Any, predicates: Mapping[str, Predicate]) -> Claim:
    try:
        claim = Claim(**entry)
    except TypeError as error:
        raise TicketsError(f"{path}: entry {entry!r} is no claim ({error}). Correct its keys.") from None
    if claim.predicate not in predicates:
        raise TicketsError(f"{path}: claim {claim.id} names an unknown predicate '{claim.predicate}'.")
    if claim.published not in get_args(Status):
        known = ", ".join(get_args(Status))
        raise TicketsError(f"{path}: claim {claim.id} has status '{claim.published}'; use one of {known}.")
    return claim


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _plain(value: Any) -> Any:
    """JSON has no NaN: what was not run is null. Nor infinity (t, where all pairs differ alike): it is a word.

    Numbers are rounded to what a reader can use.
    """
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        if math.isinf(value):
            return str(value)
        return None if math.isnan(value) else round(value, 6)
    return value


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
