"""Joint frames from landmarks, and the pose of a femur in a pelvis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.types import Frame, Landmark, Pose, Side, Transform


def _unit(vector: Array) -> Array:
    """The vector at length 1."""
    length = float(np.linalg.norm(vector))
    if length < 1e-6:
        raise CannotMeasure("two landmarks that span the frame coincide")
    return vector / length


def _frame_from_axes(
    target: Frame, patient: Frame, origin: Array, forward: Array, up: Array, right: Array
) -> Transform:
    """Transform into a frame with the given origin and orthonormal axes (X, Y, Z)."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([forward, up, right])
    matrix[:3, 3] = -matrix[:3, :3] @ origin
    return Transform(target, patient, matrix)


def need_points(
    landmarks: Mapping[str, Landmark], names: tuple[str, ...], reasons: Mapping[str, str]
) -> list[Array]:
    """Positions of the named landmarks.

    Parameters
    ----------
    landmarks : mapping of str to Landmark
    names : tuple of str
    reasons : mapping of str to str
        Why a landmark is missing.

    Returns
    -------
    list of array of shape (3,), mm

    Raises
    ------
    CannotMeasure
        Naming the first that is missing and why.
    """
    for name in names:
        if name not in landmarks:
            raise CannotMeasure(
                f"{name.replace('_', ' ')} is missing: {reasons.get(name, 'it was not found')}"
            )
    return [landmarks[name].point_mm for name in names]


def pelvis_isb(
    patient: Frame, origin: Array, asis: tuple[Array, Array], psis: tuple[Array, Array]
) -> Transform:
    """ISB pelvis frame: Z along the ASIS line to the right, X forward in the plane of ASIS and mid-PSIS.

    Parameters
    ----------
    patient : Frame
    origin : array of shape (3,), mm
        Usually the acetabular centre of the side at hand.
    asis, psis : (right, left), each of shape (3,), mm

    Returns
    -------
    Transform
        Into kind ``pelvis_isb``.

    References
    ----------
    .. [1] Wu et al. 2002, J Biomech 35:543.
    """
    right = _unit(asis[0] - asis[1])
    towards_front = (asis[0] + asis[1]) / 2 - (psis[0] + psis[1]) / 2
    up = _unit(np.cross(right, towards_front))
    return _frame_from_axes(Frame("pelvis_isb", patient.uid), patient, origin, np.cross(up, right), up, right)


def pelvis_app(
    patient: Frame, origin: Array, asis: tuple[Array, Array], tubercles: tuple[Array, Array]
) -> Transform:
    """Anterior pelvic plane frame: the plane of both ASIS and the mid pubic tubercles stands upright.

    Parameters
    ----------
    patient : Frame
    origin : array of shape (3,), mm
    asis, tubercles : (right, left), each of shape (3,), mm

    Returns
    -------
    Transform
        Into kind ``pelvis_app``.
    """
    right = _unit(asis[0] - asis[1])
    upwards = (asis[0] + asis[1]) / 2 - (tubercles[0] + tubercles[1]) / 2
    forward = _unit(np.cross(upwards, right))
    return _frame_from_axes(
        Frame("pelvis_app", patient.uid), patient, origin, forward, np.cross(right, forward), right
    )


def femur_frame(
    patient: Frame, side: Side, zero: str, head: Array, knee: Array, lateral: Array, medial: Array
) -> Transform:
    """Femur frame: origin at the head, Y along the mechanical axis, Z towards the right in the zero's plane.

    Parameters
    ----------
    patient : Frame
    side : Side
    zero : str
        "tea" (points are the epicondyles) or "pca" (points are the posterior condyles); it goes
        into the frame's uid, since the two frames differ by some degrees.
    head, knee, lateral, medial : arrays of shape (3,), mm

    Returns
    -------
    Transform
        Into kind ``femur``.

    References
    ----------
    .. [2] Wu et al. 2002, J Biomech 35:543.
    """
    up = _unit(head - knee)
    towards_right = side.sign * (lateral - medial)
    forward = _unit(np.cross(up, towards_right))
    return _frame_from_axes(
        Frame("femur", f"{patient.uid}:{zero}", side), patient, head, forward, up, np.cross(forward, up)
    )


def pose_of(
    pelvis_from_patient: Transform, femur_from_patient: Transform, side: Side, zeros: tuple[str, str]
) -> Pose:
    """Clinical angles of a femur in a pelvis.

    Parameters
    ----------
    pelvis_from_patient, femur_from_patient : Transform
    side : Side
    zeros : (pelvic_zero, rotation_zero)

    Returns
    -------
    Pose

    Notes
    -----
    Joint coordinate system: flexion about the pelvis's Z, then adduction about the floating
    axis, then rotation about the femur's Y; side enters through ``Side.sign`` alone.

    References
    ----------
    .. [3] Grood and Suntay 1983, J Biomech Eng 105:136; Wu et al. 2002, J Biomech 35:543.
    """
    rotation = (pelvis_from_patient @ femur_from_patient.inverse()).matrix[:3, :3]
    flexion = np.degrees(np.arctan2(-rotation[0, 1], rotation[1, 1]))
    adduction = side.sign * np.degrees(np.arcsin(np.clip(rotation[2, 1], -1, 1)))
    internal = side.sign * np.degrees(np.arctan2(-rotation[2, 0], rotation[2, 2]))
    return Pose(float(flexion), float(adduction), float(internal), *zeros)


def anatomy_frame(patient: Frame, origin: Array, left: Array, up: Array) -> Transform:
    """Rough ISB directions from a model laid over the bone, for views and gap components.

    Parameters
    ----------
    patient : Frame
    origin : array of shape (3,), mm
    left, up : arrays of shape (3,)
        Unit vectors.

    Returns
    -------
    Transform
        Into kind ``pelvis_isb`` with a uid that ends in ":rough".
    """
    right = -_unit(left)
    forward = _unit(np.cross(up, right))
    return _frame_from_axes(
        Frame("pelvis_isb", f"{patient.uid}:rough"), patient, origin, forward, np.cross(right, forward), right
    )
