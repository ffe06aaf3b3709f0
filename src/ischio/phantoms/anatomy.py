"""A hip with every landmark, region and curve, built from the angles and lengths that measures ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.phantoms.hips import (
    PATIENT,
    _bone,
    _box,
    _capsule,
    _capsule_faces,
    _frame,
    _landmark,
    _region,
    _to_isb,
    _to_patient,
    mirrored,
)
from ischio.types import Curve, Hip, Landmark, Pelvis, Pose, Side, Transform

_FORWARD, _UP, _LATERAL = np.eye(3)  # phantom axes: those of the right hip, origin in the head's centre
_N_RIM = 72


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Lengths of the phantom femur as multiples of the head's radius."""

    isthmus: float = 1.2
    neck: tuple[float, float] = (0.6, 2.1)  # from, to, along its axis
    neck_width: float = 0.9
    neck_height: float = 1.1
    base: float = 2.1  # the shaft's axis from the head's centre
    shaft_radius: float = 0.6
    shaft: tuple[float, float] = (-1.3, -16.0)  # levels of its ends
    trochanter_level: float = -2.7
    trochanter_reach: float = 1.1  # its tip from the shaft's axis
    greater: tuple[float, float] = (0.25, -1.8)  # levels of its ends
    knee: float = -16.5


_SIZES = _Sizes()


