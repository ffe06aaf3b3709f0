"""The poses a plan has to stay clear in, prepared so that many shapes of the trochanter can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ischio._check import Array
from ischio.geometry.gap_field import pose_gaps
from ischio.geometry.gap_fixed import MARGIN_MM, FixedSurface, fixed_surface
from ischio.geometry.gap_moving import moving_surface
from ischio.motion.joint import Joint, joint_of
from ischio.types import Hip, PoseSet

_STEP_MM = 0.8
_ROOM_MM = 8.0  # around the trochanter as it is: cuts lie in it, and what is left of it
_BLOCK = 32  # poses at a time, bounds memory


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Poses, and the ischium as the femur sees it in each.

    Parameters
    ----------
    poses : PoseSet
    joint : Joint
    seat : FixedSurface
        The ischium with its grid of distances.
    floor_mm : array of shape (P,), mm
        What clearance counts from in each pose: 0 for bone contact.
    """

    poses: PoseSet
    joint: Joint
    seat: FixedSurface
    floor_mm: Array

    def gaps(self, triangles_mm: Array, *, jobs: int = 1) -> Array:
        """Gap of triangles of the femur, patient frame as supplied, in every pose, shape (P,), mm."""
        thigh = moving_surface(self.joint.outward(self.joint.femoral(triangles_mm)))
        out: Array = pose_gaps(self.seat, thigh, self.poses.angles_deg, self.joint.motion, jobs=jobs).gap_mm
        return out

    def least(self, triangles_mm: Array, *, jobs: int = 1) -> float:
        """Smallest gap of triangles of the femur, over the floor of each pose, mm."""
        return float((self.gaps(triangles_mm, jobs=jobs) - self.floor_mm).min())

    def clearance_at(self, points_mm: Array) -> Array:
        """How near each point of the femur ever comes to the ischium.

        Parameters
        ----------
        points_mm : array of shape (N, 3), mm, patient frame as supplied

        Returns
        -------
        array of shape (N,), mm
            Least over all poses, over the floor of each; negative inside the hip bone. Read between nodes of
            a grid of 0.8 mm: off by up to 0.24 mm2 divided by the distance, so by 0.02 mm at 10 mm, and by up
            to 0.25 mm beyond 20 mm. Farther than 40 mm over the floor it reads low.
        """
        from scipy.ndimage import map_coordinates

        field = -self.seat.depth
        place = self.joint.femoral(points_mm)
        out = np.full(len(points_mm), np.inf)
        rotations, offsets = self.joint.motion(self.poses.angles_deg)
        for turn, offset, floor in zip(rotations, offsets, self.floor_mm, strict=True):
            at = (place @ turn.T + offset - self.seat.low_mm) / self.seat.step_mm
            np.minimum(out, map_coordinates(field, at.T, order=1, mode="nearest") - floor, out=out)
        return out


def course_of(hip: Hip, poses: PoseSet, floor_mm: Array | None = None, *, jobs: int = 1) -> Course:
    """Prepare the poses of a hip.

    Parameters
    ----------
    hip : Hip
    poses : PoseSet
    floor_mm : array of shape (P,), mm, optional
        What clearance counts from in each pose; 0 without it.
    jobs : int

    Returns
    -------
    Course

    Raises
    ------
    CannotMeasure
        If the hip lacks the trochanter, the ischium or a frame of the zeros.
    """
    joint = joint_of(hip, poses.pelvic_zero, poses.rotation_zero)
    place = joint.femoral(hip.region_triangles("lesser_trochanter").reshape(-1, 3))
    middle = (place.min(axis=0) + place.max(axis=0)) / 2
    reach = float(np.linalg.norm(place - middle, axis=1).max()) + _ROOM_MM
    ischium = hip.region_triangles("ischium")
    assert hip.hip_bone is not None  # it has the ischium
    rotations, offsets = joint.motion(poses.angles_deg)
    places = rotations @ middle + offsets
    floor = np.zeros(len(poses)) if floor_mm is None else floor_mm
    seat = fixed_surface(
        joint.outward(joint.pelvic(ischium)),
        joint.outward(joint.pelvic(hip.hip_bone.triangles_mm)),
        step_mm=_STEP_MM,
        within=(places.min(axis=0) - reach, places.max(axis=0) + reach),
        margin_mm=MARGIN_MM + float(floor.max()),
        jobs=jobs,
    )
    return Course(poses, joint, seat, floor)
