"""What else would widen the space: turning the femur's upper part, or walking with hips apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from ischio.motion import clearance
from ischio.motion.pairs import SPACE
from ischio.plan.moves import moved, moves_of
from ischio.types import Hip, PoseSet

DEROTATION_DEG = (0.0, 5.0, 10.0, 15.0, 20.0)
ABDUCTION_DEG = (0.0, 5.0, 10.0)
ON_MAPS_DEG = (10.0, 20.0)  # derotations that are also examined, as cuts are


def alternatives(hip: Hip, poses: PoseSet, *, jobs: int = 1) -> list[dict[str, Any]]:
    """Least gap of a hip over poses, without a cut, after other treatments.

    Parameters
    ----------
    hip : Hip
    poses : PoseSet
        Of the goal.
    jobs : int

    Returns
    -------
    list of dict
        ``derotation``: an osteotomy below the trochanters that takes so much version away. The foot keeps its
        direction, so the upper part stands turned inwards by as much in every pose; version is less by it,
        leg length and offset are not changed. ``abduction``: all poses with the hip further abducted. Zero of
        either is the hip as it is. Some derotations have ``moves``: what the trochanter does in examinations,
        extension and walking then.

    Notes
    -----
    Bone only, and bone of the trochanter only: capsule, muscles and the hip's own habit are not in it. Varus
    and lateralising osteotomies are in ``osteotomy``.
    """
    changes = [("derotation", k, np.array([0.0, 0.0, k])) for k in DEROTATION_DEG]
    changes += [("abduction", k, np.array([0.0, -k, 0.0])) for k in ABDUCTION_DEG]
    angles = np.concatenate([poses.angles_deg + change for _, _, change in changes])
    found = clearance(hip, PoseSet("alternatives", angles, poses.pelvic_zero, poses.rotation_zero), jobs=jobs)
    least = found.gap_mm.reshape(len(changes), -1).min(axis=1)
    rows = []
    for (kind, degrees, _), gap in zip(changes, least, strict=True):
        row: dict[str, Any] = {
            "kind": kind,
            "degrees": degrees,
            "gap_mm": round(float(gap), 3) + 0.0,
            "version_change_deg": -degrees if kind == "derotation" else 0.0,
        }
        if kind == "derotation":
            row |= {"leg_length_change_mm": 0.0, "offset_change_mm": 0.0}
            if degrees in ON_MAPS_DEG:
                moves = moves_of(hip, turned_in_deg=degrees, jobs=jobs)
                row["moves"] = moved(moves, hip.region_triangles(SPACE[0]), jobs=jobs)
        rows.append(row)
    return rows
