"""Synthetic people and what is read of them: errors of stated sizes, drawn in another way than sigmas.

Sizes are those this software states of its own landmarks on four scanned people (medians), so that intervals
are tried where they are used. They were fixed before any interval was counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures import HALF_MM, SURFACE_MM
from ischio.types import Bone, Curve, Hip, Landmark, Pelvis, Transform

STATED_MM: Mapping[str, float] = MappingProxyType(
    {
        "femoral_head_centre": 0.6,
        "neck_isthmus_centre": 2.5,
        "lesser_trochanter_tip": 3.5,
        "greater_trochanter_superior": 3.6,
        "posterior_condyle_lateral": 3.0,
        "posterior_condyle_medial": 3.3,
        "knee_centre": 2.4,
        "shaft_axis_proximal": 0.24,
        "acetabular_centre": 1.5,
        "asis": 4.0,
        "pubic_tubercle": 5.4,
        "ischial_tuberosity_inferior": 5.5,
        "ischial_tuberosity_lateral": 4.3,
        "ischial_tuberosity_hamstring": 8.1,
        "tibial_plateau_centre": 4.1,
        "ankle_centre": 3.1,
        "sacral_endplate_centre": 3.2,
    }
)
"""Standard deviation of the 3-D error of each landmark."""
RIM_MM = 1.76
SHAFT_DEG, ENDPLATE_DEG = 0.5, 3.0
APP_DEG = (1.0, 1.0, 1.7)
_BETWEEN_PEOPLE = (0.7, 1.4)  # a scan is better or worse than the median one
_MOST_MITRE = 2.0  # at sharper corners
_WAVES = 64  # of a random field: its sum is normal to the third digit


def person(rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of a hip that nobody has, within what people have."""
    return {
        "head_radius_mm": rng.uniform(20, 28),
        "version_deg": rng.uniform(-5, 30),
        "neck_shaft_deg": rng.uniform(115, 138),
        "trochanter_version_deg": rng.uniform(-45, -5),
        "acetabular_version_deg": rng.uniform(5, 30),
        "rim_drop_deg": rng.uniform(30, 50),
        "rim_offset_mm": rng.uniform(-5, 2),
        "tibial_varus_deg": rng.uniform(-5, 5),
        "ischium_turn_deg": rng.uniform(25, 50),
        "is_neck_round": True,
    }


def true_pelvis(rng: np.random.Generator) -> Pelvis:
    """A whole pelvis of two such hips, meshed finely enough to carry an error of the surface."""
    pelvis = phantoms.whole_pelvis(
        left=person(rng),
        right=person(rng),
        incidence_deg=rng.uniform(35, 70),
        app_tilt_deg=rng.uniform(-10, 15),
    )
    assert pelvis.left is not None
    assert pelvis.right is not None
    return replace(pelvis, left=_finer(pelvis.left), right=_finer(pelvis.right))


def read_pelvis(rng: np.random.Generator, pelvis: Pelvis) -> Pelvis:
    """What a reader sees of a pelvis."""
    endplate = _read_mark(rng, pelvis.landmarks["sacral_endplate_centre"])
    normal = _lean(rng, np.array(endplate.detail["normal"]), ENDPLATE_DEG)
    endplate = replace(endplate, detail={"normal": normal.tolist(), "sigma_deg": ENDPLATE_DEG})
    assert pelvis.left is not None
    assert pelvis.right is not None
    frame = _read_frame(rng, pelvis.left.frames["pelvis_app_from_patient"])
    hips = [_read_hip(rng, hip, frame) for hip in (pelvis.left, pelvis.right)]
    marks = {"sacral_endplate_centre": endplate}
    return replace(pelvis, left=hips[0], right=hips[1], landmarks=marks)


def field(rng: np.random.Generator, places: Array) -> Array:
    """A smooth random error at places of shape (N, D): SD 1, alike by one half at ``HALF_MM``."""
    waves = rng.normal(scale=np.sqrt(2 * np.log(2.0)) / HALF_MM, size=(places.shape[1], _WAVES))
    phase = rng.uniform(0, 2 * np.pi, _WAVES)
    return np.asarray(np.sqrt(2 / _WAVES) * np.cos(places @ waves + phase).sum(axis=1), dtype=np.float64)


def _nudge(rng: np.random.Generator, sigma_mm: float) -> Array:
    """An error whose 3-D standard deviation is sigma."""
    return rng.normal(scale=sigma_mm / np.sqrt(3.0), size=3)


def _lean(rng: np.random.Generator, vector: Array, sigma_deg: float) -> Array:
    """A direction leant by sigma in each of the two directions across it."""
    across = np.linalg.svd(vector[None])[2][1:]
    out = vector + np.tan(np.radians(rng.normal(scale=sigma_deg, size=2))) @ across
    return np.asarray(out / np.linalg.norm(out), dtype=np.float64)


