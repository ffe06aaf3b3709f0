"""Ischiofemoral space: the gap between lesser trochanter and ischium."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.bones.topology import find_edges
from ischio.geometry.surface_gap import surface_gap
from ischio.landmarks.headless import WITHOUT
from ischio.landmarks.points import cut_edges
from ischio.measures._registry import Reading, measure
from ischio.types import Bone, Hip, Side

BUMP_RADIUS_MM = 10.0  # radius of curvature of a trochanter's tip and of the lateral ischium, roughly
CUT_MM = 4.0  # of a cut: as near as this the smallest distance may lie beyond it
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
    "alone, not what another segmentation, reader or pose would change.",
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
        moved   = how far smoothing of stair steps moved the surface on average
        border  = how much the gap grows when 2 mm along the border of both regions are taken away

    Where head or socket are not in view and the shape model stands in for them, each adds 0.7 mm (the
    femur 1.5 where it is cut through beside the trochanter, too), and
    ``stands_in`` in ``detail`` names it; a gap that is nearest within 4 mm of such a cut is not told.

    It leaves out what another segmentation, reader or pose would change. Sigma is ``None`` when
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
    stands_in = _stands_in(hip, points)
    surface = float(
        np.linalg.norm([_surface_sigma(hip.femur), _surface_sigma(hip.hip_bone), *stands_in.values()])
    )
    border = _border_sigma(hip, gap.gap_mm)
    return Reading(
        gap.gap_mm,
        sigma=None if border is None else float(np.hypot(surface, border)),
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
            **_read_tip(hip),
            **({"stands_in": list(stands_in)} if stands_in else {}),
        },
    )


def _stands_in(hip: Hip, points: Array) -> dict[str, float]:
    """What stands in for a head or socket that is not in view, with what it may move the gap by, mm."""
    found = {}
    for name, point, bone in (
        ("lesser_trochanter", points[0], hip.femur),
        ("ischium", points[1], hip.hip_bone),
    ):
        region = hip.regions[name]
        if WITHOUT not in region.detail:
            continue
        assert bone is not None  # its region exists
        cut = cut_edges(bone)
        away = float(np.linalg.norm(cut - point, axis=1).min()) if len(cut) else np.inf
        if away < CUT_MM:
            raise CannotMeasure(
                f"the {name.replace('_', ' ')} is nearest {away:.1f} mm from where the bone is cut: beyond, "
                "the gap may be smaller"
            )
        found[str(region.detail["stands_in"])] = float(region.detail[WITHOUT])
    return found


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
