"""What the kernels hand to each other: the surface that stays, the one that moves, and room to work in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ischio.geometry._kernels.compile import compiled, lean
from ischio.geometry._kernels.tree import STACK


class Seat(NamedTuple):
    """The surface that stays, with its tree and its grid; see ``FixedSurface``."""

    tri: Any
    boxes: Any
    links: Any
    square: Any
    nearest: Any
    low: Any
    per_mm: float
    solid: Any


class Thigh(NamedTuple):
    """The surface that moves; see ``MovingSurface``."""

    points: Any
    faces: Any
    edges2: Any
    inverses: Any
    radius2: Any
    spheres: Any
    spans: Any
    samples: Any
    sample_faces: Any
    sprigs: Any
    sprig_spans: Any
    bunches: Any
    bunch_spans: Any


class Listed(NamedTuple):
    """Triangles that can be nearest, and the points that are their corners.

    ``counts`` holds their numbers; row n of ``corners`` says which of ``points`` are the corners of
    triangle ``faces[n]``.
    """

    counts: Any
    faces: Any
    points: Any
    corners: Any


class Work(NamedTuple):
    """Room to work in.

    ``pair`` is the nearest pair known so far (moving row, fixed row), ``out`` its points, moving first,
    and ``a`` holds its moving triangle after the motion, as an array of one. ``stamps`` says for each
    point which list asked for it last, and where it stands there.
    """

    stack: Any
    tmp: Any
    out: Any
    towards: Any
    a: Any
    pair: Any
    where: Any
    known2: Any
    stamps: Any
    below: Any
    lower: Any
    place: Any
    away: Any


@compiled
def room_for(n_points, n_clusters):  # type: ignore[no-untyped-def]
    """Room to work in for a moving surface of this size."""
    return Work(
        np.zeros(STACK, np.int64),
        np.zeros(4),
        np.zeros(6),
        np.array([1.0, 0.0, 0.0]),
        np.zeros((1, 3, 3)),
        np.zeros(2, np.int64),
        np.zeros((8, 3)),
        np.zeros(8),
        np.full((n_points, 2), -1, np.int64),
        np.zeros(n_points),
        np.zeros(n_points),
        np.zeros((n_points, 3)),
        np.zeros(n_clusters),
    )


@compiled
def list_for(n_points, n_faces):  # type: ignore[no-untyped-def]
    """An empty list that can hold everything."""
    return Listed(
        np.zeros(2, np.int64),
        np.zeros(n_faces, np.int64),
        np.zeros(n_points, np.int64),
        np.zeros((n_faces, 3), np.int64),
    )


@lean
def put(listed, f, faces, stamp, stamps):  # type: ignore[no-untyped-def]
    """Put a triangle and its corners on a list."""
    n_v, n_f = listed.counts[0], listed.counts[1]
    for c in range(3):
        v = faces[f, c]
        if stamps[v, 0] != stamp:
            stamps[v, 0], stamps[v, 1] = stamp, n_v
            listed.points[n_v] = v
            n_v += 1
        listed.corners[n_f, c] = stamps[v, 1]
    listed.faces[n_f] = f
    listed.counts[0], listed.counts[1] = n_v, n_f + 1


@lean
def turned(m, t, x, y, z):  # type: ignore[no-untyped-def]
    """A moving point after the motion."""
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + t[0],
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + t[1],
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + t[2],
    )


@lean
def place_triangle(m, t, points, faces, f, a):  # type: ignore[no-untyped-def]
    """Put moving triangle f, after the motion, into a."""
    for c in range(3):
        v = faces[f, c]
        a[c, 0], a[c, 1], a[c, 2] = turned(m, t, points[v, 0], points[v, 1], points[v, 2])
