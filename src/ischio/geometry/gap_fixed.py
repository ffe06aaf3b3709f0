"""The surface that stays, prepared for the gap of many motions: its tree and its grid of distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.geometry._threads import in_threads
from ischio.geometry.gap_moving import needed

Ints = NDArray[np.int64]
MARGIN_MM = 40.0  # the trochanter is seldom further from the ischium
BEYOND_STEPS = 25.0  # further from the surface every second node is enough: what is read is as close to it
_CLEAR_STEPS = 20  # in a cell of poses, a bunch of samples is nearer to where it is
_LEAF = 4  # triangles in a leaf of the tree


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
        Squared distance of each node, rounded towards 0, or a value that it is not below; 0 where neither
        was computed.
    depth : float32 array of shape (I, J, K), mm
        Distance of nodes behind the surface: inside the solid, and the nearest point is not on the
        surface's border. Of all others, minus their distance.
    nearest : int32 array of shape (I, J, K)
        Row of the nearest triangle at each node, -1 where it was not computed.
    low_mm : array of shape (3,), mm
        First node.
    step_mm : float
        Spacing of the nodes.
    solid : float32 array of shape (I, J, K), mm
        For the cell above each node, a distance within which no cell has a node behind the surface.
    """

    triangles: Array
    faces: Ints
    boxes: Array
    links: Ints
    square: NDArray[np.float32]
    depth: NDArray[np.float32]
    nearest: NDArray[np.int32]
    low_mm: Array
    step_mm: float
    solid: NDArray[np.float32]


def fixed_surface(
    triangles_mm: Array,
    solid_mm: Array | None,
    *,
    step_mm: float,
    within: tuple[Array, Array] | None = None,
    shell: tuple[Array, float, float] | None = None,
    margin_mm: float = MARGIN_MM,
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
    margin_mm : float
        How far around the surface the grid reaches at most.
    jobs : int
        Threads.

    Returns
    -------
    FixedSurface
    """
    from ischio.geometry._kernels import fill as kernels

    faces, boxes, links = _tree(needed(triangles_mm, "fixed surface"))
    triangles = np.ascontiguousarray(triangles_mm[faces])
    low, high = triangles.min(axis=(0, 1)) - margin_mm, triangles.max(axis=(0, 1)) + margin_mm
    if within is not None:
        low, high = np.maximum(low, within[0]), np.minimum(high, within[1])
        high = np.maximum(high, low)
    # An odd number of nodes along each axis: those with three even numbers are around all others.
    shape = tuple(2 * int(n) + 3 for n in np.ceil((high - low) / (2 * step_mm)))
    square, depth = np.zeros((2, *shape), dtype=np.float32)
    nearest = np.full(shape, -1, dtype=np.int32)
    inside = np.zeros(shape, dtype=np.uint8)
    if solid_mm is not None:
        kernels.fill_parity(np.ascontiguousarray(solid_mm), low, step_mm, inside)
    around = np.array([0.0, 0.0, 0.0, -1.0, np.inf])
    if shell is not None:
        around = np.array([*shell[0], max(shell[1], 0.0) ** 2, shell[2] ** 2])
    border, beyond2 = _border(triangles), (BEYOND_STEPS * step_mm) ** 2

    def fill(rows: Ints) -> None:
        kernels.fill_field(
            *(triangles, boxes, links, *border, low, step_mm, around, beyond2),
            *(step, rows, inside, square, nearest, depth),
        )

    for step in (2, 1):
        rows = np.arange(0, shape[0], step)
        in_threads(fill, np.array_split(rows, min(len(rows), 8 * jobs)), jobs)
    return FixedSurface(
        *(triangles, faces, boxes, links, square, depth, nearest, low, step_mm),
        _solid(depth, step_mm),
    )


def _solid(depth: NDArray[np.float32], step_mm: float) -> NDArray[np.float32]:
    """For the cell above each node, a distance in mm within which no cell has a node behind the surface."""
    from scipy.ndimage import distance_transform_edt

    behind = depth > 0
    touched = behind.copy()
    for axis in range(3):  # a cell is touched from any of its eight corners
        here = [slice(None)] * 3
        there = [slice(None)] * 3
        here[axis], there[axis] = slice(None, -1), slice(1, None)
        touched[tuple(here)] |= touched[tuple(there)]
    out = np.full(touched.shape, np.inf, dtype=np.float32)
    if not touched.any():
        return out
    # Further than this from all of them, how far does not matter.
    out[:] = most = _CLEAR_STEPS * step_mm
    around = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        rows = np.flatnonzero(touched.any(axis=others))
        around.append(slice(max(rows[0] - _CLEAR_STEPS - 2, 0), rows[-1] + _CLEAR_STEPS + 3))
    # Between cells whose indices differ by n lie at least n - 1 of them, along each axis.
    away = distance_transform_edt(~touched[tuple(around)])
    out[tuple(around)] = np.minimum((away - np.sqrt(3.0)) * step_mm, most)
    return out


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
