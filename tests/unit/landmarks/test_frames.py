"""Joint frames on made-up points, and clinical angles against what they do to a knee and a foot."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.landmarks import frames
from ischio.types import Frame, Landmark, Side, Transform

PATIENT = Frame("patient", "scan")
N_FRAMES = 8
AXIS_NOISE = 1e-12  # of unit vectors, from points some 100 mm apart
ORIGIN_NOISE_MM = 1e-9  # float64 some 500 mm from the origin
ANGLE_NOISE_DEG = 1e-8  # arcsin near 80 degrees, of products of three rotations

both_sides = pytest.mark.parametrize("side", Side, ids=lambda side: side.value)

# ISB directions in patient LPS, for a patient who lies straight in the scanner.
FORWARD, UP, RIGHT = np.array([0.0, -1, 0]), np.array([0.0, 0, 1]), np.array([-1.0, 0, 0])

# A pelvis in those directions: forward, up, right of its origin, mm; a little askew, as people are.
ASIS = ((40.0, 70.0, 118.0), (40.0, 70.0, -122.0))
PSIS = ((-95.0, 70.0, 41.0), (-95.0, 70.0, -38.0))
TUBERCLES = ((40.0, -25.0, 24.0), (40.0, -25.0, -29.0))
KNEE = {"lateral": (-3.0, -405.0, 38.0), "medial": (-3.0, -405.0, -38.0)}  # Z for a right knee


def place(isb_mm: tuple[float, ...] | np.ndarray, motion: Transform) -> np.ndarray:
    """A point given in ISB directions of a straight patient, after a motion of the patient."""
    return motion.apply(np.asarray(isb_mm) @ np.stack([FORWARD, UP, RIGHT]))


def lying(rng: np.random.Generator) -> Transform:
    """Anyhow, but in one scan: the source and target are the same frame."""
    return Transform(PATIENT, PATIENT, phantoms.random_motion(rng).matrix)


def pair(points: tuple[tuple[float, ...], ...], motion: Transform) -> tuple[np.ndarray, np.ndarray]:
    return place(points[0], motion), place(points[1], motion)


def isb(motion: Transform, origin: np.ndarray | None = None) -> Transform:
    middle = place((0, 0, 0), motion) if origin is None else origin
    return frames.pelvis_isb(PATIENT, middle, pair(ASIS, motion), pair(PSIS, motion))


def app(motion: Transform) -> Transform:
    return frames.pelvis_app(PATIENT, place((0, 0, 0), motion), pair(ASIS, motion), pair(TUBERCLES, motion))


def femur(side: Side, zero: str, motion: Transform) -> Transform:
    lateral, medial = (
        place(np.array(KNEE[word]) * [1, 1, side.sign], motion) for word in ("lateral", "medial")
    )
    return frames.femur_frame(
        PATIENT, side, zero, place((0, 0, 0), motion), (lateral + medial) / 2, lateral, medial
    )


def directions(motion: Transform) -> np.ndarray:
    """Forward, up and right of the patient after a motion, as rows."""
    return np.stack([FORWARD, UP, RIGHT]) @ motion.matrix[:3, :3].T


class TestPelvis:
    @pytest.mark.parametrize("build", [isb, app])
    def test_axes_are_forward_up_and_to_the_right(self, build, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
        """The made-up points lie so that both frames have the patient's own axes."""
        for _ in range(N_FRAMES):
            motion = lying(rng)
            frame = build(motion)
            assert np.abs(frame.matrix[:3, :3] - directions(motion)).max() < AXIS_NOISE
            assert np.abs(frame.apply(place((0, 0, 0), motion))).max() < ORIGIN_NOISE_MM
            assert frame.apply(place((1, 2, 3), motion)) == pytest.approx([1, 2, 3], abs=ORIGIN_NOISE_MM)
            assert (frame.target.kind, frame.target.uid, frame.target.side) == (
                f"pelvis_{build.__name__}",
                "scan",
                None,
            )
            assert frame.source == PATIENT

    def test_isb_lies_in_the_plane_of_both_asis_and_mid_psis(self, rng: np.random.Generator) -> None:
        for _ in range(N_FRAMES):
            asis = (rng.normal(size=3) * 5 + [40, 70, 118], rng.normal(size=3) * 5 + [40, 70, -122])
            psis = (rng.normal(size=3) * 5 + [-95, 70, 41], rng.normal(size=3) * 5 + [-95, 70, -38])
            frame = frames.pelvis_isb(PATIENT, np.zeros(3), asis, psis)
            right, left, back = (frame.apply(point) for point in (*asis, (psis[0] + psis[1]) / 2))
            assert right - left == pytest.approx([0, 0, np.linalg.norm(right - left)], abs=ORIGIN_NOISE_MM)
            assert back[1] == pytest.approx(right[1], abs=ORIGIN_NOISE_MM)
            assert back[0] < right[0]  # the front is in front

    def test_the_anterior_plane_stands_upright(self, rng: np.random.Generator) -> None:
        for _ in range(N_FRAMES):
            asis = (rng.normal(size=3) * 5 + [40, 70, 118], rng.normal(size=3) * 5 + [40, 70, -122])
            low = (rng.normal(size=3) * 5 + [45, -25, 24], rng.normal(size=3) * 5 + [45, -25, -29])
            frame = frames.pelvis_app(PATIENT, np.zeros(3), asis, low)
            right, left, middle = (frame.apply(point) for point in (*asis, (low[0] + low[1]) / 2))
            assert right - left == pytest.approx([0, 0, np.linalg.norm(right - left)], abs=ORIGIN_NOISE_MM)
            assert middle[0] == pytest.approx(right[0], abs=ORIGIN_NOISE_MM)
            assert middle[1] < right[1]

    def test_points_in_one_place_span_nothing(self) -> None:
        here = np.array([1.0, 2, 3])
        for build in (frames.pelvis_isb, frames.pelvis_app):
            with pytest.raises(CannotMeasure, match="two landmarks that span the frame coincide"):
                build(PATIENT, here, (here, here), (here + 1, here + 2))
        with pytest.raises(CannotMeasure, match="coincide"):
            frames.femur_frame(PATIENT, Side.LEFT, "tea", here, here, here + 1, here + 2)


