"""One reconstructed person through the whole search: any direction, side, mesh and part of the bones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import AnatomyError
from ischio.geometry.surface_gap import surface_gap
from ischio.landmarks import find_pelvis
from ischio.landmarks.findings import Findings
from ischio.measures import run
from ischio.types import Bone, Frame, Hip, Pelvis, Side
from ischio.validation.invariance import mirrored, moved, orientation_rows, subdivided, thinned

Cut = Callable[[Bone, np.ndarray], Bone]

# Another mesh of the same surface: its faces end elsewhere, so the regions do, by about an edge.
GAP_MM, POINT_MM = 0.5, 1.0
# The same faces seen in a mirror: the search tries other directions and stops elsewhere within its steps.
MIRROR_GAP_MM, MIRROR_POINT_MM = 0.1, 0.5
CUT_MM = 1.0  # parts of bones: the fitted model, and with it the ischium's border, move a little
FACE_NOISE_MM = 1e-9

POINTS = ("femoral_head_centre", "lesser_trochanter_tip", "acetabular_centre")


def searched(bones: Iterable[Bone], axes: str = "LPS", **options: object) -> tuple[Pelvis, tuple[str, ...]]:
    settings: dict[str, object] = {"sides": tuple(Side), "posture": "model", **options}
    settings.setdefault("progress", lambda _words, _share: None)
    return find_pelvis(tuple(bones), axes=axes, **settings)  # type: ignore[arg-type]


def gap_of(pelvis: Pelvis, side: Side) -> float | None:
    return next(row.value for row in run(pelvis, (side,)) if row.name == "ischiofemoral_space_3d")


def hip_of(pelvis: Pelvis, side: Side) -> Hip:
    hip: Hip | None = getattr(pelvis, side.value)
    assert hip is not None
    return hip


def assert_same(hip: Hip, base: Hip, names: Iterable[str], within_mm: float) -> None:
    for name in names:
        assert np.linalg.norm(hip.point(name) - base.point(name)) < within_mm, name


def assert_reasons(pelvis: Pelvis, sides: Iterable[Side] = tuple(Side)) -> None:
    """A value or a reason for everything, and a row for every measure."""
    for row in run(pelvis, sides):
        assert (row.value is None) == bool(row.reason)
    for hip in pelvis.hips:
        for name in (*POINTS, "lesser_trochanter", "ischium"):
            assert (name in hip.landmarks or name in hip.regions) or hip.reasons[name], name


@pytest.fixture(scope="module")
def told() -> list[tuple[str, float]]:
    """What was said while ``base`` was searched."""
    return []


@pytest.fixture(scope="module")
def base(person: tuple[Bone, ...], told: list[tuple[str, float]]) -> Pelvis:
    return searched(person, jobs=2, progress=lambda words, share: told.append((words, share)))[0]


@pytest.fixture(scope="module")
def left(base: Pelvis) -> Hip:
    return hip_of(base, Side.LEFT)


class TestPerson:
    def test_everything_of_the_left_hip_is_found(self, base: Pelvis, left: Hip) -> None:
        assert set(POINTS) <= set(left.landmarks)
        assert set(left.regions) >= {"lesser_trochanter", "ischium"}
        assert {(pose.pelvic_zero, pose.rotation_zero) for pose in left.poses} == {
            ("isb", "tea"),
            ("app", "pca"),
        }
        for name in ("pelvis_isb", "pelvis_app", "femur_tea", "femur_pca"):
            assert f"{name}_from_patient" in left.frames
        assert all(mark.side is Side.LEFT and mark.sigma_mm > 0 for mark in left.landmarks.values())
        assert left.posture == "model"
        assert base.sacrum is None
        assert_reasons(base)

    def test_the_right_hip_says_that_its_femur_is_absent(self, base: Pelvis) -> None:
        right = hip_of(base, Side.RIGHT)
        assert {region.bone for region in right.regions.values()} == {"pelvis"}
        assert "ischium" in right.regions
        assert gap_of(base, Side.RIGHT) is None
        for name in ("femur", "femoral_head_centre", "lesser_trochanter_tip", "lesser_trochanter"):
            assert right.reasons[name] == "no right femur in the input"
        assert right.poses == ()

    def test_landmarks_lie_where_anatomy_says(self, left: Hip) -> None:
        """Patient LPS: x to the left, y backwards, z up."""
        head, tip = left.point("femoral_head_centre"), left.point("lesser_trochanter_tip")
        assert 30 < head[2] - tip[2] < 80
        assert tip[1] > head[1]
        assert left.femur is not None
        assert left.hip_bone is not None
        # The tip is on the surface; the region is round it, no higher than the neck's lower border.
        assert np.linalg.norm(left.femur.triangles_mm.mean(axis=1) - tip, axis=1).min() < left.femur.edge_mm
        trochanter = left.region_triangles("lesser_trochanter").mean(axis=1)
        assert np.linalg.norm(trochanter - tip, axis=1).max() <= 20.0
        assert (
            np.linalg.norm(trochanter - head, axis=1).min()
            > left.landmarks["femoral_head_centre"].detail["radius_mm"]
        )
        ischium = left.region_triangles("ischium").mean(axis=1)
        assert (ischium[:, 0] > left.hip_bone.vertices_mm[:, 0].mean()).all()
        assert np.linalg.norm(ischium - left.point("acetabular_centre"), axis=1).min() > 20
        assert set(left.regions["ischium"].sub_parts) == {"body", "tuberosity", "ramus"}

    def test_the_frames_are_the_patients_within_what_people_differ(self, left: Hip) -> None:
        forward_up_right = np.array([[0, -1.0, 0], [0, 0, 1.0], [-1.0, 0, 0]])
        for name, frame in left.frames.items():
            assert (np.diag(frame.matrix[:3, :3] @ forward_up_right.T) > np.cos(np.radians(30))).all(), name

    def test_the_gap_is_that_of_its_two_regions(self, base: Pelvis, left: Hip) -> None:
        found = surface_gap(left.region_triangles("lesser_trochanter"), left.region_triangles("ischium"))
        assert gap_of(base, Side.LEFT) == pytest.approx(found.gap_mm, abs=FACE_NOISE_MM)

    def test_threads_change_nothing(self, person: tuple[Bone, ...], base: Pelvis) -> None:
        pelvis, _ = searched(person, jobs=1)
        for side in Side:
            a, b = hip_of(pelvis, side), hip_of(base, side)
            assert dict(a.reasons) == dict(b.reasons)
            assert list(a.landmarks) == list(b.landmarks)
            for name in a.landmarks:
                assert a.point(name).tolist() == b.point(name).tolist()
                assert dict(a.landmarks[name].detail) == dict(b.landmarks[name].detail)
            for name in a.regions:
                assert a.regions[name].face_indices.tolist() == b.regions[name].face_indices.tolist()
            for name in a.frames:
                assert a.frames[name].matrix.tolist() == b.frames[name].matrix.tolist()

    @pytest.mark.usefixtures("base")
    def test_progress_goes_up_and_names_the_bones(self, told: list[tuple[str, float]]) -> None:
        shares = [share for _, share in told]
        assert shares == sorted(shares)
        assert 0.0 <= shares[0] <= shares[-1] <= 1.0
        assert {"found the left femur", "found the pelvis"} <= {words for words, _ in told}

    def test_only_the_wanted_side_is_searched(self, person: tuple[Bone, ...], left: Hip) -> None:
        pelvis, _ = searched(person, sides=(Side.LEFT,))
        assert pelvis.right is None
        assert_same(hip_of(pelvis, Side.LEFT), left, POINTS, FACE_NOISE_MM)


class TestSameBones:
    @pytest.mark.slow
    def test_any_direction_gives_the_same_hip(self, person: tuple[Bone, ...]) -> None:
        """Twelve random directions and places, axes unknown; the rows hold what may change."""
        rows = orientation_rows(person, "person 18", 12, lambda _words, _share: None)
        assert [row.quantity for row in rows if row.verdict != "pass"] == []

    def test_regions_turn_with_the_bones(self, person: tuple[Bone, ...], left: Hip) -> None:
        """Upside down, 1 m away: the same faces but for a few at the border."""
        around = np.diag([1.0, -1.0, -1.0])
        hip = hip_of(searched(moved(person, around, np.array([900.0, -300, 500])), "unknown")[0], Side.LEFT)
        for name in ("lesser_trochanter", "ischium"):
            one, two = (set(each.regions[name].face_indices.tolist()) for each in (hip, left))
            assert len(one ^ two) < 0.02 * len(one | two), name
        assert len(hip.poses) == len(left.poses)
        for one_pose, two_pose in zip(hip.poses, left.poses, strict=True):
            assert one_pose.flexion_deg == pytest.approx(two_pose.flexion_deg, abs=0.5)  # degrees
            assert one_pose.internal_rotation_deg == pytest.approx(two_pose.internal_rotation_deg, abs=0.5)

    def test_the_mirror_image_is_the_other_side(
        self, person: tuple[Bone, ...], base: Pelvis, left: Hip
    ) -> None:
        pelvis, _ = searched(mirrored(person))
        right = hip_of(pelvis, Side.RIGHT)
        for name in POINTS:
            assert np.linalg.norm(right.point(name) * [-1, 1, 1] - left.point(name)) < MIRROR_POINT_MM, name
        assert gap_of(pelvis, Side.RIGHT) == pytest.approx(gap_of(base, Side.LEFT), abs=MIRROR_GAP_MM)
        assert gap_of(pelvis, Side.LEFT) is None
        for one, two in zip(right.poses, left.poses, strict=True):
            assert one.flexion_deg == pytest.approx(two.flexion_deg, abs=1.0)  # degrees
            assert one.adduction_deg == pytest.approx(two.adduction_deg, abs=1.0)
            assert one.internal_rotation_deg == pytest.approx(two.internal_rotation_deg, abs=1.0)

    @pytest.mark.parametrize("change", [subdivided, thinned], ids=["twice", "half"])
    def test_another_mesh_gives_the_same_hip(
        self,
        person: tuple[Bone, ...],
        base: Pelvis,
        left: Hip,
        change: Callable[[tuple[Bone, ...]], tuple[Bone, ...]],
    ) -> None:
        changed = change(person)
        n_faces = [sum(len(bone.faces) for bone in bones) for bones in (changed, person)]
        assert n_faces[0] / n_faces[1] == pytest.approx(2.0 if change is subdivided else 0.5, rel=0.3)
        pelvis, _ = searched(changed)
        assert_same(hip_of(pelvis, Side.LEFT), left, POINTS, POINT_MM)
        assert gap_of(pelvis, Side.LEFT) == pytest.approx(gap_of(base, Side.LEFT), abs=GAP_MM)


class TestParts:
    def parts(self, person: tuple[Bone, ...], left: Hip, cut: Cut, below_mm: float) -> tuple[Bone, Bone]:
        """Femur cut so far below the trochanter; pelvis cut at the roof of the socket."""
        femur, pelvis = person
        heights = [bone.triangles_mm.mean(axis=1)[:, 2] for bone in person]
        head = left.landmarks["femoral_head_centre"]
        return (
            cut(femur, heights[0] > left.point("lesser_trochanter_tip")[2] - below_mm),
            cut(pelvis, heights[1] < head.point_mm[2] + head.detail["radius_mm"]),
        )

    def test_short_bones_give_the_same_hip(
        self, person: tuple[Bone, ...], base: Pelvis, left: Hip, cut: Cut
    ) -> None:
        pelvis, _ = searched(self.parts(person, left, cut, 70.0))
        hip = hip_of(pelvis, Side.LEFT)
        assert_same(hip, left, POINTS, CUT_MM)
        assert gap_of(pelvis, Side.LEFT) == pytest.approx(gap_of(base, Side.LEFT), abs=CUT_MM)
        for name in ("epicondyle_lateral", "posterior_condyle_medial", "asis", "psis"):
            assert "does not reach" in hip.reasons[name]
        assert hip.poses == ()
        assert_reasons(pelvis)

    @pytest.mark.parametrize("below_mm", [40.0, -25.0])
    def test_ever_shorter_femora_give_values_or_reasons(
        self, person: tuple[Bone, ...], left: Hip, cut: Cut, below_mm: float
    ) -> None:
        """At 20 mm and less the smooth femur cannot be known; the head stays."""
        femur, _ = self.parts(person, left, cut, below_mm)
        pelvis, _ = searched((femur,), "unknown")
        hip = hip_of(pelvis, Side.LEFT)
        assert_same(hip, left, ["femoral_head_centre"], CUT_MM)
        if "lesser_trochanter_tip" in hip.landmarks:
            assert_same(hip, left, ["lesser_trochanter_tip"], 2 * CUT_MM)
        assert_reasons(pelvis)

    @pytest.mark.parametrize(("above_mm", "axes"), [(-5.0, "LPS"), (-150.0, "unknown")])
    def test_a_femur_without_its_head_has_no_head(
        self, person: tuple[Bone, ...], left: Hip, cut: Cut, above_mm: float, axes: str
    ) -> None:
        """A condyle is round too, and a shaft fits a shaft: neither is a hip."""
        femur = person[0]
        height = femur.triangles_mm.mean(axis=1)[:, 2]
        low = cut(femur, height < left.point("lesser_trochanter_tip")[2] + above_mm)
        pelvis, _ = searched((low,), axes)
        hip = hip_of(pelvis, Side.LEFT)
        assert dict(hip.landmarks) == {}
        assert dict(hip.regions) == {}
        assert "no spherical head was found" in hip.reasons["femoral_head_centre"]
        assert_reasons(pelvis)

    def test_a_femur_alone_has_its_own_measures(self, person: tuple[Bone, ...], left: Hip) -> None:
        pelvis, _ = searched(person[:1])
        assert pelvis.right is None
        hip = hip_of(pelvis, Side.LEFT)
        assert_same(hip, left, ["femoral_head_centre", "lesser_trochanter_tip"], FACE_NOISE_MM)
        assert hip.reasons["ischium"] == "no left hip bone in the input"
        assert "both hip bones" in hip.reasons["pelvis_isb_from_patient"]
        rows = {row.name: row for row in run(pelvis, (Side.LEFT,))}
        assert rows["femoral_head_radius"].value == left.landmarks["femoral_head_centre"].detail["radius_mm"]
        assert "ischium is missing: no left hip bone in the input" in str(
            rows["ischiofemoral_space_3d"].reason
        )
        assert_reasons(pelvis)

    @pytest.mark.parametrize(("side", "axes"), [(Side.LEFT, "LPS"), (Side.RIGHT, "unknown")])
    def test_a_hip_bone_alone_has_values_or_reasons(
        self, halves: dict[Side, Bone], base: Pelvis, side: Side, axes: str
    ) -> None:
        pelvis, warnings = searched((halves[side],), axes)
        hip = hip_of(pelvis, side)
        assert getattr(pelvis, side.other.value) is None
        assert hip.reasons["femur"] == f"no {side.value} femur in the input"
        assert "needs both hip bones" in hip.reasons["pelvis_app_from_patient"]
        assert hip.regions["ischium"].side is side
        whole = hip_of(base, side).region_triangles("ischium").mean(axis=(0, 1))
        # The same ischium, but for the border that the model's fit moves.
        assert np.linalg.norm(hip.region_triangles("ischium").mean(axis=(0, 1)) - whole) < 2 * CUT_MM
        assert_reasons(pelvis)
        assert warnings == ()

    def test_hip_bones_apart_give_the_hip_of_the_joined_pelvis(
        self, person: tuple[Bone, ...], halves: dict[Side, Bone], base: Pelvis, left: Hip
    ) -> None:
        pelvis, _ = searched((person[0], *halves.values()))
        assert_same(hip_of(pelvis, Side.LEFT), left, POINTS, CUT_MM)
        assert gap_of(pelvis, Side.LEFT) == pytest.approx(gap_of(base, Side.LEFT), abs=CUT_MM)
        assert len(hip_of(pelvis, Side.LEFT).poses) == 2

    def test_a_wing_without_socket_is_no_hip_bone(
        self, halves: dict[Side, Bone], left: Hip, cut: Cut
    ) -> None:
        half = halves[Side.LEFT]
        wing = cut(half, half.triangles_mm.mean(axis=1)[:, 2] > left.point("acetabular_centre")[2] + 45)
        pelvis, _ = searched((wing,), "unknown")
        hip = hip_of(pelvis, Side.LEFT)
        assert dict(hip.regions) == {}
        assert hip.reasons["ischium"]
        assert_reasons(pelvis)

    def test_a_hole_where_the_trochanter_was_is_said(
        self, person: tuple[Bone, ...], left: Hip, cut: Cut
    ) -> None:
        femur = person[0]
        away = np.linalg.norm(femur.triangles_mm.mean(axis=1) - left.point("lesser_trochanter_tip"), axis=1)
        pelvis, _ = searched((cut(femur, away > 30),))
        hip = hip_of(pelvis, Side.LEFT)
        assert_same(hip, left, ["femoral_head_centre"], CUT_MM)
        assert hip.reasons["lesser_trochanter"] == "the femur's surface does not reach the lesser trochanter"
        assert "lesser_trochanter" not in hip.regions
        assert_reasons(pelvis)

    def test_a_hip_bone_without_its_ischium_says_so(
        self, halves: dict[Side, Bone], left: Hip, cut: Cut
    ) -> None:
        """The wing, the socket and a little below it."""
        half = halves[Side.LEFT]
        middle = left.point("acetabular_centre")
        behind_or_below = half.triangles_mm.mean(axis=1) - middle
        upper = cut(half, (behind_or_below[:, 2] > -22) & (behind_or_below[:, 1] < 20))
        pelvis, _ = searched((upper,))
        hip = hip_of(pelvis, Side.LEFT)
        assert "ischium" not in hip.regions
        assert "ischium" in hip.reasons["ischium"]
        assert_reasons(pelvis)

    @pytest.mark.parametrize("name", ["hip_bone", "pelvis"])
    def test_a_box_has_no_socket(self, name: str) -> None:
        box = phantoms.hip(Side.LEFT).hip_bone
        assert box is not None
        pelvis, _ = searched((replace(box, name=name, side=Side.LEFT if name == "hip_bone" else None),))
        assert "no hollow socket was found" in hip_of(pelvis, Side.LEFT).reasons["ischium"]
        assert_reasons(pelvis)

    def test_a_ball_is_no_femur(self) -> None:
        """A head alone tells neither side nor directions: it is a head, and the rest has a reason."""
        turn, polar = np.meshgrid(np.linspace(0, 2 * np.pi, 48, endpoint=False), np.linspace(0.05, 3.09, 24))
        x, y, z = np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)
        vertices = 24.0 * np.stack([x, y, z], axis=-1).reshape(-1, 3)
        here = (np.arange(23)[:, None] * 48 + np.arange(48)).ravel()
        next_ = (np.arange(23)[:, None] * 48 + (np.arange(48) + 1) % 48).ravel()
        faces = np.concatenate(
            [np.stack([here, here + 48, next_ + 48], 1), np.stack([here, next_ + 48, next_], 1)]
        )
        ball = Bone("femur", Side.LEFT, vertices, faces, Frame("patient", "made-up"), 3.0, "ball")
        pelvis, _ = searched((ball,), "unknown")
        hip = hip_of(pelvis, Side.LEFT)
        assert set(hip.landmarks) <= {"femoral_head_centre"}
        assert dict(hip.regions) == {}
        assert_reasons(pelvis)


class TestContradictions:
    def test_metres(self, person: tuple[Bone, ...]) -> None:
        small = [replace(bone, vertices_mm=bone.vertices_mm / 1000) for bone in person]
        with pytest.raises(AnatomyError, match="in metres"):
            searched(small)

    def test_a_left_femur_under_a_right_name(self, person: tuple[Bone, ...]) -> None:
        with pytest.raises(AnatomyError, match="got the shape of a left femur; expected a right one"):
            searched((replace(person[0], side=Side.RIGHT),))

    def test_a_mirrored_femur(self, person: tuple[Bone, ...]) -> None:
        (other,) = mirrored(person[:1])
        with pytest.raises(AnatomyError, match="got the shape of a right femur; expected a left one"):
            searched((replace(other, side=Side.LEFT),), "unknown")

    @pytest.mark.parametrize("side", Side, ids=lambda side: side.value)
    def test_a_hip_bone_under_the_other_name(self, halves: dict[Side, Bone], side: Side) -> None:
        with pytest.raises(AnatomyError, match=f"got the shape of a {side.value} hip bone"):
            searched((replace(halves[side], side=side.other),), "unknown")

    def test_a_mirrored_hip_bone(self, halves: dict[Side, Bone]) -> None:
        (other,) = mirrored((halves[Side.LEFT],))
        with pytest.raises(AnatomyError, match="got the shape of a right hip bone; expected a left one"):
            searched((replace(other, side=Side.LEFT),), "unknown")

    def test_a_mirrored_pelvis_and_femur_under_their_old_names(self, person: tuple[Bone, ...]) -> None:
        """A file mirrored as a whole: the femur's side gives it away, since a pelvis has none."""
        turned_over = [
            replace(bone, side=was.side) for bone, was in zip(mirrored(person), person, strict=True)
        ]
        with pytest.raises(AnatomyError, match="mirrored"):
            searched(turned_over)

    def test_ras_given_as_lps(self, person: tuple[Bone, ...]) -> None:
        with pytest.raises(AnatomyError, match="use --axes RAS"):
            searched(moved(person[1:], np.diag([-1.0, -1, 1]), np.zeros(3)))

    def test_upside_down(self, person: tuple[Bone, ...]) -> None:
        with pytest.raises(AnatomyError, match="up along -z"):
            searched(moved(person[1:], np.diag([1.0, -1, -1]), np.zeros(3)))

    def test_bones_of_two_people(self, person: tuple[Bone, ...]) -> None:
        away = moved(person[:1], np.eye(3), np.array([60.0, -20.0, 400.0]))
        with pytest.raises(AnatomyError, match=r"left hip: got a femoral head \d+ mm from its socket"):
            searched((*away, person[1]), "unknown")

    def test_femora_in_each_others_place(self, femora: dict[Side, Findings]) -> None:
        left, right = (femora[side] for side in (Side.LEFT, Side.RIGHT))
        swap = left.centre_mm - right.centre_mm
        bones = (
            replace(left.bone, vertices_mm=left.bone.vertices_mm - swap),
            replace(right.bone, vertices_mm=right.bone.vertices_mm + swap, frame=left.bone.frame),
        )
        with pytest.raises(AnatomyError, match="the right bone on the patient's left"):
            searched(bones)
