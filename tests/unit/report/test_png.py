"""PNG bytes, read back by a slow decoder written from the specification."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ischio.report.png import png_bytes

SIZES = [(1, 1), (1, 9), (7, 1), (31, 23)]


def slow_decode(data: bytes) -> NDArray[np.uint8]:
    """Pixels of an 8-bit colour PNG, byte by byte; checks every checksum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        parts[kind] = body
        at += 12 + length
    assert list(parts) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, bits, colour, *rest = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert (bits, colour, rest) == (8, 2, [0, 0, 0])
    raw = zlib.decompress(parts[b"IDAT"])
    out = np.zeros((height, width, 3), dtype=np.uint8)
    for i in range(height):
        kind_of_filter, *row = raw[i * (1 + 3 * width) : (i + 1) * (1 + 3 * width)]
        for n, value in enumerate(row):
            j, k = divmod(n, 3)
            left = int(out[i, j - 1, k]) if j else 0
            above = int(out[i - 1, j, k]) if i else 0
            guess = {1: left, 2: above, 3: (left + above) // 2}[kind_of_filter]
            out[i, j, k] = (value + guess) % 256
    return out


@pytest.mark.parametrize("size", SIZES)
def test_pixels_come_back(rng: np.random.Generator, size: tuple[int, int]) -> None:
    noise = rng.integers(0, 256, size=(*size, 3), dtype=np.uint8)
    slope = np.cumsum(rng.integers(0, 3, size=(*size, 3)), axis=rng.integers(2)).astype(np.uint8)
    for rgb in (noise, slope):
        assert np.array_equal(slow_decode(png_bytes(rgb)), rgb)


def test_every_kind_of_row_is_used(rng: np.random.Generator) -> None:
    """The decoder above has seen all three filters, so a wrong one could not hide."""
    wide = np.zeros((40, 60, 3), dtype=np.uint8)
    wide[1:14] = rng.integers(0, 256, size=(13, 1, 3))  # like the left neighbour
    wide[14:27] = rng.integers(0, 256, size=(1, 60, 3))  # like the upper neighbour
    wide[27:] = np.add.outer(np.arange(13) * 5, np.arange(60) * 5)[..., None] % 251  # between both
    raw = zlib.decompress(png_bytes(wide)[8 + 25 + 8 : -12 - 4])
    assert set(raw[:: 1 + 180]) == {1, 2, 3}
    assert np.array_equal(slow_decode(png_bytes(wide)), wide)


def test_same_pixels_same_bytes(rng: np.random.Generator) -> None:
    rgb = rng.integers(0, 256, size=(20, 30, 3), dtype=np.uint8)
    assert png_bytes(rgb) == png_bytes(np.asfortranarray(rgb))


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["grey", "with alpha", "floats", "empty"],
)
def test_other_arrays_are_refused(pixels: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        png_bytes(pixels)
