"""The config file and its presets."""

from tickets.config import load_config
from tickets.doctor.check import Finding
from tickets.doctor.surroundings import Surroundings
from tickets.errors import TicketsError
from tickets.papers.registry import papers


def active(here: Surroundings) -> Finding:
    """The active preset; what is wrong with it is the error's own message."""
    config = here.config
    execution = config.settings.execution
    why = "--preset" if here.preset else "the file's own"
    many = "s" if execution.threads > 1 else ""
    gpus = f", {execution.gpus} GPU" if execution.gpus else ""
    return Finding(
        "ok",
        f"{config.preset} ({why}): {', '.join(papers(config))}; device {execution.device}; a job has "
        f"{execution.threads} thread{many}, {execution.mem_mb:,} MB{gpus}",
    )


def others(here: Surroundings) -> Finding:
    """Presets that are not active: wrong ones are only a warning."""
    names = [name for name in here.presets if name != here.config.preset]
    wrong = []
    for name in names:
        try:
            load_config(here.root / here.config_file, name)
        except TicketsError as error:
            wrong.append(str(error))
    if wrong:
        return Finding("warning", "; ".join(wrong), "Correct them before you use them.")
    return Finding("ok", f"{', '.join(names) or 'none'}" + (" (valid)" if names else ""))
