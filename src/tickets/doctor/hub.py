"""Models and data that a preset takes from the Hugging Face hub or from local folders."""

from pathlib import Path

from tickets.doctor.check import Finding, listing
from tickets.doctor.surroundings import Surroundings

_HOST = "huggingface.co"
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")


def local(here: Surroundings) -> Finding:
    """Folders that the config names."""
    preset = here.config.settings
    named = {f"model '{role}'": preset.model_of(role).path for role in preset.roles} | {
        "data": preset.data.path
    }
    given = {what: path for what, path in named.items() if path is not None}
    missing = [f"{what}: {path}" for what, path in given.items() if not (here.root / path).is_dir()]
    if not given:
        return Finding("not needed", f"preset {here.config.preset} names no local folders")
    if missing:
        return Finding(
            "error", f"not there: {'; '.join(missing)}", "Correct the path in config.yaml (see DATA.md)."
        )
    return Finding("ok", "; ".join(f"{what}: {path}" for what, path in given.items()))


def hub(here: Surroundings) -> Finding:
    """What still has to come from the hub, and whether it is in the cache or can be downloaded."""
    wanted = needed(here)
    if not wanted:
        return Finding("not needed", f"preset {here.config.preset} takes nothing from it, or has it already")
    folder = cache(here)
    missing = [name for name, (kind, revision) in wanted.items() if not _cached(folder, kind, name, revision)]
    if not missing:
        return Finding("ok", f"all {len(wanted)} pinned revisions are in {folder}")
    found = f"not in {folder}: {listing(missing)}"
    offline = [
        name for name in _OFFLINE if here.environment.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
    ]
    if offline:
        advice = (
            f"Unset {' and '.join(offline)}, copy a cache here (HF_HOME), or use local folders (DATA.md)."
        )
        return Finding("error", f"{found}; {', '.join(offline)} forbids downloading", advice)
    if not here.network:
        return Finding(
            "warning", found, "They will be downloaded; `tickets doctor --network` tries whether that works."
        )
    why = here.unreachable(_HOST, 443)
    if why:
        advice = "Copy a cache here (HF_HOME), or use local folders for model.path and data.path (DATA.md)."
        return Finding("error", f"{found}; {_HOST} cannot be reached ({why})", advice)
    return Finding("ok", f"{found}; {_HOST} can be reached, they will be downloaded")


def needed(here: Surroundings) -> dict[str, tuple[str, str]]:
    """Repository -> (kind, pinned revision) of what is not among the preset's results yet."""
    from tickets.papers.registry import preset_data

    preset = here.config.settings
    found: dict[str, tuple[str, str]] = {}
    for role in preset.roles:
        model = preset.model_of(role)
        there = all((here.results / path).exists() for path in preset.model_files(role))
        if model.hub and model.revision and not there:
            found[model.hub] = ("models", model.revision)
    if preset.data.source != "hub":
        return found
    tasks = {key[0] for path, key in preset_data(here.config).items() if not (here.results / path).exists()}
    if tasks:
        from tickets.data.hub import hub_source

        for task in sorted(tasks):
            source = hub_source(task, preset.data.revision)
            found[source.repository] = ("datasets", source.revision)
    return found


def cache(here: Surroundings) -> Path:
    """Where the hub's client keeps what it downloads."""
    chosen = here.environment.get("HF_HUB_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = Path(here.environment.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(here.environment.get("HF_HOME") or base, "hub").expanduser()


def _cached(folder: Path, kind: str, name: str, revision: str) -> bool:
    snapshot = folder / f"{kind}--{name.replace('/', '--')}" / "snapshots" / revision
    return snapshot.is_dir() and any(snapshot.iterdir())