def _read_mark(rng: np.random.Generator, mark: Landmark) -> Landmark:
    """A landmark with an error of the stated size; what has no stated size is exact."""
    sigma = STATED_MM.get(mark.name, 0.0) * rng.uniform(*_BETWEEN_PEOPLE)
    detail = dict(mark.detail)
    if mark.name == "shaft_axis_proximal":
        detail["direction"] = _lean(rng, np.array(detail["direction"]), SHAFT_DEG).tolist()
        detail["sigma_deg"] = SHAFT_DEG
    return replace(mark, point_mm=mark.point_mm + _nudge(rng, sigma), sigma_mm=sigma, detail=detail)


def _read_frame(rng: np.random.Generator, frame: Transform) -> Transform:
    """A frame turned about each of its axes."""
    turn = np.radians(rng.normal(scale=APP_DEG))
    angle = float(np.linalg.norm(turn))
    x, y, z = turn / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = np.eye(4)
    matrix[:3, :3] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return Transform(frame.target, frame.source, matrix @ frame.matrix, APP_DEG)


def _read_rim(rng: np.random.Generator, hip: Hip) -> tuple[Curve, Landmark]:
    """The rim moved by a smooth random line, and its plane fitted to what was read."""
    curve = hip.curves["acetabular_rim"]
    sigma = RIM_MM * rng.uniform(*_BETWEEN_PEOPLE)
    points = curve.points_mm
    moves = np.stack([field(rng, points) for _ in range(3)], axis=1)
    points = points + sigma / np.sqrt(3.0) * moves
    middle = points.mean(axis=0)
    old = hip.landmarks["acetabular_rim_centre"]
    normal = np.linalg.svd(points - middle)[2][2]
    normal = normal * np.sign(normal @ np.array(old.detail["normal"]))
    detail = {"normal": normal.tolist(), "rms_mm": 0.0}
    return replace(curve, points_mm=points, sigma_mm=sigma), replace(old, point_mm=middle, detail=detail)


def _read_surface(rng: np.random.Generator, bone: Bone, thick_mm: float) -> Bone:
    """A surface found too far out here and too far in there, and by the same everywhere."""
    corners = bone.triangles_mm
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    _, shared = np.unique(np.round(bone.vertices_mm, 6), axis=0, return_inverse=True)
    total = np.zeros((shared.max() + 1, 3))
    np.add.at(total, shared[bone.faces].reshape(-1), np.repeat(normals, 3, axis=0))
    area = np.zeros(len(total))
    np.add.at(area, shared[bone.faces].reshape(-1), np.repeat(np.linalg.norm(normals, axis=1), 3))
    length = np.linalg.norm(total, axis=1)
    # At an edge all faces that meet move out by as much, so their corner moves farther.
    outwards = (total * (np.minimum(area / length, _MOST_MITRE) / length)[:, None])[shared]
    moved = (thick_mm + SURFACE_MM * field(rng, bone.vertices_mm))[:, None] * outwards
    return replace(bone, vertices_mm=bone.vertices_mm + moved)


def _read_hip(rng: np.random.Generator, hip: Hip, frame: Transform) -> Hip:
    """What a reader sees of a hip."""
    marks = {name: _read_mark(rng, mark) for name, mark in hip.landmarks.items()}
    thick = rng.normal(scale=SURFACE_MM)  # of a cortex that is drawn too far out all round
    head = marks["femoral_head_centre"]
    detail = {**head.detail, "radius_mm": head.detail["radius_mm"] + thick}
    marks["femoral_head_centre"] = replace(head, detail=detail)
    rim, marks["acetabular_rim_centre"] = _read_rim(rng, hip)
    assert hip.femur is not None
    assert hip.hip_bone is not None
    return replace(
        hip,
        landmarks=marks,
        curves={"acetabular_rim": rim},
        femur=_read_surface(rng, hip.femur, thick),
        hip_bone=_read_surface(rng, hip.hip_bone, thick),
        frames={**hip.frames, "pelvis_app_from_patient": frame},
    )


def _finer(hip: Hip) -> Hip:
    """Every triangle cut into four, with the regions on them."""
    bones: dict[str, Any] = {}
    for name in ("femur", "hip_bone"):
        bone: Bone = getattr(hip, name)
        a, b, c = (bone.triangles_mm[:, k] for k in range(3))
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        parts = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
        corners = np.stack([np.stack(one, axis=1) for one in parts], axis=1).reshape(-1, 3)
        vertices, index = np.unique(np.round(corners, 9), axis=0, return_inverse=True)
        halved = bone.edge_mm / 2
        bones[name] = replace(bone, vertices_mm=vertices, faces=index.reshape(-1, 3), edge_mm=halved)
    regions = {
        name: replace(
            region,
            face_indices=(4 * region.face_indices[:, None] + np.arange(4)).reshape(-1),
            sub_parts=tuple(part for part in region.sub_parts for _ in range(4)),
        )
        for name, region in hip.regions.items()
    }
    return replace(hip, **bones, regions=regions)