class TestFemur:
    @both_sides
    @pytest.mark.parametrize("zero", ["tea", "pca"])
    def test_z_points_to_the_right_on_both_sides(
        self, side: Side, zero: str, rng: np.random.Generator
    ) -> None:
        for _ in range(N_FRAMES):
            motion = lying(rng)
            frame = femur(side, zero, motion)
            head_to_knee = frame.apply(place((-3, -405, 0), motion))
            assert head_to_knee[[0, 2]] == pytest.approx([0, 0], abs=ORIGIN_NOISE_MM)
            assert head_to_knee[1] < -400
            lateral = frame.apply(place(np.array(KNEE["lateral"]) * [1, 1, side.sign], motion))
            assert lateral[2] == pytest.approx(side.sign * 38, abs=ORIGIN_NOISE_MM)
            assert lateral[0] == pytest.approx(0, abs=ORIGIN_NOISE_MM)
            assert (frame.target.kind, frame.target.side) == ("femur", side)
            assert zero in frame.target.uid

    def test_the_two_rotation_zeros_are_two_frames(self, rng: np.random.Generator) -> None:
        motion = lying(rng)
        assert femur(Side.LEFT, "tea", motion).target != femur(Side.LEFT, "pca", motion).target


class TestNeeds:
    def test_what_is_there_is_returned_in_order(self) -> None:
        marks = {
            name: Landmark(name, None, np.full(3, k), PATIENT, 1.0, "x@1") for k, name in enumerate("ab")
        }
        first, second = frames.need_points(marks, ("b", "a"), {})
        assert (first[0], second[0]) == (1.0, 0.0)

    def test_what_is_missing_is_named_with_its_reason(self) -> None:
        with pytest.raises(
            CannotMeasure, match=r"^epicondyle lateral is missing: the knee is outside the scan$"
        ):
            frames.need_points(
                {}, ("epicondyle_lateral",), {"epicondyle_lateral": "the knee is outside the scan"}
            )
        with pytest.raises(CannotMeasure, match=r"^psis is missing: it was not found$"):
            frames.need_points({}, ("psis",), {})


def turned(axis: np.ndarray, angle_deg: float) -> np.ndarray:
    """Rotation about a unit axis, by its effect on vectors (Rodrigues)."""
    angle = np.radians(angle_deg)
    cross = np.cross(np.eye(3), axis)
    out: np.ndarray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return out


def posed(side: Side, flexion: float, adduction: float, internal: float) -> np.ndarray:
    """Rotation of a femur in the pelvis: turned about its own axes as an examiner does it.

    Flexion lifts the knee forwards, adduction brings it to the midline, internal rotation turns
    the front of the knee to the midline; each about the axis as the one before has left it.
    """
    forward, up, right = np.eye(3)
    lift = turned(right, flexion)
    inwards = turned(lift @ forward, side.sign * adduction)
    twist = turned(inwards @ lift @ up, side.sign * internal)
    out: np.ndarray = twist @ inwards @ lift
    return out


