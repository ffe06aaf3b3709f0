"""Stated sigmas: intervals of 95 % hold the truth 93 to 97 % of the time on synthetic people.

People differ in every angle. What is read of each is the truth with errors of the stated size: landmarks
by their sigma in all directions, frames turned, the rim moved smoothly, surfaces displaced as a
whole. Each value with its sigma is then taken from what was read, as for a real person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ischio import phantoms
from ischio.measures import REGISTRY, Measure, take
from ischio.measures._given import ALIKE_MM
from ischio.types import Bone, Curve, Hip, Landmark, Pelvis, Side, Transform

SHARE, MARGIN = 0.95, 0.02
LANDMARK_MM = 2.0  # 3-D, as readers of sharp points
RIM_MM = 1.5
FRAME_DEG = (0.6, 0.6, 1.1)
SHAFT_DEG = 0.5
# The surface as the slices take it: 0.5 mm either side of a chord in each direction, in 3-D root 2 of it.
SLICE_MM = float(0.5 * np.sqrt(2.0))
SPHERE_MM = 0.3
N_PEOPLE = 20

LANDMARKS_ALONE = (
    "neck_shaft_angle",
    "femoral_offset",
    "lesser_trochanter_version",
    "neck_lesser_trochanter_angle",
    "femoral_version_isthmus_3d",
    "mechanical_axis",
)
RIM = (
    "acetabular_version_central",
    "acetabular_version_cranial",
    "acetabular_inclination",
    "lateral_centre_edge_angle",
    "anterior_centre_edge_angle",
)
SLICES = (
    "femoral_version_reikeras",
    "femoral_version_lee",
    "femoral_version_tomczak",
    "femoral_version_murphy",
    "femoral_version_index_case",
    "mckibbin_index",
    "alpha_angle",
)
OF_PELVIS = ("pelvic_tilt_app", "pelvic_incidence", "intertuberous_distance", "leg_length_difference")


def measure_of(name: str) -> Measure:
    return next(one for one in REGISTRY if one.name == name)


def nudge(rng: np.random.Generator, sigma_mm: float) -> np.ndarray:
    """An error whose 3-D standard deviation is sigma."""
    return rng.normal(scale=sigma_mm / np.sqrt(3.0), size=3)


def lean(rng: np.random.Generator, vector: np.ndarray, sigma_deg: float) -> np.ndarray:
    """A direction leant by sigma in each of the two directions across it."""
    across = np.linalg.svd(np.asarray(vector)[None])[2][1:]
    out = vector + np.tan(np.radians(rng.normal(scale=sigma_deg, size=2))) @ across
    return out / np.linalg.norm(out)


def person(rng: np.random.Generator, side: Side) -> dict[str, Any]:
    """Arguments of a hip that nobody has, within what people have."""
    return {
        "head_radius_mm": rng.uniform(20, 28),
        "version_deg": rng.uniform(-5, 30),
        "neck_shaft_deg": rng.uniform(115, 135),
        "trochanter_version_deg": rng.uniform(-45, -5),
        "acetabular_version_deg": rng.uniform(5, 30),
        "rim_drop_deg": rng.uniform(30, 45),
        "tibial_varus_deg": rng.uniform(-5, 5),
    }


def read_mark(rng: np.random.Generator, mark: Landmark) -> Landmark:
    detail = dict(mark.detail)
    if "direction" in detail:
        detail["direction"] = lean(rng, np.array(detail["direction"]), SHAFT_DEG).tolist()
        detail["sigma_deg"] = SHAFT_DEG
    if "radius_mm" in detail:
        detail["radius_mm"] += rng.normal(scale=SPHERE_MM)
    point = mark.point_mm + nudge(rng, LANDMARK_MM)
    return replace(mark, point_mm=point, sigma_mm=LANDMARK_MM, detail=detail)


def read_frame(rng: np.random.Generator, frame: Transform) -> Transform:
    turn = np.radians(rng.normal(scale=FRAME_DEG))
    angle = float(np.linalg.norm(turn))
    x, y, z = turn / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    return Transform(frame.target, frame.source, matrix @ frame.matrix, FRAME_DEG)


def read_rim(rng: np.random.Generator, hip: Hip) -> tuple[Curve, Landmark]:
    """The rim moved by a smooth random line, and its plane fitted to what was read."""
    curve = hip.curves["acetabular_rim"]
    count = len(curve.points_mm)
    # A smooth random line: white noise averaged over half of what errs alike, to either side.
    apart = np.abs((np.arange(count)[:, None] - np.arange(count) + count / 2) % count - count / 2)
    step = float(np.linalg.norm(curve.points_mm[1] - curve.points_mm[0]))
    weight = np.exp(-0.5 * (apart * step / (ALIKE_MM / 2)) ** 2)
    weight /= np.linalg.norm(weight, axis=1)[:, None]
    points = curve.points_mm + weight @ rng.normal(scale=RIM_MM / np.sqrt(3.0), size=(count, 3))
    middle = points.mean(axis=0)
    old = hip.landmarks["acetabular_rim_centre"]
    normal = np.linalg.svd(points - middle)[2][2]
    normal = normal * np.sign(normal @ np.array(old.detail["normal"]))
    detail = {"normal": normal.tolist(), "rms_mm": 0.0}
    return replace(curve, points_mm=points, sigma_mm=RIM_MM), replace(old, point_mm=middle, detail=detail)


def read_hip(rng: np.random.Generator, hip: Hip, *, with_rim: bool = True) -> Hip:
    """What a reader sees of a hip; the rim takes most of the time."""
    marks = {name: read_mark(rng, mark) for name, mark in hip.landmarks.items()}
    rim = hip.curves["acetabular_rim"]
    if with_rim:
        rim, marks["acetabular_rim_centre"] = read_rim(rng, hip)
    assert hip.femur is not None
    femur: Bone = replace(hip.femur, vertices_mm=hip.femur.vertices_mm + nudge(rng, SLICE_MM))
    app = read_frame(rng, hip.frames["pelvis_app_from_patient"])
    frames = {**hip.frames, "pelvis_app_from_patient": app}
    return replace(hip, landmarks=marks, curves={"acetabular_rim": rim}, femur=femur, frames=frames)


def share_held(
    one: Measure, make: Callable[[], Hip | Pelvis], read: Callable[[Any], Hip | Pelvis], count: int
) -> float:
    """How often the interval of 95 % round what was read of each of many people holds the truth."""
    held = []
    for _ in range(N_PEOPLE):
        truth = make()
        side = truth.side if isinstance(truth, Hip) else None
        true = take(one, truth, side)
        assert true.value is not None, true.reason
        for _ in range(count // N_PEOPLE):
            seen = take(one, read(truth), side)
            assert seen.value is not None, seen.reason
            assert seen.sigma is not None
            held.append(abs(seen.value - true.value) <= 1.96 * seen.sigma)
    return float(np.mean(held))


@pytest.mark.parametrize("name", [*LANDMARKS_ALONE, *RIM])
def test_intervals_hold_the_truth(name: str, rng: np.random.Generator) -> None:
    sides = (Side.RIGHT, Side.LEFT)

    def make() -> Hip:
        side = sides[rng.integers(2)]
        return phantoms.anatomy(side, **person(rng, side))

    held = share_held(measure_of(name), make, lambda hip: read_hip(rng, hip, with_rim=name in RIM), 600)
    assert held == pytest.approx(SHARE, abs=MARGIN)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLICES)
def test_intervals_of_slices_hold_the_truth(name: str, rng: np.random.Generator) -> None:
    def make() -> Hip:
        return phantoms.anatomy(Side.LEFT, **person(rng, Side.LEFT))

    held = share_held(
        measure_of(name), make, lambda hip: read_hip(rng, hip, with_rim=name == "mckibbin_index"), 300
    )
    assert held == pytest.approx(SHARE, abs=MARGIN)


@pytest.mark.slow
def test_the_bisector_of_one_slice_is_no_less_certain_than_stated(rng: np.random.Generator) -> None:
    """A surface displaced as a whole leaves its direction alone; the stated sigma lets both ends err."""

    def make() -> Hip:
        return phantoms.anatomy(Side.LEFT, **person(rng, Side.LEFT))

    one = measure_of("femoral_version_hernandez")
    assert share_held(one, make, lambda hip: read_hip(rng, hip, with_rim=False), 300) >= SHARE - MARGIN


@pytest.mark.parametrize("name", OF_PELVIS)
def test_intervals_of_the_pelvis_hold_the_truth(name: str, rng: np.random.Generator) -> None:
    def make() -> Pelvis:
        return phantoms.whole_pelvis(
            left=person(rng, Side.LEFT),
            right=person(rng, Side.RIGHT),
            incidence_deg=rng.uniform(35, 70),
            app_tilt_deg=rng.uniform(-10, 15),
        )

    def read(pelvis: Pelvis) -> Pelvis:
        endplate = read_mark(rng, pelvis.landmarks["sacral_endplate_centre"])
        normal = lean(rng, np.array(endplate.detail["normal"]), 3.0)
        endplate = replace(endplate, detail={"normal": normal.tolist(), "sigma_deg": 3.0})
        assert pelvis.left is not None
        assert pelvis.right is not None
        return replace(
            pelvis,
            left=read_hip(rng, pelvis.left, with_rim=False),
            right=read_hip(rng, pelvis.right, with_rim=False),
            landmarks={"sacral_endplate_centre": endplate},
        )

    assert share_held(measure_of(name), make, read, 600) == pytest.approx(SHARE, abs=MARGIN)


def test_a_gap_holds_the_truth_where_surfaces_are_displaced(rng: np.random.Generator) -> None:
    one, moved = measure_of("ischiofemoral_space_3d"), 0.6
    held = []
    for _ in range(1000):
        truth = rng.uniform(8, 25)
        hip = phantoms.hip(Side.RIGHT, gap_mm=truth)
        bones: dict[str, Any] = {}
        for name in ("femur", "hip_bone"):
            bone: Bone = getattr(hip, name)
            chord = bone.edge_mm**2 / 80
            shift = np.array([rng.normal(scale=np.hypot(chord, moved)), 0, 0])
            bones[name] = replace(bone, vertices_mm=bone.vertices_mm + shift, moved_mm=moved)
        row = take(one, replace(hip, **bones), Side.RIGHT)
        assert row.value is not None
        assert row.sigma is not None
        held.append(abs(row.value - truth) <= 1.96 * row.sigma)
    assert np.mean(held) == pytest.approx(SHARE, abs=MARGIN)
