"""Comparing pictures: whether two that differ in bytes differ only in how they are compressed."""

import re
import zlib

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_NUMBER = re.compile(rb"\d+")


def only_compressed_otherwise(stored: bytes, again: bytes, suffix: str) -> bool:
    """Whether two PDFs or PNGs hold the same, compressed by different versions of zlib.

    Where everything compressed is equal in bytes, other bytes differ, and no compressor explains it.
    """
    split = {".pdf": _pdf, ".png": _png}[suffix]
    try:
        (frame, packed), (other, repacked) = split(stored), split(again)
        same = [zlib.decompress(a) for a in packed] == [zlib.decompress(b) for b in repacked]
    except (zlib.error, ValueError):
        return False
    return frame == other and same and packed != repacked


def damaged(data: bytes, suffix: str) -> bool:
    """Whether something compressed in a PDF or PNG cannot be read, whatever it shows."""
    try:
        _, packed = {".pdf": _pdf, ".png": _png}[suffix](data)
        return not [zlib.decompress(stream) for stream in packed]
    except (zlib.error, ValueError):
        return True


def _pdf(data: bytes) -> tuple[bytes, list[bytes]]:
    """What is around the compressed streams, without lengths and offsets, and the streams."""
    packed = [stream for stream in _STREAM.findall(data) if stream[:1] == b"x"]
    return _NUMBER.sub(b"#", _STREAM.sub(b"", data)), packed


def _png(data: bytes) -> tuple[bytes, list[bytes]]:
    """All chunks but the pixels, and the pixels."""
    frame, pixels, place = data[:8], b"", 8
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        if int.from_bytes(data[place + 8 + size : place + 12 + size], "big") != zlib.crc32(kind + body):
            raise ValueError("checksum of a chunk")
        if kind == b"IDAT":
            pixels += body
        else:
            frame += kind + body
        place += 12 + size
    return frame + data[place:], [pixels]
