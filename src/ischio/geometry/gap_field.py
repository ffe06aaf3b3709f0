"""The gap between a fixed and a moving surface over many motions, with a certified error.

How it works
------------
Around the fixed surface lies a grid with the squared distance ``d^2`` of each node, exact. For any
surface, ``d(x)^2 - |x|^2`` is a concave function: it is the least of the linear functions
``|s|^2 - 2 s.x`` over the surface's points ``s``. A value of a concave function between points is
never below the same mean of its values there, so with weights ``w_k`` that make ``x`` of nodes ``x_k``::

    d(x)^2  >=  sum w_k d(x_k)^2  -  sum w_k |x_k - x|^2

The right side is a certain lower bound, and close: within 0.06 mm^2 / d on a grid of 0.5 mm. The same
inequality, with the corners of a moving triangle as ``x_k``, bounds the distance of the whole
triangle, and again with the four triangles between its corners and the middles of its edges. What
these bounds leave over is settled by exact distances between triangles, found in a tree of boxes. The
gap is therefore always the distance of two real points of the surfaces, too large by at most the
tolerance that was asked for, and never too small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, complaint

Ints = NDArray[np.int64]
Motion = Callable[[Array], tuple[Array, Array]]
NEAR_TOLERANCE_MM = 0.02  # up to FAR_MM: a tenth of what a hip moves in a third of a degree
FAR_TOLERANCE_MM = 0.04
FAR_MM = 10.0
MARGIN_MM = 40.0  # the trochanter is seldom further from the ischium
DEPTH_STEP_MM = (
    1.25  # no point of the moving surface is further from a sample: corners alone, if they are dense
)
BLOCK = 4096  # poses worked on in one go; fixed, so that threads do not change the result
CELL_DEG = 4.0  # poses within a cell of this size share a list of triangles that can be nearest
_LEAF = 4  # triangles in a leaf of the tree
_CLUSTER = 16  # triangles that share one bounding sphere
_SPRIG, _BUNCH = 3, 8  # samples in a sprig, sprigs in a bunch: at most, and about


@dataclass(frozen=True, slots=True, eq=False)
class FixedSurface:
    """A surface that stays where it is, with its tree and its grid of distances.

    Parameters
    ----------
    triangles : array of shape (N, 3, 3), mm
        In the order of the tree; ``faces`` holds the row each had before.
    faces : int array of shape (N,)
    boxes, links
        Tree: low and high corner of each node; first child or triangle, number of triangles, axis.
    square : float32 array of shape (I, J, K), mm2
        Squared distance of each node, rounded towards 0, and 0 where it was not computed. Negative at
        nodes behind the surface: inside the solid, and the nearest point is not on the surface's border.
    nearest : int32 array of shape (I, J, K)
        Row of the nearest triangle at each node, -1 where it was not computed.
    low_mm : array of shape (3,), mm
        First node.
    step_mm : float
        Spacing of the nodes.
    solid : float32 array
        For cells between nodes, a distance in mm within which no cell has a node behind the surface.
    """

    triangles: Array
    faces: Ints
    boxes: Array
    links: Ints
    square: NDArray[np.float32]
    nearest: NDArray[np.int32]
    low_mm: Array
    step_mm: float
    solid: NDArray[np.float32]


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
    samples : array of shape (S, 3), mm
        The points at which depth is sought: corners, and points between them, so that no point of the
        surface is further than ``spacing_mm`` from one.
    sample_faces : int array of shape (S,)
        Triangle of each.
    sprigs, bunches : arrays of shape (N, 4), mm
        Middle and radius of a sphere around each sprig of samples, and each bunch of sprigs.
    sprig_spans, bunch_spans : int arrays of shape (N + 1,)
        Where the samples of each sprig begin, and the sprigs of each bunch; and the number of all.
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
    sprigs: Array
    sprig_spans: Ints
    bunches: Array
    bunch_spans: Ints
    spacing_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Gaps of P motions.

    Parameters
    ----------
    gap_mm : array of shape (P,), mm
        Negative: minus the depth of the sample of the moving surface that lies deepest behind the fixed
        one, that is, inside the solid with its nearest point not on the fixed surface's border.
        0: the surfaces cross, and no sample lies behind.
    on_moving_mm, on_fixed_mm : arrays of shape (P, 3), mm, in the frame of the fixed surface
        Their distance is ``abs(gap_mm)``.
    moving_face, fixed_face : int arrays of shape (P,)
        Rows of the triangles given.
    error_mm : array of shape (P,), mm
        The true gap lies within this below ``gap_mm``; a depth may be off by this either way.
    """

    gap_mm: Array
    on_moving_mm: Array
    on_fixed_mm: Array
    moving_face: Ints
    fixed_face: Ints
    error_mm: Array


