"""Ischiofemoral space: the gap between lesser trochanter and ischium."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.bones.topology import find_edges
from ischio.geometry.surface_gap import surface_gap
from ischio.landmarks.cut_ends import cut_places
from ischio.landmarks.headless import WITHOUT
from ischio.measures._registry import Reading, measure
from ischio.types import Bone, Hip, Side

BUMP_RADIUS_MM = 10.0  # radius of curvature of a trochanter's tip and of the lateral ischium, roughly
CUT_MM = 4.0  # of a cut: as near as this the smallest distance may lie beyond it
MODEL_MM = 3.0  # of a missing part, the laid model is about as far off
BORDER_MM = 2.0  # the trochanter's rule asks for 2 mm of prominence, so its border is no sharper


def _example(side: Side) -> tuple[Hip, float]:
    """A gap of 9.25 mm between a rounded tip and a flat ischium."""
    return phantoms.hip(side, gap_mm=9.25), 9.25


@measure(
    unit="mm",
    needs=("lesser_trochanter", "ischium"),
    reference="Torriani et al. 2009, AJR 193:186-190 (defines the space, on axial MRI)",
    evidence="Definition read in later pages that cite the reference; the shortest distance in 3-D is this "
    "software's choice and reads lower than the axial one. Exact on phantoms. Sigma holds surface and region "
    "alone, not what another person's segmentation, reader or pose would change.",
    example=_example,
)
def ischiofemoral_space_3d(hip: Hip) -> Reading:
    """Shortest distance between the outer surfaces of the lesser trochanter and of the ischium.

    Zero is bone contact. Bone-to-bone distance, unloaded, in the pose shown; it does not diagnose
    impingement.

    Notes
    -----
    Exact for the triangles given, so sigma holds what the triangles cannot say::

        sigma^2 = sum over both bones of (chord^2 + moved^2) + border^2
        chord   = edge^2 / (8 * 10 mm)    sag of an edge below a bump of 10 mm radius
        moved   = how far smoothing of stair steps moved the surface on average, and surfaces that ischio
                  drew in a CT are off on average (0.2 mm at 1 mm slices, 0.3 at 3)
        border  = how much the gap grows when 2 mm along the border of both regions are taken away

    Where head or socket are not in view and the shape model stands in for them, each adds 0.7 mm (the
    femur 1.5 where it is cut through beside the trochanter, too), and ``stands_in`` in ``detail`` names it.

    Where trochanter or ischium is cut, the laid shape model tells how near what is missing would be
    (``missing_part_mm`` in ``detail``): nearer than the gap, and the gap is not told; less than 3 mm
    farther, and what lacks to 3 mm is added to sigma. A gap that is nearest within 4 mm of the end of a
    scan where the model has little or nothing missing is not told.

    It leaves out what another person's segmentation, reader or pose would change. Sigma is ``None`` when
    a region is nowhere wider than its border. The components in ``detail`` point from ischium to
    trochanter, in the pelvic frame named there; lateral is away from the midline on both sides.
    Surfaces that cross read 0, however deep.
    """
    return shortest(hip)


@lru_cache(maxsize=4)
def shortest(hip: Hip) -> Reading:
    """The reading of a hip, made once: the axial space needs it, too."""
    trochanter, ischium = hip.region_triangles("lesser_trochanter"), hip.region_triangles("ischium")
    gap = surface_gap(trochanter, ischium)
    points = np.stack([gap.point_a_mm, gap.point_b_mm])
    femur, seat = hip.regions["lesser_trochanter"], hip.regions["ischium"]
    stands_in = _stands_in(hip)
    possible = _beyond_cut(hip, points, gap.gap_mm)
    parts = [_surface_sigma(hip.femur), _surface_sigma(hip.hip_bone), *stands_in.values()]
    surface = float(np.linalg.norm(parts))
    border = _border_sigma(hip, gap.gap_mm)
    beyond = max(0.0, gap.gap_mm + MODEL_MM - possible)
    return Reading(
        gap.gap_mm,
        sigma=None if border is None else float(np.linalg.norm([surface, border, beyond])),
        points_mm=points,
        posture=hip.posture,
        detail={
            "sub_part": seat.sub_parts[gap.face_b] if seat.sub_parts else None,
            "bone_contact": gap.gap_mm == 0.0,
            "lesser_trochanter_face": int(femur.face_indices[gap.face_a]),
            "ischium_face": int(seat.face_indices[gap.face_b]),
            "lesser_trochanter_area_mm2": femur.area_mm2,
            "ischium_area_mm2": seat.area_mm2,
            "surface_sigma_mm": surface,
            "border_sigma_mm": border,
            "towards_trochanter": _components(hip, points[0] - points[1]),
            **({"missing_part_mm": possible} if np.isfinite(possible) else {}),
            **_read_tip(hip),
            **({"stands_in": list(stands_in)} if stands_in else {}),
        },
    )


def _stands_in(hip: Hip) -> dict[str, float]:
    """What stands in for a head or socket that is not in view, with what it may move the gap by, mm."""
    details = [hip.regions[name].detail for name in ("lesser_trochanter", "ischium")]
    return {str(one["stands_in"]): float(one[WITHOUT]) for one in details if WITHOUT in one}


def _beyond_cut(hip: Hip, points: Array, gap_mm: float) -> float:
    """Distance to what is missing where a bone is cut, by the laid shape model; infinite on whole bones.

    Refused where that is nearer than all that is there, or where the model does not tell.
    """
    from scipy.spatial import cKDTree

    femur, seat = hip.regions["lesser_trochanter"], hip.regions["ischium"]
    possible, cut = np.inf, ""
    for one, other in ((femur, seat), (seat, femur)):
        if len(one.missing_mm):
            corners = hip.region_triangles(other.name).reshape(-1, 3)
            beside = np.concatenate([corners, other.missing_mm])
            nearest = float(cKDTree(beside).query(one.missing_mm)[0].min())
            possible, cut = min((possible, cut), (nearest, one.name))
    if possible < gap_mm:
        raise CannotMeasure(
            f"the {cut.replace('_', ' ')} is cut, and what is missing of it would be nearest: {possible:.1f} "
            f"mm by the shape model, where what is there is {gap_mm:.1f} mm away"
        )
    for region, point, bone in ((femur, points[0], hip.femur), (seat, points[1], hip.hip_bone)):
        assert bone is not None  # its region exists
        told = len(region.missing_mm) > 0 or len(bone.scan_ends) == 0
        if told and WITHOUT not in region.detail:
            continue
        ends = cut_places(bone)
        away = float(np.linalg.norm(ends - point, axis=1).min()) if len(ends) else np.inf
        if away < CUT_MM:
            raise CannotMeasure(
                f"the {region.name.replace('_', ' ')} is nearest {away:.1f} mm from where the bone is cut: "
                "beyond, the gap may be smaller"
            )
    return possible


def _read_tip(hip: Hip) -> dict[str, str]:
    """Say of a tip that was read that the region was not drawn from it."""
    tip = hip.landmarks.get("lesser_trochanter_tip")
    if tip is None or not tip.method.startswith("reader:"):
        return {}
    return {"lesser_trochanter": f"region as found; its tip alone was read ({tip.method})"}


def _surface_sigma(bone: Bone | None) -> float:
    """How far an edge lies below a bump of ``BUMP_RADIUS_MM``, with how far smoothing moved the surface."""
    assert bone is not None  # its region exists
    return float(np.hypot(bone.edge_mm**2 / (8 * BUMP_RADIUS_MM), bone.moved_mm))


def _border_sigma(hip: Hip, gap_mm: float) -> float | None:
    """Growth of the gap when a strip along the border of both regions is taken away."""
    inner = [_without_border(hip, name) for name in ("lesser_trochanter", "ischium")]
    if not all(len(triangles) for triangles in inner):
        return None
    return float(surface_gap(*inner).gap_mm - gap_mm)


def _without_border(hip: Hip, name: str) -> Array:
    """Triangles of a region whose middle is further than ``BORDER_MM`` from its border."""
    from scipy.spatial import cKDTree

    region = hip.regions[name]
    bone = hip.femur if region.bone == "femur" else hip.hip_bone
    assert bone is not None  # its region exists
    triangles, edges = hip.region_triangles(name), find_edges(bone.faces[region.face_indices])
    ends = bone.vertices_mm[edges.ends[edges.n_faces == 1]]
    if len(ends) == 0:
        return triangles
    border = np.concatenate([ends[:, 0], ends[:, 1], ends.mean(axis=1)])
    away, _ = cKDTree(border).query(triangles.mean(axis=1), distance_upper_bound=BORDER_MM)
    inside: Array = triangles[np.isinf(away)]
    return inside


def _components(hip: Hip, vector_mm: Array) -> dict[str, Any] | None:
    """A vector of the patient frame along the pelvic axes, or ``None`` without a pelvic frame."""
    for name in ("pelvis_app_from_patient", "pelvis_isb_from_patient"):
        if name in hip.frames:
            forward, up, right = hip.frames[name].matrix[:3, :3] @ vector_mm
            lateral = hip.side.sign * right
            return {
                "frame": name,
                "forward_mm": float(forward),
                "up_mm": float(up),
                "lateral_mm": float(lateral),
            }
    return None
