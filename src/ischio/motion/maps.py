"""Range of motion, degree by degree: what can be reached from neutral, and what ends the movement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, CannotMeasure
from ischio.motion.joint import joint_of
from ischio.motion.pairs import PAIRS, Pair, with_rim_halves
from ischio.motion.pose_sets import Range, pose_grid
from ischio.motion.sweep import clearance
from ischio.types import Hip, PoseSet

ZEROS = ("app", "pca")
FLEXION: Range = (-40.0, 60.0, 1.0)
ADDUCTION: Range = (-30.0, 30.0, 1.0)
ROTATION: Range = (-60.0, 60.0, 1.0)
FREE, UNREACHABLE = -1, -2
_COARSE = 4  # degrees between the poses that certify their neighbours


@dataclass(frozen=True, slots=True, eq=False)
class MotionMap:
    """What a hip can reach, on a grid of poses.

    Parameters
    ----------
    flexion_deg, adduction_deg, rotation_deg : arrays of shape (F,), (A,), (R,)
        Axes of the grid; rotation is positive inwards.
    gap_mm : float32 array of shape (F, A, R), mm
        Of lesser trochanter and ischium.
    blocked_by : int8 array of shape (F, A, R)
        Row of ``pairs`` that touches there, the first of the list where several do; -1: none.
    reachable : bool array of shape (F, A, R)
        Joined to neutral through free poses, from one to its six neighbours.
    extension_deg : int array of shape (A, R)
        Last extension before the first contact, from flexion 0 on; -1: free to the end of the grid; -2:
        flexion 0 itself cannot be reached there.
    ended_by : int8 array of shape (A, R)
        Row of ``pairs`` that ends the extension, or holds the pose off where it is unreachable; -1: none.
    pairs : tuple of (str, str)
    reasons : dict of pair to str
        Pairs that are not known, and why.
    """

    flexion_deg: Array
    adduction_deg: Array
    rotation_deg: Array
    gap_mm: NDArray[np.float32]
    blocked_by: NDArray[np.int8]
    reachable: NDArray[np.bool_]
    extension_deg: NDArray[np.int64]
    ended_by: NDArray[np.int8]
    pairs: tuple[Pair, ...]
    reasons: dict[Pair, str]


def motion_map(
    hip: Hip,
    flexion: Range = FLEXION,
    adduction: Range = ADDUCTION,
    rotation: Range = ROTATION,
    *,
    jobs: int = 1,
) -> MotionMap:
    """Compute the range of motion of a hip on a grid of poses.

    Parameters
    ----------
    hip : Hip
    flexion, adduction, rotation : (first, last, step), degrees
        Must hold neutral.
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    MotionMap

    Raises
    ------
    CannotMeasure
        If the gap of lesser trochanter and ischium is not known.

    Notes
    -----
    Pairs other than the ischiofemoral space are computed on a grid of four steps first. A gap there that is
    larger than any point of the femur moves in two steps about each axis certifies its neighbours free.
    """
    whole = with_rim_halves(hip)
    grid = pose_grid(flexion, adduction, rotation, zeros=ZEROS)
    axes = [np.unique(grid.angles_deg[:, column]) for column in range(3)]
    shape = grid.shape
    space = clearance(whole, grid, pair=PAIRS[0], jobs=jobs)
    blocked = np.where(space.gap_mm <= 0, 0, FREE).astype(np.int8)
    reasons: dict[Pair, str] = {}
    joint = joint_of(hip, *ZEROS)
    for row, pair in enumerate(PAIRS[1:], start=1):
        try:
            arm = float(np.linalg.norm(joint.femoral(whole.region_triangles(pair[0])), axis=2).max())
            touch = _touching(whole, pair, grid, axes, np.radians(arm), blocked == FREE, jobs)
        except CannotMeasure as refusal:
            reasons[pair] = str(refusal)
            continue
        blocked[touch] = row
    blocked = blocked.reshape(shape)
    reachable = joined(blocked == FREE, tuple(int(np.argmin(np.abs(axis))) for axis in axes))
    extension, ended_by = _extension(blocked, reachable, axes[0])
    gap = space.gap_mm.astype(np.float32).reshape(shape)
    return MotionMap(axes[0], axes[1], axes[2], gap, blocked, reachable, extension, ended_by, PAIRS, reasons)


def _touching(
    hip: Hip,
    pair: Pair,
    grid: PoseSet,
    axes: Sequence[Array],
    speed: float,
    asked: NDArray[np.bool_],
    jobs: int,
) -> NDArray[np.int64]:
    """Poses of a grid, among those asked for, in which a pair touches."""
    coarse = [_thinned(axis) for axis in axes]
    angles = np.stack(np.meshgrid(*coarse, indexing="ij"), axis=-1).reshape(-1, 3)
    found = clearance(hip, PoseSet("coarse", angles, *ZEROS), pair=pair, jobs=jobs)
    lows = (found.gap_mm - found.error_mm).reshape([len(axis) for axis in coarse])
    near = [np.abs(axis[:, None] - few[None]).argmin(axis=1) for axis, few in zip(axes, coarse, strict=True)]
    away = [np.abs(axis - few[index]) for axis, few, index in zip(axes, coarse, near, strict=True)]
    turn = away[0][:, None, None] + away[1][None, :, None] + away[2][None, None, :]
    doubtful = (lows[np.ix_(*near)] - speed * turn <= 0).ravel() & asked
    rows = np.flatnonzero(doubtful)
    if len(rows) == 0:
        return rows
    fine = clearance(hip, PoseSet("fine", grid.angles_deg[rows], *ZEROS), pair=pair, jobs=jobs)
    out: NDArray[np.int64] = rows[fine.gap_mm <= 0]
    return out


def _thinned(axis: Array) -> Array:
    """Every fourth value of an axis, the last one too."""
    return np.unique(np.append(axis[::_COARSE], axis[-1]))


def joined(free: NDArray[np.bool_], start: tuple[int, ...]) -> NDArray[np.bool_]:
    """Cells that can be reached from one of them through free neighbours (two along each axis).

    Parameters
    ----------
    free : bool array
    start : tuple of int

    Returns
    -------
    bool array
        Empty where the start itself is not free.

    Examples
    --------
    >>> joined(np.array([True, True, False, True]), (0,)).tolist()
    [True, True, False, False]
    """
    from scipy.ndimage import label

    parts, _ = label(free)
    out: NDArray[np.bool_] = (parts == parts[start]) & free[start]
    return out


def _extension(
    blocked: NDArray[np.int8], reachable: NDArray[np.bool_], flexion: Array
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Last free extension and what ends it, for each adduction and rotation."""
    zero = int(np.argmin(np.abs(flexion)))
    down = blocked[: zero + 1][::-1]  # from flexion 0 into extension
    steps = -np.round(flexion[: zero + 1][::-1]).astype(np.int64)
    is_blocked = down != FREE
    first = is_blocked.argmax(axis=0)
    ends = is_blocked.any(axis=0)
    by = np.where(ends, np.take_along_axis(down, first[None], axis=0)[0], FREE).astype(np.int8)
    limit = np.where(ends, steps[np.maximum(first - 1, 0)], FREE)
    limit = np.where(reachable[zero], limit, UNREACHABLE)
    return limit.astype(np.int64), by