def fixed_surface(
    triangles_mm: Array,
    solid_mm: Array | None,
    *,
    step_mm: float,
    within: tuple[Array, Array] | None = None,
    shell: tuple[Array, float, float] | None = None,
    jobs: int = 1,
) -> FixedSurface:
    """Prepare the surface that stays.

    Parameters
    ----------
    triangles_mm : array of shape (N, 3, 3), mm
    solid_mm : array of shape (M, 3, 3), mm, or None
        Closed surface that ``triangles_mm`` is part of: its inside is where a gap is negative.
        ``None``: no gap is negative.
    step_mm : float
        Spacing of the grid; it does not change the error, only the speed.
    within : (low, high), arrays of shape (3,), mm, optional
        Box that the moving surface does not leave; by default 40 mm around the surface. Outside it
        gaps are as exact, but slow.
    shell : (centre, least radius, largest radius), optional
        Where the moving surface can be at all: the grid is left empty elsewhere.
    jobs : int
        Threads.

    Returns
    -------
    FixedSurface
    """
    from ischio.geometry._kernels import field as kernels

    faces, boxes, links = _tree(_needed(triangles_mm, "fixed surface"))
    triangles = np.ascontiguousarray(triangles_mm[faces])
    low, high = triangles.min(axis=(0, 1)) - MARGIN_MM, triangles.max(axis=(0, 1)) + MARGIN_MM
    if within is not None:
        low, high = np.maximum(low, within[0]), np.minimum(high, within[1])
        high = np.maximum(high, low)
    shape = tuple(int(n) for n in np.ceil((high - low) / step_mm) + 2)
    square = np.zeros(shape, dtype=np.float32)
    nearest = np.full(shape, -1, dtype=np.int32)
    inside = np.zeros(shape, dtype=np.uint8)
    if solid_mm is not None:
        kernels.fill_parity(np.ascontiguousarray(solid_mm), low, step_mm, inside)
    around = np.array([0.0, 0.0, 0.0, -1.0, np.inf])
    if shell is not None:
        around = np.array([*shell[0], max(shell[1], 0.0) ** 2, shell[2] ** 2])
    border = _border(triangles)

    def fill(rows: Ints) -> None:
        kernels.fill_field(
            triangles, boxes, links, *border, low, step_mm, around, rows, inside, square, nearest
        )

    _in_threads(fill, np.array_split(np.arange(shape[0]), min(shape[0], 8 * jobs)), jobs)
    return FixedSurface(
        triangles, faces, boxes, links, square, nearest, low, step_mm, _solid(square, step_mm)
    )


def _solid(square: NDArray[np.float32], step_mm: float) -> NDArray[np.float32]:
    """For each cell of the grid, a distance in mm within which no cell has a node behind the surface."""
    from scipy.ndimage import distance_transform_edt

    behind = square < 0
    touched = np.zeros([n - 1 for n in square.shape], dtype=bool)
    for corner in np.ndindex(2, 2, 2):
        touched |= behind[tuple(slice(c, n - 1 + c) for c, n in zip(corner, square.shape, strict=True))]
    if not touched.any():
        return np.full(touched.shape, np.inf, dtype=np.float32)
    # Between cells whose indices differ by n lie at least n - 1 of them, along each axis.
    away = distance_transform_edt(~touched)
    out: NDArray[np.float32] = ((away - np.sqrt(3.0)) * step_mm).astype(np.float32)
    return out


