"""Exact smallest distance between two sets of triangles, with the two points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ischio._check import Array, complaint

_BLOCK = 200_000  # pairs of triangles examined at a time: bounds memory to about 200 MB


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceGap:
    """The closest pair of points of two surfaces.

    Parameters
    ----------
    gap_mm : float
        0.0 where the surfaces touch or cross.
    point_a_mm, point_b_mm : arrays of shape (3,), mm
    face_a, face_b : int
        Rows of the triangles that hold the points.
    """

    gap_mm: float
    point_a_mm: Array
    point_b_mm: Array
    face_a: int
    face_b: int


def closest_on_triangles(points_mm: Array, triangles_mm: Array) -> Array:
    """Closest point of each triangle to the point of the same row.

    Parameters
    ----------
    points_mm : array of shape (N, 3), mm
    triangles_mm : array of shape (N, 3, 3), mm

    Returns
    -------
    array of shape (N, 3), mm

    Notes
    -----
    The foot of the perpendicular where it falls inside the triangle, else the best of the
    three edges. Triangles without area are treated as their edges.

    Examples
    --------
    >>> triangle = np.array([[[0.0, 0, 0], [2, 0, 0], [0, 2, 0]]])
    >>> closest_on_triangles(np.array([[0.5, 0.5, 3.0]]), triangle).tolist()
    [[0.5, 0.5, 0.0]]
    """
    a = triangles_mm[:, 0]
    ab, ac, ap = triangles_mm[:, 1] - a, triangles_mm[:, 2] - a, points_mm - a
    d00, d01, d11 = (np.einsum("ij,ij->i", u, v) for u, v in ((ab, ab), (ab, ac), (ac, ac)))
    d20, d21 = np.einsum("ij,ij->i", ap, ab), np.einsum("ij,ij->i", ap, ac)
    area = d00 * d11 - d01 * d01
    flat = area <= 1e-14 * d00 * d11
    safe = np.where(flat, 1.0, area)
    v, w = (d11 * d20 - d01 * d21) / safe, (d00 * d21 - d01 * d20) / safe
    inside = (v >= 0) & (w >= 0) & (v + w <= 1) & ~flat
    best: Array = a + v[:, None] * ab + w[:, None] * ac
    shortest = np.where(inside, -1.0, np.inf)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        start, edge = triangles_mm[:, first], triangles_mm[:, second] - triangles_mm[:, first]
        length2 = np.einsum("ij,ij->i", edge, edge)
        along = np.einsum("ij,ij->i", points_mm - start, edge) / np.where(length2 > 0, length2, 1.0)
        foot = start + np.clip(along, 0, 1)[:, None] * edge
        distance = ((points_mm - foot) ** 2).sum(axis=1)
        nearer = distance < shortest
        shortest[nearer] = distance[nearer]
        best[nearer] = foot[nearer]
    return best


def closest_on_segments(a: Array, da: Array, b: Array, db: Array) -> tuple[Array, Array]:
    """Closest points of the segments a + s da and b + t db, row by row (s and t in 0 to 1).

    Parameters
    ----------
    a, da, b, db : arrays of shape (N, 3), mm

    Returns
    -------
    on_a_mm, on_b_mm : arrays of shape (N, 3), mm
    """
    between = a - b
    aa, bb, ab = (np.einsum("ij,ij->i", u, v) for u, v in ((da, da), (db, db), (da, db)))
    ca, cb = np.einsum("ij,ij->i", da, between), np.einsum("ij,ij->i", db, between)
    area = aa * bb - ab * ab
    parallel = area <= 1e-12 * aa * bb
    s = np.clip(np.where(parallel, 0.0, (ab * cb - ca * bb) / np.where(parallel, 1.0, area)), 0, 1)
    t = (ab * s + cb) / np.where(bb > 0, bb, 1.0)
    clipped = np.clip(t, 0, 1)
    # Where t had to be clipped, the best s for that end follows.
    s = np.where(t == clipped, s, np.clip((clipped * ab - ca) / np.where(aa > 0, aa, 1.0), 0, 1))
    return a + s[:, None] * da, b + clipped[:, None] * db


def _crossings(start: Array, along: Array, triangles: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which segments cross the triangle of their row, and where."""
    edge1, edge2 = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    across = np.cross(along, edge2)
    det = np.einsum("ij,ij->i", edge1, across)
    usable = np.abs(det) > 1e-12
    inverse = 1.0 / np.where(usable, det, 1.0)
    offset = start - triangles[:, 0]
    u = np.einsum("ij,ij->i", offset, across) * inverse
    turned = np.cross(offset, edge1)
    v = np.einsum("ij,ij->i", along, turned) * inverse
    t = np.einsum("ij,ij->i", edge2, turned) * inverse
    hit = usable & (u >= 0) & (v >= 0) & (u + v <= 1) & (t >= 0) & (t <= 1)
    return hit, start + t[:, None] * along


