"""What the kernels hand to each other: the surface that stays, the one that moves, and room to work in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ischio.geometry._kernels.compile import compiled, lean
from ischio.geometry._kernels.tree import STACK


class Seat(NamedTuple):
    """The surface that stays, with its tree and its grid; see ``FixedSurface``.

    The grid's arrays have one axis here; ``box`` says how many nodes it has along each axis, where the
    first one is, and how many nodes there are to a millimetre.
    """

    tri: Any
    boxes: Any
    links: Any
    square: Any
    depth: Any
    nearest: Any
    solid: Any
    box: Any


class Thigh(NamedTuple):
    """The surface that moves; see ``MovingSurface``. ``samples`` and ``bunches`` hold one row an axis."""

    points: Any
    faces: Any
    edges2: Any
    inverses: Any
    radius2: Any
    spheres: Any
    spans: Any
    samples: Any
    sample_faces: Any
    bunches: Any
    bunch_spans: Any


class Listed(NamedTuple):
    """Triangles that can be nearest, and the points that are their corners.

    ``counts`` holds the numbers of points and triangles. Row n of ``corners`` says which of ``points`` are
    the corners of triangle ``faces[n]``; ``x``, ``y`` and ``z`` are the coordinates of the points.
    """

    counts: Any
    faces: Any
    points: Any
    corners: Any
    x: Any
    y: Any
    z: Any


class Bunches(NamedTuple):
    """Bunches of samples that can be behind the fixed surface: their number, rows, middles and radii."""

    counts: Any
    rows: Any
    x: Any
    y: Any
    z: Any
    r: Any


class Work(NamedTuple):
    """Room to work in.

    ``pair`` is the nearest pair known so far (moving row, fixed row), ``out`` its points, moving first,
    and ``a`` holds its moving triangle after the motion, as an array of one. ``stamps`` says for each
    point which list asked for it last, and where it stands there. ``x``, ``y``, ``z`` and what follows
    have one place for each of many points; ``xs``, ``ys`` and ``zs`` eight, for as many poses.
    """

    stack: Any
    heights: Any
    tmp: Any
    out: Any
    towards: Any
    a: Any
    pair: Any
    where: Any
    known2: Any
    stamps: Any
    away: Any
    x: Any
    y: Any
    z: Any
    lower: Any
    read: Any
    clear: Any
    below: Any
    xs: Any
    ys: Any
    zs: Any


@compiled
def room_for(n_points, n_most):  # type: ignore[no-untyped-def]
    """Room to work in for a moving surface of this many points, and at most so many of anything."""
    return Work(
        np.zeros(STACK, np.int64),
        np.zeros(STACK),
        np.zeros(4),
        np.zeros(6),
        np.array([1.0, 0.0, 0.0]),
        np.zeros((1, 3, 3)),
        np.zeros(2, np.int64),
        np.zeros((8, 3)),
        np.zeros(8),
        np.full((n_points, 2), -1, np.int64),
        np.zeros(n_most),
        np.zeros(n_most),
        np.zeros(n_most),
        np.zeros(n_most),
        np.zeros(n_most),
        np.zeros(n_most),
        np.zeros(n_most),
        np.zeros(n_most),
        np.zeros((8, n_most)),
        np.zeros((8, n_most)),
        np.zeros((8, n_most)),
    )


@compiled
def list_for(n_points, n_faces):  # type: ignore[no-untyped-def]
    """An empty list that can hold everything."""
    return Listed(
        np.zeros(2, np.int64),
        np.zeros(n_faces, np.int64),
        np.zeros(n_points, np.int64),
        np.zeros((n_faces, 3), np.int64),
        np.zeros(n_points),
        np.zeros(n_points),
        np.zeros(n_points),
    )


@compiled
def bunches_of(bunches, n_listed):  # type: ignore[no-untyped-def]
    """A list that can hold all bunches of samples and holds the first so many of them."""
    n = bunches.shape[1]
    return Bunches(
        np.full(1, n_listed),
        np.arange(n),
        bunches[0].copy(),
        bunches[1].copy(),
        bunches[2].copy(),
        bunches[3].copy(),
    )


@lean
def put(listed, f, thigh, stamp, stamps):  # type: ignore[no-untyped-def]
    """Put a triangle and its corners on a list."""
    n_v, n_f = listed.counts[0], listed.counts[1]
    for c in range(3):
        v = thigh.faces[f, c]
        if stamps[v, 0] != stamp:
            stamps[v, 0], stamps[v, 1] = stamp, n_v
            listed.points[n_v] = v
            listed.x[n_v], listed.y[n_v], listed.z[n_v] = (
                thigh.points[v, 0],
                thigh.points[v, 1],
                thigh.points[v, 2],
            )
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
def turn_all(m, t, first, n, x, y, z, to_x, to_y, to_z):  # type: ignore[no-untyped-def]
    """Where n moving points from the first one on are after the motion."""
    m00, m01, m02, t0 = m[0, 0], m[0, 1], m[0, 2], t[0]
    m10, m11, m12, t1 = m[1, 0], m[1, 1], m[1, 2], t[1]
    m20, m21, m22, t2 = m[2, 0], m[2, 1], m[2, 2], t[2]
    for k in range(n):
        px, py, pz = x[first + k], y[first + k], z[first + k]
        to_x[k] = m00 * px + m01 * py + m02 * pz + t0
        to_y[k] = m10 * px + m11 * py + m12 * pz + t1
        to_z[k] = m20 * px + m21 * py + m22 * pz + t2


@lean
def place_triangle(m, t, points, faces, f, a):  # type: ignore[no-untyped-def]
    """Put moving triangle f, after the motion, into a."""
    for c in range(3):
        v = faces[f, c]
        a[c, 0], a[c, 1], a[c, 2] = turned(m, t, points[v, 0], points[v, 1], points[v, 2])
