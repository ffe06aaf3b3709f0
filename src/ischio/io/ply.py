"""PLY surfaces, binary (both byte orders) and text."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ischio._check import Array, InputError
from ischio.io._mesh import Indices, Mesh, check_count, finished, numbers, refused, triangles, whole

_MAX_HEADER_BYTES = 65536
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_TYPES = {
    name: code
    for code, names in {
        "i1": "char int8",
        "u1": "uchar uint8",
        "i2": "short int16",
        "u2": "ushort uint16",
        "i4": "int int32",
        "u4": "uint uint32",
        "f4": "float float32",
        "f8": "double float64",
    }.items()
    for name in names.split()
}
_STRUCT = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I"}
_CORNERS = ("vertex_indices", "vertex_index")


@dataclass(frozen=True, slots=True)
class _Property:
    """A column; ``count`` is the type of a list's length, or empty for a single value."""

    name: str
    code: str
    count: str = ""


@dataclass(frozen=True, slots=True)
class _Element:
    """A table: its name, rows and columns."""

    name: str
    n: int
    properties: tuple[_Property, ...]

    @property
    def least_bytes(self) -> int:
        """Size of a binary row whose lists are empty."""
        return sum(np.dtype(p.count or p.code).itemsize for p in self.properties)


def read_ply(path: Path) -> Mesh:
    """Read a PLY surface.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Mesh
        Colours, normals and other columns are not used; polygons are cut into triangles.

    Raises
    ------
    InputError
        If the header is not one of a surface, says more than the file holds or more than fits, or
        the tables are not what it says.
    """
    with path.open("rb") as file:
        head = file.read(_MAX_HEADER_BYTES)
    order, elements, start = _header(path, head)
    by_name = {element.name: element for element in elements}
    for name in ("vertex", "face"):
        if name not in by_name:
            raise refused(
                path, f"no table {name!r}", "a PLY with vertices and faces", "Export a surface, not points."
            )
    check_count(path, by_name["face"].n)
    held = path.stat().st_size - start
    # In text every value takes a digit and a space.
    least = sum(e.n * (e.least_bytes if order else 2 * len(e.properties)) for e in elements) - (
        0 if order else 1
    )
    if held < least:
        raise _cut_short(path, f"{held:,} bytes of data", f"at least {least:,} as the header says")
    body = path.read_bytes()[start:]
    tables = _binary(path, body, order, elements) if order else _text(path, body, elements)
    vertices, (counts, corners) = tables
    faces, repairs = triangles(path, counts, corners)
    return finished(path, vertices, faces, repairs)


def _cut_short(path: Path, got: str, expected: str) -> InputError:
    """Error of a file that ends too soon."""
    return refused(path, got, expected, "The file is cut short: copy or export it again.")


def _header(path: Path, head: bytes) -> tuple[str, tuple[_Element, ...], int]:
    """Byte order ("" for text), tables, and where the data begin."""
    end = head.find(b"\nend_header")
    line_end = head.find(b"\n", end + 1)
    if head[:3] != b"ply" or end < 0 or line_end < 0:
        raise refused(path, f"a beginning of {head[:20]!r}", "a PLY with a complete header")
    order: str | None = None
    elements: list[_Element] = []
    for line in head[:end].decode("latin-1").splitlines()[1:]:
        match line.split():
            case ["format", kind, _] if kind in _FORMATS:
                order = _FORMATS[kind]
            case ["element", name, n] if n.isdecimal():
                elements.append(_Element(name, int(n), ()))
            case ["property", "list", count, kind, name] if (
                elements and _TYPES.get(count) in _STRUCT and kind in _TYPES
            ):
                elements[-1] = _with(elements[-1], _Property(name, _TYPES[kind], _TYPES[count]))
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1] = _with(elements[-1], _Property(name, _TYPES[kind]))
            case [] | ["comment", *_] | ["obj_info", *_]:
                pass
            case _:
                raise refused(path, f"the header line {line[:60]!r}", "the header of a PLY")
    if order is None:
        raise refused(path, "a header without a format", "one of " + ", ".join(_FORMATS))
    return order, tuple(elements), line_end + 1


def _with(element: _Element, column: _Property) -> _Element:
    """The element with one more column."""
    return _Element(element.name, element.n, (*element.properties, column))


def _corner_column(path: Path, element: _Element) -> int:
    """Which column of the faces holds their corners."""
    for i, column in enumerate(element.properties):
        if column.name in _CORNERS and column.count and column.code in _STRUCT:
            return i
    raise refused(
        path, f"faces with {[p.name for p in element.properties]}", f"a list of whole numbers {_CORNERS[0]!r}"
    )


def _point_columns(path: Path, element: _Element) -> list[int]:
    """Which columns of the vertices hold x, y and z."""
    names = [column.name for column in element.properties]
    if any(column.count for column in element.properties) or not {"x", "y", "z"} <= set(names):
        raise refused(path, f"vertices with {names}", "single values x, y and z")
    return [names.index(axis) for axis in "xyz"]


