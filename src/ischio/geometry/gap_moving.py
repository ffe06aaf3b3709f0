"""The surface that moves, prepared for the gap of many motions: clusters of triangles, samples of depth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, complaint

Ints = NDArray[np.int64]
DEPTH_STEP_MM = (
    1.25  # no point of the moving surface is further from a sample: corners alone, if they are dense
)
_CLUSTER = 16  # triangles that share one bounding sphere
_BUNCH = 24  # samples that share one: a few rounds of what is read side by side


@dataclass(frozen=True, slots=True, eq=False)
class MovingSurface:
    """A surface that moves, cut into clusters of neighbouring triangles with a sphere around each.

    Parameters
    ----------
    points : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
        Rows of ``points``, cluster after cluster.
    rows : int array of shape (F,)
        The row that each triangle had before.
    edges2 : array of shape (F, 3), mm2
        Squared edges.
    inverses : array of shape (F, 3), 1/mm2
        Of the products of two edges; 0 for triangles without area.
    radius2 : array of shape (F,), mm2
        Squared radius of the smallest circle around each triangle.
    spheres : array of shape (C, 4), mm
        Middle and radius of a sphere around each cluster.
    spans : int array of shape (C, 2)
        First and last plus one of the triangles of each cluster.
    samples : array of shape (3, S), mm
        The points at which depth is sought: corners, and points between them, so that no point of the
        surface is further than ``spacing_mm`` from one.
    sample_faces : int array of shape (S,)
        Triangle of each.
    bunches : array of shape (4, N), mm
        Middle and radius of a sphere around each bunch of neighbouring samples.
    bunch_spans : int array of shape (N + 1,)
        Where the samples of each bunch begin; and the number of all.
    spacing_mm : float
    """

    points: Array
    faces: Ints
    rows: Ints
    edges2: Array
    inverses: Array
    radius2: Array
    spheres: Array
    spans: Ints
    samples: Array
    sample_faces: Ints
    bunches: Array
    bunch_spans: Ints
    spacing_mm: float


def moving_surface(triangles_mm: Array) -> MovingSurface:
    """Prepare the surface that moves.

    Parameters
    ----------
    triangles_mm : array of shape (N, 3, 3), mm
        In a frame of its own; motions carry it into that of the fixed surface.
    """
    order, starts = _clusters(needed(triangles_mm, "moving surface").mean(axis=1), _CLUSTER)
    corners = np.ascontiguousarray(triangles_mm[order])
    e1, e2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    e12 = corners[:, 2] - corners[:, 1]
    edges2 = np.stack([(e**2).sum(axis=1) for e in (e1, e2, e12)], axis=1)
    g11, g22, g12 = edges2[:, 0], edges2[:, 1], (e1 * e2).sum(axis=1)
    area = g11 * g22 - g12**2
    flat = area <= 1e-10 * g11 * g22
    safe = np.where(flat, 1.0, area)
    inverses = np.where(flat[:, None], 0.0, np.stack([g22, -g12, g11], axis=1) / safe[:, None])
    # Squared radius of the smallest circle: around the longest edge, or through all three corners.
    longest, total = edges2.max(axis=1), edges2.sum(axis=1)
    obtuse = flat | (2 * longest >= total)
    radius2 = np.where(obtuse, longest / 4, edges2.prod(axis=1) / (4 * safe))
    points, index = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    samples, sample_faces, spacing = _samples(corners, np.sqrt(radius2))
    gathered, bunch_starts = _clusters(samples, _BUNCH)
    samples, sample_faces = samples[gathered], sample_faces[gathered]
    return MovingSurface(
        points,
        index.reshape(-1, 3).astype(np.int64),
        order,
        edges2,
        inverses,
        radius2,
        _spheres(corners, starts),
        np.stack([starts[:-1], starts[1:]], axis=1),
        np.ascontiguousarray(samples.T),
        sample_faces,
        np.ascontiguousarray(_spheres(samples[:, None], bunch_starts).T),
        bunch_starts,
        spacing,
    )


def _spheres(things: Array, starts: Ints) -> Array:
    """Middle and radius of a sphere around the corners of each span of things (N, corners, 3)."""
    out = []
    for first, last in pairwise(starts.tolist()):
        own = things[first:last].reshape(-1, 3)
        middle = (own.min(axis=0) + own.max(axis=0)) / 2
        out.append([*middle, np.linalg.norm(own - middle, axis=1).max() + 1e-9])
    return np.array(out)


def _samples(corners: Array, reach: Array) -> tuple[Array, Ints, float]:
    """Points at which depth is sought, the triangle of each, and how far a point can be from the next."""
    parts = np.maximum(np.ceil(reach / DEPTH_STEP_MM), 1).astype(np.int64)
    points, owners = [], []
    for n in np.unique(parts):
        rows = np.flatnonzero(parts == n)
        p, q = (grid.ravel() for grid in np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij"))
        share = np.stack([n - p - q, p, q], axis=1)[p + q <= n] / n
        points.append((share @ corners[rows]).reshape(-1, 3))
        owners.append(np.repeat(rows, len(share)))
    every, owner = np.concatenate(points), np.concatenate(owners)
    # A point of two triangles counts once; what both make of it differs by rounding.
    _, once = np.unique(np.round(every, 6), axis=0, return_index=True)
    return every[once], owner[once], float((reach / parts).max())


def needed(triangles_mm: Array, where: str) -> Array:
    """Triangles, of which there has to be one at least.

    Parameters
    ----------
    triangles_mm : array of shape (N, 3, 3), mm
    where : str
        What they are, for the error.

    Returns
    -------
    array of shape (N, 3, 3), mm

    Raises
    ------
    ValueError
        If they have another shape.
    """
    if triangles_mm.ndim != 3 or triangles_mm.shape[1:] != (3, 3) or len(triangles_mm) == 0:
        raise ValueError(
            complaint(
                where, f"shape {triangles_mm.shape}", "(N, 3, 3) with N of 1 or more", "Pass triangles."
            )
        )
    return triangles_mm


def _clusters(points: Array, most: int) -> tuple[Ints, Ints]:
    """Halve and halve again until a cluster is small: order of the points, starts of clusters and the end."""
    order = np.arange(len(points))
    starts, todo = [], [(0, len(points))]
    while todo:
        first, last = todo.pop()
        if last - first <= most:
            starts.append(first)
            continue
        rows = order[first:last]
        spread = points[rows]
        axis = int(np.argmax(spread.max(axis=0) - spread.min(axis=0)))
        order[first:last] = rows[np.argsort(spread[:, axis], kind="stable")]
        half = (first + last) // 2
        todo += [(first, half), (half, last)]
    return order, np.array([*sorted(starts), len(points)], dtype=np.int64)
