"""The solid inside a closed surface, on a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array


def solid(
    vertices_mm: Array, faces: NDArray[np.int64], patient_from_voxel: Array, shape: tuple[int, int, int]
) -> NDArray[np.bool_]:
    """Voxels whose middle lies inside a closed surface.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
        Closed; which way they are turned does not matter.
    patient_from_voxel : array of shape (4, 4), mm
        Of the grid; middles of voxels are at whole numbers. It may be oblique or sheared.
    shape : (int, int, int)

    Returns
    -------
    bool array of the given shape

    Notes
    -----
    Counts how often lines along the grid's last axis cross the surface: the count is exact but for lines that
    meet an edge within a millionth of a voxel. What lies outside the grid is cut off.

    Examples
    --------
    >>> corners = np.array([[0.5, 0.5, 0.5], [4, 0.5, 0.5], [0.5, 4, 0.5], [0.5, 0.5, 4]])
    >>> faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    >>> np.argwhere(solid(corners, faces, np.eye(4), (5, 5, 5))).tolist()
    [[1, 1, 1], [1, 1, 2], [1, 2, 1], [2, 1, 1]]
    """
    from ischio.geometry._kernels.solid import toggle

    back = np.linalg.inv(patient_from_voxel)
    corners = np.ascontiguousarray(np.einsum("ij,kj->ik", vertices_mm, back[:3, :3]) + back[:3, 3])
    cells = np.zeros(shape, dtype=np.bool_)
    toggle(corners, np.ascontiguousarray(faces), cells)
    inside: NDArray[np.bool_] = np.logical_xor.accumulate(cells, axis=2)
    return inside