def anatomy(
    side: Side,
    *,
    head_radius_mm: float = 24.0,
    version_deg: float = 15.0,
    base_version_deg: float | None = None,
    neck_shaft_deg: float = 125.0,
    trochanter_version_deg: float = -24.0,
    gap_mm: float = 20.0,
    acetabular_version_deg: float = 18.0,
    rim_drop_deg: float = 38.0,
    rim_offset_mm: float = 0.0,
    rim_start_deg: float = 0.0,
    rim_corners: int = _N_RIM,
    tibial_varus_deg: float = 2.0,
    ischium_turn_deg: float = 0.0,
    is_neck_round: bool = False,
    sigma_mm: float = 0.0,
) -> Hip:
    """Build a hip whose angles and lengths are known exactly.

    Parameters
    ----------
    side : Side
    head_radius_mm : float
        All of the femur grows with it.
    version_deg : float
        Of the neck: from the line behind the condyles, seen along the mechanical axis.
    base_version_deg : float, optional
        Of the line from the head's centre to the shaft's; that of the neck by default.
    neck_shaft_deg : float
    trochanter_version_deg : float
        Of the lesser trochanter about the shaft's axis; negative behind the condyles' line.
    gap_mm : float
        From the lesser trochanter's tip to the flat lateral face of the ischium, straight to the midline.
    acetabular_version_deg : float
        Of the rim's plane on any axial slice.
    rim_drop_deg : float
        How far the socket's axis points down from the horizontal.
    rim_offset_mm : float
        Distance of the rim's plane from the head's centre, out of the socket.
    rim_start_deg : float
        Place of the rim's first corner, from the top towards the front.
    rim_corners : int
        Corners of the rim, which is a regular polygon.
    tibial_varus_deg : float
        Inward lean of the tibia against the femur.
    ischium_turn_deg : float
        Turn of the ischium's block about the upright, its long side backwards and outwards from straight
        ahead; its face is flat to the midline at 0.
    is_neck_round : bool
        Whether the neck is elliptic across its axis; a box otherwise.
    sigma_mm : float
        Given to every landmark; the points themselves are exact.

    Returns
    -------
    Hip
        In patient LPS, the midline at x = 0, anterior pelvic plane upright. The femur is made of closed
        pieces that overlap: head, neck, greater trochanter, shaft, lesser trochanter.

    Examples
    --------
    >>> left = anatomy(Side.LEFT, version_deg=20.0)
    >>> neck = left.point("femoral_head_centre") - left.point("neck_isthmus_centre")
    >>> float(np.degrees(np.arctan2(-neck[1], -neck[0])))
    20.0
    """
    radius, base_deg = head_radius_mm, version_deg if base_version_deg is None else base_version_deg
    outward = _around(version_deg)
    neck_axis = np.sin(np.radians(neck_shaft_deg)) * outward + np.cos(np.radians(neck_shaft_deg)) * _UP
    shaft = _SIZES.base * radius * _around(base_deg)
    medial_of_shaft = -_around(trochanter_version_deg)
    tip = shaft + radius * (_SIZES.trochanter_reach * medial_of_shaft + _SIZES.trochanter_level * _UP)
    knee = _SIZES.knee * radius * _UP
    pieces = [
        (_capsule(radius, 0.0) - [0, 0, radius], _capsule_faces(0.0)),
        _neck_piece(radius, outward, neck_axis, is_neck_round),
        _placed(
            _box(
                [-10.0, _SIZES.greater[1] * radius, 1.6 * radius],
                [10.0, _SIZES.greater[0] * radius, 2.6 * radius],
                6.0,
            ),
            version_deg,
        ),
        _shaft_piece(radius, shaft),
        _trochanter_piece(radius, tip, medial_of_shaft),
    ]
    femur = _bone("femur", Side.RIGHT, pieces)
    top = tip[2] - gap_mm
    corners, faces = _box([tip[0] - 20, tip[1] - 40, top - 25.0], [tip[0] + 20, tip[1] + 30, top], 5.0)
    middle = np.array([tip[0], 0.0, top - 12.5])
    seat = (corners - middle) @ _about_up(ischium_turn_deg).T + middle, faces
    hip_bone = _bone("hip_bone", Side.RIGHT, [seat])
    n_before = [len(faces) for _, faces in pieces]
    is_trochanter = np.arange(len(femur.faces)) >= sum(n_before[:4])
    depth = (_to_isb(femur.triangles_mm) - tip) @ medial_of_shaft
    is_trochanter &= depth.max(axis=1) > -0.4 * radius
    is_lateral = corners[faces][..., 2].min(axis=1) > top - 1e-6
    n_lateral = int(is_lateral.sum())

    turn, drop = np.radians(acetabular_version_deg), np.radians(rim_drop_deg)
    normal = np.cos(drop) * (np.cos(turn) * _LATERAL + np.sin(turn) * _FORWARD) - np.sin(drop) * _UP
    rim_up = _UP - (_UP @ normal) * normal
    rim_up = rim_up / np.linalg.norm(rim_up)
    rim_front = np.cross(rim_up, normal)
    at = np.radians(rim_start_deg) + np.arange(rim_corners) * 2 * np.pi / rim_corners
    rim = 1.1 * radius * (np.outer(np.cos(at), rim_up) + np.outer(np.sin(at), rim_front))
    rim = rim + rim_offset_mm * normal

    points: dict[str, tuple[Array, Mapping[str, Any]]] = {
        "femoral_head_centre": (
            np.zeros(3),
            {"radius_mm": radius, "radius_sigma_mm": 0.0, "rms_mm": 0.0, "coverage_fraction": 1.0},
        ),
        "neck_isthmus_centre": (_SIZES.isthmus * radius * neck_axis, {"direction": _vector(-neck_axis)}),
        "greater_trochanter_superior": (2.1 * radius * outward + _SIZES.greater[0] * radius * _UP, {}),
        "lesser_trochanter_tip": (tip, {}),
        "lesser_trochanter_base": (tip - 0.4 * radius * medial_of_shaft, {}),
        "shaft_axis_proximal": (shaft - 4 * radius * _UP, {"direction": _vector(_UP), "sigma_deg": 0.0}),
        "shaft_axis": (shaft - 8 * radius * _UP, {"direction": _vector(_UP), "sigma_deg": 0.0}),
        "knee_centre": (knee, {}),
        "epicondyle_lateral": (knee + 40 * _LATERAL, {}),
        "epicondyle_medial": (knee - 40 * _LATERAL, {}),
        "posterior_condyle_lateral": (knee - 30 * _FORWARD + 24 * _LATERAL, {}),
        "posterior_condyle_medial": (knee - 30 * _FORWARD - 24 * _LATERAL, {}),
        "acetabular_centre": (np.zeros(3), {"radius_mm": 1.05 * radius}),
        "acetabular_rim_centre": (rim.mean(axis=0), {"normal": _vector(normal), "rms_mm": 0.0}),
        "asis": (np.array([40.0, 70.0, 35.0]), {}),
        "psis": (np.array([-100.0, 80.0, -50.0]), {}),
        "pubic_tubercle": (np.array([40.0, -20.0, -65.0]), {}),
        "ischial_spine": (np.array([-50.0, -10.0, -45.0]), {}),
        "ischial_tuberosity_inferior": (np.array([tip[0] - 20.0, tip[1] - 40.0, top - 12.5]), {}),
        "ischial_tuberosity_lateral": (np.array([-25.0, -50.0, -25.0]), {}),
        "ischial_tuberosity_hamstring": (np.array([tip[0] - 20.0, tip[1] - 10.0, top - 12.5]), {}),
    }
    varus = np.radians(tibial_varus_deg)
    plateau, shank = knee - 15 * _UP, -np.cos(varus) * _UP - np.sin(varus) * _LATERAL
    points["tibial_plateau_centre"] = (plateau, {})
    points["ankle_centre"] = (plateau + 15 * radius * shank, {})
    tibia = _bone("tibia", Side.RIGHT, [_box([-12, -16 * radius, -12], [12, 0, 12], 20.0)])
    tibia = replace(tibia, vertices_mm=tibia.vertices_mm + (_to_patient(plateau) - _to_patient(np.zeros(3))))
    right = Hip(
        side=Side.RIGHT,
        hip_bone=hip_bone,
        femur=femur,
        landmarks={
            name: replace(_landmark(name, _to_patient(point), detail), sigma_mm=sigma_mm)
            for name, (point, detail) in points.items()
        },
        regions={
            "lesser_trochanter": _region("lesser_trochanter", femur, np.flatnonzero(is_trochanter)),
            "ischium": _region("ischium", hip_bone, np.flatnonzero(is_lateral), ("tuberosity",) * n_lateral),
        },
        frames=_frames(),
        poses=(Pose(0.0, 0.0, 0.0, "isb", "tea"), Pose(0.0, 0.0, 0.0, "app", "pca")),
        posture="as_supplied",
        curves={
            "acetabular_rim": Curve(
                "acetabular_rim", Side.RIGHT, _to_patient(rim), True, PATIENT, sigma_mm, "phantom@1"
            )
        },
        tibia=tibia,
    )
    return right if side is Side.RIGHT else mirrored(right)


