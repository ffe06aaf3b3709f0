"""Directions of a hip, and cameras: who stands where, what is on which edge, what is in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import Array
from ischio.report.raster import Camera
from ischio.report.views import (
    Directions,
    anatomical_directions,
    camera_along_gap,
    camera_behind,
    camera_beside,
    letters,
)
from ischio.types import Frame, Hip, Side, Transform

ROUNDING = 1e-9  # float64
DEGREE = np.cos(np.radians(1.5))  # lines of sight are tried at whole degrees
RIGHT, BACK, UP = np.array([[-1.0, 0, 0], [0, 1, 0], [0, 0, 1]])  # in patient LPS
LPS = Directions(-BACK, UP, RIGHT, "test", True)


def turned_frame(name: str, degrees: float) -> Transform:
    """ISB axes of patient LPS, nodded by an angle."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:3, :3] = [c * -BACK + s * UP, c * UP + s * BACK, RIGHT]
    return Transform(Frame(name, "test"), phantoms.PATIENT, matrix)


def with_frames(hip: Hip, **frames: float) -> Hip:
    kinds = {"anatomy_from_patient": "pelvis_isb"}
    made = {name: turned_frame(kinds.get(name, name[:10]), turn) for name, turn in frames.items()}
    return replace(hip, frames=made)


@pytest.mark.parametrize(
    ("frames", "nod", "words"),
    [
        (
            {"anatomy_from_patient": 3, "pelvis_isb_from_patient": 2, "pelvis_app_from_patient": 1},
            1,
            "anterior",
        ),
        ({"anatomy_from_patient": 3, "pelvis_isb_from_patient": 2}, 2, "ISB"),
        ({"anatomy_from_patient": 3}, 3, "rough"),
        ({}, 0, "scanner"),
    ],
)
def test_directions_come_from_the_best_frame(frames: dict[str, float], nod: float, words: str) -> None:
    got = anatomical_directions(with_frames(phantoms.hip(Side.LEFT), **frames), "LPS")
    assert got.up @ UP == pytest.approx(np.cos(np.radians(nod)), abs=ROUNDING)
    assert np.allclose(got.right, RIGHT, atol=ROUNDING)
    assert np.allclose(np.cross(got.forward, got.up), got.right, atol=ROUNDING)
    assert words in got.source
    assert got.known


def test_bones_tell_directions_where_axes_are_unknown() -> None:
    hip = phantoms.hip(Side.RIGHT)
    assert anatomical_directions(hip, "unknown").known
    bare = anatomical_directions(replace(hip, frames={}), "unknown")
    assert not bare.known
    assert "file" in bare.source


@pytest.mark.parametrize("side", Side)
def test_viewer_stands_behind_or_beside_the_hip(side: Side) -> None:
    hip = phantoms.hip(side)
    middle = hip.point("femoral_head_centre")[None]
    behind, beside = camera_behind(hip, middle, LPS), camera_beside(hip, middle, LPS)
    assert np.allclose([behind.toward, behind.right, behind.up], [BACK, RIGHT, UP], atol=ROUNDING)
    assert letters(behind, LPS) == {"left": "L", "right": "R", "top": "S", "bottom": "I"}
    assert np.allclose(beside.toward, side.sign * RIGHT, atol=ROUNDING)
    front = "right" if side is Side.RIGHT else "left"
    assert letters(beside, LPS)[front] == "A"
    for camera in (behind, beside):
        assert np.allclose(camera.project(middle), [360, 360, 0], atol=1e-6)  # px


def test_an_oblique_view_gets_two_letters() -> None:
    toward = (BACK - UP) / np.sqrt(2)
    up = (BACK + UP) / np.sqrt(2)
    camera = Camera(np.zeros(3), np.cross(up, toward), up, toward, 10, 10, 1.0)
    assert set(letters(camera, LPS)["top"]) == {"S", "P"}


@pytest.mark.parametrize("bone", ["femur", "hip_bone"])
def test_a_bone_alone_is_seen_at_the_joint(bone: str) -> None:
    bare: dict[str, Any] = {"landmarks": {}, "regions": {}, "femur": None, "hip_bone": None}
    full = phantoms.hip(Side.LEFT)
    shown = getattr(full, bone)
    long = replace(shown, vertices_mm=(shown.vertices_mm - shown.vertices_mm.mean(axis=0)) * [1, 1, 8])
    camera = camera_behind(replace(full, **(bare | {bone: long})), np.empty((0, 3)), LPS)
    heights = long.vertices_mm @ UP
    end = heights.max() if bone == "femur" else heights.min()
    assert abs(camera.centre_mm @ UP - end) < camera.height_px * camera.mm_per_px / 2


