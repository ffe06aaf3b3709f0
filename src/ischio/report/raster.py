"""Which triangle is nearest at every pixel: a camera without perspective and a depth buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, complaint, frozen

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """Where a picture is taken from: no perspective, so a millimetre is the same everywhere.

    Parameters
    ----------
    centre_mm : array of shape (3,), mm, patient frame
        Drawn in the middle.
    right, up, toward : array of shape (3,)
        Unit vectors, right-handed: screen right, screen up, and out of the screen to the viewer.
    width_px, height_px : int
    mm_per_px : float
    """

    centre_mm: Array
    right: Array
    up: Array
    toward: Array
    width_px: int
    height_px: int
    mm_per_px: float

    def __post_init__(self) -> None:
        for name in ("centre_mm", "right", "up", "toward"):
            object.__setattr__(self, name, frozen(getattr(self, name), (3,), f"Camera.{name}"))
        axes = self.axes
        if np.abs(axes @ axes.T - np.eye(3)).max() > 1e-9 or np.linalg.det(axes) < 0:
            raise ValueError(
                complaint("Camera", axes.tolist(), "right-handed unit axes", "Do not mirror a picture.")
            )

    @property
    def axes(self) -> Array:
        """Rows right, up and toward, shape (3, 3)."""
        return np.stack([self.right, self.up, self.toward])

    def project(self, points_mm: Array) -> Array:
        """Move points of shape (..., 3) to columns (px), rows (px, downwards) and mm toward the viewer."""
        seen = (np.asarray(points_mm, dtype=np.float64) - self.centre_mm) @ self.axes.T
        seen[..., 0] = seen[..., 0] / self.mm_per_px + self.width_px / 2
        seen[..., 1] = self.height_px / 2 - seen[..., 1] / self.mm_per_px
        return seen


def z_buffer(corners: Array, width: int, height: int) -> tuple[Indices, Array]:
    """Find the nearest triangle at every pixel centre.

    Parameters
    ----------
    corners : array of shape (F, 3, 3)
        Per triangle and corner: column (px), row (px), depth (mm toward the viewer). Pixel (i, j)
        has its centre at column j + 0.5, row i + 0.5.
    width, height : int

    Returns
    -------
    face : int array of shape (height, width)
        Nearest triangle, or -1. Equal depth goes to the lower number, so results repeat exactly.
    depth : array of shape (height, width)
        Its depth; minus infinity where there is none.

    Notes
    -----
    Each triangle is cut into rows, each row into the span between its edges, so work is the number
    of covered pixels whatever the triangles' sizes. Neighbours compute the same number for their
    common edge, so no crack can open between them.

    Examples
    --------
    >>> import numpy as np
    >>> face, depth = z_buffer(np.array([[[0.0, 0, 7], [4, 0, 7], [0, 4, 7]]]), 3, 2)
    >>> face.tolist(), float(depth[0, 0])
    ([[0, 0, 0], [0, 0, 0]], 7.0)
    """
    from ischio.report._fill import fill_nearest

    face = np.empty((height, width), dtype=np.int64)
    depth = np.empty((height, width))
    fill_nearest(np.ascontiguousarray(corners, dtype=np.float64), face, depth)
    return face, depth