def whole_pelvis(
    *,
    left: Mapping[str, Any] | None = None,
    right: Mapping[str, Any] | None = None,
    incidence_deg: float = 53.0,
    app_tilt_deg: float = 4.0,
    sigma_mm: float = 0.0,
) -> Pelvis:
    """Build a pelvis of two such hips with a sacral endplate and a scanner whose up is known.

    Parameters
    ----------
    left, right : mapping, optional
        Arguments of ``anatomy`` for each side.
    incidence_deg : float
        Pelvic incidence.
    app_tilt_deg : float
        Forward tilt of the anterior pelvic plane against the scanner's up.
    sigma_mm : float
        Given to every landmark.

    Returns
    -------
    Pelvis
    """
    hips = {
        side: anatomy(side, sigma_mm=sigma_mm, **(arguments or {}))
        for side, arguments in ((Side.LEFT, left), (Side.RIGHT, right))
    }
    axis = (_to_patient(np.zeros(3)) + mirrored(hips[Side.RIGHT]).point("femoral_head_centre")) / 2
    middle = axis + _direction(100 * _UP - 60 * _FORWARD)
    towards = np.arctan2(-60.0, 100.0)  # of the endplate from the hips' axis, forward of up
    lean = towards + np.radians(incidence_deg)
    normal = _direction(np.cos(lean) * _UP + np.sin(lean) * _FORWARD)
    endplate = Landmark(
        "sacral_endplate_centre", None, middle, PATIENT, sigma_mm, "phantom@1", {"normal": normal.tolist()}
    )
    tilt = np.radians(app_tilt_deg)
    # A pelvis that is tilted forwards sees the scanner's up lean backwards by the same angle.
    rotation = np.array([[np.cos(tilt), np.sin(tilt), 0], [-np.sin(tilt), np.cos(tilt), 0], [0, 0, 1.0]])
    scanner = _frame("image", "phantom-scanner", None, np.zeros(3))
    turned = Transform(scanner.target, scanner.source, _homogeneous(rotation) @ scanner.matrix)
    placed = {
        side: replace(hip, frames={**hip.frames, "scanner_from_patient": turned})
        for side, hip in hips.items()
    }
    return Pelvis(
        left=placed[Side.LEFT],
        right=placed[Side.RIGHT],
        sacrum=None,
        landmarks={"sacral_endplate_centre": endplate},
        frames={"scanner_from_patient": turned},
    )


