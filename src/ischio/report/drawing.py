"""Draw surfaces: what a camera sees of them, lit, tinted and outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.report.raster import Camera, Indices, z_buffer
from ischio.report.shading import INK, PAPER, brightness, edges, fog, hollows, vertex_normals
from ischio.report.thinning import thinned

_OVERSAMPLING = 2  # drawn at twice the size, then averaged: smooth edges at four times the work
_SHADE = 2  # brightness steps: finer ones are not seen and cost a fifth more bytes
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
    shares: Array = field(init=False, repr=False)  # (V, K) how much of each tint meets at a vertex
    is_mixed: NDArray[np.bool_] = field(init=False, repr=False)  # (V,) more than one does
    is_closed: bool = field(init=False)

    @classmethod
    def thinned(cls, vertices_mm: Array, faces: Indices, tints: Indices) -> Surface:
        """The surface with no detail finer than a picture shows."""
        vertices, left, kept = thinned(vertices_mm, faces)
        return cls(vertices, left, tints[kept])

    def __post_init__(self) -> None:
        object.__setattr__(self, "normals", vertex_normals(self.vertices_mm, self.faces))
        n, n_tints = len(self.vertices_mm), int(self.tints.max(initial=0)) + 1
        place = (self.faces * n_tints + self.tints[:, None]).ravel()
        shares = np.bincount(place, minlength=n * n_tints).reshape(n, n_tints).astype(np.float64)
        shares /= np.maximum(shares.sum(axis=1), 1)[:, None]
        object.__setattr__(self, "shares", shares)
        object.__setattr__(self, "is_mixed", shares.max(axis=1) < 1)
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
    from ischio.report._fill import fill_colours, fill_steps, gather_seen

    n = _OVERSAMPLING
    scene = _Scene.of(surfaces, len(palette), camera)
    corners, which = np.empty((len(scene.faces), 3, 3)), np.empty(len(scene.faces), dtype=np.int64)
    count = gather_seen(scene.points, scene.faces, scene.closed, float(n), corners, which)
    row, depth = z_buffer(corners[:count], camera.width_px * n, camera.height_px * n)
    which = which[:count]
    dark = edges(depth, row, scene.part[which])
    size = (camera.height_px, camera.width_px)
    rgb, near, out = np.empty((*size, 3)), np.empty(size), np.empty((*size, 3), dtype=np.uint8)
    width_mm = camera.width_px * camera.mm_per_px
    fill_colours(row, depth, dark, scene.as_read(which), palette, fog(width_mm), PAPER, INK, rgb, near)
    fill_steps(rgb, hollows(near, camera.mm_per_px), _SHADE, out)
    return Picture(out, near)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """All triangles of a picture, as the pixels need them."""

    points: Array  # (V, 3) px, px, mm toward the viewer
    faces: Indices  # (F, 3)
    part: Indices  # (F,) which surface
    closed: NDArray[np.bool_]  # (F,) whether that surface's inner side can't be seen
    tint: Indices  # (F,) row of the palette
    mixed: NDArray[np.bool_]  # (V,) more than one tint meets here
    front: Array  # (V,) brightness of the outer side
    back: Array  # (V,) brightness of the inner side
    shares: Array  # (V, K) how much of each tint meets here

    @classmethod
    def of(cls, surfaces: Sequence[Surface], n_tints: int, camera: Camera) -> _Scene:
        """Project, light and stack surfaces."""
        sizes = [len(one.vertices_mm) for one in surfaces]
        first = np.cumsum([0, *sizes[:-1]])
        normals = np.concatenate([one.normals for one in surfaces]) @ camera.axes.T
        shares = np.zeros((sum(sizes), n_tints))
        for one, start, size in zip(surfaces, first, sizes, strict=True):
            shares[start : start + size, : one.shares.shape[1]] = one.shares
        return cls(
            camera.project(np.concatenate([one.vertices_mm for one in surfaces])),
            np.concatenate([one.faces + start for one, start in zip(surfaces, first, strict=True)]),
            np.repeat(np.arange(len(surfaces)), [len(one.faces) for one in surfaces]),
            np.repeat([one.is_closed for one in surfaces], [len(one.faces) for one in surfaces]),
            np.concatenate([one.tints for one in surfaces]).astype(np.int64),
            np.concatenate([one.is_mixed for one in surfaces]),
            brightness(normals),
            _INSIDE * brightness(-normals),
            shares,
        )

    def as_read(self, which: Indices) -> tuple[object, ...]:
        """What the loops over pixels read of some triangles, in their order."""
        return (
            *(self.points, self.faces[which], self.part[which], self.tint[which]),
            *(self.mixed, self.front, self.back, self.shares),
        )


def _is_closed(faces: Indices) -> bool:
    """Whether every edge has its opposite, so that no inside can be seen."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    n = int(faces.max()) + 1
    return bool(np.array_equal(np.sort(start * n + end), np.sort(end * n + start)))
