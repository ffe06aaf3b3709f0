"""Osteotomies above the lesser trochanter: what varus or lateralising does to space and femur."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ischio._check import Array
from ischio.motion import clearance
from ischio.plan.moves import moved, moves_of
from ischio.plan.site import TROCHANTER, Site
from ischio.types import PoseSet

VARUS_DEG = (0.0, 5.0, 10.0, 15.0)
LATERAL_MM = (0.0, 5.0, 10.0)
ON_MAPS = (("varus", 10.0), ("lateralising", 10.0))  # also examined, as cuts are
_NECK = "neck_isthmus_centre"


def osteotomies(site: Site, poses: PoseSet, *, jobs: int = 1) -> list[dict[str, Any]]:
    """Least gap over poses, leg length, offset and neck after osteotomies, without a cut of the trochanter.

    Parameters
    ----------
    site : Site
    poses : PoseSet
        Of the goal.
    jobs : int

    Returns
    -------
    list of dict
        ``varus``: head and neck turned down on the shaft by ``amount`` degrees, in the plane across the
        femur's back (posterior condyles and shaft), about the shaft's axis at the trochanter's upper edge.
        ``lateralising``: the shaft moved ``amount`` mm to the side, square to its axis, under head and neck.
        ``leg_length_change_mm`` is along the shaft, negative where the leg gets shorter; ``offset_mm`` from
        the head's centre to the shaft's axis; neck-shaft angle and version are of the neck's axis in 3-D,
        ``None`` with a ``reason`` where the middle of the neck is not known. Zero of either is the femur
        as it is. Some have ``moves``: what the trochanter does in examinations, extension and walking then.

    Notes
    -----
    The cut lies above the lesser trochanter, which stays on the shaft; the head stays in its socket and
    foot and shaft keep their directions in every pose, so the trochanter only shifts. Bone of the
    trochanter only: tension of muscles, the greater trochanter and healing are not in it.

    References
    ----------
    Own definition; no outcome data stand behind it.
    """
    hip = site.hip
    assert hip.femur is not None
    head = hip.point("femoral_head_centre")
    on_axis = site.cylinder.points(np.zeros((1, 2)), np.zeros(1))[0]
    edge = float((hip.region_triangles(TROCHANTER).reshape(-1, 3) @ site.up).max())
    hinge = on_axis + (edge - on_axis @ site.up) * site.up
    neck = head - hip.point(_NECK) if _NECK in hip.landmarks else None
    before = None if neck is None else _neck(site, neck)
    rows = []
    for kind, amount in [("varus", k) for k in VARUS_DEG] + [("lateralising", k) for k in LATERAL_MM]:
        turn = _varus(site, amount if kind == "varus" else 0.0)
        placed = hinge + turn @ (head - hinge)
        if kind == "lateralising":
            placed = head + amount * site.medial
        femur = replace(hip.femur, vertices_mm=hip.femur.vertices_mm + (head - placed))
        changed = replace(hip, femur=femur)
        gap = float(clearance(changed, poses, jobs=jobs).gap_mm.min())
        away = placed - hinge
        row: dict[str, Any] = {
            "kind": kind,
            "amount": amount,
            "unit": "deg" if kind == "varus" else "mm",
            "gap_mm": _number(gap),
            "leg_length_change_mm": _number((placed - head) @ site.up),
            "offset_mm": _number(float(np.linalg.norm(away - (away @ site.up) * site.up))),
            "neck_shaft_angle_deg": None,
            "version_change_deg": None,
        }
        if (kind, amount) in ON_MAPS:
            row["moves"] = moved(
                moves_of(changed, jobs=jobs), changed.region_triangles(TROCHANTER), jobs=jobs
            )
        if neck is None or before is None:
            reason = hip.reasons.get(_NECK, "it is not known for this hip")
            row["reason"] = f"the middle of the neck is missing: {reason}"
        else:
            after = _neck(site, turn @ neck)
            row["neck_shaft_angle_deg"] = _number(after[0])
            row["version_change_deg"] = _number(after[1] - before[1])
        rows.append(row)
    return rows


def _varus(site: Site, degrees: float) -> Array:
    """Turn in the plane across the femur's back that takes up to medial."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    axes = np.stack([site.up, site.medial, site.back])
    out: Array = axes.T @ np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]]) @ axes
    return out


def _neck(site: Site, neck: Array) -> tuple[float, float]:
    """Angle of the neck to the shaft, and its turn forwards about it, degrees."""
    along = neck / np.linalg.norm(neck)
    return (
        float(np.degrees(np.arccos(np.clip(-along @ site.up, -1.0, 1.0)))),
        float(np.degrees(np.arctan2(-along @ site.back, along @ site.medial))),
    )


def _number(value: float) -> float:
    """Rounded to a micrometre, without a negative zero."""
    return round(float(value), 3) + 0.0
