"""The gap between two regions of a hip in every pose of a set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ischio._check import Array, InputError, complaint, one_of
from ischio.geometry.gap_field import Gaps, pose_gaps
from ischio.geometry.gap_fixed import fixed_surface
from ischio.geometry.gap_moving import moving_surface
from ischio.motion.joint import Joint, joint_of
from ischio.types import Clearance, Hip, PoseSet

if TYPE_CHECKING:
    from ischio.types import Bone

PAIR = ("lesser_trochanter", "ischium")
CENTRES = ("fixed", "equidistant")
JOINT_WORDS = {
    "fixed": "ball joint about the femoral head centre as supplied, which stays where it is",
    "equidistant": "ball joint whose head moves so that the smallest space between head and socket stays "
    "as in the neutral pose",
}
_FEW = 20_000  # poses below which a coarse grid, made in a fraction of the time, is the quicker way
_STEPS_MM = (1.0, 0.5)


def clearance(
    hip: Hip,
    poses: PoseSet,
    *,
    pair: tuple[str, str] = PAIR,
    centre: str = "fixed",
    jobs: int = 1,
) -> Clearance:
    """Compute the signed gap of two regions in every pose.

    Parameters
    ----------
    hip : Hip
    poses : PoseSet
    pair : (str, str)
        Region of the femur and region of the hip bone.
    centre : str
        "fixed": the head centre stays as supplied. "equidistant": the head moves so that the smallest
        space between head and socket keeps its value in the neutral pose.
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    Clearance

    Raises
    ------
    CannotMeasure
        If the hip lacks a region, a frame of the zeros or the head centre.
    InputError
        If the pair does not name a region of each bone.

    Notes
    -----
    Exact for the triangles given, to within ``error_mm``: 0.015 mm for gaps to 10 mm, 0.03 mm beyond;
    about a millimetre for negative ones, which say that a pose is out of reach. It says nothing on
    cartilage, on other tissue, or on how well the surfaces and the frames fit the person.
    """
    one_of(centre, CENTRES, "centre")
    joint = joint_of(hip, poses.pelvic_zero, poses.rotation_zero)
    moving, fixed = _triangles(hip, pair)
    shift = None
    if centre == "equidistant":
        from ischio.motion.equidistant import head_shift

        shift = head_shift(hip, joint, poses.angles_deg, jobs=jobs)
    found = swept(
        joint, moving, fixed, _bone(hip.hip_bone).triangles_mm, poses.angles_deg, shift_mm=shift, jobs=jobs
    )
    region = hip.regions[pair[1]]
    parts = tuple(sorted(set(region.sub_parts))) or (region.name,)
    of_face = np.array([parts.index(part) for part in region.sub_parts] or [0] * len(fixed))
    return Clearance(
        hip.side,
        pair,
        poses,
        found.gap_mm,
        joint.patient(found.on_moving_mm),
        joint.patient(found.on_fixed_mm),
        of_face[found.fixed_face],
        parts,
        JOINT_WORDS[centre],
        found.error_mm,
    )


def swept(
    joint: Joint,
    moving_mm: Array,
    fixed_mm: Array,
    solid_mm: Array | None,
    angles_deg: Array,
    *,
    shift_mm: Array | None = None,
    jobs: int = 1,
) -> Gaps:
    """Gaps between triangles of the femur and of the hip bone, all given in the patient frame.

    Parameters
    ----------
    joint : Joint
    moving_mm, fixed_mm : arrays of shape (N, 3, 3), mm
    solid_mm : array of shape (M, 3, 3), mm, or None
        Closed surface of the fixed bone; without it no gap is negative.
    angles_deg : array of shape (P, 3)
    shift_mm : array of shape (P, 3), mm, optional
        Of the head centre, in the (mirrored) pelvic frame.
    jobs : int

    Returns
    -------
    Gaps
        Points in the (mirrored) pelvic frame.
    """
    thigh = moving_surface(joint.outward(joint.femoral(moving_mm)))
    radii = np.linalg.norm(thigh.points, axis=1)
    room = 0.5 if shift_mm is None else 0.5 + float(np.linalg.norm(shift_mm, axis=1).max())
    seat = fixed_surface(
        joint.outward(joint.pelvic(fixed_mm)),
        None if solid_mm is None else joint.outward(joint.pelvic(solid_mm)),
        step_mm=_STEPS_MM[len(angles_deg) > _FEW],
        shell=(joint.centre_mm, _least_radius(thigh.points[thigh.faces]) - room, float(radii.max()) + room),
        within=_swept_box(joint, thigh.points, angles_deg, room),
        jobs=jobs,
    )
    about_axis = float(np.hypot(thigh.points[:, 0], thigh.points[:, 2]).max())
    arms = (float(radii.max()), float(radii.max()), about_axis)  # internal rotation turns about the femur's Y
    return pose_gaps(seat, thigh, angles_deg, joint.motion, shift_mm=shift_mm, arms_mm=arms, jobs=jobs)


def _swept_box(joint: Joint, points_mm: Array, angles_deg: Array, room: float) -> tuple[Array, Array]:
    """Box that the moving points do not leave in any pose."""
    middle = (points_mm.min(axis=0) + points_mm.max(axis=0)) / 2
    radius = float(np.linalg.norm(points_mm - middle, axis=1).max()) + room
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for start in range(0, len(angles_deg), 65_536):  # bounds memory
        rotations, offsets = joint.motion(angles_deg[start : start + 65_536])
        places = rotations @ middle + offsets
        low, high = np.minimum(low, places.min(axis=0)), np.maximum(high, places.max(axis=0))
    return low - radius, high + radius


def _least_radius(triangles_mm: Array) -> float:
    """Radius about the origin within which there is no point of the triangles."""
    longest = float(np.linalg.norm(triangles_mm - np.roll(triangles_mm, 1, axis=1), axis=2).max())
    return float(np.linalg.norm(triangles_mm, axis=2).min()) - longest


def _triangles(hip: Hip, pair: tuple[str, str]) -> tuple[Array, Array]:
    """Triangles of both regions in the patient frame."""
    for name, bone, word in ((pair[0], "femur", "first"), (pair[1], "hip_bone", "second")):
        known = sorted(one.name for one in hip.regions.values() if (one.bone == "femur") == (bone == "femur"))
        if name not in known:
            if name in hip.reasons:
                hip.need(name)
            raise InputError(
                complaint(
                    f"{hip.side.value} hip, pair {':'.join(pair)}",
                    f"{name!r} as {word} region",
                    f"a region of the {bone.replace('_', ' ')}, one of {known}",
                    "Write FEMUR_REGION:HIP_BONE_REGION.",
                )
            )
    return hip.region_triangles(pair[0]), hip.region_triangles(pair[1])


def _bone(bone: Bone | None) -> Bone:
    """The bone, which is there because a region of it is."""
    assert bone is not None
    return bone
