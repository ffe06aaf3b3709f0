"""Regions of the proximal femur beside the lesser trochanter: crest, neck, greater trochanter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.geometry.connect import largest_component
from ischio.geometry.sampling import face_normals
from ischio.types import Bone, Landmark, Region, Side

METHOD = "landmark_rules@1"
_HEAD_SHARE = 1.05  # the neck begins outside the head's sphere by this factor
_CREST_HALF_WIDTH_MM = 10.0
_CREST_BACK_COSINE = 0.2
_FRONT_COSINE = 0.7  # faces that look forwards more than this are no lateral or posterior prominence
_MIN_AREA_MM2 = 50.0
OTHER_REGIONS = ("intertrochanteric_crest", "neck", "greater_trochanter")
NEEDED = (
    "femoral_head_centre",
    "lesser_trochanter_tip",
    "intertrochanteric_crest_posterior",
    "greater_trochanter_superior",
)


def femur_regions(
    bone: Bone,
    side: Side,
    landmarks: Mapping[str, Landmark],
    lesser: Region,
    shaft: tuple[Array, Array],
    back: Array,
) -> tuple[dict[str, Region], dict[str, str]]:
    """Bound the intertrochanteric crest, the neck and the greater trochanter.

    Parameters
    ----------
    bone : Bone
    side : Side
    landmarks : mapping of str to Landmark
        Those in ``NEEDED`` bound the regions; where one is missing, none is made.
    lesser : Region
        The lesser trochanter, which belongs to none of them.
    shaft : (point on the axis, unit vector up along it)
        Below the trochanter.
    back : array of shape (3,)
        Rough direction backwards.

    Returns
    -------
    regions : dict of str to Region
    reasons : dict of str to str

    Notes
    -----
    In this order, each taking only what is left: the crest is what looks back within 10 mm of the
    line from lesser trochanter over the crest's point to the greater trochanter's summit; the neck
    lies outside 1.05 head radii on the head's side of the plane through both trochanters and the
    backward direction; the greater trochanter is what is left above the lesser trochanter's
    level, lateral of the shaft's medial third, and does not look forwards.
    """
    missing = [name for name in NEEDED if name not in landmarks]
    if missing:
        return {}, dict.fromkeys(OTHER_REGIONS, f"{missing[0].replace('_', ' ')} is missing")
    head, tip, crest, summit = (landmarks[name].point_mm for name in NEEDED)
    radius = float(landmarks["femoral_head_centre"].detail["radius_mm"])
    triangles = bone.triangles_mm
    middles = bone.middles_mm
    normals, areas = face_normals(triangles)
    up = shaft[1]
    back = back - (back @ up) * up
    back = back / np.linalg.norm(back)
    lateral = summit - shaft[0]
    lateral = lateral - (lateral @ up) * up - (lateral @ back) * back
    lateral = lateral / np.linalg.norm(lateral)
    free = np.ones(len(middles), dtype=bool)
    free[lesser.face_indices] = False
    above = (middles - tip) @ up > 0
    line = np.minimum(_from_segment(middles, tip, crest), _from_segment(middles, crest, summit))
    on_crest = free & (line < _CREST_HALF_WIDTH_MM) & (normals @ back > _CREST_BACK_COSINE)
    across = np.cross(summit - tip, back)
    across = across / np.linalg.norm(across)
    across = across * np.sign((head - tip) @ across)
    outside_head = np.linalg.norm(middles - head, axis=1) > _HEAD_SHARE * radius
    on_neck = free & ~on_crest & outside_head & ((middles - tip) @ across > 0) & above
    shaft_radius = _shaft_radius(middles, areas, shaft, tip)
    outer = (middles - shaft[0]) @ lateral > -shaft_radius / 3
    on_greater = (
        free & ~on_crest & ~on_neck & outside_head & above & outer & (normals @ back > -_FRONT_COSINE)
    )
    regions: dict[str, Region] = {}
    reasons: dict[str, str] = {}
    for name, mask in zip(OTHER_REGIONS, (on_crest, on_neck, on_greater), strict=True):
        faces = largest_component(bone.faces, np.flatnonzero(mask), areas)
        area = float(areas[faces].sum())
        if area < _MIN_AREA_MM2:
            reasons[name] = f"only {area:.0f} mm2 of it is there"
            continue
        regions[name] = Region(name, side, "femur", faces, area, METHOD)
    return regions, reasons


def _from_segment(points: Array, start: Array, end: Array) -> Array:
    """Distance of points from a segment."""
    along = end - start
    share = np.clip((points - start) @ along / (along @ along), 0, 1)
    out: Array = np.linalg.norm(points - start - share[:, None] * along, axis=1)
    return out


def _shaft_radius(
    middles: Array, areas: NDArray[np.float64], shaft: tuple[Array, Array], tip: Array
) -> float:
    """Mean distance of the shaft's surface from its axis, 20 to 60 mm below the trochanter's tip."""
    away = middles - shaft[0]
    radial = np.linalg.norm(away - np.outer(away @ shaft[1], shaft[1]), axis=1)
    below = (tip - middles) @ shaft[1]
    on_shaft = (below > 20) & (below < 60) & (radial < 40)
    return float(np.average(radial[on_shaft], weights=areas[on_shaft])) if on_shaft.any() else 15.0
