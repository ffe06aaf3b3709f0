"""A joint whose head keeps its distance from the socket: where the head centre goes in each pose."""

from __future__ import annotations

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.geometry.gap_field import Gaps, pose_gaps
from ischio.geometry.gap_fixed import fixed_surface
from ischio.geometry.gap_moving import moving_surface
from ischio.motion.joint import Joint
from ischio.types import Hip

HEAD_FRACTION = 1.05  # of the head's radius: further out lies the neck
LUNATE = "lunate_surface"
ROOM_MM = 6.0  # that the head is given to move; the grid is left empty elsewhere
ENOUGH_MM = 0.005  # of the joint space; half of what a head that stays centred may seem to move
MOST_ROUNDS = 12  # each leaves a fraction of the error of the one before
_STEP_MM = 1.0
_TOLERANCE_MM = (0.002, 0.002)


def head_shift(hip: Hip, joint: Joint, angles_deg: Array, *, jobs: int = 1) -> Array:
    """Shift of the head centre that keeps the smallest space between head and socket as in neutral.

    Parameters
    ----------
    hip : Hip
    joint : Joint
    angles_deg : array of shape (P, 3)
    jobs : int

    Returns
    -------
    array of shape (P, 3), mm, in the (mirrored) pelvic frame

    Raises
    ------
    CannotMeasure
        If head or lunate surface is not there, or the space cannot be kept in some pose.

    Notes
    -----
    The head is what of the femur lies within ``HEAD_FRACTION`` of its radius; the socket is the region
    ``lunate_surface``. The head moves along
    the line of the smallest space until that space has its neutral value, round by round.

    References
    ----------
    .. [1] Puls et al. 2010, Comput Aided Surg 15:75 (the equidistant method).
    """
    head, socket = _articular(hip)
    ball = moving_surface(joint.outward(joint.femoral(head)))
    radii = np.linalg.norm(ball.points, axis=1)
    cup = joint.outward(joint.pelvic(socket))
    shell = (joint.centre_mm, float(radii.min()) - ROOM_MM, float(radii.max()) + ROOM_MM)
    assert hip.hip_bone is not None  # the socket is a part of it
    solid = joint.outward(joint.pelvic(hip.hip_bone.triangles_mm))
    seat = fixed_surface(cup, solid, step_mm=_STEP_MM, shell=shell, jobs=jobs)

    def spaces(angles: Array, shift: Array) -> Gaps:
        return pose_gaps(
            seat, ball, angles, joint.motion, shift_mm=shift, tolerance_mm=_TOLERANCE_MM, jobs=jobs
        )

    neutral = float(spaces(np.zeros((1, 3)), np.zeros((1, 3))).gap_mm[0])
    shift = np.zeros((len(angles_deg), 3))
    todo = np.arange(len(angles_deg))
    for _ in range(MOST_ROUNDS):
        now = spaces(angles_deg[todo], shift[todo])
        missing = neutral - now.gap_mm
        todo_next = np.abs(missing) > ENOUGH_MM
        away = (now.on_moving_mm - now.on_fixed_mm) * np.sign(now.gap_mm)[:, None]
        length = np.linalg.norm(away, axis=1)
        # Surfaces that just cross have no direction; the head then goes towards its centre's side.
        inward = joint.centre_mm + shift[todo] - now.on_fixed_mm
        away = np.where((length > 1e-9)[:, None], away, inward)
        away /= np.linalg.norm(away, axis=1)[:, None]
        shift[todo[todo_next]] += (missing[:, None] * away)[todo_next]
        todo = todo[todo_next]
        if len(todo) == 0:
            return shift
    angles = ", ".join(f"{angle:g}" for angle in angles_deg[todo[0]])
    raise CannotMeasure(
        f"{hip.side.value} hip: the head cannot keep its distance from the socket in {len(todo)} poses, "
        f"for example {angles} degrees; use the fixed centre"
    )


def _articular(hip: Hip) -> tuple[Array, Array]:
    """Triangles of the femoral head and of the lunate surface, patient frame."""
    for name in ("femur", "hip_bone", "femoral_head_centre", LUNATE):
        hip.need(name)
    assert hip.femur is not None  # just asked for
    assert hip.hip_bone is not None
    centre = hip.point("femoral_head_centre")
    detail = hip.landmarks["femoral_head_centre"].detail
    if "radius_mm" not in detail:
        raise CannotMeasure(f"{hip.side.value} femoral head centre came as a point without a fitted sphere")
    head = hip.femur.triangles_mm
    reach = HEAD_FRACTION * float(detail["radius_mm"])
    head = head[np.linalg.norm(head - centre, axis=2).max(axis=1) < reach]
    if len(head) == 0:
        raise CannotMeasure(
            f"{hip.side.value} femur has no surface within {reach:.0f} mm of its head's centre"
        )
    return head, hip.region_triangles(LUNATE)
