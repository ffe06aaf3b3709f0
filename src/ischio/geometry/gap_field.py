"""The gap between a fixed and a moving surface over many motions, with a certified error.

How it works
------------
Around the fixed surface lies a grid with the squared distance ``d^2`` of each node, exact. For any
surface, ``d(x)^2 - |x|^2`` is a concave function: it is the least of the linear functions
``|s|^2 - 2 s.x`` over the surface's points ``s``. A value of a concave function between points is
never below the same mean of its values there, so with weights ``w_k`` that make ``x`` of nodes ``x_k``::

    d(x)^2  >=  sum w_k d(x_k)^2  -  sum w_k |x_k - x|^2

The right side is a certain lower bound, and close: within 0.1 mm^2 / d on a grid of 0.5 mm. Far from the
surface it takes the place of ``d^2`` at every second node, and is then within 0.5 mm^2 / d. The same
inequality, with the corners of a moving triangle as ``x_k``, bounds the distance of the whole
triangle, and again with the four triangles between its corners and the middles of its edges. What
these bounds leave over is settled by exact distances between triangles, found in a tree of boxes. The
gap is therefore always the distance of two real points of the surfaces, too large by at most the
tolerance that was asked for, and never too small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.geometry._pose_cells import blocks_of, grouped
from ischio.geometry._threads import in_threads
from ischio.geometry.gap_fixed import FixedSurface
from ischio.geometry.gap_moving import MovingSurface

Ints = NDArray[np.int64]
Motion = Callable[[Array], tuple[Array, Array]]
NEAR_TOLERANCE_MM = 0.015  # up to FAR_MM: what a hip moves in a quarter of a degree, by twenty
FAR_TOLERANCE_MM = 0.03
FAR_MM = 10.0


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
    square, depth, nearest, solid = (
        grid.reshape(-1) for grid in (fixed.square, fixed.depth, fixed.nearest, fixed.solid)
    )
    box = (*fixed.square.shape, *map(float, fixed.low_mm), 1.0 / step)
    seat = Seat(fixed.triangles, fixed.boxes, fixed.links, square, depth, nearest, solid, box)
    thigh = Thigh(
        *(moving.points, moving.faces, moving.edges2, moving.inverses, moving.radius2, moving.spheres),
        *(moving.spans, moving.samples, moving.sample_faces, moving.bunches, moving.bunch_spans),
    )
    tolerances = (*tolerance_mm, FAR_MM + 2 * max(tolerance_mm))
    # A depth read that is certainly no rounding at the surface, and what a depth that is read can be off:
    # distances change by no more than a point moves, and the nodes around it are this far from it.
    slack = (step, np.sqrt(0.75) * step)
    order, cells, wide_cells = grouped(angles_deg)

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

    in_threads(work, blocks_of(cells[wide_cells]), jobs)
    out.moving_face[:] = moving.rows[out.moving_face]
    out.fixed_face[:] = fixed.faces[out.fixed_face]
    return out
