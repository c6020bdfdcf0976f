"""What git says of the results, the published values and the config: no fault, but worth knowing."""

import subprocess
from collections.abc import Iterable

from tickets.audit.check import Check, Options, Unit
from tickets.audit.report import Part
from tickets.audit.subject import Subject

FEW = 5
WORDS = {"M": "edited", "D": "deleted", "A": "new", "R": "renamed"}


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """All at once."""
    return [Unit(check_head)]


def check_head(subject: Subject) -> Part:
    """Tracked files that differ from the last commit."""
    part, places = Part(), [str(subject.root), "paper", str(subject.source.config)]
    command = ["git", "status", "--porcelain", "--untracked-files=no", "--", *places]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        tracked = subprocess.run(
            ["git", "ls-files", "--", *places], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is None or done.returncode or tracked.returncode:
        part.note("this is no git repository, so nothing is compared with the last commit")
        return part
    part.items += len(tracked.stdout.splitlines())
    changed = [(line[:2].strip()[:1], line[3:]) for line in done.stdout.splitlines()]
    for state, path in changed[:FEW]:
        part.note(f"{path} is {WORDS.get(state, 'changed')} since the last commit")
    if len(changed) > FEW:
        part.note("further files that differ from the last commit", len(changed) - FEW)
    return part


CHECK = Check("history", "results, paper/, config ← last commit (notes)", units)
