"""After surgery: what was taken from a femur, and whether its goal is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.geometry.sampling import face_normals, sample_surface
from ischio.geometry.solids import remains, solid_of
from ischio.plan.course import course_of
from ischio.plan.goals import Goal
from ischio.plan.resection import HipPlans
from ischio.plan.same_bone import NearFaces, SameBone, lay
from ischio.plan.site import Site, room_over
from ischio.types import Bone

_BENEATH_MM = 8.0  # how far under the smooth femur a cut surface is still looked for
_BESIDE_MM = 30.0  # round the tip: bone taken where no plan would
_SAMPLES = 4000  # half a millimetre apart: a hollow of 5 mm radius is met to 0.01 mm


@dataclass(frozen=True, slots=True, eq=False)
class After:
    """A femur after surgery beside the one before.

    Parameters
    ----------
    goal : Goal
    laid : SameBone
        The femur after surgery, on the one before.
    removed_mm3 : float
        Bone of before less bone of after, in the room where a plan may cut.
    removed_elsewhere_mm3 : float
        The same within 30 mm of the tip, outside that room: beneath the smooth femur, or beside the region.
    doubt_mm3 : float
        Of ``removed_mm3``: the residual times the area that is compared.
    depth_mm : float
        Greatest depth of what is left beneath the former surface.
    depth_back_mm : float
        From the former most prominent point, straight back across the shaft, to what is left.
    surface_mm : array of shape (N, 3, 3), mm, patient frame
        What is left of the trochanter, cut surface included.
    before_mm, gap_mm : float
        Least gap to the ischium of the earlier hip bone, over the poses of the goal and its floor.
    """

    goal: Goal
    laid: SameBone
    removed_mm3: float
    removed_elsewhere_mm3: float
    doubt_mm3: float
    depth_mm: float
    depth_back_mm: float
    surface_mm: Array
    before_mm: float
    gap_mm: float

    @property
    def status(self) -> str:
        """Goal "reached", "not_reached", or "uncertain" where the gap is off it by less than the residual."""
        over = self.gap_mm - self.goal.clearance_mm
        if abs(over) < self.laid.residual_mm:
            return "uncertain"
        return "reached" if over >= 0 else "not_reached"


def compare(site: Site, goal: Goal, after: Bone, *, jobs: int = 1) -> After:
    """Compare a femur after surgery with the one before.

    Parameters
    ----------
    site : Site
        Of the femur before.
    goal : Goal
    after : Bone
        In any frame: it is laid on the femur before by the bone away from the trochanter.
    jobs : int

    Returns
    -------
    After

    Raises
    ------
    InputError
        If the bone is of the other side, another one, or bounds no solid.
    CannotMeasure
        If the cut went so deep that no surface is left where the trochanter stood.

    Notes
    -----
    The hip bone is that of before. Volumes are differences, so even noise of both surfaces cancels; the
    greatest depth is of one place and takes noise as depth.
    """
    from manifold3d import Manifold

    laid = lay(site.femur, after, site.tip_mm)
    solid = solid_of(laid.bone.vertices_mm, laid.bone.faces, f"{site.hip.side.value} femur after surgery")
    column = room_over(site, -_BENEATH_MM)
    found = remains(solid ^ column, solid)
    surface = found.vertices_mm[found.faces[found.origin >= 0]]
    if len(surface) == 0:
        raise CannotMeasure(
            f"{site.hip.side.value} femur after surgery: no bone stands within {_BENEATH_MM:g} mm beneath "
            "the trochanter's base; more than a trochanter was removed"
        )
    removed = (site.solid ^ site.room).volume() - (solid ^ site.room).volume()
    ball = Manifold.sphere(_BESIDE_MM, 48).translate(tuple(site.tip_mm))
    around = (site.solid ^ ball).volume() - (solid ^ ball).volume()
    course = course_of(site.hip, goal.poses, goal.floor_mm, jobs=jobs)
    left = surface.reshape(-1, 3)
    return After(
        goal,
        laid,
        float(removed),
        float(around - removed),
        float(laid.residual_mm * face_normals(site.bone_mm)[1].sum()),
        _deepest(site, surface),
        float((site.bone_mm.reshape(-1, 3) @ site.back).max() - (left @ site.back).max()),
        surface,
        course.least(site.hip.region_triangles("lesser_trochanter"), jobs=jobs),
        course.least(surface, jobs=jobs),
    )


def _deepest(site: Site, surface_mm: Array) -> float:
    """Greatest depth beneath the former surface, mm."""
    points, _, _ = sample_surface(surface_mm, _SAMPLES)
    feet, normals = NearFaces(site.femur.triangles_mm).nearest(points)
    beneath = np.einsum("ij,ij->i", feet - points, normals) > 0
    depth = np.linalg.norm(feet - points, axis=1)
    return float(np.where(beneath, depth, 0.0).max())


def after_row(found: After, plans: HipPlans) -> dict[str, Any]:
    """A comparison as plain values, beside the plans for the same goal.

    Parameters
    ----------
    found : After
    plans : HipPlans

    Returns
    -------
    dict
    """
    side = plans.hip.side.value
    words = {
        "reached": "is reached",
        "not_reached": "is not reached",
        "uncertain": "is met or missed by less than the two bones agree",
    }[found.status]
    sentence = (
        f"{side.capitalize()} femur after surgery: {found.removed_mm3 / 1000:.1f} ml of the trochanter "
        f"removed, {found.depth_mm:.0f} mm deep; clearance from {found.before_mm:.1f} to "
        f"{found.gap_mm:.1f} mm ({found.goal.words}, hip bone as before): "
        f"the goal of {found.goal.clearance_mm:g} mm {words}. "
        f"Bones away from the trochanter agree to {found.laid.residual_mm:.2f} mm."
    )
    return {
        "source": found.laid.bone.source,
        "status": found.status,
        "residual_mm": _number(found.laid.residual_mm),
        "near_fraction": round(found.laid.near_fraction, 4),
        "unlike_mm": _number(found.laid.unlike_mm),
        "removed_mm3": _number(found.removed_mm3),
        "removed_doubt_mm3": _number(found.doubt_mm3),
        "removed_elsewhere_mm3": _number(found.removed_elsewhere_mm3),
        "depth_mm": _number(found.depth_mm),
        "depth_back_mm": _number(found.depth_back_mm),
        "before_mm": _number(found.before_mm),
        "gap_mm": _number(found.gap_mm),
        "planned": [
            {
                "name": one.cut.name,
                "removed_mm3": _number(one.removed_mm3),
                "depth_mm": _number(one.depth_mm),
                "reached_mm": _number(one.reached_mm),
            }
            for one in plans.plans
            if one.cut is not None
        ],
        "sentence": sentence,
    }


def _number(value: float) -> float:
    """Rounded to a micrometre, without a negative zero."""
    return round(float(value), 3) + 0.0