def _frames() -> dict[str, Transform]:
    """Frames of the right hip: all of them are the phantom's own axes."""
    centre = _to_patient(np.zeros(3))
    return {
        "pelvis_isb_from_patient": _frame("pelvis_isb", "phantom", None, centre),
        "pelvis_app_from_patient": _frame("pelvis_app", "phantom", None, centre),
        "femur_tea_from_patient": _frame("femur", "phantom:tea", Side.RIGHT, centre),
        "femur_pca_from_patient": _frame("femur", "phantom:pca", Side.RIGHT, centre),
        "scanner_from_patient": _frame("image", "phantom-scanner", None, np.zeros(3)),
    }


def _around(degrees: float) -> Array:
    """Horizontal direction from the head to a base of that version: lateral, and back when positive."""
    return np.asarray(
        np.cos(np.radians(degrees)) * _LATERAL - np.sin(np.radians(degrees)) * _FORWARD, dtype=np.float64
    )


def _about_up(degrees: float) -> Array:
    """Rotation about the upright that takes forward inwards, and backward outwards."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def _direction(vector: Array) -> Array:
    """A vector of phantom axes in patient axes."""
    return np.asarray(_to_patient(vector) - _to_patient(np.zeros(3)), dtype=np.float64)


def _vector(vector: Array) -> list[float]:
    """A vector of phantom axes in patient axes, for a detail."""
    out: list[float] = _direction(vector).tolist()
    return out


def _homogeneous(rotation: Array) -> Array:
    """A rotation as a 4 x 4 matrix."""
    out = np.eye(4)
    out[:3, :3] = rotation
    return out


Piece = tuple[Array, NDArray[np.int64]]


def _placed(piece: Piece, version_deg: float) -> Piece:
    """A piece built along the lateral axis, turned to a version."""
    vertices, faces = piece
    outward = _around(version_deg)
    turn = np.stack([np.cross(_UP, outward), _UP, outward])
    return vertices @ turn, faces


def _neck_piece(radius: float, outward: Array, axis: Array, is_round: bool) -> Piece:
    """A box along the neck's axis, upright on its front and back faces, or the elliptic column inside it."""
    start, end = (one * radius for one in _SIZES.neck)
    half = np.array([_SIZES.neck_width, _SIZES.neck_height]) * radius / 2
    vertices, faces = _box([-half[0], -half[1], start], [half[0], half[1], end], 6.0)
    if is_round:  # a square laid smoothly onto its inner disc
        share = vertices[:, :2] / half
        vertices[:, :2] = half * share * np.sqrt(1 - share[:, ::-1] ** 2 / 2)
    front = np.cross(_UP, outward)
    return vertices @ np.stack([front, np.cross(axis, front), axis]), faces


def _shaft_piece(radius: float, centre: Array) -> Piece:
    """A box about the shaft's axis."""
    half = _SIZES.shaft_radius * radius
    high, low = (one * radius for one in _SIZES.shaft)
    vertices, faces = _box([-half, low, -half], [half, high, half], 12.0)
    return vertices + centre, faces


def _trochanter_piece(radius: float, tip: Array, medial: Array) -> Piece:
    """A capsule whose tip points away from the shaft."""
    vertices = _capsule(0.25 * radius, 0.5 * radius)
    turn = np.stack([np.cross(_UP, -medial), _UP, -medial])
    return vertices @ turn + tip, _capsule_faces(0.5 * radius)
