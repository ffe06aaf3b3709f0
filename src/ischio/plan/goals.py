"""What a plan has to reach: a clearance, over a named set of poses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ischio._check import Array, CannotMeasure, InputError, complaint
from ischio.atlas.reference_gaps import reference_gaps
from ischio.io.gait_trial import GaitCycle
from ischio.motion.average_cycle import average_cycle
from ischio.motion.examinations import EXAMINATIONS, PATHS
from ischio.motion.gait import STRIDES, gait_path, in_zeros, scaled, standing_pose
from ischio.motion.pairs import SPACE
from ischio.motion.pose_sets import pose_grid, pose_path
from ischio.types import Hip, PoseSet

STANDING, MEDIAN = "standing", "gait_median"
ZEROS = ("app", "pca")
MOST_MM = 40.0  # no two people's bones are further apart than this in standing; more is an error of unit
STATIC_MM = 17.0  # a figure of static MRI: a goal for the standing-like pose alone


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """A clearance over poses.

    Parameters
    ----------
    clearance_mm : float
        Between lesser trochanter and ischium, in every pose, over ``floor_mm``.
    motion : str
        Name of the set of poses.
    words : str
        What the set is.
    poses : PoseSet
        In app and pca.
    floor_mm : array of shape (P,), mm
        What the clearance counts from in each pose: 0, bone contact, or the median gap of reference people.
    """

    clearance_mm: float
    motion: str
    words: str
    poses: PoseSet
    floor_mm: Array


Built = tuple[str, PoseSet] | tuple[str, PoseSet, Array]
Builder = Callable[[Hip, GaitCycle | None], Built]


def _standing(_hip: Hip, _cycle: GaitCycle | None) -> Built:
    """The standing-like pose alone."""
    return "standing-like static pose: app and pca, all angles 0", PoseSet(STANDING, np.zeros((1, 3)), *ZEROS)


def _examination(name: str) -> Builder:
    """Every pose of the paths of an examination."""

    def poses(_hip: Hip, _cycle: GaitCycle | None) -> Built:
        paths = [
            pose_path([path.start_deg, path.end_deg], zeros=ZEROS).angles_deg
            for path in PATHS
            if path.examination == name
        ]
        return f"every degree of the examination {EXAMINATIONS[name]}", PoseSet(
            name, np.unique(np.concatenate(paths), axis=0), *ZEROS
        )

    return poses


def _gait(hip: Hip, recorded: GaitCycle | None) -> Built:
    """A cycle of walking, strides scaled by 0.8, 1.0 and 1.2."""
    cycle = average_cycle(hip.side) if recorded is None else recorded
    given = cycle.pelvic_zero, cycle.rotation_zero
    standing = float(standing_pose(hip, given)[0])
    angles = np.concatenate([scaled(cycle.angles_deg, standing, stride) for stride in STRIDES])
    what = "average cycle of walking" if recorded is None else f"recorded walking ({recorded.source})"
    words = f"{what}, strides scaled by 0.8, 1.0 and 1.2"
    return words, PoseSet("gait", in_zeros(hip, angles, given, ZEROS), *ZEROS)


def _gait_median(hip: Hip, recorded: GaitCycle | None) -> Built:
    """The average cycle; the clearance counts from the median gap of reference people."""
    if recorded is not None:
        raise InputError(
            complaint(
                f"motion set '{MEDIAN}'",
                "a recorded gait",
                "the built-in cycle: reference people walked that one",
                "Leave out --gait, or use --motion gait.",
            )
        )
    cycle = average_cycle(hip.side)
    people = reference_gaps()[gait_path("stride_1.0"), SPACE]
    poses = in_zeros(hip, cycle.angles_deg, (cycle.pelvic_zero, cycle.rotation_zero), ZEROS)
    words = f"average cycle of walking, over the median gap of {len(people)} shape-model people"
    return words, PoseSet(MEDIAN, poses, *ZEROS), np.maximum(np.median(people, axis=0), 0.0)


def _range(_hip: Hip, _cycle: GaitCycle | None) -> Built:
    """Extension to 20, adduction to 10 and abduction to 10, rotation to 20 degrees either way."""
    words = "extension 0 to 20, adduction -10 to 10 and rotation -20 to 20 degrees, all together"
    return words, pose_grid((-20, 0, 2), (-10, 10, 5), (-20, 20, 5), zeros=ZEROS, name="range")


MOTION_SETS: dict[str, Builder] = {
    STANDING: _standing,
    "gait": _gait,
    MEDIAN: _gait_median,
    "range": _range,
    **{name: _examination(name) for name in EXAMINATIONS},
}
"""Sets of poses by name: the standing-like pose, walking, a range, and every examination."""


def warnings_of(goal: Goal) -> tuple[str, ...]:
    """What must be said of a goal.

    Parameters
    ----------
    goal : Goal

    Examples
    --------
    >>> from ischio import phantoms
    >>> from ischio.types import Side
    >>> warnings_of(goal_of(phantoms.hip(Side.LEFT), 17.0))
    ()
    >>> warnings_of(goal_of(phantoms.hip(Side.LEFT), 17.0, "range"))[0][:42]
    '17 mm is asked for over motion, but 17 mm '
    """
    if goal.motion == STANDING or goal.clearance_mm < STATIC_MM:
        return ()
    words = (
        f"{goal.clearance_mm:g} mm is asked for over motion, but {STATIC_MM:g} mm is a figure of static MRI: "
        "a goal for the standing-like pose alone. Over motion ask for no bone contact, or a few mm more."
    )
    return (words,)


def goal_of(hip: Hip, clearance_mm: float, motion: str = STANDING, *, cycle: GaitCycle | None = None) -> Goal:
    """Goal of a plan for one hip.

    Parameters
    ----------
    hip : Hip
    clearance_mm : float
    motion : str
        One of ``MOTION_SETS``.
    cycle : GaitCycle, optional
        Recorded walking of this side, for the set "gait"; the average cycle without it.

    Returns
    -------
    Goal

    Raises
    ------
    InputError
        If the clearance is no possible distance, or there is no such set.
    CannotMeasure
        If the hip lacks a frame that the set's zeros need.

    Notes
    -----
    17 mm is a figure of static MRI: a goal for the standing-like pose alone. Over motion the usual goal is
    no bone contact, 0, or a few mm more. Poses that soft tissue or bone never lets a hip reach are in the
    sets, too.

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
    if cycle is not None and cycle.side is not hip.side:
        raise CannotMeasure(f"the cycle is of the {cycle.side.value} hip, not of the {hip.side.value} one")
    words, poses, *floor = MOTION_SETS[motion](hip, cycle)
    return Goal(float(clearance_mm), motion, words, poses, floor[0] if floor else np.zeros(len(poses)))
