"""How far zeros, joints and knees lie apart in a person as supplied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.landmarks import frames
from ischio.landmarks.frames import need_points
from ischio.landmarks.plausible import OFFSET_FLAG_MM
from ischio.types import Frame, Hip, Pelvis, Side

_STEP_MM = 0.01  # of the differences that carry a landmark's error into an offset


@dataclass(frozen=True, slots=True)
class Offset:
    """One offset; None comes with a reason.

    Parameters
    ----------
    name : str
    value : float or None
    unit : str
        "deg" or "mm".
    sigma : float or None
        Standard deviation, carried over from the landmarks'.
    reason : str or None
        Why there is no value.
    is_flagged : bool
        Whether it is so large that what rests on it is in doubt.
    """

    name: str
    value: float | None
    unit: str
    sigma: float | None
    reason: str | None
    is_flagged: bool = False


def hip_offsets(pelvis: Pelvis, side: Side) -> tuple[Offset, ...]:
    """Offsets of one hip.

    Parameters
    ----------
    pelvis : Pelvis
    side : Side
        Of a hip that is there.

    Returns
    -------
    tuple of Offset
        ``app_minus_isb_flexion``: what the flexion of a pose grows by when the anterior pelvic plane takes
        the place of the ISB plane as zero. ``pca_minus_tea_rotation``: what its internal rotation grows by
        when the posterior condyles take the place of the epicondyles. ``head_to_socket``: distance of the
        femoral head's centre from the acetabular centre, flagged beyond 3 mm: distracted, misregistered or
        placed apart.
    """
    hip = pelvis.left if side is Side.LEFT else pelvis.right
    assert hip is not None  # the caller has it from the pelvis
    apart = _taken(
        "head_to_socket",
        "mm",
        [(hip, name) for name in ("femoral_head_centre", "acetabular_centre")],
        lambda head, socket: float(np.linalg.norm(head - socket)),
    )
    if apart.value is not None and apart.value > OFFSET_FLAG_MM:
        apart = replace(apart, is_flagged=True)
    return (pelvic_zeros(pelvis), _rotation_zeros(hip), apart)


def pelvic_zeros(pelvis: Pelvis) -> Offset:
    """``app_minus_isb_flexion`` of a pelvis; both frames turn about the line of the ASIS alone."""
    name = "app_minus_isb_flexion"
    keys = ("pelvis_isb_from_patient", "pelvis_app_from_patient")
    hip = next((hip for hip in pelvis.hips if all(key in hip.frames for key in keys)), None)
    if hip is None:
        why = next((one.reasons[key] for one in pelvis.hips for key in keys if key in one.reasons), None)
        return Offset(name, None, "deg", None, why or "the pelvic frames are missing")
    isb, app = (hip.frames[key].matrix[:3, :3] for key in keys)
    sigma = None
    if pelvis.right is not None and pelvis.left is not None:
        names = ("asis", "psis", "pubic_tubercle")
        points = [(one, point) for point in names for one in (pelvis.right, pelvis.left)]
        sigma = _taken(name, "deg", points, _app_minus_isb).sigma
    return Offset(name, _turn_deg(app @ isb.T), "deg", sigma, None)


def knee_distance(pelvis: Pelvis) -> Offset:
    """``knee_distance`` from one knee's centre to the other's, as the bones lie."""
    absent = next((side.value for side in Side if getattr(pelvis, side.value) is None), None)
    if pelvis.right is None or pelvis.left is None:
        return Offset("knee_distance", None, "mm", None, f"the {absent} femur is missing")
    return _taken(
        "knee_distance",
        "mm",
        [(pelvis.right, "knee_centre"), (pelvis.left, "knee_centre")],
        lambda right, left: float(np.linalg.norm(right - left)),
    )


def _rotation_zeros(hip: Hip) -> Offset:
    """``pca_minus_tea_rotation`` of a hip; both frames turn about the mechanical axis alone."""
    names = (
        *("femoral_head_centre", "knee_centre", "epicondyle_lateral", "epicondyle_medial"),
        *("posterior_condyle_lateral", "posterior_condyle_medial"),
    )

    def turn(head: Array, knee: Array, *ends: Array) -> float:
        patient = Frame("patient", "any")
        tea = frames.femur_frame(patient, hip.side, "tea", head, knee, *ends[:2])
        pca = frames.femur_frame(patient, hip.side, "pca", head, knee, *ends[2:])
        between = tea.matrix[:3, :3] @ pca.matrix[:3, :3].T
        return hip.side.sign * float(np.degrees(np.arctan2(-between[2, 0], between[2, 2])))

    return _taken("pca_minus_tea_rotation", "deg", [(hip, name) for name in names], turn)


def _app_minus_isb(*ends: Array) -> float:
    """Turn from one pelvic zero to the other, of right and left ASIS, PSIS and pubic tubercle."""
    patient, origin = Frame("patient", "any"), np.zeros(3)
    asis, psis, tubercles = (ends[0], ends[1]), (ends[2], ends[3]), (ends[4], ends[5])
    isb = frames.pelvis_isb(patient, origin, asis, psis).matrix[:3, :3]
    app = frames.pelvis_app(patient, origin, asis, tubercles).matrix[:3, :3]
    return _turn_deg(app @ isb.T)


def _turn_deg(rotation: Array) -> float:
    """Angle of a rotation about the third axis."""
    return float(np.degrees(np.arctan2(rotation[1, 0], rotation[0, 0])))


def _taken(name: str, unit: str, points: list[tuple[Hip, str]], value_of: Callable[..., float]) -> Offset:
    """Offset of some landmarks with the spread that theirs give it, or the reason why not."""
    try:
        places = [need_points(hip.landmarks, (point,), hip.reasons)[0] for hip, point in points]
        value = value_of(*places)
    except CannotMeasure as missing:
        return Offset(name, None, unit, None, str(missing))
    variance = 0.0
    for k, (hip, point) in enumerate(points):
        for axis in np.eye(3) * _STEP_MM:
            moved = [place + axis if j == k else place for j, place in enumerate(places)]
            slope = (value_of(*moved) - value) / _STEP_MM
            variance += slope**2 * hip.landmarks[point].sigma_mm ** 2 / 3
    return Offset(name, value, unit, float(np.sqrt(variance)), None)
