"""Frames and poses of joints from whatever landmarks there are, however they were found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.landmarks import frames
from ischio.types import Frame, Landmark, Pose, Side, Transform

Marks = Mapping[str, Landmark]
Reasons = Mapping[str, str]

_PELVIC_POINTS = {"isb": ("asis", "psis"), "app": ("asis", "pubic_tubercle")}
_ZERO_POINTS = {
    "tea": ("epicondyle_lateral", "epicondyle_medial"),
    "pca": ("posterior_condyle_lateral", "posterior_condyle_medial"),
}
_PAIRS_OF_ZEROS = (("isb", "tea"), ("app", "pca"))
_KNEE_METHOD = "middle_of_epicondyles@1"

PELVIC_FRAMES = tuple(f"pelvis_{zero}_from_patient" for zero in _PELVIC_POINTS)
FEMUR_FRAMES = tuple(f"femur_{zero}_from_patient" for zero in _ZERO_POINTS)
SCANNER = "scanner_from_patient"
NO_VERTICAL = "the axes of the input are unknown, and with them the scanner's directions"
PELVIC_LANDMARKS = frozenset(name for names in _PELVIC_POINTS.values() for name in names)
"""Landmarks that turn the pelvic frames of both hips."""
FEMUR_LANDMARKS = frozenset(
    {"femoral_head_centre", "knee_centre", *(name for names in _ZERO_POINTS.values() for name in names)}
)
"""Landmarks that turn or move the femoral frames of their side."""


def pelvic_frames(found: Mapping[Side, tuple[Marks, Reasons]]) -> tuple[dict[str, Transform], dict[str, str]]:
    """ISB and anterior-pelvic-plane frames with the patient's origin, or the reasons why not.

    Parameters
    ----------
    found : mapping of Side to (mapping of str to Landmark, mapping of str to str)
        Landmarks of each hip bone, and why others are missing.

    Returns
    -------
    frames : dict of str to Transform
        By ``PELVIC_FRAMES``; ``at`` gives each hip its own origin.
    reasons : dict of str to str
    """
    out: dict[str, Transform] = {}
    reasons: dict[str, str] = {}
    for (zero, names), key in zip(_PELVIC_POINTS.items(), PELVIC_FRAMES, strict=True):
        missing = [side.value for side in Side if side not in found]
        if missing:
            reasons[key] = f"it needs both hip bones; the {missing[0]} one is missing"
            continue
        try:
            (r_first, r_second), (l_first, l_second) = (
                frames.need_points(found[side][0], names, found[side][1]) for side in (Side.RIGHT, Side.LEFT)
            )
            build = frames.pelvis_isb if zero == "isb" else frames.pelvis_app
            patient = found[Side.LEFT][0][names[0]].frame
            built = build(patient, np.zeros(3), (r_first, l_first), (r_second, l_second))
            sigmas = [[found[side][0][name].sigma_mm for side in Side] for name in names]
            out[key] = replace(
                built, turn_sigma_deg=_turn_sigma_deg(built, (r_first, l_first), (r_second, l_second), sigmas)
            )
        except CannotMeasure as why:
            reasons[key] = str(why)
    return out, reasons


def _turn_sigma_deg(
    frame: Transform, first: tuple[Array, Array], second: tuple[Array, Array], sigmas: list[list[float]]
) -> tuple[float, float, float]:
    """Standard deviations of the frame's turns about its forward, up and right axes.

    ``first`` are both ASIS, which the right axis joins; ``second`` the pair that completes the plane.
    """
    width = float(np.linalg.norm(first[0] - first[1]))
    depth = (first[0] + first[1] - second[0] - second[1]) / 2
    reach = float(np.linalg.norm((frame.matrix[:3, :3] @ depth)[:2]))
    one, two = (np.hypot(pair[0], pair[1]) / np.sqrt(3.0) for pair in sigmas)  # along one axis
    across = float(one) / width
    nod = float(np.hypot(one / 2, two / 2)) / reach
    roll, yaw, tilt = np.degrees([across, across, nod])
    return float(roll), float(yaw), float(tilt)


def scanner_frame(patient: Frame) -> Transform:
    """Directions of the scanner: up along its bed towards the head, right and forward of the patient.

    Parameters
    ----------
    patient : Frame
        Patient LPS.

    Returns
    -------
    Transform
        Of kind ``image``, with ISB axes and the patient's origin.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]])
    return Transform(Frame("image", f"{patient.uid}:scanner"), patient, matrix, (0.0, 0.0, 0.0))


def at(frame: Transform, origin: Array) -> Transform:
    """The same axes with the origin moved to a point of the patient frame."""
    matrix = frame.matrix.copy()
    matrix[:3, 3] = -matrix[:3, :3] @ origin
    return replace(frame, matrix=matrix)


def femur_frames(
    side: Side, landmarks: Marks, reasons: Reasons
) -> tuple[dict[str, Transform], dict[str, str]]:
    """Femur frames in both rotation zeros, or the reasons why not.

    Parameters
    ----------
    side : Side
    landmarks : mapping of str to Landmark
    reasons : mapping of str to str
        Why a landmark is missing.

    Returns
    -------
    frames : dict of str to Transform
        By ``FEMUR_FRAMES``.
    reasons : dict of str to str
    """
    out: dict[str, Transform] = {}
    why_not: dict[str, str] = {}
    for (zero, names), key in zip(_ZERO_POINTS.items(), FEMUR_FRAMES, strict=True):
        try:
            head, lateral, medial, knee = frames.need_points(
                landmarks, ("femoral_head_centre", *names, "knee_centre"), reasons
            )
            patient = landmarks["femoral_head_centre"].frame
            out[key] = frames.femur_frame(patient, side, zero, head, knee, lateral, medial)
        except CannotMeasure as why:
            why_not[key] = str(why)
    return out, why_not


def knee_centre(landmarks: Marks) -> Landmark | None:
    """The middle of both epicondyles, or None when one of them is missing."""
    ends = [landmarks[name] for name in _ZERO_POINTS["tea"] if name in landmarks]
    if len(ends) < 2:
        return None
    lateral, medial = ends
    return Landmark(
        "knee_centre",
        lateral.side,
        (lateral.point_mm + medial.point_mm) / 2,
        lateral.frame,
        float(np.hypot(lateral.sigma_mm, medial.sigma_mm) / 2),
        _KNEE_METHOD,
    )


def poses(side: Side, placed: Mapping[str, Transform]) -> tuple[Pose, ...]:
    """The pose as supplied in each pair of zeros that is known.

    Parameters
    ----------
    side : Side
    placed : mapping of str to Transform
        Frames of the hip by name.

    Returns
    -------
    tuple of Pose
    """
    return tuple(
        frames.pose_of(
            placed[f"pelvis_{zeros[0]}_from_patient"], placed[f"femur_{zeros[1]}_from_patient"], side, zeros
        )
        for zeros in _PAIRS_OF_ZEROS
        if f"pelvis_{zeros[0]}_from_patient" in placed and f"femur_{zeros[1]}_from_patient" in placed
    )
