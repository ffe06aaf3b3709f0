"""What the trochanter does in examinations, extension and walking: the same poses before and after a cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.io.gait_trial import PERCENT
from ischio.motion.average_cycle import average_cycle
from ischio.motion.examinations import PATHS
from ischio.motion.gait import STRIDES, in_zeros, scaled, standing_pose
from ischio.motion.pairs import SPACE
from ischio.motion.pose_sets import pose_path
from ischio.plan.course import Course, course_of
from ischio.plan.goals import ZEROS
from ischio.types import Hip, PoseSet

_LIMITS_AT = [
    (adduction, rotation) for adduction in (-20.0, -10.0, 0.0, 10.0) for rotation in (-20.0, 0.0, 20.0)
]
_MOST_EXTENSION_DEG = 40.0
APART_DEG = (0.0, 5.0, 10.0)  # walking as it is, and with the hips abducted further: what people are advised


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Poses of a hip with the names of their parts.

    Parameters
    ----------
    course : Course
        All poses, one part after another.
    parts : dict of str to slice
        Rows of each part.
    reasons : dict of str to str
        Parts that this hip has not, and why.
    """

    course: Course
    parts: dict[str, slice]
    reasons: dict[str, str]


def moves_of(hip: Hip, *, turned_in_deg: float = 0.0, jobs: int = 1) -> Moves:
    """Prepare the movements of a hip.

    Parameters
    ----------
    hip : Hip
    turned_in_deg : float
        Further inward turn of the femur's upper part in every pose, as a derotation of the femur gives it.
    jobs : int

    Returns
    -------
    Moves
    """
    parts: dict[str, Array] = {
        f"examination:{path.name}": pose_path([path.start_deg, path.end_deg], zeros=ZEROS).angles_deg
        for path in PATHS
        if SPACE in path.pairs
    }
    for adduction, rotation in _LIMITS_AT:
        ends = [[0.0, adduction, rotation], [-_MOST_EXTENSION_DEG, adduction, rotation]]
        parts[f"limit:{adduction:g}:{rotation:g}"] = pose_path(ends, zeros=ZEROS).angles_deg
    reasons = {}
    try:
        cycle = average_cycle(hip.side)
        given = cycle.pelvic_zero, cycle.rotation_zero
        standing = float(standing_pose(hip, given)[0])
        for stride in STRIDES:
            walked = in_zeros(hip, scaled(cycle.angles_deg, standing, stride), given, ZEROS)
            for apart in APART_DEG:
                parts[f"gait:{stride:g}:{apart:g}"] = walked - np.array([0.0, apart, 0.0])
    except CannotMeasure as refusal:
        reasons["gait"] = str(refusal)
    rows, start = {}, 0
    for name, angles in parts.items():
        rows[name] = slice(start, start + len(angles))
        start += len(angles)
    angles = np.concatenate(list(parts.values())) + np.array([0.0, 0.0, turned_in_deg])
    poses = PoseSet("moves", angles, *ZEROS)
    return Moves(course_of(hip, poses, jobs=jobs), rows, reasons)


def moved(moves: Moves, triangles_mm: Array, *, jobs: int = 1) -> dict[str, Any]:
    """What a trochanter does in all movements, as plain values.

    Parameters
    ----------
    moves : Moves
    triangles_mm : array of shape (N, 3, 3), mm, patient frame
        Of the trochanter, cut surface included.
    jobs : int

    Returns
    -------
    dict
        ``examinations``: least gap on each path. ``extension_limits``: last whole degree of extension before
        trochanter and ischium touch, at each adduction and rotation; "free": they do not up to 40 degrees,
        "unreachable": they do at 0.
        ``gait``: gap at each percent of the cycle, for each stride, as it is and with the hip further
        abducted. Other pairs are not in it.
    """
    gaps = moves.course.gaps(triangles_mm, jobs=jobs)
    out: dict[str, Any] = {"examinations": {}, "extension_limits": [], "gait": [], "reasons": moves.reasons}
    for name, rows in moves.parts.items():
        kind, _, rest = name.partition(":")
        gap = gaps[rows]
        if kind == "examination":
            out["examinations"][rest] = round(float(gap.min()), 2) + 0.0
        elif kind == "limit":
            adduction, _, rotation = rest.partition(":")
            touch = np.flatnonzero(gap <= 0)
            out["extension_limits"].append(
                {
                    "adduction_deg": float(adduction),
                    "internal_rotation_deg": float(rotation),
                    "status": "free" if len(touch) == 0 else "unreachable" if touch[0] == 0 else "reached",
                    "extension_deg": float(touch[0]) - 1 if len(touch) and touch[0] else None,
                }
            )
        else:
            stride, _, apart = rest.partition(":")
            out["gait"].append(
                {
                    "stride": float(stride),
                    "abducted_deg": float(apart),
                    "least_mm": round(float(gap.min()), 2) + 0.0,
                    "at_percent": float(PERCENT[int(np.argmin(gap))]),
                    "gap_mm": [round(float(value), 2) + 0.0 for value in gap],
                }
            )
    return out