def _binary(
    path: Path, body: bytes, order: str, elements: tuple[_Element, ...]
) -> tuple[Array, tuple[Indices, Indices]]:
    """Vertices and polygons from binary tables."""
    vertices, polygons = np.empty((0, 3)), (np.empty(0, np.int64), np.empty(0, np.int64))
    at = 0
    for element in elements:
        wanted = _corner_column(path, element) if element.name == "face" else None
        try:
            rows = _even_rows(body, at, order, element)
            if rows is not None:
                at += rows.nbytes
            else:
                starts, counts, at = _uneven_rows(body, at, order, element, wanted)
        except (struct.error, IndexError) as error:
            raise _cut_short(
                path, f"data that end within table {element.name!r}", f"{element.n:,} rows"
            ) from error
        if element.name == "vertex":
            columns = [f"v{i}" for i in _point_columns(path, element)]
            assert rows is not None  # vertices have no lists
            vertices = np.stack([rows[column].astype(np.float64) for column in columns], axis=1)
        elif wanted is not None:
            if rows is not None:
                check_count(path, element.n * (rows[f"v{wanted}"].shape[1] - 2))
                corners = rows[f"v{wanted}"].astype(np.int64)
                polygons = np.full(len(corners), corners.shape[1]), corners.reshape(-1)
            else:
                check_count(path, int(np.maximum(counts - 2, 0).sum()))
                dtype = np.dtype(order + element.properties[wanted].code)
                polygons = counts, _gather(body, starts, counts, dtype)
    return vertices, polygons


def _even_rows(
    body: bytes, at: int, order: str, element: _Element
) -> np.ndarray[tuple[int], np.dtype[np.void]] | None:
    """All rows of a table at once, if every list is as long as in the first row; else None."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    lengths: dict[str, int] = {}
    offset = at
    for i, column in enumerate(element.properties):
        if column.count:
            length = 0
            if element.n:
                (length,) = struct.unpack_from(order + _STRUCT[column.count], body, offset)
            if length * np.dtype(column.code).itemsize > len(body) - offset:
                raise IndexError
            lengths[f"n{i}"] = length
            fields += [(f"n{i}", order + column.count), (f"v{i}", order + column.code, (max(length, 0),))]
        else:
            fields.append((f"v{i}", order + column.code))
        offset = at + np.dtype(fields).itemsize
    dtype = np.dtype(fields)
    if at + element.n * dtype.itemsize > len(body):
        if lengths:
            return None
        raise IndexError
    rows = np.frombuffer(body, dtype=dtype, count=element.n, offset=at)
    return rows if all((rows[name] == length).all() for name, length in lengths.items()) else None


def _uneven_rows(
    body: bytes, at: int, order: str, element: _Element, wanted: int | None
) -> tuple[Indices, Indices, int]:
    """Where the wanted list of each row starts, how long it is, and where the table ends."""
    columns = [
        (struct.Struct(order + _STRUCT[p.count]) if p.count else None, np.dtype(p.code).itemsize)
        for p in element.properties
    ]
    starts, counts = np.empty(element.n, np.int64), np.empty(element.n, np.int64)
    for row in range(element.n):
        for i, (count, size) in enumerate(columns):
            length = 1
            if count is not None:
                length = max(count.unpack_from(body, at)[0], 0)
                at += count.size
                if i == wanted:
                    starts[row], counts[row] = at, length
            at += size * length
    if at > len(body):
        raise IndexError
    return starts, counts, at


def _gather(body: bytes, starts: Indices, counts: Indices, dtype: np.dtype[np.generic]) -> Indices:
    """The values of lists that lie anywhere in the data."""
    row = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
    at = starts[row] + step * dtype.itemsize
    raw = np.frombuffer(body, dtype=np.uint8)[at[:, None] + np.arange(dtype.itemsize)]
    values: Indices = raw.reshape(-1).view(dtype).astype(np.int64)
    return values


def _text(path: Path, body: bytes, elements: tuple[_Element, ...]) -> tuple[Array, tuple[Indices, Indices]]:
    """Vertices and polygons from text tables, one row a line."""
    vertices, polygons = np.empty((0, 3)), (np.empty(0, np.int64), np.empty(0, np.int64))
    lines = [line for line in body.splitlines() if line.strip()]
    for element in elements:
        rows, lines = lines[: element.n], lines[element.n :]
        if len(rows) < element.n:
            raise _cut_short(path, f"{len(rows):,} rows of table {element.name!r}", f"{element.n:,} rows")
        if element.name == "vertex":
            columns = _point_columns(path, element)
            values = numbers(b"\n".join(rows), path)
            if len(values) != element.n * len(element.properties):
                raise _cut_short(
                    path, f"{len(values):,} values of vertices", f"{len(element.properties)} in each row"
                )
            vertices = values.reshape(element.n, -1)[:, columns]
        elif element.name == "face":
            polygons = _text_polygons(path, element, rows)
    return vertices, polygons


def _text_polygons(path: Path, element: _Element, rows: list[bytes]) -> tuple[Indices, Indices]:
    """Corners of polygons from rows whose other columns are stepped over."""
    wanted = _corner_column(path, element)
    values = numbers(b"\n".join(rows), path)
    if len(element.properties) == 1 and len(values) == 4 * element.n and (values[::4] == 3).all():
        return np.full(element.n, 3), whole(values.reshape(-1, 4)[:, 1:].reshape(-1), path)
    counts, corners = [], []
    at = 0
    for _ in range(element.n):
        for i, column in enumerate(element.properties):
            if column.count and at < len(values):
                length = int(min(values[at], len(values))) if values[at] >= 0 else 0
                at += 1
                if i == wanted:
                    counts.append(length)
                    corners.append(values[at : at + length])
            else:
                length = 1
            at += length
    if at != len(values):
        raise _cut_short(path, f"{len(values):,} values of faces", f"{at:,} as the lists say")
    return np.array(counts, dtype=np.int64), whole(np.concatenate(corners or [np.empty(0)]), path)
