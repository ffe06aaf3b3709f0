"""What a laid shape model cannot follow: small, smooth moves of its surface along the normals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import vertex_normals
from ischio.bones.topology import find_edges

_EDGE_MM = 1.0  # how far an edge's place is off
_PRIOR_MM = 2.5  # how far bones lie from the model's best shape, where it is worst
_STIFF = 4.0  # against bends: moves are smooth over a centimetre
_REACH_MM = (6.0, 5.0, 4.0, 3.0, 3.0)  # to an edge, turn by turn; at half of it, it has half the weight

_Finder = Callable[[Array, Array, float], tuple[Array, Array]]


def moved_locally(
    points_mm: Array,
    faces: NDArray[np.int64],
    find: _Finder,
    touched: tuple[Array, Array],
) -> Array:
    """Move a surface along its normals to the edges that are near, smoothly.

    Parameters
    ----------
    points_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
    find : callable
        ``find(points_mm, normals, reach_mm)``: way along each normal to an edge (NaN: none), and its
        weight, up to 1.
    touched : (array of shape (N, 3), array of shape (N,)), mm
        Points on the surface that a person marked, and the standard deviation of each along the normal.

    Returns
    -------
    array of shape (V, 3), mm

    Notes
    -----
    Least squares of edges, marked points, bends of the moves (differences from the neighbours' mean) and the
    moves themselves, which fall to nothing where no edge is near.
    """
    from scipy.sparse import coo_matrix, diags, identity
    from scipy.sparse.linalg import spsolve
    from scipy.spatial import cKDTree

    n = len(points_mm)
    ends = find_edges(faces).ends
    ends = np.concatenate([ends, ends[:, ::-1]])
    links = coo_matrix((np.ones(len(ends)), ends.T), shape=(n, n)).tocsr()
    bend = identity(n) - diags(1.0 / np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1.0)) @ links
    fixed = _STIFF * (bend.T @ bend) + identity(n) / _PRIOR_MM**2
    normals = vertex_normals(points_mm, faces)
    move = np.zeros(n)
    at, sigma_mm = touched
    for reach in _REACH_MM:
        points = points_mm + move[:, None] * normals
        away, weight = find(points, normals, reach)
        known = np.isfinite(away)
        wanted = np.where(known, move + np.nan_to_num(away), 0.0)
        weight = np.where(known, weight, 0.0) / _EDGE_MM**2
        weight = weight / (1.0 + ((wanted - move) / (reach / 2)) ** 2)
        if len(at):
            nearest = cKDTree(points).query(at)[1]
            for vertex, one, sigma in zip(nearest, at, sigma_mm, strict=True):
                weight[vertex] = 1.0 / sigma**2
                wanted[vertex] = move[vertex] + float((one - points[vertex]) @ normals[vertex])
        move = spsolve((fixed + diags(weight)).tocsc(), weight * wanted)
    out: Array = points_mm + move[:, None] * normals
    return out
