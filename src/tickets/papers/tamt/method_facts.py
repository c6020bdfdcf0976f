"""What a method token means under a config, in the columns of the tidy files. Imports no torch."""

from typing import Any

from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.settings import TamtSettings


def method_facts(settings: TamtSettings, token: str, level: str) -> dict[str, Any]:
    """kind, init, step, interval, main and ablation (see `cell_columns.WHICH_COLUMNS`) of a mask.

    step: optimizer steps spent on the mask; those of IMP are its interval times the prunings after the first.
    """
    method = Method.parse(token)
    interval = step = 0
    if method.kind.startswith("imp"):
        interval = method.interval or settings.imp.interval
        step = interval * (int(level) // 10 - 1)
    elif method.trained:
        step = method.step or settings.main_steps[level]
    main = method == Method(method.kind)
    return {
        "kind": method.kind,
        "init": method.init if method.trained else "",
        "step": step,
        "interval": interval,
        "main": int(main),
        "ablation": method.ablation,
    }
