"""Python, the pinned packages, and whose code runs."""

import re
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import tickets
from tickets.doctor.check import Finding, State, listing
from tickets.doctor.surroundings import Surroundings

_PINS = Path("envs/requirements.txt")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;#]+)")
_MADE_ON = (3, 11)


def python(here: Surroundings) -> Finding:
    """The interpreter's version."""
    version = sys.version_info[:3]
    found = f"{'.'.join(map(str, version))} ({sys.executable})"
    if version < (3, 11):
        return Finding("error", found, "Python 3.11 or later is needed: `make setup PYTHON=python3.11`.")
    if version[:2] != _MADE_ON:
        why = f"The pins were made on Python {_MADE_ON[0]}.{_MADE_ON[1]}; if a package does not install, use that."
        return Finding("warning", found, why)
    return Finding("ok", found)


def packages(here: Surroundings) -> Finding:
    """Installed versions against the pins."""
    path = here.root / _PINS
    if not path.exists():
        return Finding(
            "warning", f"no {_PINS} here, so versions are not compared", "Run in the repository's root."
        )
    pins = {m[1]: m[2] for line in path.read_text().splitlines() if (m := _PIN.match(line))}
    installed = {name: installed_version(name) for name in pins}
    missing = [name for name, version in installed.items() if version is None]
    drifted = [
        f"{name} {version} (pinned {pins[name]})"
        for name, version in installed.items()
        if version is not None and version.split("+")[0] != pins[name].split("+")[0]
    ]
    if not missing and not drifted:
        return Finding("ok", f"all {len(pins)} as pinned in {_PINS}")
    said = [f"missing: {listing(missing)}"] if missing else []
    said += [f"other versions: {listing(drifted)}"] if drifted else []
    needed = required()
    state: State = "error" if any(_plain(name) in needed for name in missing) else "warning"
    advice = f"`pip install -r {_PINS}` brings the versions that the results were made with (`make setup` for .venv)."
    return Finding(state, "; ".join(said), advice)


def package(here: Surroundings) -> Finding:
    """Whether `tickets` is installed, and is the code of this checkout."""
    code = Path(tickets.__file__).resolve().parent
    version = installed_version("winning-tickets")
    found = f"winning-tickets {version} from {code}"
    advice = "`pip install --no-deps --editable .` in the environment that you use."
    if version is None:
        return Finding("error", f"tickets runs from {code}, but is not installed", advice)
    own = here.root.resolve() / "src" / "tickets"
    if own.is_dir() and own != code:
        return Finding(
            "warning", f"{found}, not from this checkout", f"To run the code that you see here: {advice}"
        )
    if not (Path(here.python).parent / "tickets").exists():
        return Finding("error", f"{found}, but without its command beside {here.python}", advice)
    return Finding("ok", found)


def installed_version(name: str) -> str | None:
    """Version of an installed distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def required() -> Mapping[str, str]:
    """Names of what the package itself says it needs."""
    try:
        lines = metadata.requires("winning-tickets") or []
    except metadata.PackageNotFoundError:
        return {}
    found = [line for line in lines if "extra ==" not in line]
    return {_plain(re.split(r"[^A-Za-z0-9._-]", line)[0]): line for line in found}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
