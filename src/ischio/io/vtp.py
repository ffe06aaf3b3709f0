"""VTP surfaces: VTK's XML poly data, with data as text, base64 or raw, plain or zlib."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np

from ischio._check import Array
from ischio.io._mesh import Indices, Mesh, check_count, finished, numbers, refused, triangles

_BLOCK_BYTES = 1 << 20
_TYPES = {
    "Int8": "i1",
    "UInt8": "u1",
    "Int16": "i2",
    "UInt16": "u2",
    "Int32": "i4",
    "UInt32": "u4",
    "Int64": "i8",
    "UInt64": "u8",
    "Float32": "f4",
    "Float64": "f8",
}
_ZLIB = "vtkZLibDataCompressor"
_CUT = "The file is cut short or damaged: copy or export it again."


class _AppendedData(Exception):
    """The XML has come to its data."""


@dataclass(slots=True)
class _Piece:
    """One part of the surface: how much it says it holds, and its arrays as found."""

    n_points: int
    n_polygons: int
    arrays: dict[str, tuple[dict[str, str], list[str]]] = field(default_factory=dict)


@dataclass(slots=True)
class _File:
    """What the XML says; the parser's handlers fill it."""

    path: Path
    byte_order: str = "<"
    header: str = "<u4"
    compressor: str = ""
    raw: bool = False
    pieces: list[_Piece] = field(default_factory=list)
    within: list[str] = field(default_factory=list)
    text: list[str] | None = None

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """The outermost element says how all data are stored."""
        if tag != "VTKFile" or attributes.get("type") != "PolyData":
            raise refused(self.path, f"<{tag} type={attributes.get('type')!r}>", "<VTKFile type='PolyData'>")
        self.byte_order = ">" if attributes.get("byte_order") == "BigEndian" else "<"
        self.header = self.byte_order + ("u8" if attributes.get("header_type") == "UInt64" else "u4")
        self.compressor = attributes.get("compressor", "")
        if self.compressor not in ("", _ZLIB):
            raise refused(self.path, f"compression by {self.compressor}", f"none or {_ZLIB}")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element opens."""
        if not self.within:
            self.begin(tag, attributes)
        elif tag == "Piece":
            counts = [attributes.get(f"NumberOf{what}", "0") for what in ("Points", "Polys")]
            if not all(count.isdecimal() for count in counts):
                raise refused(self.path, f"a piece of {counts} points and polygons", "two numbers")
            self.pieces.append(_Piece(int(counts[0]), int(counts[1])))
            check_count(self.path, sum(piece.n_polygons for piece in self.pieces))
            check_count(self.path, sum(piece.n_points for piece in self.pieces) // 3)
        elif tag == "DataArray" and self.pieces and self.within[-1] in ("Points", "Polys"):
            name = "points" if self.within[-1] == "Points" else attributes.get("Name", "")
            self.text = []
            self.pieces[-1].arrays[name] = (attributes, self.text)
        elif tag == "AppendedData":
            self.raw = attributes.get("encoding") == "raw"
            raise _AppendedData
        self.within.append(tag)

    def end(self, tag: str) -> None:
        """An element closes."""
        self.within.pop()
        if tag == "DataArray":
            self.text = None

    def characters(self, text: str) -> None:
        """Text between tags."""
        if self.text is not None and self.within[-1] == "DataArray":  # keys inside it have text of their own
            self.text.append(text)

    def doctype(self, *_: object) -> None:
        """Refuse what could define entities; no surface needs it."""
        raise refused(self.path, "a document type declaration", "a VTP without one")


def read_vtp(path: Path) -> Mesh:
    """Read the polygons of a VTP file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Mesh
        Pieces are joined; polygons are cut into triangles; lines, strips and other arrays are not used.

    Raises
    ------
    InputError
        If the file is no VTP, is truncated, says more than it holds or more than fits, is compressed in
        another way than zlib, or has a document type declaration.
    """
    file, appended = _parse(path)
    vertices, counts, corners = [np.empty((0, 3))], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    n_before = 0
    for piece in file.pieces:
        if not piece.n_polygons:
            continue
        points = _array(file, piece, "points", 3 * piece.n_points, appended).reshape(-1, 3)
        ends = _array(file, piece, "offsets", piece.n_polygons, appended).astype(np.int64)
        each = np.diff(ends, prepend=0)
        if (each < 0).any():
            raise refused(path, "polygons that end before they begin", "rising offsets")
        check_count(path, int(ends[-1]) // 3)
        used = _array(file, piece, "connectivity", int(ends[-1]), appended).astype(np.int64)
        if (used < 0).any() or (used >= len(points)).any():
            raise refused(
                path, "a polygon that uses a vertex which is not there", f"vertices 0 to {len(points) - 1}"
            )
        vertices.append(points.astype(np.float64))
        counts.append(each)
        corners.append(used + n_before)
        n_before += len(points)
    faces, repairs = triangles(path, np.concatenate(counts), np.concatenate(corners))
    return finished(path, np.concatenate(vertices), faces, repairs)


def _parse(path: Path) -> tuple[_File, bytes]:
    """What the XML says, and the appended data from behind their underscore."""
    found = _File(path)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.characters
    parser.StartDoctypeDeclHandler = found.doctype
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK_BYTES):
                parser.Parse(block, False)
            parser.Parse(b"", True)
        except _AppendedData:  # they may be raw, which is no XML: parsing ends here
            file.seek(parser.CurrentByteIndex)
            return found, file.read().partition(b"_")[2]
        except expat.ExpatError as error:
            raise refused(
                path, f"XML that cannot be read ({error})", "a complete VTP", "Copy or export it again."
            ) from error
    return found, b""


def _array(file: _File, piece: _Piece, name: str, n_values: int, appended: bytes) -> Array | Indices:
    """One array of a piece, which must hold exactly so many values."""
    if name not in piece.arrays:
        raise refused(file.path, f"no array {name!r}", "points, and polygons with connectivity and offsets")
    attributes, texts = piece.arrays[name]
    kind, form = attributes.get("type", ""), attributes.get("format", "ascii")
    if kind not in _TYPES:
        raise refused(file.path, f"array {name!r} of type {kind!r}", f"one of {list(_TYPES)}")
    dtype = np.dtype(file.byte_order + _TYPES[kind])
    if form == "ascii":
        values = numbers("".join(texts).encode(), file.path)
    elif form == "binary":
        raw = _data(file, b"".join("".join(texts).encode().split()), False, n_values * dtype.itemsize)
        values = np.frombuffer(raw, dtype)
    elif form == "appended" and attributes.get("offset", "").isdecimal():
        stored = memoryview(appended)[int(attributes["offset"]) :]
        raw = _data(file, stored, file.raw, n_values * dtype.itemsize)
        values = np.frombuffer(raw, dtype)
    else:
        raise refused(file.path, f"array {name!r} in format {form!r}", "ascii, binary or appended")
    if len(values) != n_values:
        raise refused(file.path, f"{len(values):,} values in array {name!r}", f"{n_values:,}", _CUT)
    return values


def _data(file: _File, stored: bytes | memoryview, raw: bool, n_bytes: int) -> bytes:
    """Undo base64 and compression of a block that must hold ``n_bytes``."""
    width = np.dtype(file.header).itemsize
    try:
        if not file.compressor:
            head = _decoded(stored, width, raw)
            said = int(np.frombuffer(head, file.header, 1)[0])
            if said != n_bytes:
                raise ValueError(f"{said:,} bytes where {n_bytes:,} are needed")
            return _decoded(stored, width + n_bytes, raw)[width:]
        n_blocks, size, last = map(int, np.frombuffer(_decoded(stored, 3 * width, raw), file.header))
        said = (n_blocks - bool(last)) * size + last
        if said != n_bytes:
            raise ValueError(f"{said:,} bytes where {n_bytes:,} are needed")
        n_head = (3 + n_blocks) * width
        sizes = np.frombuffer(_decoded(stored, n_head, raw), file.header)[3:].astype(np.int64)
        body = stored[n_head if raw else _base64_length(n_head) :]  # the head is encoded by itself
        packed = _decoded(body, int(sizes.sum()), raw)
        ends = np.cumsum(sizes)
        blocks = [packed[end - n : end] for end, n in zip(ends, sizes, strict=True)]
        plain = b"".join(zlib.decompressobj().decompress(block, size) for block in blocks)
        if len(plain) != n_bytes:
            raise ValueError(f"{len(plain):,} bytes where {n_bytes:,} are needed")
        return plain
    except (binascii.Error, zlib.error, ValueError) as error:
        raise refused(file.path, f"data that cannot be decoded ({error})", "complete data", _CUT) from error


def _decoded(stored: bytes | memoryview, n_bytes: int, raw: bool) -> bytes:
    """The first so many bytes of what is stored."""
    if raw:
        found = bytes(stored[:n_bytes])
    else:
        found = base64.b64decode(stored[: _base64_length(n_bytes)], validate=True)[:n_bytes]
    if len(found) < n_bytes:
        raise ValueError(f"{len(found):,} of {n_bytes:,} bytes")
    return found


def _base64_length(n_bytes: int) -> int:
    """Characters that so many bytes take."""
    return -(-n_bytes // 3) * 4
