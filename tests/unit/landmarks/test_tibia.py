"""The ends of the tibia, and the scanner's directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio.landmarks import joint_frames
from ischio.landmarks.tibia import TIBIA_POINTS, with_tibia
from ischio.types import Bone, Hip, Side
from ischio.validation.invariance import subdivided

WIDTH_MM, LENGTH_MM = 60.0, 360.0
EXACT_MM = 1e-6


def frustum(top_mm: float, bottom_mm: float, length_mm: float) -> Bone:
    """A square bone that narrows towards the ankle, upright at the origin."""
    low, high = bottom_mm / 2, top_mm / 2
    square = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    vertices = np.concatenate(
        [
            np.column_stack([square * low, np.full(4, -length_mm)]),
            np.column_stack([square * high, np.zeros(4)]),
        ]
    )
    faces = [[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7]]
    for k in range(4):
        n = (k + 1) % 4
        faces += [[k, n, 4 + n], [k, 4 + n, 4 + k]]
    return Bone("tibia", Side.LEFT, vertices, np.array(faces), phantoms.PATIENT, 1.0, "phantom")


def bare() -> Hip:
    """A left hip without tibia whose knee lies above the frustum's top."""
    hip = phantoms.anatomy(Side.LEFT)
    marks = {name: mark for name, mark in hip.landmarks.items() if name not in TIBIA_POINTS}
    knee = replace(marks["knee_centre"], point_mm=np.array([0.0, 0.0, 20.0]))
    head = replace(marks["femoral_head_centre"], point_mm=np.array([0.0, 0.0, 420.0]))
    return replace(hip, landmarks={**marks, "knee_centre": knee, "femoral_head_centre": head}, tibia=None)


def test_ends_lie_on_the_axis() -> None:
    hip = with_tibia(bare(), (frustum(WIDTH_MM, 30.0, LENGTH_MM),))
    assert hip.tibia is not None
    plateau, ankle = (hip.point(name) for name in TIBIA_POINTS)
    assert plateau == pytest.approx([0, 0, -0.04 * LENGTH_MM], abs=EXACT_MM)
    assert ankle == pytest.approx([0, 0, -0.95 * LENGTH_MM], abs=EXACT_MM)


def test_twice_the_triangles_change_nothing() -> None:
    """Cut across their longest edges, whose neighbours keep theirs whole: outlines came apart there."""
    bone = frustum(WIDTH_MM, 30.0, LENGTH_MM)
    for _ in range(3):
        (bone,) = subdivided((bone,))
    one, two = (with_tibia(bare(), (each,)) for each in (frustum(WIDTH_MM, 30.0, LENGTH_MM), bone))
    for name in TIBIA_POINTS:
        assert two.point(name) == pytest.approx(one.point(name), abs=EXACT_MM)


def test_without_a_knee_the_wider_end_is_the_plateau() -> None:
    hip = bare()
    marks = {name: mark for name, mark in hip.landmarks.items() if name != "knee_centre"}
    found = with_tibia(replace(hip, landmarks=marks), (frustum(WIDTH_MM, 30.0, LENGTH_MM),))
    assert found.point("tibial_plateau_centre")[2] > found.point("ankle_centre")[2]


def test_equal_ends_without_a_knee_are_refused() -> None:
    hip = bare()
    marks = {name: mark for name, mark in hip.landmarks.items() if name != "knee_centre"}
    found = with_tibia(replace(hip, landmarks=marks), (frustum(40.0, 40.0, LENGTH_MM),))
    assert "equally wide" in found.reasons["ankle_centre"]
    assert "ankle_centre" not in found.landmarks


def test_a_cut_tibia_has_no_ankle() -> None:
    found = with_tibia(bare(), (frustum(WIDTH_MM, 40.0, 150.0),))
    assert found.reasons["ankle_centre"] == "only 150 mm of the tibia are there, beside 400 mm of femur"


def test_no_tibia_is_said() -> None:
    found = with_tibia(bare(), ())
    assert found.reasons["tibia"] == "no left tibia in the input"


def test_the_other_sides_tibia_is_not_taken() -> None:
    other = replace(frustum(WIDTH_MM, 30.0, LENGTH_MM), side=Side.RIGHT)
    assert with_tibia(bare(), (other,)).tibia is None


def test_the_scanner_looks_along_the_patients_axes() -> None:
    forward, up, right = joint_frames.scanner_frame(phantoms.PATIENT).matrix[:3, :3]
    assert forward.tolist() == [0, -1, 0]
    assert up.tolist() == [0, 0, 1]
    assert right.tolist() == [-1, 0, 0]
