"""Ends of the tibia: the middle of its plateau and of the ankle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.geometry.sampling import face_normals
from ischio.geometry.sections import outline_area_and_centroid, section
from ischio.types import Bone, Hip, Landmark

METHOD = "section_near_the_end@2"
TIBIA_POINTS = ("tibial_plateau_centre", "ankle_centre")
_PLATEAU_SHARE, _ANKLE_SHARE = (
    0.04,
    0.05,
)  # of the bone's length, from its ends: clear of eminence and malleolus
_SIGMA_MM = {"tibial_plateau_centre": 4.0, "ankle_centre": 3.0}  # a section's middle against a joint's
_LEAST_LENGTH = 0.7  # of the femur's, head to knee; whole tibiae have 0.75 to 0.95
_ALIKE = 1.1  # ends that differ by less in width do not tell which is which


def with_tibia(hip: Hip, bones: tuple[Bone, ...]) -> Hip:
    """The hip with its tibia and the tibia's two centres, or the reasons why not.

    Parameters
    ----------
    hip : Hip
    bones : tuple of Bone
        All bones of the person.

    Returns
    -------
    Hip

    Notes
    -----
    The plateau is the end nearer to the femur's knee, else the wider end. Its centre is the middle of the
    bone's area 4 % of the length below the top, the ankle's that 5 % above the lower end, which passes just
    above the joint.
    """
    bone = next((one for one in bones if one.name == "tibia" and one.side is hip.side), None)
    if bone is None:
        why = f"no {hip.side.value} tibia in the input"
        return replace(hip, reasons={**hip.reasons, **dict.fromkeys(("tibia", *TIBIA_POINTS), why)})
    knee = hip.landmarks.get("knee_centre")
    head = hip.landmarks.get("femoral_head_centre")
    femur_mm = None if knee is None or head is None else float(np.linalg.norm(knee.point_mm - head.point_mm))
    try:
        centres = _ends(bone, None if knee is None else knee.point_mm, femur_mm)
    except CannotMeasure as why_not:
        reasons = {**hip.reasons, **dict.fromkeys(TIBIA_POINTS, str(why_not))}
        return replace(hip, tibia=bone, reasons=reasons)
    marks = {
        name: Landmark(
            name,
            hip.side,
            centre,
            bone.frame,
            float(np.sqrt(_SIGMA_MM[name] ** 2 + (bone.edge_mm / 2) ** 2 + bone.moved_mm**2)),
            METHOD,
        )
        for name, centre in zip(TIBIA_POINTS, centres, strict=True)
    }
    return replace(hip, tibia=bone, landmarks={**hip.landmarks, **marks})


def _ends(bone: Bone, knee: Array | None, femur_mm: float | None) -> tuple[Array, Array]:
    """Middles of the plateau and of the ankle."""
    triangles = bone.triangles_mm
    middles, areas = bone.middles_mm, face_normals(triangles)[1]
    middle = np.average(middles, axis=0, weights=areas)
    off = middles - middle
    along = np.linalg.eigh((off * areas[:, None]).T @ off)[1][:, -1]
    level = (bone.vertices_mm - middle) @ along
    ends = np.array([level.min(), level.max()])
    length = float(ends[1] - ends[0])
    if femur_mm is not None and length < _LEAST_LENGTH * femur_mm:
        raise CannotMeasure(f"only {length:.0f} mm of the tibia are there, beside {femur_mm:.0f} mm of femur")
    if knee is not None:
        top = int(np.argmin(np.abs(ends - (knee - middle) @ along)))
    else:
        widths = [
            _area(bone, middle, along, end - _PLATEAU_SHARE * length * s)[0]
            for end, s in zip(ends, (-1, 1), strict=True)
        ]
        if max(widths) < _ALIKE * min(widths):
            raise CannotMeasure("both ends of the tibia are equally wide: it does not tell which is which")
        top = int(np.argmax(widths))
    sign = 1.0 if top == 1 else -1.0
    plateau = _area(bone, middle, along, ends[top] - sign * _PLATEAU_SHARE * length)[1]
    ankle = _area(bone, middle, along, ends[1 - top] + sign * _ANKLE_SHARE * length)[1]
    return plateau, ankle


def _area(bone: Bone, middle: Array, along: Array, level: float) -> tuple[float, Array]:
    """Area and centroid of the largest outline at a level."""
    segments, group = section(bone.vertices_mm, bone.faces, middle + level * along, along)
    parts = [outline_area_and_centroid(segments[group == k], along) for k in np.unique(group)]
    if not parts:
        raise CannotMeasure("the tibia's surface does not reach the section near its end")
    return max(parts, key=lambda one: one[0])
