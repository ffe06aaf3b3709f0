"""A sphere on a cylinder, against a plane or a sphere: resections whose volume and gap are known exactly."""

from __future__ import annotations

import numpy as np

from ischio.geometry.split import split_at_level
from ischio.phantoms.hips import PATIENT, _box, _frame, _landmark, _region, _to_patient, mirrored
from ischio.types import Bone, Hip, Pose, Side

SHAFT_RADIUS_MM, SPHERE_RADIUS_MM = 13.0, 9.0
SPHERE_FROM_AXIS_MM = 16.0  # its middle stands off the shaft, so 12 mm of it stand proud
HEAD_RADIUS_MM = 24.0
_SHAFT_LATERAL_MM, _SPHERE_UP_MM, _SHAFT_END_MM = 30.0, -70.0, -190.0
_PROUD_MM = 2.0
_SEGMENTS = 96  # of a circle: volumes are 0.3 % short of the round ones


def sphere_on_cylinder(
    side: Side, *, gap_mm: float = 8.0, ischium: str = "plane", ischium_radius_mm: float = 15.0
) -> Hip:
    """Build a hip whose lesser trochanter is a sphere on a cylinder, straight in front of the ischium.

    Parameters
    ----------
    side : Side
    gap_mm : float
        From the sphere's hindmost point straight back to the ischium.
    ischium : str
        "plane": a block with a flat front; "sphere": a ball, whose middle lies straight behind.
    ischium_radius_mm : float
        Of the ball.

    Returns
    -------
    Hip
        The shaft is upright. A cut parallel to the back of the shaft, ``d`` deep, takes a cap of
        ``pi d^2 (3 r - d) / 3`` as long as it does not reach the shaft, and against the plane gains ``d``.

    Examples
    --------
    >>> left = sphere_on_cylinder(Side.LEFT, gap_mm=6.0)
    >>> backmost = left.region_triangles("lesser_trochanter")[..., 1].max()
    >>> round(float(left.region_triangles("ischium")[..., 1].min() - backmost), 6)
    6.0
    """
    from manifold3d import Manifold

    back = SPHERE_FROM_AXIS_MM + SPHERE_RADIUS_MM  # of the tip, behind the shaft's axis
    tip = np.array([-back, _SPHERE_UP_MM, _SHAFT_LATERAL_MM])
    # The library's cylinders stand along Z: built there and turned so that Z is up (Y of the ISB axes).
    upright = np.array([[0.0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]])
    shaft = Manifold.cylinder(-_SHAFT_END_MM - 10.0, SHAFT_RADIUS_MM, SHAFT_RADIUS_MM, _SEGMENTS, False)
    shaft = shaft.translate((0.0, 0.0, _SHAFT_END_MM)).refine_to_length(4.0).transform(upright)
    ball = Manifold.sphere(SPHERE_RADIUS_MM, _SEGMENTS).translate(
        (-SPHERE_FROM_AXIS_MM, _SPHERE_UP_MM, _SHAFT_LATERAL_MM)
    )
    head = Manifold.sphere(HEAD_RADIUS_MM, 48)
    whole = shaft.translate((0.0, 0.0, _SHAFT_LATERAL_MM)) + ball + head
    mesh = whole.to_mesh64()
    vertices = np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3]
    proud = np.hypot(vertices[:, 0], vertices[:, 2] - _SHAFT_LATERAL_MM) - SHAFT_RADIUS_MM - _PROUD_MM
    near = np.linalg.norm(vertices - tip, axis=1) < 2 * SPHERE_RADIUS_MM
    field = np.where(near, proud, -1.0)
    vertices, faces, _ = split_at_level(
        vertices, np.asarray(mesh.tri_verts, dtype=np.int64), field, snap=1e-6
    )
    field = np.concatenate([field, np.zeros(len(vertices) - len(field))])
    rows = np.flatnonzero((field[faces].min(axis=1) >= -1e-6) & (field[faces].max(axis=1) > 1e-6))
    femur = Bone("femur", Side.RIGHT, _to_patient(vertices), faces, PATIENT, 0.5, "phantom")

    if ischium == "plane":
        corners, sheet = _box(
            [tip[0] - gap_mm - 20, tip[1] - 40, tip[2] - 40], [tip[0] - gap_mm, tip[1] + 40, tip[2] + 40], 8.0
        )
        chosen = np.flatnonzero(corners[sheet][..., 0].min(axis=1) > tip[0] - gap_mm - 1e-9)
    else:
        ball = Manifold.sphere(ischium_radius_mm, _SEGMENTS)
        seat = ball.translate((tip[0] - gap_mm - ischium_radius_mm, tip[1], tip[2])).to_mesh64()
        corners = np.asarray(seat.vert_properties, dtype=np.float64)[:, :3]
        sheet = np.asarray(seat.tri_verts, dtype=np.int64)
        chosen = np.arange(len(sheet))
    hip_bone = Bone("hip_bone", Side.RIGHT, _to_patient(corners), sheet, PATIENT, 8.0, "phantom")
    up = (_to_patient(np.array([0.0, 1.0, 0.0])) - _to_patient(np.zeros(3))).tolist()
    landmarks = {
        "femoral_head_centre": (np.zeros(3), {"radius_mm": HEAD_RADIUS_MM}),
        "acetabular_centre": (np.zeros(3), {}),
        "lesser_trochanter_tip": (tip, {"height_mm": back - SHAFT_RADIUS_MM}),
        "shaft_axis_proximal": (np.array([0.0, tip[1] - 50.0, _SHAFT_LATERAL_MM]), {"direction": up}),
    }
    centre = _to_patient(np.zeros(3))
    right = Hip(
        side=Side.RIGHT,
        hip_bone=hip_bone,
        femur=femur,
        landmarks={
            name: _landmark(name, _to_patient(at), detail) for name, (at, detail) in landmarks.items()
        },
        regions={
            "lesser_trochanter": _region("lesser_trochanter", femur, rows),
            "ischium": _region("ischium", hip_bone, chosen, ("tuberosity",) * len(chosen)),
        },
        frames={
            "pelvis_isb_from_patient": _frame("pelvis_isb", "phantom", None, np.zeros(3)),
            "pelvis_app_from_patient": _frame("pelvis_app", "phantom", None, np.zeros(3)),
            "femur_pca_from_patient": _frame("femur", "phantom-pca", Side.RIGHT, centre),
        },
        poses=(Pose(0.0, 0.0, 0.0, "isb", "pca"), Pose(0.0, 0.0, 0.0, "app", "pca")),
        posture="as_supplied",
        reasons={"femur_tea_from_patient": "the phantom has no epicondyles"},
    )
    return right if side is Side.RIGHT else mirrored(right)


__all__ = ["sphere_on_cylinder"]
