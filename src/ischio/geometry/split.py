"""Split the triangles of a mesh along a level line, so that a region's border hangs on no triangle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array


def split_at_level(
    vertices_mm: Array, faces: NDArray[np.int64], values: Array, *, snap: float = 0.0
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Split every triangle that a field crosses zero on, along the straight line of its zeros.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
    values : array of shape (V,)
        The field at the vertices, taken as linear on every triangle.
    snap : float
        Vertices whose field is this near to zero count as lying on the line: no slivers.

    Returns
    -------
    vertices_mm : array of shape (V + N, 3), mm
        Those given, then the crossings of edges.
    faces : int array of shape (M, 3)
        The same surface, turned the same way; untouched triangles first, in their order.
    parents : int array of shape (M,)
        Row of the given triangle that each one is a part of.

    Notes
    -----
    Neighbours share the crossings of their common edge: a closed surface stays closed.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [2, 0, 0], [0, 2, 0]])
    >>> points, parts, _ = split_at_level(corners, np.array([[0, 1, 2]]), np.array([-1.0, 1, 1]))
    >>> points[3:].tolist(), parts.tolist()
    ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[0, 3, 4], [1, 2, 4], [1, 4, 3]])
    """
    sign = np.where(np.abs(values) <= snap, 0, np.sign(values)).astype(np.int64)
    corner_sign = sign[faces]
    crossed = (corner_sign.min(axis=1) < 0) & (corner_sign.max(axis=1) > 0)
    rows = np.flatnonzero(crossed)
    if len(rows) == 0:
        return vertices_mm, faces, np.arange(len(faces))
    edges = np.sort(faces[rows][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges = np.unique(edges[sign[edges[:, 0]] * sign[edges[:, 1]] < 0], axis=0)
    start, end = values[edges[:, 0]], values[edges[:, 1]]
    share = (start / (start - end))[:, None]
    added = (1 - share) * vertices_mm[edges[:, 0]] + share * vertices_mm[edges[:, 1]]
    key = {(int(a), int(b)): len(vertices_mm) + i for i, (a, b) in enumerate(edges)}

    def between(a: int, b: int) -> int:
        return key[min(a, b), max(a, b)]

    parts: list[tuple[int, int, int]] = []
    parents: list[int] = []
    for row in rows:
        corners, signs = faces[row], sign[faces[row]]
        # Turn the triangle so that the corner on a side of its own, or on the line, comes first.
        lone = (
            int(np.flatnonzero(signs == 0)[0])
            if (signs == 0).any()
            else int(np.argmax(signs == -signs.sum()))
        )
        a, b, c = (int(corners[(lone + k) % 3]) for k in range(3))
        if sign[a] == 0:
            middle = between(b, c)
            new = [(a, b, middle), (a, middle, c)]
        else:
            first, last = between(a, b), between(a, c)
            new = [(a, first, last), (b, c, last), (b, last, first)]
        parts += new
        parents += [int(row)] * len(new)
    return (
        np.concatenate([vertices_mm, added]),
        np.concatenate([faces[~crossed], np.array(parts, dtype=np.int64)]),
        np.concatenate([np.flatnonzero(~crossed), np.array(parents, dtype=np.int64)]),
    )
