"""Seeds derived from names, so that no two uses of randomness share a stream and none depends on call order."""

import hashlib


def derive_seed(*parts: str | int) -> int:
    """A 63-bit seed from any sequence of names and numbers, the same on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
