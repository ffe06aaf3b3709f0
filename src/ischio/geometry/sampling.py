"""Area-weighted points on a surface, the same for the same mesh in any frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array


def face_normals(triangles_mm: Array) -> tuple[Array, Array]:
    """Outward unit normals and areas of triangles.

    Parameters
    ----------
    triangles_mm : array of shape (F, 3, 3), mm
        Corners, counter-clockwise seen from outside.

    Returns
    -------
    normals : array of shape (F, 3)
        Zero for a triangle without area.
    areas_mm2 : array of shape (F,)

    Examples
    --------
    >>> normals, areas = face_normals(np.array([[[0.0, 0, 0], [2, 0, 0], [0, 2, 0]]]))
    >>> normals.tolist(), areas.tolist()
    ([[0.0, 0.0, 1.0]], [2.0])
    """
    across = np.cross(triangles_mm[:, 1] - triangles_mm[:, 0], triangles_mm[:, 2] - triangles_mm[:, 0])
    twice = np.linalg.norm(across, axis=1)
    return across / np.where(twice > 0, twice, 1.0)[:, None], twice / 2


def sample_surface(triangles_mm: Array, n_points: int) -> tuple[Array, Array, NDArray[np.int64]]:
    """Spread points over a surface evenly by area.

    Parameters
    ----------
    triangles_mm : array of shape (F, 3, 3), mm
    n_points : int

    Returns
    -------
    points_mm, normals : arrays of shape (n_points, 3)
    face_indices : int array of shape (n_points,)

    Notes
    -----
    Stratified: one point in each of ``n_points`` equal shares of the area, in mesh order, with
    a fixed seed. A rigid motion of the mesh moves the points with it.

    Examples
    --------
    >>> points, normals, faces = sample_surface(np.array([[[0.0, 0, 0], [2, 0, 0], [0, 2, 0]]]), 5)
    >>> points.shape, bool((points[:, 2] == 0).all())
    ((5, 3), True)
    """
    normals, areas = face_normals(triangles_mm)
    random = np.random.default_rng(0)
    shares = (np.arange(n_points) + random.random(n_points)) / n_points
    reach = np.cumsum(areas)
    faces = np.minimum(np.searchsorted(reach, shares * reach[-1]), len(areas) - 1)
    first, second = random.random((2, n_points))
    flip = first + second > 1
    first, second = np.where(flip, 1 - first, first), np.where(flip, 1 - second, second)
    corners = triangles_mm[faces]
    points = (
        corners[:, 0]
        + first[:, None] * (corners[:, 1] - corners[:, 0])
        + second[:, None] * (corners[:, 2] - corners[:, 0])
    )
    return points, normals[faces], faces
