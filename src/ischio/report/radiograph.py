"""Bones seen through, as on a radiograph: how much bone lies behind every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.report.raster import Camera, Indices, spans

_HALF_MM = 22.0  # of bone, that brightens a pixel by six tenths of what is left
_AIR = np.array([16.0, 22.0, 28.0])
_BONE = np.array([245.0, 242.0, 232.0])
_STEP = 4  # brightness steps: finer ones are not seen and cost bytes


def thickness(corners: Array, width: int, height: int) -> Array:
    """Length of the way through closed surfaces behind every pixel.

    Parameters
    ----------
    corners : array of shape (F, 3, 3)
        Per triangle and corner: column (px), row (px), depth (mm toward the viewer).
    width, height : int

    Returns
    -------
    array of shape (height, width), mm
        Surfaces that face the viewer count their depth, those that face away take it off: what is left is
        the way inside. Open surfaces give a rough picture.

    Examples
    --------
    >>> front = np.array([[[0.0, 0, 7], [0, 4, 7], [4, 0, 7]]])
    >>> back = front[:, ::-1] - [0, 0, 5]
    >>> thickness(np.concatenate([front, back]), 2, 1).tolist()
    [[5.0, 5.0]]
    """
    column, row, z = corners[..., 0], corners[..., 1], corners[..., 2]
    first = np.maximum(np.ceil(row.min(axis=1) - 0.5), 0)
    last = np.minimum(np.floor(row.max(axis=1) - 0.5), height - 1)
    x1, x2 = np.roll(column, -1, axis=1), np.roll(column, -2, axis=1)
    y1, y2 = np.roll(row, -1, axis=1), np.roll(row, -2, axis=1)
    a, b, c = y1 - y2, x2 - x1, x1 * y2 - x2 * y1
    area = c.sum(axis=1)
    seen = (first <= last) & (area != 0) & (column.max(axis=1) > 0.5) & (column.min(axis=1) < width - 0.5)
    out = np.zeros(height * width)
    kept: Indices = np.flatnonzero(seen)
    if len(kept) == 0:
        return out.reshape(height, width)
    a, b, c, area, z = a[kept], b[kept], c[kept], area[kept], z[kept]
    begin_row = first[kept].astype(np.int64)
    of, y, begin, length = spans(a, b, c, begin_row, last[kept].astype(np.int64) - begin_row + 1, width)
    slope, drop, base = (np.einsum("fk,fk->f", one, z) / area for one in (a, b, c))
    run = np.repeat(np.arange(len(of)), length)
    x = np.arange(len(run)) - np.repeat(np.cumsum(length) - length, length) + begin[run]
    face = of[run]
    depth = np.clip(base[face] + drop[face] * y[run] + slope[face] * (x + 0.5), *_ends(z, face))
    pixel = (y[run] - 0.5).astype(np.int64) * width + x
    # Rows run downwards, so a triangle that faces the viewer has a negative area.
    out += np.bincount(pixel, weights=-np.sign(area[face]) * depth, minlength=height * width)
    return np.maximum(out, 0.0).reshape(height, width)


def _ends(z: Array, face: Indices) -> tuple[Array, Array]:
    """Least and greatest depth of each fragment's triangle: slivers have wild slopes."""
    return z.min(axis=1)[face], z.max(axis=1)[face]


def radiograph(surfaces: Sequence[tuple[Array, Indices]], camera: Camera) -> NDArray[np.uint8]:
    """Draw bones as a radiograph does, without beams that spread.

    Parameters
    ----------
    surfaces : sequence of (vertices of shape (V, 3) in mm, faces of shape (F, 3))
        Closed, faces counter-clockwise seen from outside.
    camera : Camera

    Returns
    -------
    uint8 array of shape (height, width, 3)
        Bone bright on dark.
    """
    total = np.zeros((camera.height_px, camera.width_px))
    for vertices, faces in surfaces:
        total += thickness(camera.project(vertices)[faces], camera.width_px, camera.height_px)
    share = (1 - np.exp(-total / _HALF_MM))[..., None]
    rgb = _AIR + share * (_BONE - _AIR)
    out: NDArray[np.uint8] = (_STEP * np.rint(rgb / _STEP)).clip(0, 255).astype(np.uint8)
    return out
