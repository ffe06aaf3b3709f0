"""The hip joint: from clinical angles to where the femur is.

A left hip is computed as a mirrored right one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, CannotMeasure
from ischio.types import Hip, Side


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """A ball joint about the centre of the femoral head, in one pair of zeros.

    Parameters
    ----------
    side : Side
    pelvis_from_patient, femur_from_patient : arrays of shape (4, 4), mm
        Into the frames of the zeros, mirrored to a right hip where the hip is a left one.
    centre_mm : array of shape (3,), mm, in the pelvic frame
        Head centre as supplied. The head stays there: at the pose as supplied, so does the femur.
    """

    side: Side
    pelvis_from_patient: Array
    femur_from_patient: Array
    centre_mm: Array

    def motion(self, angles_deg: Array) -> tuple[Array, Array]:
        """Rotations (n, 3, 3) and offsets (n, 3) from the femoral to the pelvic frame, of poses (n, 3)."""
        rotations = rotation_of(angles_deg)
        return rotations, np.repeat(self.centre_mm[None], len(angles_deg), axis=0)

    def pelvic(self, points_mm: Array) -> Array:
        """Points of the patient frame in the pelvic frame, mirrored on the left."""
        return _carried(self.pelvis_from_patient, points_mm)

    def femoral(self, points_mm: Array) -> Array:
        """Points of the patient frame in the femoral frame, mirrored on the left."""
        return _carried(self.femur_from_patient, points_mm)

    def patient(self, points_mm: Array) -> Array:
        """Points of the pelvic frame, mirrored on the left, in the patient frame."""
        turn, offset = self.pelvis_from_patient[:3, :3], self.pelvis_from_patient[:3, 3]
        out: Array = (points_mm - offset) @ turn  # turn is orthonormal, mirrored or not
        return out

    def outward(self, triangles_mm: Array) -> Array:
        """Triangles with their corners in the order that keeps the outside outside after mirroring."""
        return triangles_mm if self.side is Side.RIGHT else triangles_mm[:, ::-1]


def joint_of(hip: Hip, pelvic_zero: str, rotation_zero: str) -> Joint:
    """Joint of a hip in one pair of zeros.

    Parameters
    ----------
    hip : Hip
    pelvic_zero, rotation_zero : str

    Returns
    -------
    Joint

    Raises
    ------
    CannotMeasure
        If the hip has no frame for a zero, or no head centre.
    """
    mirror = np.diag([1.0, 1.0, float(hip.side.sign), 1.0])
    matrices = []
    for bone, zero in (("pelvis", pelvic_zero), ("femur", rotation_zero)):
        name = f"{bone}_{zero}_from_patient"
        if name not in hip.frames:
            reason = hip.reasons.get(name, "it is not known for this hip")
            raise CannotMeasure(f"{hip.side.value} hip has no {bone} zero {zero!r}: {reason}")
        matrices.append(mirror @ hip.frames[name].matrix)
    head = hip.point("femoral_head_centre")
    femur = matrices[1].copy()
    femur[:3, 3] = -femur[:3, :3] @ head  # its origin is the head centre, whatever the frame's was
    return Joint(hip.side, matrices[0], femur, _carried(matrices[0], head))


def rotation_of(angles_deg: Array) -> Array:
    """Rotations of a right hip from the femoral to the pelvic frame.

    Parameters
    ----------
    angles_deg : array of shape (n, 3)
        Flexion, adduction, internal rotation.

    Returns
    -------
    array of shape (n, 3, 3)

    Notes
    -----
    Flexion about the pelvis's Z, adduction about the floating X, rotation about the femur's Y.

    References
    ----------
    .. [1] Grood and Suntay 1983, J Biomech Eng 105:136; Wu et al. 2002, J Biomech 35:543.

    Examples
    --------
    >>> (rotation_of(np.array([[90.0, 0, 0]])) @ [0, -1, 0]).round(9).tolist()  # the knee points forwards
    [[1.0, 0.0, 0.0]]
    """
    angles_rad = np.ascontiguousarray(np.radians(angles_deg).T)
    (cf, ca, cr), (sf, sa, sr) = np.cos(angles_rad), np.sin(angles_rad)
    out = np.empty((len(angles_deg), 3, 3))
    out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = cf * cr - sf * sa * sr, -sf * ca, cf * sr + sf * sa * cr
    out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = sf * cr + cf * sa * sr, cf * ca, sf * sr - cf * sa * cr
    out[:, 2, 0], out[:, 2, 1], out[:, 2, 2] = -ca * sr, sa, ca * cr
    return out


def _carried(matrix: Array, points_mm: NDArray[np.float64]) -> Array:
    """Points after a motion."""
    out: Array = points_mm @ matrix[:3, :3].T + matrix[:3, 3]
    return out