def triangle_pairs(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Distance and closest points of triangle pairs, row by row.

    Parameters
    ----------
    a, b : arrays of shape (N, 3, 3), mm

    Returns
    -------
    distance_mm : array of shape (N,)
        0.0 where the pair touches or crosses.
    point_a_mm, point_b_mm : arrays of shape (N, 3)

    Examples
    --------
    >>> low = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    >>> triangle_pairs(low, low + [0, 0, 2.5])[0].tolist()
    [2.5]
    """
    best = np.full(len(a), np.inf)
    on_a, on_b = np.empty((len(a), 3)), np.empty((len(a), 3))

    def offer(point_a: Array, point_b: Array, mask: NDArray[np.bool_] | None = None) -> None:
        distance = np.sqrt(((point_a - point_b) ** 2).sum(axis=1))
        nearer = distance < best if mask is None else mask & (distance < best)
        best[nearer], on_a[nearer], on_b[nearer] = distance[nearer], point_a[nearer], point_b[nearer]

    for i in range(3):
        offer(a[:, i], closest_on_triangles(a[:, i], b))
        offer(closest_on_triangles(b[:, i], a), b[:, i])
        da = a[:, (i + 1) % 3] - a[:, i]
        for j in range(3):
            offer(*closest_on_segments(a[:, i], da, b[:, j], b[:, (j + 1) % 3] - b[:, j]))
        for first, second in ((a, b), (b, a)):
            hit, where = _crossings(first[:, i], first[:, (i + 1) % 3] - first[:, i], second)
            offer(where, where, hit)
    return best, on_a, on_b


def surface_gap(a_triangles_mm: Array, b_triangles_mm: Array) -> SurfaceGap:
    """Smallest distance between two surfaces, exactly, with the closest points.

    Parameters
    ----------
    a_triangles_mm, b_triangles_mm : arrays of shape (N, 3, 3) and (M, 3, 3), mm, same frame

    Returns
    -------
    SurfaceGap
        Of equal pairs, the one with the lowest face of ``a``, then of ``b``.

    Raises
    ------
    ValueError
        If a surface is empty.

    Notes
    -----
    Exact to rounding: every pair of triangles whose bounding spheres could hold a smaller
    distance than the nearest pair of their middles is examined.

    Examples
    --------
    >>> low = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    >>> surface_gap(low, low + [0, 0, 4.0]).gap_mm
    4.0
    """
    if len(a_triangles_mm) == 0 or len(b_triangles_mm) == 0:
        raise ValueError(
            complaint(
                "surface_gap",
                f"{len(a_triangles_mm)} and {len(b_triangles_mm)} triangles",
                "at least one in each",
                "Pass two surfaces.",
            )
        )
    middle_a, middle_b = a_triangles_mm.mean(axis=1), b_triangles_mm.mean(axis=1)
    reach_a = np.linalg.norm(a_triangles_mm - middle_a[:, None], axis=2).max(axis=1)
    reach_b = np.linalg.norm(b_triangles_mm - middle_b[:, None], axis=2).max(axis=1)
    tree_b = cKDTree(middle_b)
    away_a = tree_b.query(middle_a)[0]
    bound = float(away_a.min())  # middles lie on their triangles
    rows_a = np.flatnonzero(away_a - reach_a - reach_b.max() <= bound + 1e-9)
    tree_a = cKDTree(middle_a[rows_a])
    away_b = tree_a.query(middle_b)[0]
    rows_b = np.flatnonzero(away_b - reach_b - reach_a[rows_a].max() <= bound + 1e-9)
    near = tree_a.query_ball_tree(
        cKDTree(middle_b[rows_b]), bound + reach_a[rows_a].max() + reach_b[rows_b].max() + 1e-9
    )
    counts = np.array([len(others) for others in near])
    face_a = np.repeat(rows_a, counts)
    face_b = rows_b[np.concatenate([np.sort(np.asarray(others, dtype=np.int64)) for others in near])]
    least = np.linalg.norm(middle_a[face_a] - middle_b[face_b], axis=1) - reach_a[face_a] - reach_b[face_b]
    keep = least <= bound + 1e-9
    face_a, face_b, least = face_a[keep], face_b[keep], least[keep]
    order = np.argsort(least, kind="stable")
    best: SurfaceGap | None = None
    for start in range(0, len(order), _BLOCK):
        rows = order[start : start + _BLOCK]
        rows = rows[least[rows] <= bound + 1e-9]
        if len(rows) == 0:
            break
        distance, on_a, on_b = triangle_pairs(a_triangles_mm[face_a[rows]], b_triangles_mm[face_b[rows]])
        closest = float(distance.min())
        ties = np.flatnonzero(distance == closest)
        pick = ties[np.lexsort((face_b[rows[ties]], face_a[rows[ties]]))[0]]
        faces = int(face_a[rows[pick]]), int(face_b[rows[pick]])
        if best is None or (closest, faces) < (best.gap_mm, (best.face_a, best.face_b)):
            best = SurfaceGap(closest, on_a[pick], on_b[pick], *faces)
            bound = min(bound, closest)
    assert best is not None  # the pair with the nearest middles is examined
    return best
