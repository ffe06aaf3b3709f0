"""Hips built from exact numbers: known head radius, known gap, no files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.types import Bone, Frame, Hip, Landmark, Pelvis, Pose, Region, Side, Transform

PATIENT = Frame("patient", "phantom")

# ISB axes (forward, up, to the right) written as directions of patient LPS.
_PATIENT_FROM_ISB = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_HEAD_FROM_MIDLINE_MM = np.array([0.0, 0.0, 90.0])
_TROCHANTER_TIP = (-20.0, -60.0)  # forward and up of the head centre, mm
_TROCHANTER_RADIUS_MM = 8.0
_DIRECTIONS = frozenset({"direction", "normal", "endplate_normal"})  # unit vectors in details of landmarks
_ISCHIUM_PARTS = (("body", -45.0), ("tuberosity", -85.0), ("ramus", -np.inf))  # each down to this height


def hip(
    side: Side, *, gap_mm: float = 12.0, head_radius_mm: float = 24.0, posture: str = "as_supplied"
) -> Hip:
    """Build a hip whose ischiofemoral gap and head radius are known exactly.

    Parameters
    ----------
    side : Side
    gap_mm : float
        From the tip of the lesser trochanter, a capsule that points to the midline, to the
        flat lateral face of the ischium. Negative: the bones overlap.
    head_radius_mm : float
    posture : str
        "as_supplied" or "model".

    Returns
    -------
    Hip
        In patient LPS, the midline at x = 0. The gap touches the sub-part "tuberosity".

    Notes
    -----
    Both closest points are exact on the meshes: the tip is a vertex, the ischium is flat there.

    Examples
    --------
    >>> left = hip(Side.LEFT, gap_mm=9.0)
    >>> trochanter, ischium = (left.region_triangles(name) for name in ("lesser_trochanter", "ischium"))
    >>> float(trochanter[..., 0].min() - ischium[..., 0].max())
    9.0
    """
    head = _capsule(head_radius_mm, 0.0) - np.array([0.0, 0.0, head_radius_mm]), _capsule_faces(0.0)
    tip = np.array([*_TROCHANTER_TIP, 0.0])
    trochanter = _capsule(_TROCHANTER_RADIUS_MM, 16.0) + tip, _capsule_faces(16.0)
    plate = _box([-35.0, -100.0, -20.0 - gap_mm], [-5.0, -30.0, -gap_mm], cell_mm=5.0)
    femur = _bone("femur", Side.RIGHT, [head, trochanter])
    hip_bone = _bone("hip_bone", Side.RIGHT, [plate])

    femur_centroids = _to_isb(femur.triangles_mm.mean(axis=1))
    is_cap = np.arange(len(femur.faces)) >= len(head[1])
    is_cap &= femur_centroids[:, 2] < _TROCHANTER_RADIUS_MM
    plate_corners = _to_isb(hip_bone.triangles_mm)
    is_lateral = plate_corners[..., 2].min(axis=1) > -gap_mm - 1e-6  # all three corners on the face
    heights = plate_corners[is_lateral].mean(axis=1)[:, 1]
    parts = tuple(next(name for name, low in _ISCHIUM_PARTS if up > low) for up in heights)
    centre = _to_patient(np.zeros(3))
    radius = {"radius_mm": head_radius_mm, "radius_sigma_mm": 0.0, "rms_mm": 0.0, "coverage_fraction": 1.0}
    right = Hip(
        side=Side.RIGHT,
        hip_bone=hip_bone,
        femur=femur,
        landmarks={
            "femoral_head_centre": _landmark("femoral_head_centre", centre, radius),
            "acetabular_centre": _landmark("acetabular_centre", centre, {}),
            "lesser_trochanter_tip": _landmark("lesser_trochanter_tip", _to_patient(tip), {}),
        },
        regions={
            "lesser_trochanter": _region("lesser_trochanter", femur, np.flatnonzero(is_cap)),
            "ischium": _region("ischium", hip_bone, np.flatnonzero(is_lateral), parts),
        },
        frames={
            "pelvis_isb_from_patient": _frame("pelvis_isb", "phantom", None, np.zeros(3)),
            "pelvis_app_from_patient": _frame("pelvis_app", "phantom", None, np.zeros(3)),
            "femur_pca_from_patient": _frame("femur", "phantom-pca", Side.RIGHT, centre),
        },
        poses=(Pose(0.0, 0.0, 0.0, "isb", "pca"), Pose(0.0, 0.0, 0.0, "app", "pca")),
        posture=posture,
        reasons={"femur_tea_from_patient": "the phantom has no epicondyles"},
    )
    return right if side is Side.RIGHT else mirrored(right)


def pelvis(
    *, right_gap_mm: float | None = 12.0, left_gap_mm: float | None = 9.0, posture: str = "as_supplied"
) -> Pelvis:
    """Build a pelvis of two phantom hips.

    Parameters
    ----------
    right_gap_mm, left_gap_mm : float or None
        ``None`` leaves that hip out.
    posture : str
        "as_supplied" or "model".

    Returns
    -------
    Pelvis

    Examples
    --------
    >>> [hip.side.value for hip in pelvis(right_gap_mm=None).hips]
    ['left']
    """
    right = None if right_gap_mm is None else hip(Side.RIGHT, gap_mm=right_gap_mm, posture=posture)
    left = None if left_gap_mm is None else hip(Side.LEFT, gap_mm=left_gap_mm, posture=posture)
    return Pelvis(left=left, right=right, sacrum=None, landmarks={}, frames={})


def random_motion(generator: np.random.Generator, source: Frame = PATIENT) -> Transform:
    """Draw a rigid motion of the patient frame into that of another scan.

    Parameters
    ----------
    generator : numpy.random.Generator
    source : Frame

    Returns
    -------
    Transform
        Every rotation is equally likely; up to 500 mm along each axis.
    """
    rotation, upper = np.linalg.qr(generator.normal(size=(3, 3)))
    rotation = rotation * np.sign(np.diag(upper))  # without this, QR favours some rotations
    if np.linalg.det(rotation) < 0:
        rotation[:, 0] *= -1
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = generator.uniform(-500, 500, size=3)
    return Transform(Frame("patient", f"{source.uid}-moved"), source, matrix)


Subject = TypeVar("Subject", Hip, Pelvis)


def moved(subject: Subject, motion: Transform) -> Subject:
    """Carry a hip or a pelvis with everything on it through a rigid motion of the patient frame.

    Raises
    ------
    FrameMismatch
        If the hip's frames do not belong to the source of the motion.
    """
    back = motion.inverse()
    frames = {name: frame @ back for name, frame in subject.frames.items()}
    if isinstance(subject, Pelvis):
        return _each(subject, lambda hip: moved(hip, motion), motion.apply, frames, motion.target)
    return replace(_mapped(subject, motion.apply, motion.target), frames=frames)


def mirrored(subject: Subject) -> Subject:
    """Reflect a hip or a pelvis across the patient's x = 0: the same anatomy on the other side.

    Bone frames keep their meaning (Z to the patient's right), so they stay right-handed.
    """
    across = np.diag([-1.0, 1.0, 1.0, 1.0])
    other_z = np.diag([1.0, 1.0, -1.0, 1.0])

    def flipped(bone: Bone | None) -> Bone | None:
        if bone is None:
            return None
        side = None if bone.side is None else bone.side.other
        return replace(bone, side=side, faces=bone.faces[:, ::-1])

    def reflected(frame: Transform) -> Transform:
        side = None if frame.target.side is None else frame.target.side.other
        matrix = other_z @ frame.matrix @ across
        return Transform(replace(frame.target, side=side), frame.source, matrix, frame.turn_sigma_deg)

    def flip(points: Array) -> Array:
        return points * [-1.0, 1.0, 1.0]

    frames = {name: reflected(frame) for name, frame in subject.frames.items()}
    if isinstance(subject, Pelvis):
        return _each(subject, mirrored, flip, frames)
    side = subject.side.other
    out = _mapped(subject, flip)
    return replace(
        out,
        side=side,
        hip_bone=flipped(out.hip_bone),
        femur=flipped(out.femur),
        tibia=flipped(out.tibia),
        landmarks={name: replace(landmark, side=side) for name, landmark in out.landmarks.items()},
        regions={name: replace(region, side=side) for name, region in out.regions.items()},
        curves={name: replace(curve, side=side) for name, curve in out.curves.items()},
        frames=frames,
    )


def scaled(subject: Subject, factor: float) -> Subject:
    """Enlarge a hip or a pelvis about the origin.

    Parameters
    ----------
    subject : Hip or Pelvis
    factor : float
        Every length in it grows by it, also in its details.

    Returns
    -------
    Hip or Pelvis
    """

    def larger(frame: Transform) -> Transform:
        matrix = frame.matrix.copy()
        matrix[:3, 3] *= factor
        return replace(frame, matrix=matrix)

    def figures(detail: Mapping[str, Any]) -> dict[str, Any]:
        powers = {"_mm": 1, "_mm2": 2, "_mm3": 3}
        return {
            key: value * factor ** next((power for end, power in powers.items() if key.endswith(end)), 0)
            if isinstance(value, float)
            else value
            for key, value in detail.items()
        }

    def wider(bone: Bone | None) -> Bone | None:
        return None if bone is None else replace(bone, edge_mm=bone.edge_mm * factor)

    frames = {name: larger(frame) for name, frame in subject.frames.items()}
    if isinstance(subject, Pelvis):
        return _each(subject, lambda hip: scaled(hip, factor), lambda points: points * factor, frames)
    out = _mapped(subject, lambda points: points * factor)
    return replace(
        out,
        hip_bone=wider(out.hip_bone),
        femur=wider(out.femur),
        tibia=wider(out.tibia),
        landmarks={
            name: replace(landmark, sigma_mm=landmark.sigma_mm * factor, detail=figures(landmark.detail))
            for name, landmark in out.landmarks.items()
        },
        regions={
            name: replace(region, area_mm2=region.area_mm2 * factor**2, detail=figures(region.detail))
            for name, region in out.regions.items()
        },
        curves={
            name: replace(curve, sigma_mm=curve.sigma_mm * factor, detail=figures(curve.detail))
            for name, curve in out.curves.items()
        },
        frames=frames,
    )


def _each(
    subject: Pelvis,
    change: Callable[[Hip], Hip],
    points: Callable[[Array], Array],
    frames: Mapping[str, Transform],
    frame: Frame | None = None,
) -> Pelvis:
    """A pelvis with its hips changed, which may trade places, and its midline carried along."""
    hips = {one.side: one for one in map(change, subject.hips)}
    return replace(
        subject,
        left=hips.get(Side.LEFT),
        right=hips.get(Side.RIGHT),
        landmarks={name: _carried(mark, points, frame) for name, mark in subject.landmarks.items()},
        frames=frames,
    )


def _carried(mark: Landmark, change: Callable[[Array], Array], frame: Frame | None) -> Landmark:
    """A landmark with ``change`` applied to its point and to the directions in its detail."""
    detail = dict(mark.detail)
    for key in _DIRECTIONS & detail.keys():
        vector = change(mark.point_mm + np.asarray(detail[key])) - change(mark.point_mm)
        detail[key] = (vector / np.linalg.norm(vector)).tolist()
    return replace(mark, point_mm=change(mark.point_mm), frame=frame or mark.frame, detail=detail)


def _mapped(subject: Hip, change: Callable[[Array], Array], frame: Frame | None = None) -> Hip:
    """A hip with ``change`` applied to every vertex and landmark, in another frame if one is given."""

    def bone(one: Bone | None) -> Bone | None:
        if one is None:
            return None
        return replace(one, vertices_mm=change(one.vertices_mm), frame=frame or one.frame)

    return replace(
        subject,
        hip_bone=bone(subject.hip_bone),
        femur=bone(subject.femur),
        tibia=bone(subject.tibia),
        landmarks={name: _carried(mark, change, frame) for name, mark in subject.landmarks.items()},
        curves={
            name: replace(curve, points_mm=change(curve.points_mm), frame=frame or curve.frame)
            for name, curve in subject.curves.items()
        },
    )


def _to_patient(points_mm: Array) -> Array:
    """Phantom axes (ISB, origin in the right head centre) to patient LPS."""
    out: Array = (points_mm + _HEAD_FROM_MIDLINE_MM) @ _PATIENT_FROM_ISB.T
    return out


def _to_isb(points_mm: Array) -> Array:
    """Patient LPS to phantom axes."""
    out: Array = points_mm @ _PATIENT_FROM_ISB - _HEAD_FROM_MIDLINE_MM
    return out


def _frame(kind: str, uid: str, side: Side | None, origin_mm: Array) -> Transform:
    """Transform from patient into ISB axes at an origin given in patient coordinates."""
    matrix = np.eye(4)
    matrix[:3, :3] = _PATIENT_FROM_ISB.T
    matrix[:3, 3] = -_PATIENT_FROM_ISB.T @ origin_mm
    return Transform(Frame(kind, uid, side), PATIENT, matrix)


def _landmark(name: str, point_mm: Array, detail: Mapping[str, Any]) -> Landmark:
    """A landmark without error."""
    return Landmark(name, Side.RIGHT, point_mm, PATIENT, 0.0, "phantom@1", detail)


def _region(name: str, bone: Bone, faces: NDArray[np.int64], parts: tuple[str, ...] = ()) -> Region:
    """A region with its area."""
    corners = bone.triangles_mm[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = float(np.linalg.norm(across, axis=1).sum() / 2)
    return Region(name, Side.RIGHT, bone.name, faces, area, "phantom@1", parts)


def _bone(name: str, side: Side, pieces: list[tuple[Array, NDArray[np.int64]]]) -> Bone:
    """One bone of several closed pieces given in phantom axes."""
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in pieces])
    vertices = _to_patient(np.concatenate([vertices for vertices, _ in pieces]))
    faces = np.concatenate([faces + start for (_, faces), start in zip(pieces, starts, strict=False)])
    corners = vertices[faces]
    edge = float(np.median(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)))
    return Bone(name, side, vertices, faces, PATIENT, edge, "phantom")


_RINGS, _SPOKES = 8, 32  # rings in a quarter turn, corners of each ring


def _capsule(radius_mm: float, length_mm: float) -> Array:
    """Vertices of a capsule from its tip at the origin along +Z; a sphere when the length is 0."""
    turn = np.arange(1, _RINGS + 1) * np.pi / (2 * _RINGS)
    out, height = radius_mm * np.sin(turn), radius_mm * (1 - np.cos(turn))
    end = 2 * radius_mm + length_mm
    back = slice(None, None, -1) if length_mm else slice(-2, None, -1)  # a sphere has one equator
    out, height = np.concatenate([out, out[back]]), np.concatenate([height, end - height[back]])
    around = np.arange(_SPOKES) * 2 * np.pi / _SPOKES
    rings = np.stack(
        [
            np.outer(out, np.cos(around)),
            np.outer(out, np.sin(around)),
            np.repeat(height[:, None], _SPOKES, axis=1),
        ],
        axis=-1,
    )
    return np.concatenate([[[0.0, 0.0, 0.0]], rings.reshape(-1, 3), [[0.0, 0.0, end]]])


def _capsule_faces(length_mm: float) -> NDArray[np.int64]:
    """Outward faces that go with ``_capsule``."""
    n_rings = 2 * _RINGS if length_mm else 2 * _RINGS - 1
    here = np.arange(_SPOKES)
    there = (here + 1) % _SPOKES
    last = 1 + n_rings * _SPOKES
    faces = [np.stack([np.zeros(_SPOKES, dtype=np.int64), 1 + there, 1 + here], axis=1)]
    for ring in range(n_rings - 1):
        low, high = 1 + ring * _SPOKES, 1 + (ring + 1) * _SPOKES
        faces.append(np.stack([low + here, low + there, high + there], axis=1))
        faces.append(np.stack([low + here, high + there, high + here], axis=1))
    top = 1 + (n_rings - 1) * _SPOKES
    faces.append(np.stack([top + here, top + there, np.full(_SPOKES, last)], axis=1))
    return np.concatenate(faces)


def _box(low: list[float], high: list[float], cell_mm: float) -> tuple[Array, NDArray[np.int64]]:
    """A closed box with its faces cut into square cells of about ``cell_mm``."""
    corner, size = np.array(low), np.array(high) - low
    sheets = []
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        n_first, n_second = (max(1, round(size[i] / cell_mm)) for i in (first, second))
        i, j = (grid.ravel() for grid in np.meshgrid(np.arange(n_first), np.arange(n_second)))
        for far in (False, True):
            corners = np.zeros((len(i), 4, 3))
            for k, (di, dj) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
                corners[:, k, first] = corner[first] + size[first] * (i + di) / n_first
                corners[:, k, second] = corner[second] + size[second] * (j + dj) / n_second
            corners[:, :, axis] = high[axis] if far else low[axis]
            halves = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
            sheets.append(halves if far else halves[:, ::-1])
    soup = np.concatenate(sheets)
    vertices, index = np.unique(soup.reshape(-1, 3), axis=0, return_inverse=True)
    return vertices, index.reshape(-1, 3).astype(np.int64)