def pose_after(rotation: np.ndarray, side: Side, rng: np.random.Generator):  # type: ignore[no-untyped-def]
    """Pose that is read off frames of a patient who lies anyhow, the femur anywhere in the pelvis."""
    pelvis = isb(lying(rng))
    in_pelvis = np.eye(4)
    in_pelvis[:3, :3], in_pelvis[:3, 3] = rotation, rng.normal(size=3) * 50
    from_pelvis = np.asarray(np.linalg.inv(in_pelvis), dtype=np.float64)
    femur_from_pelvis = Transform(Frame("femur", "scan:tea", side), pelvis.target, from_pelvis)
    return frames.pose_of(pelvis, femur_from_pelvis @ pelvis, side, ("isb", "tea"))


class TestPose:
    @both_sides
    def test_the_helper_moves_a_leg_as_an_examiner_does(self, side: Side) -> None:
        knee, front = np.array([0.0, -400, 0]), np.array([1.0, 0, 0])
        midline = -side.sign
        assert (posed(side, 30, 0, 0) @ knee)[0] > 100  # forwards
        assert (posed(side, 0, 30, 0) @ knee)[2] * midline > 100  # to the midline
        assert (posed(side, 0, 0, 30) @ front)[2] * midline > 0.4  # the front turns inwards

    @both_sides
    def test_known_poses_come_back(self, side: Side, rng: np.random.Generator) -> None:
        for _ in range(40):
            angles = rng.uniform([-60, -75, -80], [130, 75, 80])
            pose = pose_after(posed(side, *angles), side, rng)
            found = (pose.flexion_deg, pose.adduction_deg, pose.internal_rotation_deg)
            assert found == pytest.approx(tuple(angles), abs=ANGLE_NOISE_DEG)
            assert (pose.pelvic_zero, pose.rotation_zero) == ("isb", "tea")

    @both_sides
    @pytest.mark.parametrize(
        ("name", "angles"),
        [
            ("flexion_deg", (25.0, 0.0, 0.0)),
            ("adduction_deg", (0.0, 25.0, 0.0)),
            ("internal_rotation_deg", (0.0, 0.0, 25.0)),
        ],
    )
    def test_one_movement_is_one_positive_angle(
        self, side: Side, name: str, angles: tuple[float, float, float], rng: np.random.Generator
    ) -> None:
        pose = pose_after(posed(side, *angles), side, rng)
        for each in ("flexion_deg", "adduction_deg", "internal_rotation_deg"):
            assert getattr(pose, each) == pytest.approx(25.0 if each == name else 0.0, abs=ANGLE_NOISE_DEG)

    @both_sides
    def test_a_straight_leg_has_no_angles(self, side: Side, rng: np.random.Generator) -> None:
        """Through the frames of real use: the mechanical axis is vertical but for 3 mm in 405."""
        motion = lying(rng)
        pose = frames.pose_of(isb(motion), femur(side, "pca", motion), side, ("isb", "pca"))
        assert pose.flexion_deg == pytest.approx(-np.degrees(np.arctan2(3, 405)), abs=ANGLE_NOISE_DEG)
        assert pose.adduction_deg == pytest.approx(0, abs=ANGLE_NOISE_DEG)
        assert pose.internal_rotation_deg == pytest.approx(0, abs=ANGLE_NOISE_DEG)

    @both_sides
    def test_the_mirrored_hip_has_the_same_pose(self, side: Side, rng: np.random.Generator) -> None:
        """A mirror across the sagittal plane turns about forward and up the other way round."""
        rotation = posed(side, 33, -12, 21)
        across = np.diag([1.0, 1.0, -1.0])
        here = pose_after(rotation, side, rng)
        there = pose_after(across @ rotation @ across, side.other, rng)
        for name in ("flexion_deg", "adduction_deg", "internal_rotation_deg"):
            assert getattr(there, name) == pytest.approx(getattr(here, name), abs=ANGLE_NOISE_DEG)


class TestRough:
    def test_left_and_up_make_isb_directions(self, rng: np.random.Generator) -> None:
        for _ in range(N_FRAMES):
            motion = lying(rng)
            forward, up, right = directions(motion)
            frame = frames.anatomy_frame(PATIENT, motion.matrix[:3, 3], -3 * right, up + 0.2 * right)
            assert np.abs(frame.matrix[:3, :3] - [forward, up, right]).max() < AXIS_NOISE
            assert frame.target.uid.endswith(":rough")  # never taken for a frame from landmarks
            assert frame.target != isb(motion).target

    def test_left_along_up_says_nothing(self) -> None:
        with pytest.raises(CannotMeasure, match="coincide"):
            frames.anatomy_frame(PATIENT, np.zeros(3), UP, 2 * UP)
