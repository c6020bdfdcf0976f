"""Pictures that differ in bytes: by how they are compressed, or by what they show."""

import struct
import zlib

import pytest

from tickets.audit.pictures import damaged, only_compressed_otherwise


def png(pixels, level=6, text=b"footer"):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"tEXt", text)
        + chunk(b"IDAT", zlib.compress(pixels, level))
        + chunk(b"IEND", b"")
    )


def pdf(content, level=6, title=b"Figure"):
    packed = zlib.compress(content, level)
    head = b"%PDF-1.4\n/Title (" + title + b")\n<< /Length " + str(len(packed)).encode() + b" >>\nstream\n"
    return head + packed + b"\nendstream\nstartxref\n" + str(len(head)).encode() + b"\n"


PIXELS = bytes(range(256)) * 40


@pytest.mark.parametrize(("make", "suffix"), [(png, ".png"), (pdf, ".pdf")])
def test_only_another_compression_is_no_other_picture(make, suffix):
    first = make(PIXELS)
    assert only_compressed_otherwise(first, make(PIXELS, level=1), suffix)
    assert not only_compressed_otherwise(first, make(PIXELS[:-1] + b"x", level=1), suffix)
    assert not only_compressed_otherwise(first, make(PIXELS, 1, b"other"), suffix)


@pytest.mark.parametrize(("make", "suffix"), [(png, ".png"), (pdf, ".pdf")])
def test_no_flipped_byte_is_taken_for_another_compression(make, suffix):
    first = make(PIXELS)
    for place in range(0, len(first), 7):
        flipped = bytearray(first)
        flipped[place] ^= 0x01
        assert not only_compressed_otherwise(bytes(flipped), first, suffix)


def test_a_damaged_picture_is_damaged_whatever_it_shows():
    for make, suffix in ((png, ".png"), (pdf, ".pdf")):
        whole = make(PIXELS)
        assert not damaged(whole, suffix)
        cut = bytearray(whole)
        cut[len(whole) // 2] ^= 0x01
        assert damaged(bytes(cut), suffix)
