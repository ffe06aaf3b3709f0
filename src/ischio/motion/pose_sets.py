"""Named sets of poses: grids, paths and lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ischio._check import Array, complaint
from ischio.types import PoseSet

Range = tuple[float, float, float]
MOST_POSES = 20_000_000  # a grid of half a degree over all a hip can do; results then take 2 GB


def pose_grid(
    flexion_deg: Range,
    adduction_deg: Range,
    internal_rotation_deg: Range,
    *,
    zeros: tuple[str, str] = ("isb", "tea"),
    name: str = "grid",
) -> PoseSet:
    """Every combination of three ranges of angles.

    Parameters
    ----------
    flexion_deg, adduction_deg, internal_rotation_deg : (first, last, step)
        Both ends belong to the range.
    zeros : (pelvic_zero, rotation_zero)
    name : str

    Returns
    -------
    PoseSet
        Rotation runs fastest, flexion slowest.

    Examples
    --------
    >>> pose_grid((-20, 0, 10), (0, 10, 10), (0, 0, 1)).shape
    (3, 2, 1)
    """
    axes = [_steps(one) for one in (flexion_deg, adduction_deg, internal_rotation_deg)]
    shape = tuple(len(axis) for axis in axes)
    if np.prod(shape, dtype=float) > MOST_POSES:
        raise ValueError(
            complaint(f"poses {name}", f"{shape} steps", f"{MOST_POSES} poses or fewer", "Widen the steps.")
        )
    angles = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return PoseSet(name, angles, *zeros, kind="grid", shape=shape)


def pose_path(
    corners_deg: Array | Sequence[Sequence[float]],
    *,
    step_deg: float = 1.0,
    zeros: tuple[str, str] = ("isb", "tea"),
    name: str = "path",
) -> PoseSet:
    """Poses along straight lines between corners, evenly spaced on each line.

    Parameters
    ----------
    corners_deg : array of shape (N, 3)
        Flexion, adduction and internal rotation of at least two poses.
    step_deg : float
        Largest change of any angle from one pose to the next.
    zeros : (pelvic_zero, rotation_zero)
    name : str

    Returns
    -------
    PoseSet

    Examples
    --------
    >>> pose_path([[0, 0, 0], [-20, 10, 0]], step_deg=10).angles_deg.tolist()
    [[0.0, 0.0, 0.0], [-10.0, 5.0, 0.0], [-20.0, 10.0, 0.0]]
    """
    corners = np.asarray(corners_deg, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 3 or len(corners) < 2:
        raise ValueError(
            complaint(
                f"poses {name}", f"shape {corners.shape}", "(N, 3) with N of 2 or more", "Name both ends."
            )
        )
    _positive(step_deg, name)
    pieces = [corners[:1]]
    for start, end in pairwise(corners):
        n = max(1, int(np.ceil(np.abs(end - start).max() / step_deg - 1e-9)))
        pieces.append(start + (end - start) * (np.arange(1, n + 1) / n)[:, None])
    return PoseSet(name, np.concatenate(pieces), *zeros, kind="path")


def pose_list(
    angles_deg: Array | Sequence[Sequence[float]],
    *,
    zeros: tuple[str, str] = ("isb", "tea"),
    name: str = "list",
) -> PoseSet:
    """Poses in any order.

    Parameters
    ----------
    angles_deg : array of shape (P, 3)
        Flexion, adduction and internal rotation.
    zeros : (pelvic_zero, rotation_zero)
    name : str

    Returns
    -------
    PoseSet

    Examples
    --------
    >>> len(pose_list([[0, 0, 0], [-20, 0, 0]]))
    2
    """
    return PoseSet(name, np.asarray(angles_deg, dtype=np.float64), *zeros)


def _positive(step: float, name: str) -> None:
    """Refuse a step that leads nowhere."""
    if not step > 0:
        raise ValueError(
            complaint(f"poses {name}", f"a step of {step}", "a step above 0", "Give it in degrees.")
        )


def _steps(one: Range) -> Array:
    """Values from first to last, both included."""
    first, last, step = one
    _positive(step, "grid")
    n = round((last - first) / step) + 1
    if n < 1 or abs(first + (n - 1) * step - last) > 1e-9:
        raise ValueError(
            complaint(
                "poses grid",
                f"{first} to {last} in steps of {step}",
                "a whole number of steps",
                "Change the step.",
            )
        )
    return first + step * np.arange(n, dtype=np.float64)
