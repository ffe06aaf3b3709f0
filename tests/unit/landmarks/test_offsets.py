"""Offsets of a person built from exact numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import Array
from ischio.landmarks import frames, joint_frames
from ischio.landmarks.offsets import Offset, hip_offsets, knee_distance
from ischio.types import Frame, Hip, Landmark, Pelvis, Side, Transform

FRAME = Frame("patient", "made-up")
NOISE = 1e-6
TILT_DEG, TWIST_DEG = 7.0, 5.0
SIGMA_MM = 3.0
DRAWS = 400


def places(side: Side) -> dict[str, Array]:
    """One side in ISB axes: APP leans 7 degrees against ISB, the posterior condyles turn 5 against TEA."""
    z = side.sign
    c, s = np.cos(np.radians(TILT_DEG)), np.sin(np.radians(TILT_DEG))
    a, b = np.cos(np.radians(TWIST_DEG)), np.sin(np.radians(TWIST_DEG))
    return {
        "asis": np.array([60.0, 80.0, 120.0 * z]),
        "psis": np.array([-90.0, 80.0, 40.0 * z]),
        # The plane leans forwards going up: a femur that hangs straight is flexed against it.
        "pubic_tubercle": np.array([60.0 - 90.0 * s, 80.0 - 90.0 * c, 25.0 * z]),
        "acetabular_centre": np.array([0.0, 0.0, 90.0 * z]),
        "femoral_head_centre": np.array([0.0, -2.0, 90.0 * z]),
        "knee_centre": np.array([0.0, -402.0, 90.0 * z]),
        "epicondyle_lateral": np.array([0.0, -402.0, (90.0 + 40.0) * z]),
        "epicondyle_medial": np.array([0.0, -402.0, (90.0 - 40.0) * z]),
        # Externally twisted condyles: their lateral end lies behind.
        "posterior_condyle_lateral": np.array([-25.0 - 25 * b, -402.0, (90.0 + 25 * a) * z]),
        "posterior_condyle_medial": np.array([-25.0 + 25 * b, -402.0, (90.0 - 25 * a) * z]),
    }


BARE = {side: phantoms.hip(side) for side in Side}  # bones that no offset looks at


def person(motion: Transform, noise: Array | None = None) -> Pelvis:
    """Both hips in any place, with their frames."""
    hips = {}
    marks: dict[Side, dict[str, Landmark]] = {}
    for number, side in enumerate(Side):
        marks[side] = {
            name: Landmark(
                name,
                side,
                motion.apply(place) + (0.0 if noise is None else noise[number, k]),
                FRAME,
                SIGMA_MM,
                "made@1",
            )
            for k, (name, place) in enumerate(places(side).items())
        }
    pelvic, _ = joint_frames.pelvic_frames({side: (marks[side], {}) for side in Side})
    for side in Side:
        own, _ = joint_frames.femur_frames(side, marks[side], {})
        hips[side] = replace(
            BARE[side], landmarks=marks[side], frames={**pelvic, **own}, poses=(), reasons={}
        )
    return Pelvis(hips[Side.LEFT], hips[Side.RIGHT], None, {}, {})


@pytest.fixture
def motion(rng: np.random.Generator) -> Transform:
    return phantoms.random_motion(rng, FRAME)


def offsets(pelvis: Pelvis, side: Side) -> dict[str, Offset]:
    return {one.name: one for one in hip_offsets(pelvis, side)}


def hip_of(pelvis: Pelvis, side: Side) -> Hip:
    hip: Hip | None = getattr(pelvis, side.value)
    assert hip is not None
    return hip


@pytest.mark.parametrize("side", Side)
class TestKnown:
    def test_values_in_any_frame(self, motion: Transform, side: Side) -> None:
        got = offsets(person(motion), side)
        assert got["app_minus_isb_flexion"].value == pytest.approx(TILT_DEG, abs=NOISE)
        assert abs(got["pca_minus_tea_rotation"].value or 0) == pytest.approx(TWIST_DEG, abs=NOISE)
        assert got["head_to_socket"].value == pytest.approx(2.0, abs=NOISE)
        assert not got["head_to_socket"].is_flagged

    def test_they_are_what_poses_differ_by(self, motion: Transform, side: Side) -> None:
        """Any pose of the femur, written in both zeros."""
        pelvis = person(motion)
        hip, got = hip_of(pelvis, side), offsets(pelvis, side)
        turned = phantoms.random_motion(np.random.default_rng(3), FRAME)
        turned = Transform(FRAME, FRAME, turned.matrix)

        def pose(pelvic: str, rotation: str) -> frames.Pose:
            femur = hip.frames[f"femur_{rotation}_from_patient"] @ turned
            return frames.pose_of(
                hip.frames[f"pelvis_{pelvic}_from_patient"], femur, side, (pelvic, rotation)
            )

        def apart(a: float, b: float) -> float:
            return (a - b + 180) % 360 - 180

        first, second = pose("isb", "tea"), pose("app", "tea")
        grown = apart(second.flexion_deg, first.flexion_deg)
        assert grown == pytest.approx(got["app_minus_isb_flexion"].value, abs=NOISE)
        assert second.internal_rotation_deg == pytest.approx(first.internal_rotation_deg, abs=NOISE)
        third = pose("isb", "pca")
        grown = apart(third.internal_rotation_deg, first.internal_rotation_deg)
        assert grown == pytest.approx(got["pca_minus_tea_rotation"].value, abs=NOISE)
        assert third.flexion_deg == pytest.approx(first.flexion_deg, abs=NOISE)

    def test_sigmas_are_those_of_drawn_landmarks(self, motion: Transform, side: Side) -> None:
        rng = np.random.default_rng(11)
        names = ("app_minus_isb_flexion", "pca_minus_tea_rotation")
        noise = rng.normal(scale=SIGMA_MM / np.sqrt(3), size=(DRAWS, 2, len(places(side)), 3))
        drawn = {name: [] for name in names}  # type: dict[str, list[float]]
        for one in noise:
            got = offsets(person(motion, one), side)
            for name in names:
                drawn[name].append(got[name].value or 0.0)
        stated = offsets(person(motion), side)
        for name in names:
            # 400 draws tell a standard deviation to 3.5 %: three of these.
            assert np.std(drawn[name]) == pytest.approx(stated[name].sigma, rel=0.12), name

    def test_a_head_out_of_its_socket_is_flagged(self, motion: Transform, side: Side) -> None:
        pelvis = person(motion)
        hip = hip_of(pelvis, side)
        head = hip.landmarks["femoral_head_centre"]
        far = replace(head, point_mm=hip.point("acetabular_centre") + [0.0, 0.0, 3.1])
        hip = replace(hip, landmarks={**hip.landmarks, head.name: far})
        changed = replace(pelvis, **{side.value: hip})
        assert offsets(changed, side)["head_to_socket"].is_flagged


def test_the_knees_distance_and_its_sigma(motion: Transform) -> None:
    got = knee_distance(person(motion))
    assert got.value == pytest.approx(180.0, abs=NOISE)
    assert got.sigma == pytest.approx(SIGMA_MM * np.sqrt(2 / 3), rel=1e-3)


class TestMissing:
    def test_one_hip_alone(self, motion: Transform) -> None:
        pelvis = replace(person(motion), left=None)
        assert knee_distance(pelvis).reason == "the left femur is missing"
        got = offsets(pelvis, Side.RIGHT)["app_minus_isb_flexion"]
        assert got.value == pytest.approx(TILT_DEG, abs=NOISE)  # a joined pelvis gave the frames
        assert got.sigma is None

    def test_without_frames_their_reason_is_given(self, motion: Transform) -> None:
        pelvis = person(motion)
        lacking = {
            side.value: replace(
                hip_of(pelvis, side), frames={}, reasons={"pelvis_isb_from_patient": "psis is missing: cut"}
            )
            for side in Side
        }
        got = offsets(replace(pelvis, **lacking), Side.LEFT)["app_minus_isb_flexion"]
        assert (got.value, got.reason) == (None, "psis is missing: cut")

    def test_without_frames_or_reason_that_is_said(self, motion: Transform) -> None:
        pelvis = person(motion)
        bare = {side.value: replace(hip_of(pelvis, side), frames={}) for side in Side}
        got = offsets(replace(pelvis, **bare), Side.LEFT)["app_minus_isb_flexion"]
        assert got.reason == "the pelvic frames are missing"

    def test_without_a_landmark_its_reason_is_given(self, motion: Transform) -> None:
        pelvis = person(motion)
        hip = hip_of(pelvis, Side.LEFT)
        kept = {name: mark for name, mark in hip.landmarks.items() if name != "epicondyle_medial"}
        hip = replace(hip, landmarks=kept, reasons={"epicondyle_medial": "cut"})
        got = offsets(replace(pelvis, left=hip), Side.LEFT)["pca_minus_tea_rotation"]
        assert (got.value, got.sigma, got.reason) == (None, None, "epicondyle medial is missing: cut")
