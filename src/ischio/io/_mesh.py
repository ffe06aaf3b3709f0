"""What every reader of surfaces shares: limits, polygons, text to numbers, and the last check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint

MAX_FACES = 3_000_000  # ten times a fine surface of a whole femur
MAX_BYTES = 1_500_000_000  # a text STL of MAX_FACES takes about 0.9 GB
_BLOCK_BYTES = 16_000_000
_LONGEST_NUMBER = 40  # characters; a double with sign, point and exponent takes 25
_AGAIN = "Export the surface again."

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A surface as a file holds it.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), in the file's own axes
    faces : int array of shape (F, 3)
    repairs : tuple of str
        What reading changed, in words.
    """

    vertices_mm: Array
    faces: Indices
    repairs: tuple[str, ...] = ()


def refused(path: Path, got: str, expected: str, do: str = _AGAIN) -> InputError:
    """Error of a file that cannot be used; the caller raises it."""
    return InputError(complaint(path.name, got, expected, do))


def check_count(path: Path, n_faces: int) -> None:
    """Refuse more faces than fit, before memory is taken for them."""
    if n_faces > MAX_FACES:
        raise refused(
            path,
            f"{n_faces:,} faces",
            f"at most {MAX_FACES:,} faces for one surface",
            "Reduce the surface; 300,000 faces hold every detail of a bone.",
        )


def blocks(path: Path, size: int = _BLOCK_BYTES) -> Iterator[bytes]:
    """Whole lines of a text file, some megabytes at a time."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(size):
            whole, line_end, tail = block.rpartition(b"\n")
            if line_end:
                yield rest + whole
                rest = tail
            elif len(rest) > size:
                raise refused(path, "a line of many megabytes", "lines of text")
            else:
                rest += tail
    if rest:
        yield rest


def numbers(text: bytes, path: Path) -> Array:
    """All numbers in a text that holds nothing else."""
    tokens = text.split()
    if max(map(len, tokens), default=0) <= _LONGEST_NUMBER:
        try:
            return np.array(tokens, dtype=np.bytes_).astype(np.float64)
        except ValueError:
            pass  # refused below, with the token that is at fault
    wrong = next(token for token in tokens if not _is_number(token))
    raise refused(path, f"{wrong[:_LONGEST_NUMBER]!r} where a number belongs", "numbers with a decimal point")


def _is_number(token: bytes) -> bool:
    """Whether a token is one number of sensible length."""
    try:
        float(token)
    except ValueError:
        return False
    return len(token) <= _LONGEST_NUMBER


def triangles(path: Path, counts: Indices, corners: Indices) -> tuple[Indices, tuple[str, ...]]:
    """Cut polygons into triangles, as fans around their first corner.

    ``counts`` is the number of corners of each polygon, ``corners`` all of them in a row. Points
    and lines among them fall away.
    """
    if len(counts) and (counts == 3).all():
        return corners.reshape(-1, 3), ()
    n_each = np.maximum(counts - 2, 0)
    check_count(path, int(n_each.sum()))
    first = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(counts)), n_each)
    step = np.arange(len(owner)) - (np.cumsum(n_each) - n_each)[owner]
    faces = np.stack(
        [corners[first[owner]], corners[first[owner] + step + 1], corners[first[owner] + step + 2]], 1
    )
    said = [f"{int((counts > 3).sum()):,} polygons cut into triangles"] if (counts > 3).any() else []
    if (counts < 3).any():
        said.append(f"{int((counts < 3).sum()):,} faces with fewer than three corners dropped")
    return faces, tuple(said)


def whole(values: Array, path: Path) -> Indices:
    """Numbers read as indices."""
    if not (np.isfinite(values) & (values == np.floor(values))).all():
        raise refused(path, "corner numbers that are not whole", "whole numbers")
    return values.astype(np.int64)


def finished(path: Path, vertices: Array, faces: Indices, repairs: tuple[str, ...] = ()) -> Mesh:
    """Check what no format guarantees, and hand the surface on."""
    if len(faces) == 0:
        raise refused(
            path, "no faces", "a surface of triangles or polygons", "Export a surface, not points or lines."
        )
    check_count(path, len(faces))
    if not np.isfinite(vertices).all():
        bad = int((~np.isfinite(vertices)).any(axis=1).sum())
        raise refused(
            path, f"{bad:,} of {len(vertices):,} vertices that are not finite (NaN or infinite)", "numbers"
        )
    low, high = int(faces.min()), int(faces.max())
    if low < 0 or high >= len(vertices):
        raise refused(
            path, f"a face that uses vertex {low if low < 0 else high}", f"vertices 0 to {len(vertices) - 1}"
        )
    return Mesh(vertices, faces, repairs)


def equal_rows_merged(rows: NDArray[np.float32] | Array) -> tuple[Array, Indices]:
    """Distinct points, and which of them each row is; in the order in which they first appear."""
    rows = rows + rows.dtype.type(0)  # turns -0.0 into 0.0, which is the same place
    order = np.lexsort(rows.T)
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    group = np.cumsum(new) - 1
    first = np.minimum.reduceat(order, np.flatnonzero(new)) if len(rows) else order
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    index = np.empty(len(rows), dtype=np.int64)
    index[order] = rank[group]
    return rows[np.sort(first)].astype(np.float64), index
