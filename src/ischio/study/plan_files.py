"""Files of plans: bones after the cut, what the clearance was computed of, and planes for 3D Slicer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ischio.io.markups import PlaneMark, planes_text
from ischio.io.write_meshes import bone_ply, bone_stl
from ischio.plan.cuts import CUT_NAMES
from ischio.plan.resection import HipPlans
from ischio.plan.site import TROCHANTER
from ischio.types import Bone, Side

PLANES_FILE = "cut_planes.mrk.json"
_PLANE_SIZE_MM = 60.0
PLAN_FILES = (
    PLANES_FILE,
    *(
        f"{side.value}_{part}_{cut}.{ending}"
        for side in Side
        for cut in CUT_NAMES
        for part, ending in (("femur", "stl"), ("femur", "ply"), (TROCHANTER, "ply"))
    ),
)
"""Every name that plans may write into a result folder."""


def plan_files(found: Iterable[HipPlans]) -> dict[str, str | bytes]:
    """Bytes of every file of plans, by name.

    Parameters
    ----------
    found : iterable of HipPlans

    Returns
    -------
    dict of str to str or bytes
        For each cut the femur after it (STL for printing, PLY to the last bit), and the surface that its
        clearance was computed of: what is left of the trochanter with the cut surface. All planes in one
        file.
    """
    files: dict[str, str | bytes] = {}
    planes = []
    for hip_plans in found:
        side = hip_plans.hip.side.value
        for plan in hip_plans.plans:
            if plan.cut is None or plan.resection is None:
                continue
            hip, name = plan.resection.hip, plan.cut.name
            assert hip.femur is not None  # a bone that was cut
            files[f"{side}_femur_{name}.stl"] = bone_stl(hip.femur)
            files[f"{side}_femur_{name}.ply"] = bone_ply(hip.femur)
            if TROCHANTER in hip.regions:
                files[f"{side}_{TROCHANTER}_{name}.ply"] = bone_ply(
                    _part(hip.femur, hip.region_triangles(TROCHANTER))
                )
            if plan.cut.direction is not None and plan.cut.point_mm is not None:
                planes.append(
                    PlaneMark(
                        f"{side} {name.replace('_', ' ')}",
                        plan.cut.words,
                        plan.cut.point_mm,
                        plan.cut.direction,
                        _PLANE_SIZE_MM,
                    )
                )
    if planes:
        files[PLANES_FILE] = planes_text(planes)
    return files


def _part(femur: Bone, triangles_mm: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Bone:
    """Some triangles of a bone as a bone of their own, corners shared."""
    vertices, faces = np.unique(triangles_mm.reshape(-1, 3), axis=0, return_inverse=True)
    return replace(femur, vertices_mm=vertices, faces=faces.reshape(-1, 3).astype(np.int64))
