"""How the faces of a surface hang together: edges, pieces, open borders, winding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array

Indices = NDArray[np.int64]

_NO_VOLUME = 1e-9  # of the volumes summed: rounding leaves 1e-13 of a flat patch


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Every edge of a surface once.

    Parameters
    ----------
    ends : int array of shape (E, 2)
        Vertices, the lower one first.
    of_face : int array of shape (F, 3)
        Row of ``ends`` of the edges from corner 0 to 1, 1 to 2 and 2 to 0.
    n_faces : int array of shape (E,)
        How many faces meet there: 1 at an open border, more than 2 where the surface is not a manifold.
    pairs : int array of shape (P, 2)
        The two faces of each edge that has exactly two.
    pair_edges : int array of shape (P,)
        Row of ``ends`` of each pair.
    same_way : bool array of shape (P,)
        Whether both faces run along the edge in the same direction: then one of them is inside out.
    """

    ends: Indices
    of_face: Indices
    n_faces: Indices
    pairs: Indices
    pair_edges: Indices
    same_way: NDArray[np.bool_]


def find_edges(faces: Indices) -> Edges:
    """Find the edges of a surface and the faces on either side.

    Parameters
    ----------
    faces : int array of shape (F, 3)

    Returns
    -------
    Edges

    Examples
    --------
    >>> edges = find_edges(np.array([[0, 1, 2], [2, 1, 3]]))
    >>> edges.n_faces.tolist(), edges.pairs.tolist(), edges.same_way.tolist()
    ([1, 1, 2, 1, 1], [[0, 1]], [False])
    """
    starts, ends = faces.reshape(-1), faces[:, [1, 2, 0]].reshape(-1)
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    key = low * (int(faces.max(initial=0)) + 1) + high
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    n_faces = np.diff(first, append=len(order))
    pair_edges = np.flatnonzero(n_faces == 2)
    a, b = order[first[pair_edges]], order[first[pair_edges] + 1]
    of_face = np.empty(len(order), dtype=np.int64)
    of_face[order] = np.repeat(np.arange(len(first)), n_faces)
    half = order[first]
    return Edges(
        np.stack([low[half], high[half]], axis=1),
        of_face.reshape(-1, 3),
        n_faces,
        np.stack([a // 3, b // 3], axis=1),
        pair_edges,
        starts[a] == starts[b],
    )


def groups(n: int, links: Indices) -> Indices:
    """Number of the connected group that each of ``n`` things belongs to.

    Parameters
    ----------
    n : int
    links : int array of shape (L, 2)

    Returns
    -------
    int array of shape (n,)
        From 0, in the order of each group's first member.

    Examples
    --------
    >>> groups(4, np.array([[3, 1]])).tolist()
    [0, 1, 2, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), shape=(n, n))
    found: Indices = connected_components(graph, directed=False)[1].astype(np.int64)
    return found


def oriented(
    vertices_mm: Array, faces: Indices, edges: Edges | None = None
) -> tuple[Indices, NDArray[np.bool_], NDArray[np.bool_]]:
    """Turn faces so that neighbours agree and each sheet's outside is out.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3)
    faces : int array of shape (F, 3)
    edges : Edges, optional
        Of these faces, where they are known already.

    Returns
    -------
    faces : int array of shape (F, 3)
        Counter-clockwise seen from outside.
    against : bool array of shape (F,)
        Faces that disagreed with most of their sheet (faces joined across edges of two faces).
    inside_out : bool array of shape (F,)
        Faces of sheets that were inside out as a whole.

    Notes
    -----
    Outside is told by the sign of the volume, after each open border is closed by a fan to its centre. A
    sheet without a volume, and one that cannot be oriented (a Möbius strip), stay as they are.
    """
    edges = find_edges(faces) if edges is None else edges
    sheet = groups(len(faces), edges.pairs)
    against, has_sides = _against_their_sheet(len(faces), edges, sheet)
    faces = np.where(against[:, None], faces[:, ::-1], faces)
    borders = edges.n_faces[edges.of_face] != 2
    borders = np.where(against[:, None], borders[:, [1, 0, 2]], borders)  # the same edges, run backwards
    inside_out = has_sides & (_signed_volumes(vertices_mm, faces, sheet, borders) < 0)[sheet]
    return np.where(inside_out[:, None], faces[:, ::-1], faces), against, inside_out


def _against_their_sheet(n: int, edges: Edges, sheet: Indices) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which faces to turn so that all of a sheet agree, as few as possible; and which can agree at all.

    Every face stands in two rows, as it is and turned; neighbours link the rows in which they agree.
    """
    if not edges.same_way.any():
        return np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    a, b, odd = edges.pairs[:, 0], edges.pairs[:, 1], edges.same_way * n
    links = np.concatenate([np.stack([a, b + odd], 1), np.stack([a + n, (b + n + odd) % (2 * n)], 1)])
    group = groups(2 * n, links)
    flip = group[:n] != group[np.unique(sheet, return_index=True)[1]][sheet]
    share = np.bincount(sheet, weights=flip) / np.bincount(sheet)
    flip ^= (share > 0.5)[sheet]
    has_sides = group[:n] != group[n:]
    return flip & has_sides, has_sides


def _signed_volumes(vertices_mm: Array, faces: Indices, sheet: Indices, borders: NDArray[np.bool_]) -> Array:
    """Volume of each sheet, negative when it is inside out, 0 when it has none; borders closed by fans."""
    points = vertices_mm - vertices_mm.mean(axis=0)
    each = _tetrahedra(points[faces])
    volume, size = np.bincount(sheet, weights=each), np.bincount(sheet, weights=np.abs(each))
    if borders.any():
        owner = np.broadcast_to(sheet[:, None], borders.shape)[borders]
        a, b = faces[borders], faces[:, [1, 2, 0]][borders]
        ring = groups(len(points), np.stack([a, b], axis=1))[a]
        loop = np.unique(owner * len(points) + ring, return_inverse=True)[1]
        n_each = np.bincount(loop)
        centre = np.stack([np.bincount(loop, weights=points[a, k]) / n_each for k in range(3)], axis=1)
        caps = _tetrahedra(np.stack([centre[loop], points[b], points[a]], axis=1))
        volume += np.bincount(owner, weights=caps, minlength=len(volume))
    return np.where(np.abs(volume) > _NO_VOLUME * size, volume, 0.0)


def _tetrahedra(triangles: Array) -> Array:
    """Signed volume between each triangle and the origin."""
    out: Array = np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])) / 6
    return out
