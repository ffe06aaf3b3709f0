"""Whether a point lies inside a closed surface."""

from __future__ import annotations

import numpy as np

from ischio._check import Array


def winding_number(point: Array, triangles: Array) -> float:
    """How often an outward surface goes round a point.

    Parameters
    ----------
    point : array of shape (3,)
    triangles : array of shape (F, 3, 3)

    Returns
    -------
    float
        1 inside, 0 outside, in between near holes.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    >>> round(winding_number(np.array([0.1, 0.1, 0.1]), corners[faces]), 6)
    1.0
    """
    a, b, c = np.moveaxis(triangles - point, 1, 0)
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    triple = np.einsum("ij,ij->i", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("ij,ij->i", u, v) for u, v in ((a, b), (b, c), (c, a)))
    angle = 2 * np.arctan2(triple, la * lb * lc + ab * lc + bc * la + ca * lb)
    return float(angle.sum()) / (4 * np.pi)
