"""Numbers as people read them."""

_LARGE = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def short(count: float) -> str:
    """1234567 -> '1.23M'; numbers below 10,000 in full."""
    if count < 10_000:
        return f"{count:,.0f}"
    return _scaled(count, _LARGE, "")


def size(count: float) -> str:
    """Bytes: '68.4 GB'."""
    return _scaled(count, _BYTES, " ") if count >= 1e3 else f"{count:.0f} B"


def operations(flops: float) -> str:
    """FLOPs: '1.57e+20'; '0' for none."""
    return f"{flops:.2e}" if flops else "0"


def duration(seconds: float) -> str:
    """'3.2 s', '4.1 min', '12.3 h', '1,749 h'."""
    if seconds < 59.5:
        return f"{seconds:.1f} s"
    if seconds < 3570:
        return f"{seconds / 60:.1f} min"
    hours = seconds / 3600
    return f"{hours:,.1f} h" if hours < 99.5 else f"{hours:,.0f} h"


def _scaled(count: float, units: tuple[tuple[float, str], ...], gap: str) -> str:
    for unit, name in units:
        if count >= 0.9995 * unit:
            return (
                f"{count / unit:.3g}{gap}{name}"
                if count < 999.5 * unit
                else f"{count / unit:,.0f}{gap}{name}"
            )
    return f"{count:.3g}"
