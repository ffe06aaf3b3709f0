"""How a surface errs: by how much, over what length alike, and how that moves the outlines of a slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.geometry.sections import segments_at
from ischio.types import Bone

SURFACE_MM = 0.5
"""Standard deviation, square to the surface, of where one segmentation sees the cortex and another not."""
HALF_MM = 7.0
"""Errors at two places of an edge or a surface so far apart are alike by one half.

Left and mirrored right rims of three scanned people, laid over each other, leave distances whose correlation
along the rim falls to a half at 5, 6 and 11 mm; part of that is their own asymmetry.
"""
_BUMP_RADIUS_MM = 10.0  # below a bump so round, the edge of a triangle sags by its square over 8 radii
_MOST_STEEP = 3.0  # where a slice grazes the surface, no cortex is read


def surface_sigma_mm(bone: Bone) -> float:
    """Standard deviation of a bone's surface: segmentation, size of triangles and smoothing."""
    return float(np.sqrt(SURFACE_MM**2 + (bone.edge_mm**2 / (8 * _BUMP_RADIUS_MM)) ** 2 + bone.moved_mm**2))


def alike(points_mm: Array) -> Array:
    """Correlation of the errors of a surface at points, shape (N, N): one half at ``HALF_MM``.

    Examples
    --------
    >>> alike(np.array([[0.0, 0, 0], [7, 0, 0]])).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    apart = ((points_mm[:, None] - points_mm[None]) ** 2).sum(axis=2)
    return np.asarray(0.5 ** (apart / HALF_MM**2), dtype=np.float64)


def steepness(
    triangles_mm: Array, height_mm: Array, up: Array, points_mm: Array, towards: Array | None = None
) -> Array:
    """How much farther than square to the surface its outline moves within a slice.

    Parameters
    ----------
    triangles_mm : array of shape (F, 3, 3), mm
    height_mm : array of shape (F, 3), mm
        Of every corner over the slice.
    up : array of shape (3,)
        Unit normal of the slice.
    points_mm : array of shape (N, 3), mm
        On the outline.
    towards : array of shape (3,), optional
        A direction in the slice; square to the outline without it.

    Returns
    -------
    array of shape (N,)
        1 where the surface stands square to the direction, more where it leans.

    Examples
    --------
    >>> leaning = np.array([[[0.0, 0, 0], [0, 5, 0], [3, 0, 4]]])
    >>> out = steepness(leaning, leaning[..., 2] - 1.0, np.array([0.0, 0, 1]), np.array([[0.75, 0, 1]]))
    >>> out.round(6).tolist()
    [1.25]
    """
    mixed = (height_mm >= 0).any(axis=1) & (height_mm < 0).any(axis=1)
    corners = triangles_mm[mixed]
    normals: NDArray[np.float64] = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middles = segments_at(corners, height_mm[mixed]).mean(axis=1)
    found = normals[cKDTree(middles).query(points_mm)[1]]
    flat = found - (found @ up)[:, None] * up
    across = np.linalg.norm(flat, axis=1) if towards is None else np.abs(flat @ towards)
    out: Array = np.minimum(np.linalg.norm(found, axis=1) / np.maximum(across, 1e-9), _MOST_STEEP)
    return out
