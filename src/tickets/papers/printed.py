"""Reading a file of published values."""

from pathlib import Path
from typing import Any

import pandas as pd

from tickets.errors import TicketsError


def read_printed(path: Path, **options: Any) -> pd.DataFrame:
    """A CSV of `paper/<id>/`, indexed by its first column; `options` are pandas'. `TicketsError` if unreadable."""
    try:
        frame: pd.DataFrame = pd.read_csv(path, index_col=0, **options)
    except FileNotFoundError:
        raise TicketsError(f"{path}: published values not found. Restore the file from git.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TicketsError(f"{path}: not a readable CSV ({error}). Restore the file from git.") from None
    return frame
