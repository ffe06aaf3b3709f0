"""Which triangle is nearest at every pixel: a camera without perspective and a depth buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, complaint, frozen

Indices = NDArray[np.int64]

_DEPTH_STEPS = 2**30  # depth levels in the buffer: 1e-7 mm for a whole pelvis, far below any mesh
_CHUNK = 2**19  # fragments at a time: keeps the working set inside the processor's cache


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
    common edge, so no crack can open between them. Depth is compared in 2**30 steps.

    Examples
    --------
    >>> import numpy as np
    >>> face, depth = z_buffer(np.array([[[0.0, 0, 7], [4, 0, 7], [0, 4, 7]]]), 3, 2)
    >>> face.tolist(), float(depth[0, 0])
    ([[0, 0, 0], [0, 0, 0]], 7.0)
    """
    best = np.full(height * width, -1, dtype=np.int64)
    column, row, z = corners[..., 0], corners[..., 1], corners[..., 2]
    first = np.maximum(np.ceil(row.min(axis=1) - 0.5), 0)
    last = np.minimum(np.floor(row.max(axis=1) - 0.5), height - 1)
    # Edge k runs from corner k + 1 to k + 2; inside, s * (a x + b y + c) >= 0 for all three edges.
    x1, x2 = np.roll(column, -1, axis=1), np.roll(column, -2, axis=1)
    y1, y2 = np.roll(row, -1, axis=1), np.roll(row, -2, axis=1)
    a, b, c = y1 - y2, x2 - x1, x1 * y2 - x2 * y1
    twice_area = c.sum(axis=1)
    seen = (
        (first <= last) & (twice_area != 0) & (column.max(axis=1) > 0.5) & (column.min(axis=1) < width - 0.5)
    )
    faces = np.flatnonzero(seen)
    if len(faces) == 0:
        return best.reshape(height, width), np.full((height, width), -np.inf)
    a, b, c, twice_area = a[faces], b[faces], c[faces], twice_area[faces]
    z, first = z[faces], first[faces].astype(np.int64)
    n_rows = last[faces].astype(np.int64) - first + 1
    slope = np.einsum("fk,fk->f", a, z) / twice_area  # mm a pixel to the right
    drop = np.einsum("fk,fk->f", b, z) / twice_area  # mm a pixel downwards
    base = np.einsum("fk,fk->f", c, z) / twice_area
    floor, ceiling = z.min(axis=1), z.max(axis=1)  # slivers have wild slopes; depth stays within corners
    far, near = floor.min(), ceiling.max()
    step = max((near - far) / _DEPTH_STEPS, np.finfo(np.float64).tiny)

    of, y, begin, length = spans(a, b, c, first, n_rows, width)

    # Depth and triangle share one integer, so one maximum decides both.
    ends = np.cumsum(length)
    cuts = np.searchsorted(ends, np.arange(_CHUNK, ends[-1] if len(ends) else 0, _CHUNK))
    for rows in np.split(np.arange(len(of)), cuts):
        n = length[rows]
        t = np.repeat(rows, n)
        x = np.arange(len(t)) - np.repeat(np.cumsum(n) - n, n) + begin[t]
        f = of[t]
        depth = base[f] + drop[f] * y[t] + slope[f] * (x + 0.5)
        level_of = ((np.clip(depth, floor[f], ceiling[f]) - far) / step).astype(np.int64)
        pixel = (y[t] - 0.5).astype(np.int64) * width + x
        np.maximum.at(best, pixel, (level_of << 32) | (2**32 - 1 - f))
    found = best >= 0
    face = np.where(found, faces[(2**32 - 1 - (best & (2**32 - 1))) * found], -1)
    depth = np.where(found, far + (best >> 32) * step, -np.inf)
    return face.reshape(height, width), depth.reshape(height, width)


def spans(
    a: Array, b: Array, c: Array, first: Indices, n_rows: Indices, width: int
) -> tuple[Indices, Array, Indices, Indices]:
    """Runs of pixels inside triangles, row by row.

    Parameters
    ----------
    a, b, c : arrays of shape (F, 3)
        Edges; inside, a x + b y + c has the sign of the area.
    first, n_rows : int arrays of shape (F,)
        First row of pixels of each triangle, and how many.
    width : int
        Of the picture, px.

    Returns
    -------
    of : int array of shape (N,)
        Triangle of each run.
    y : array of shape (N,)
        Height of its row's middle, px.
    begin, length : int arrays of shape (N,)
        First column, and how many.
    """
    of = np.repeat(np.arange(len(a), dtype=np.int64), n_rows)
    y = (np.arange(len(of)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows) + first[of]) + 0.5
    left, right = np.full(len(of), -1.0), np.full(len(of), width + 1.0)
    sign = np.sign(c.sum(axis=1))[of]
    for k in range(3):
        rest = b[of, k] * y + c[of, k]
        lean = a[of, k] * sign
        level = lean == 0
        crossing = (-rest / np.where(level, 1.0, a[of, k])).clip(-1.0, width + 1.0)
        left = np.where(lean > 0, np.maximum(left, crossing), left)
        right = np.where(lean < 0, np.minimum(right, crossing), right)
        right = np.where(level & (rest * sign < 0), -1.0, right)
    begin = np.maximum(np.ceil(left - 0.5), 0).astype(np.int64)
    length = np.minimum(np.floor(right - 0.5), width - 1).astype(np.int64) - begin + 1
    keep = np.flatnonzero(length > 0)
    return of[keep], np.asarray(y[keep], dtype=np.float64), begin[keep], np.asarray(length[keep], np.int64)
