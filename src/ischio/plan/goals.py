"""What a plan has to reach: a clearance, over a named set of poses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ischio._check import InputError, complaint
from ischio.types import Hip, PoseSet

STANDING = "standing"
ZEROS = ("app", "pca")
MOST_MM = 40.0  # no two people's bones are further apart than this in standing; more is an error of unit
STATIC_MM = 17.0  # a figure of static MRI: a goal for the standing-like pose alone


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """A clearance over poses.

    Parameters
    ----------
    clearance_mm : float
        Between lesser trochanter and ischium, in every pose.
    motion : str
        Name of the set of poses.
    words : str
        What the set is.
    poses : PoseSet
        In app and pca.
    """

    clearance_mm: float
    motion: str
    words: str
    poses: PoseSet


def _standing(_hip: Hip) -> tuple[str, PoseSet]:
    """The standing-like pose alone."""
    return "standing-like static pose: app and pca, all angles 0", PoseSet(STANDING, np.zeros((1, 3)), *ZEROS)


MOTION_SETS: dict[str, Callable[[Hip], tuple[str, PoseSet]]] = {STANDING: _standing}


def goal_of(hip: Hip, clearance_mm: float, motion: str = STANDING) -> Goal:
    """Goal of a plan for one hip.

    Parameters
    ----------
    hip : Hip
    clearance_mm : float
    motion : str
        One of ``MOTION_SETS``.

    Returns
    -------
    Goal

    Raises
    ------
    InputError
        If the clearance is no possible distance, or there is no such set.

    Examples
    --------
    >>> from ischio import phantoms
    >>> from ischio.types import Side
    >>> goal_of(phantoms.hip(Side.LEFT), 17.0).poses.angles_deg.tolist()
    [[0.0, 0.0, 0.0]]
    """
    if not 0 <= clearance_mm <= MOST_MM:
        raise InputError(
            complaint("target", f"{clearance_mm:g} mm", f"0 to {MOST_MM:g} mm", "Give the clearance in mm.")
        )
    if motion not in MOTION_SETS:
        raise InputError(
            complaint("motion set", repr(motion), f"one of {sorted(MOTION_SETS)}", "Choose one of these.")
        )
    words, poses = MOTION_SETS[motion](hip)
    return Goal(float(clearance_mm), motion, words, poses)