def moving_surface(triangles_mm: Array) -> MovingSurface:
    """Prepare the surface that moves.

    Parameters
    ----------
    triangles_mm : array of shape (N, 3, 3), mm
        In a frame of its own; motions carry it into that of the fixed surface.
    """
    order, starts = _clusters(_needed(triangles_mm, "moving surface").mean(axis=1), _CLUSTER)
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
    gathered, sprig_starts = _clusters(samples, _SPRIG)
    samples, sample_faces = np.ascontiguousarray(samples[gathered]), sample_faces[gathered]
    sprigs = _spheres(samples[:, None], sprig_starts)
    # Sprigs follow each other as halves of halves: those of a bunch are neighbours.
    bunch_starts = np.append(np.arange(0, len(sprigs), _BUNCH), len(sprigs))
    return MovingSurface(
        points,
        index.reshape(-1, 3).astype(np.int64),
        order,
        edges2,
        inverses,
        radius2,
        _spheres(corners, starts),
        np.stack([starts[:-1], starts[1:]], axis=1),
        samples,
        sample_faces,
        sprigs,
        sprig_starts,
        _spheres(samples[:, None], sprig_starts[bunch_starts]),
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


def pose_gaps(
    fixed: FixedSurface,
    moving: MovingSurface,
    angles_deg: Array,
    motion: Motion,
    *,
    shift_mm: Array | None = None,
    arms_mm: tuple[float, float, float] | None = None,
    tolerance_mm: tuple[float, float] = (NEAR_TOLERANCE_MM, FAR_TOLERANCE_MM),
    jobs: int = 1,
) -> Gaps:
    """Find the signed gap in every pose.

    Parameters
    ----------
    fixed, moving
        Prepared surfaces.
    angles_deg : array of shape (P, 3)
        Three angles of each pose, in any order and number.
    motion : callable
        Angles (n, 3) to rotations (n, 3, 3) and offsets (n, 3), mm: a moving point ``x`` is at
        ``rotation @ x + offset`` in the frame of the fixed surface. Each angle turns the moving
        surface about some axis through its origin, by as much as the angle changes.
    shift_mm : array of shape (P, 3), mm, optional
        Added to the offsets, pose by pose.
    arms_mm : three numbers, optional
        Largest distance of a moving point from the axis of each angle; from the origin by default.
    tolerance_mm : (float, float)
        For gaps to ``FAR_MM`` and beyond.
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    Gaps
    """
    from ischio.geometry._kernels.parts import Seat, Thigh
    from ischio.geometry._kernels.sweep import sweep

    n_poses = len(angles_deg)
    out = Gaps(
        np.empty(n_poses),
        np.empty((n_poses, 3)),
        np.empty((n_poses, 3)),
        np.empty(n_poses, dtype=np.int64),
        np.empty(n_poses, dtype=np.int64),
        np.empty(n_poses),
    )
    parts = (out.gap_mm, out.on_moving_mm, out.on_fixed_mm, out.moving_face, out.fixed_face, out.error_mm)
    if arms_mm is None:
        arms_mm = (float(np.linalg.norm(moving.points, axis=1).max()),) * 3
    step = fixed.step_mm
    seat = Seat(
        *(fixed.triangles, fixed.boxes, fixed.links, fixed.square, fixed.nearest),
        *(fixed.low_mm, 1.0 / step, fixed.solid),
    )
    thigh = Thigh(
        *(moving.points, moving.faces, moving.edges2, moving.inverses, moving.radius2, moving.spheres),
        *(moving.spans, moving.samples, moving.sample_faces),
        *(moving.sprigs, moving.sprig_spans, moving.bunches, moving.bunch_spans),
    )
    tolerances = (*tolerance_mm, FAR_MM + 2 * max(tolerance_mm))
    # A depth read that is certainly no rounding at the surface, and what a depth that is read can be off:
    # distances change by no more than a point moves, and the nodes around it are this far from it.
    slack = (step, np.sqrt(0.75) * step)
    order, cells, wide_cells = _groups(angles_deg)

    def corners(lows: Array, highs: Array, shift: Array | None, starts: Ints) -> tuple[Array, ...]:
        """The eight poses around those of each cell: motions, bulges and turns."""
        first = starts[:-1]
        turns = np.radians(highs - lows)
        # A turned point strays from the straight mean of its ends by at most arm * turn^2 / 8.
        bulges = (turns**2 / 8) @ np.array(arms_mm)
        share = np.zeros((len(first), 3))
        if shift is not None:
            share = np.add.reduceat(shift, first) / np.diff(starts)[:, None]
            strays = np.linalg.norm(shift - np.repeat(share, np.diff(starts), axis=0), axis=1)
            bulges += np.maximum.reduceat(strays, first)
        bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
        rotations, offsets = motion(np.where(bits == 1, highs[:, None], lows[:, None]).reshape(-1, 3))
        return rotations.reshape(-1, 8, 3, 3), offsets.reshape(-1, 8, 3) + share[:, None], bulges, turns

    def work(block: tuple[int, int]) -> None:
        wide = wide_cells[block[0] : block[1] + 1]
        starts = cells[wide[0] : wide[-1] + 1]
        rows, wide, starts = order[starts[0] : starts[-1]], wide - wide[0], starts - starts[0]
        angles = angles_deg[rows]
        rotations, offsets = motion(angles)
        shift = None if shift_mm is None else shift_mm[rows]
        if shift is not None:
            offsets = offsets + shift
        lows, highs = (extreme.reduceat(angles, starts[:-1]) for extreme in (np.minimum, np.maximum))
        wide_lows, wide_highs = np.minimum.reduceat(lows, wide[:-1]), np.maximum.reduceat(highs, wide[:-1])
        around = corners(lows, highs, shift, starts)
        wide_around = corners(wide_lows, wide_highs, shift, starts[wide])
        sweep(
            *(
                rows,
                np.ascontiguousarray(rotations),
                np.ascontiguousarray(offsets),
                starts,
                wide,
                around,
                wide_around,
            ),
            *(tolerances, slack, thigh, seat, parts),
        )

    _in_threads(work, _blocks(cells[wide_cells]), jobs)
    out.moving_face[:] = moving.rows[out.moving_face]
    out.fixed_face[:] = fixed.faces[out.fixed_face]
    return out


def _groups(angles_deg: Array) -> tuple[Ints, Ints, Ints]:
    """Order that puts poses of one cell of angles together, starts of cells, and of wide cells among these.

    Both lists of starts end with the number of all. A wide cell is eight cells.
    """
    low = angles_deg.min(axis=0)
    cells = [
        np.floor((angles - least) * (1 / CELL_DEG) + 1e-9).astype(np.int32)
        for angles, least in zip(angles_deg.T, low, strict=True)
    ]
    key = _snake([one // 2 for one in cells]) * 8 + _snake([one % 2 for one in cells])
    key = key.astype(np.min_scalar_type(int(key.max())))  # short numbers are sorted several times as fast
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    wide = np.flatnonzero(np.diff(key[starts].astype(np.int64) // 8, prepend=-1))
    return order, np.append(starts, len(order)), np.append(wide, len(starts))


def _snake(cells: Sequence[NDArray[np.int32]]) -> Ints:
    """Number cells along rows, every second one backwards, so that neighbours in number are neighbours."""
    first, second, third = cells
    n_2, n_3 = int(second.max()) + 1, int(third.max()) + 1
    rows = first.astype(np.int64) * n_2 + np.where(first & 1, n_2 - 1 - second, second)
    out: Ints = rows * n_3 + np.where(rows & 1, n_3 - 1 - third, third)
    return out


def _blocks(starts: Ints) -> list[tuple[int, int]]:
    """Spans of wide cells with about ``BLOCK`` poses each."""
    ends = np.searchsorted(starts, np.arange(BLOCK, starts[-1] + BLOCK, BLOCK))
    ends = np.unique(np.minimum(ends, len(starts) - 1))
    return list(zip(np.append(0, ends[:-1]).tolist(), ends.tolist(), strict=True))


def _needed(triangles_mm: Array, where: str) -> Array:
    """The triangles, of which there has to be one at least."""
    if triangles_mm.ndim != 3 or triangles_mm.shape[1:] != (3, 3) or len(triangles_mm) == 0:
        raise ValueError(
            complaint(
                where, f"shape {triangles_mm.shape}", "(N, 3, 3) with N of 1 or more", "Pass triangles."
            )
        )
    return triangles_mm


def _in_threads(work: Callable[[Any], None], parts: Any, jobs: int) -> None:
    """Do all parts; each writes to places of its own."""
    if jobs <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(work, parts))


def _tree(triangles: Array) -> tuple[Ints, Array, Ints]:
    """Boxes around halves of halves: order of the triangles, boxes, and links between them."""
    middles = triangles.mean(axis=1)
    lows, highs = triangles.min(axis=1), triangles.max(axis=1)
    order = np.arange(len(triangles))
    boxes, links, todo = [np.zeros(6)], [[0, 0, 0]], [(0, 0, len(triangles))]
    while todo:
        node, first, last = todo.pop()
        rows = order[first:last]
        boxes[node] = np.concatenate([lows[rows].min(axis=0), highs[rows].max(axis=0)])
        if last - first <= _LEAF:
            links[node] = [first, last - first, 0]
            continue
        spread = middles[rows]
        axis = int(np.argmax(spread.max(axis=0) - spread.min(axis=0)))
        order[first:last] = rows[np.argsort(spread[:, axis], kind="stable")]
        half = (first + last) // 2
        child = len(boxes)
        links[node] = [child, 0, axis]
        boxes += [np.zeros(6), np.zeros(6)]
        links += [[0, 0, 0], [0, 0, 0]]
        todo += [(child, first, half), (child + 1, half, last)]
    return order, np.array(boxes), np.array(links, dtype=np.int64)


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


def _border(triangles: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which edges (corner c to c + 1) and corners of each triangle lie on the border of the surface."""
    _, index = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    corners = index.reshape(-1, 3)
    edges = np.sort(np.stack([corners, np.roll(corners, -1, axis=1)], axis=2), axis=2).reshape(-1, 2)
    _, inverse, times = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    on_edge = (times[inverse.ravel()] == 1).reshape(-1, 3)
    ends = np.zeros(int(corners.max()) + 1, dtype=bool)
    ends[corners[on_edge]] = True
    ends[np.roll(corners, -1, axis=1)[on_edge]] = True
    return on_edge, ends[corners]
