"""Light, shade and outlines that turn depth and direction into a picture of bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array

PAPER = np.array([255.0, 255.0, 255.0])
INK = np.array([40.0, 44.0, 52.0])  # dark slate; pure black looks like a crack
_AMBIENT, _HEAD, _KEY = 0.46, 0.32, 0.30
_KEY_LIGHT = np.array([-0.36, 0.56, 0.746])  # from above left, as in drawn anatomy
_FOG_FROM, _FOG_TO, _FOG = 0.25, 0.75, 0.7  # of the picture's width behind its centre; share of paper there
_OUTLINE_MM = (1.2, 5.0)  # depth steps between which an outline goes from unseen to full
_OUTLINE = 0.75
_PAPER_BEHIND_MM = 50.0  # empty paper counts as this far behind all bone
_HOLLOWS_MM = ((2.5, 8.0), (8.0, 30.0))  # size of the surroundings, and depth behind them that counts as full
_HOLLOW = 0.22


def vertex_normals(vertices_mm: Array, faces: NDArray[np.int64]) -> Array:
    """Outward unit normal at every vertex, the mean of its faces by area, shape (V, 3)."""
    a, b, c = (vertices_mm[faces[:, k]] for k in range(3))
    weighted = np.cross(b - a, c - a)
    total = np.stack(
        [
            np.sum([np.bincount(faces[:, k], weighted[:, axis], len(vertices_mm)) for k in range(3)], axis=0)
            for axis in range(3)
        ],
        axis=1,
    )
    length = np.linalg.norm(total, axis=1)[:, None]
    return np.asarray(total / np.maximum(length, np.finfo(np.float64).tiny))


def brightness(normals: Array) -> Array:
    """Brightness for unit normals (N, 3) in camera axes: light from above left and from the viewer."""
    head, key = np.maximum(normals[:, 2], 0), np.maximum(normals @ _KEY_LIGHT, 0)
    return np.asarray(_AMBIENT + _HEAD * head + _KEY * key)


def fog(width_mm: float) -> Array:
    """Where fog begins and where it is full, in mm behind the middle of a picture, and its share there."""
    return np.array([_FOG_FROM * width_mm, _FOG_TO * width_mm, _FOG])


def edges(depth: Array, face: NDArray[np.int64], part: NDArray[np.int64]) -> Array:
    """How dark an outline to draw at each pixel: where depth breaks or another part begins.

    Parameters
    ----------
    depth : array of shape (height, width), mm
        Toward the viewer; minus infinity on empty paper.
    face : int array of shape (height, width)
        What is seen; -1 on empty paper.
    part : int array of shape (F,)
        Which surface each face belongs to.

    Returns
    -------
    array of shape (height, width)
        0 to 1.
    """
    from ischio.report._fill import fill_edges

    dark = np.empty(depth.shape)
    fill_edges(depth, face, part, _PAPER_BEHIND_MM, *_OUTLINE_MM, _OUTLINE, dark)
    return dark


def hollows(depth: Array, mm_per_px: float) -> Array:
    """Brightness factor that darkens what lies behind its surroundings, shape of ``depth``.

    After Luft, Colditz and Deussen 2006, Image enhancement by unsharp masking the depth buffer.
    """
    from ischio.report._fill import fill_hollows

    sizes, full = np.array(_HOLLOWS_MM).T
    radii = np.maximum(np.rint(sizes / mm_per_px), 1).astype(np.int64)
    factor = np.ones(depth.shape)
    fill_hollows(depth, radii, full, _HOLLOW, factor)
    return factor