def wall(point: Array, size: float, normal: Array) -> Array:
    """Two triangles: a square."""
    one = np.cross(normal, [0.3, 0.5, 0.8])
    one *= size / np.linalg.norm(one)
    two = np.cross(normal, one)
    a, b, c, d = point + one, point + two, point - one, point - two
    return np.array([[a, b, c], [a, c, d]])


ENDS = np.array([[0.0, 0, 0], [9.0, 0, 0]])  # a gap from side to side
OUT_OF_THE_WAY = wall(np.array([200.0, 0, 0]), 1.0, BACK)


def test_gap_is_seen_square_and_from_behind_when_nothing_is_in_the_way() -> None:
    camera = camera_along_gap(OUT_OF_THE_WAY, ENDS, LPS)
    assert camera.toward @ BACK > 1 - ROUNDING
    a, b = camera.project(ENDS)
    assert np.hypot(*(b - a)[:2]) * camera.mm_per_px == pytest.approx(9.0, abs=ROUNDING)
    assert np.allclose((a + b) / 2, [360, 360, 0], atol=1e-6)  # px


def test_view_of_the_gap_turns_out_of_the_way_of_bone() -> None:
    """A plate behind the gap hides it to atan(30 / 20) on both sides; ten degrees more are kept free."""
    plate = np.array(
        [[[-99.0, 20, -30], [99, 20, -30], [99, 20, 30]], [[-99, 20, -30], [99, 20, 30], [-99, 20, 30]]]
    )
    camera = camera_along_gap(plate, ENDS, LPS)
    turned = np.degrees(np.arccos(camera.toward @ BACK))
    assert abs(turned - (np.degrees(np.arctan(30 / 20)) + 10)) < 2
    assert abs(camera.toward @ RIGHT) < ROUNDING


def hits(triangles: Array, point: Array, direction: Array) -> bool:
    """Slow: whether a ray meets a triangle."""
    for a, b, c in triangles:
        matrix = np.column_stack([b - a, c - a, -direction])
        if abs(np.linalg.det(matrix)) < 1e-12:  # seen edge-on
            continue
        u, v, far = np.linalg.solve(matrix, point - a)
        if u >= 0 and v >= 0 and u + v <= 1 and far > 0:
            return True
    return False


def test_chosen_view_is_clear_and_no_clear_one_is_nearer_to_behind(rng: np.random.Generator) -> None:
    for _ in range(6):
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        ends = np.array([[0.0, 0, 0], [12.0, 0, 0]]) @ turn
        triangles = (rng.normal(size=(14, 1, 3)) * 30 + rng.normal(size=(14, 3, 3)) * 12) @ turn
        camera = camera_along_gap(triangles, ends, LPS)
        along = (ends[1] - ends[0]) / 12
        assert abs(camera.toward @ along) < ROUNDING
        behind = BACK - (BACK @ along) * along
        behind /= np.linalg.norm(behind)
        samples = [ends[0] + share * (ends[1] - ends[0]) for share in (0.1, 0.5, 0.9)]
        clear = []
        for degree in range(0, 360, 5):
            way = np.radians(degree)
            toward = np.cos(way) * behind + np.sin(way) * np.cross(along, behind)
            if not any(hits(triangles, point, toward) for point in samples):
                clear.append((degree, toward))
        assert not any(hits(triangles, point, camera.toward) for point in samples)
        wide = [  # clear over 30 degrees: surely good enough for the choice
            toward
            for degree, toward in clear
            if {(degree + k) % 360 for k in range(-15, 16, 5)} <= {d for d, _ in clear}
        ]
        if wide:
            assert camera.toward @ behind >= max(toward @ behind for toward in wide) - (1 - DEGREE)


@pytest.mark.parametrize("ends", [ENDS * 0, ENDS])
def test_a_gap_walled_in_is_still_shown(ends: Array) -> None:
    middle = ends.mean(axis=0)
    box = [wall(middle + 30 * n, 200.0, n) for n in (BACK, -BACK, UP, -UP)]
    camera = camera_along_gap(np.concatenate(box), ends, LPS)
    assert camera.toward @ BACK > 1 - ROUNDING


def test_a_gap_from_front_to_back_is_seen_from_below() -> None:
    camera = camera_along_gap(OUT_OF_THE_WAY, np.array([[0.0, 0, 0], [0, 9.0, 0]]), LPS)
    assert camera.toward @ UP < -1 + ROUNDING
    assert letters(camera, LPS)["top"] == "A"
