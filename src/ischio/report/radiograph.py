"""Bones seen through, as on a radiograph: how much bone lies behind every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.report.raster import Camera, Indices

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
    from ischio.report._fill import fill_through

    total = np.zeros((height, width))
    fill_through(np.ascontiguousarray(corners, dtype=np.float64), total)
    return np.maximum(total, 0.0)


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
