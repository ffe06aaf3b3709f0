"""STL surfaces, binary and text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ischio.io._mesh import Mesh, blocks, check_count, equal_rows_merged, finished, numbers, refused

_HEADER_BYTES = 84
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read_stl(path: Path) -> Mesh:
    """Read an STL surface.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Mesh
        Corners that are exactly equal are one vertex; the normals in the file are not used.

    Raises
    ------
    InputError
        If the file is truncated, is neither kind of STL, holds no facets, too many, or no numbers.

    Notes
    -----
    The kind is told from the size: binary files often begin with "solid", too.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(512)
    n_facets = int.from_bytes(head[80:_HEADER_BYTES], "little")
    if size >= _HEADER_BYTES and size == _HEADER_BYTES + n_facets * _FACET.itemsize:
        check_count(path, n_facets)
        return _merged(path, np.fromfile(path, dtype=_FACET, offset=_HEADER_BYTES)["corners"].reshape(-1, 3))
    if b"\0" in head or not head.isascii():
        raise refused(
            path,
            f"{size:,} bytes for {n_facets:,} facets" if size >= _HEADER_BYTES else f"{size} bytes",
            f"a binary STL of {_HEADER_BYTES} bytes and {_FACET.itemsize} a facet",
            "The file is cut short or is no STL: copy or export it again.",
        )
    if head.lstrip()[:5].lower() != b"solid":
        raise refused(
            path, f"text that begins with {head[:20]!r}", "an STL, which begins with 'solid' when it is text"
        )
    return _read_text(path)


def _read_text(path: Path) -> Mesh:
    """Read the text kind, after counting what is in it."""
    seen = dict.fromkeys((b"endsolid", b"endfacet", b"vertex"), 0)
    for block in blocks(path):
        lower = block.lower()
        for word in seen:
            seen[word] += lower.count(word)
        check_count(path, seen[b"endfacet"])
    if not seen[b"endsolid"]:
        raise refused(
            path, "no 'endsolid'", "a complete STL", "The file is cut short: copy or export it again."
        )
    if seen[b"vertex"] != 3 * seen[b"endfacet"]:
        raise refused(
            path, f"{seen[b'vertex']} vertices in {seen[b'endfacet']} facets", "three vertices a facet"
        )
    found = []
    for block in blocks(path):
        lines = (line.strip() for line in block.splitlines())
        rows = [line[6:] for line in lines if line[:6].lower() == b"vertex"]
        values = numbers(b" ".join(rows), path)
        if len(values) != 3 * len(rows):
            raise refused(path, "vertices without exactly three numbers", "'vertex x y z'")
        found.append(values.reshape(-1, 3))
    corners = np.concatenate(found)
    if len(corners) != seen[b"vertex"]:
        raise refused(path, "several words of the format on one line", "one vertex a line")
    return _merged(path, corners)


def _merged(path: Path, corners: np.ndarray[tuple[int, int], np.dtype[np.floating]]) -> Mesh:
    """Join the corners that facets share; STL has no other way to say so."""
    if not np.isfinite(corners).all():  # equal corners cannot be found among NaN
        return finished(path, corners.astype(np.float64), np.arange(len(corners)).reshape(-1, 3))
    vertices, index = equal_rows_merged(corners)
    return finished(path, vertices, index.reshape(-1, 3))
