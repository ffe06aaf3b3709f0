"""Draw surfaces: what a camera sees of them, lit, tinted and outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.report.raster import Camera, Indices, z_buffer
from ischio.report.shading import INK, PAPER, brightness, edges, fog, hollows, vertex_normals

_OVERSAMPLING = 2  # drawn at twice the size, then averaged: smooth edges at four times the work
_SHADE = 2  # brightness steps: finer ones are not seen and cost a fifth more bytes
_CELL_MM, _WORTH_IT = 1.5, 0.5  # thinned where at least half of the vertices go
_INSIDE = 0.5  # brightness of an open surface's inner side


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A surface ready to draw.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm, patient frame
    faces : int array of shape (F, 3)
        Counter-clockwise seen from outside.
    tints : int array of shape (F,)
        Row of the palette for each face.

    Notes
    -----
    What no camera changes is computed once: make one surface and draw it from many places.
    """

    vertices_mm: Array
    faces: Indices
    tints: Indices
    normals: Array = field(init=False, repr=False)
    is_closed: bool = field(init=False)

    @classmethod
    def thinned(cls, vertices_mm: Array, faces: Indices, tints: Indices) -> Surface:
        """The surface with no detail finer than a picture shows: dense meshes are drawn several times faster.

        Vertices in one cell of 1.5 mm become their mean, and triangles within a cell go; a surface
        that is coarser stays as it is.
        """
        cells = np.floor(vertices_mm / _CELL_MM).astype(np.int64)
        cells -= cells.min(axis=0)
        size = cells.max(axis=0) + 1
        key = (cells[:, 0] * size[1] + cells[:, 1]) * size[2] + cells[:, 2]
        _, cell, count = np.unique(key, return_inverse=True, return_counts=True)
        if len(count) > _WORTH_IT * len(vertices_mm):
            return cls(vertices_mm, faces, tints)
        means = np.stack([np.bincount(cell, axis) for axis in vertices_mm.T], axis=1) / count[:, None]
        merged = cell[faces]
        whole = (merged != np.roll(merged, 1, axis=1)).all(axis=1)
        return cls(means, merged[whole], tints[whole])

    def __post_init__(self) -> None:
        object.__setattr__(self, "normals", vertex_normals(self.vertices_mm, self.faces))
        object.__setattr__(self, "is_closed", _is_closed(self.faces))


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What `draw` returns.

    Parameters
    ----------
    rgb : uint8 array of shape (height, width, 3)
    depth_mm : array of shape (height, width)
        Of the nearest surface, toward the viewer from the camera's centre; minus infinity where empty.
    """

    rgb: NDArray[np.uint8]
    depth_mm: Array


def draw(surfaces: Sequence[Surface], palette: Array, camera: Camera) -> Picture:
    """Draw surfaces as seen by a camera, on white.

    Parameters
    ----------
    surfaces : sequence of Surface
        Dark edges separate them and show where one part stands in front of another.
    palette : array of shape (K, 3)
        Red, green, blue of each tint, 0 to 255.
    camera : Camera

    Returns
    -------
    Picture
        At ``camera.width_px`` by ``camera.height_px``.

    Notes
    -----
    The inside of an open surface is drawn too, darker, so that a cut bone does not look whole.
    Where two tints meet, the border runs through the triangles between them, not along their
    teeth: it is off by less than one edge.
    """
    from ischio.report._fill import fill_colours

    n = _OVERSAMPLING
    scene = _Scene.of(surfaces, len(palette), camera)
    face, depth = z_buffer(scene.corners * [n, n, 1], camera.width_px * n, camera.height_px * n)
    dark = edges(depth, np.where(face >= 0, scene.part[face], -1))
    rgb, near = (
        np.empty((camera.height_px, camera.width_px, 3)),
        np.empty((camera.height_px, camera.width_px)),
    )
    fill_colours(
        *(face, depth, dark, (scene.part, scene.tint, scene.mixed, scene.light, scene.shares, scene.spread)),
        *(palette, fog(camera.width_px * camera.mm_per_px), PAPER, INK, rgb, near),
    )
    rgb *= hollows(near, camera.mm_per_px)[..., None]
    return Picture((_SHADE * np.rint(rgb / _SHADE)).clip(0, 255).astype(np.uint8), near)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """All triangles of a picture, as the pixels need them."""

    corners: Array  # (F, 3, 3) px, px, mm toward the viewer
    part: Indices  # (F,) which surface
    light: Array  # (F, 3) brightness at the corners
    tint: Indices  # (F,) row of the palette
    shares: Array  # (F, 3, K) how much of each tint meets at the corners
    mixed: NDArray[np.bool_]  # (F,) more than one tint meets at a corner
    spread: Array  # (F, 6) first corner in px; growth of corners two and three per px

    @classmethod
    def of(cls, surfaces: Sequence[Surface], n_tints: int, camera: Camera) -> _Scene:
        """Project, light and stack surfaces; back faces of closed ones can't be seen and stay out."""
        rows = []
        for part, surface in enumerate(surfaces):
            corners = camera.project(surface.vertices_mm)[surface.faces]
            one, two = corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2]
            area = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]  # negative toward the viewer: rows run down
            keep = area < 0 if surface.is_closed else area != 0
            normals = surface.normals @ camera.axes.T
            faces, area = surface.faces[keep], area[keep, None]
            shares = np.zeros((len(normals), n_tints))
            for tint in np.unique(surface.tints):
                of_tint = surface.faces[surface.tints == tint]
                shares[:, tint] = np.bincount(of_tint.ravel(), minlength=len(normals))
            shares /= np.maximum(shares.sum(axis=1), 1)[:, None]
            one, two = one[keep] / area, two[keep] / area
            rows.append(
                (
                    corners[keep],
                    np.full(len(faces), part),
                    np.where(area < 0, brightness(normals)[faces], _INSIDE * brightness(-normals)[faces]),
                    surface.tints[keep],
                    shares[faces],
                    (shares.max(axis=1) < 1)[faces].any(axis=1),
                    np.concatenate(
                        [corners[keep, 0, :2], two[:, ::-1] * [1, -1], one[:, ::-1] * [-1, 1]], axis=1
                    ),
                )
            )
        kinds = (np.float64, np.int64, np.float64, np.int64, np.float64, np.bool_, np.float64)
        return cls(
            *(np.concatenate(r).astype(k) for r, k in zip(zip(*rows, strict=True), kinds, strict=True))
        )


def _is_closed(faces: Indices) -> bool:
    """Whether every edge has its opposite, so that no inside can be seen."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    n = int(faces.max()) + 1
    return bool(np.array_equal(np.sort(start * n + end), np.sort(end * n + start)))
