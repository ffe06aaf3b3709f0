"""Read points in the place of found ones: what follows from them, what is kept, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import AnatomyError
from ischio.atlas import reconstruction
from ischio.io.landmark_names import LANDMARK_BONES
from ischio.io.markups import MarkedPoint
from ischio.landmarks import find_pelvis, with_read_points
from ischio.landmarks.override import MAX_OFF_BONE_MM, READER_SIGMA_MM
from ischio.measures import REGISTRY, take
from ischio.types import Bone, Hip, Landmark, Pelvis, Side

NOISE_MM = 1e-9  # float64 a metre from the origin
SMALL_MM = np.array([1.0, -1.0, 0.5])  # as far as a reader may be from the software without a warning


@pytest.fixture(scope="module")
def found() -> Pelvis:
    """A reconstructed person: whole pelvis, left femur."""
    pelvis, _ = find_pelvis(
        reconstruction(person=18),
        axes="LPS",
        sides=tuple(Side),
        posture="model",
        progress=lambda _words, _fraction: None,
    )
    return pelvis


def left_of(pelvis: Pelvis) -> Hip:
    """The left hip, which is there."""
    assert pelvis.left is not None
    return pelvis.left


def right_of(pelvis: Pelvis) -> Hip:
    """The right hip, which is there."""
    assert pelvis.right is not None
    return pelvis.right


def moved(
    pelvis: Pelvis, name: str, by_mm: np.ndarray, side: Side = Side.LEFT, **more: object
) -> MarkedPoint:
    """The found landmark, marked somewhere else."""
    hip = left_of(pelvis) if side is Side.LEFT else right_of(pelvis)
    given = {"reader": "anna", **more}
    return MarkedPoint(name, side, hip.point(name) + by_mm, **given)  # type: ignore[arg-type]


def without(hip: Hip, *names: str, **changes: object) -> Hip:
    """A hip that lacks landmarks."""
    kept = {name: mark for name, mark in hip.landmarks.items() if name not in names}
    return replace(hip, landmarks=kept, reasons={**hip.reasons, **dict.fromkeys(names, "cut")}, **changes)  # type: ignore[arg-type]


class TestReadPoint:
    def test_it_takes_the_place_and_keeps_the_found_one_beside_it(self, found: Pelvis) -> None:
        before = left_of(found).landmarks["asis"]
        result = with_read_points(found, [moved(found, "asis", SMALL_MM, when="2025-01-31")])
        got = left_of(result.pelvis).landmarks["asis"]
        assert (got.method, got.sigma_mm, got.side) == ("reader:anna", READER_SIGMA_MM, Side.LEFT)
        assert got.frame == before.frame
        assert np.abs(got.point_mm - before.point_mm - SMALL_MM).max() < NOISE_MM
        assert got.detail == {
            "when": "2025-01-31",
            "sigma": "default for a reader, not measured",
            "replaces": {
                "point_mm": before.point_mm.tolist(),
                "sigma_mm": before.sigma_mm,
                "method": before.method,
                "distance_mm": pytest.approx(1.5, abs=NOISE_MM),
            },
        }
        assert result.notes == ("markups: left asis read by anna",)

    def test_a_stated_sigma_is_taken(self, found: Pelvis) -> None:
        result = with_read_points(found, [moved(found, "asis", SMALL_MM, sigma_mm=1.3)])
        got = left_of(result.pelvis).landmarks["asis"]
        assert (got.sigma_mm, got.detail["sigma"]) == (1.3, "as stated")

    def test_one_that_was_not_found_is_added(self, found: Pelvis) -> None:
        mark = moved(found, "psis", np.zeros(3))
        lacking = replace(found, left=without(left_of(found), "psis"))
        got = left_of(with_read_points(lacking, [mark]).pelvis)
        assert got.landmarks["psis"].detail["replaces"] is None
        assert "psis" not in got.reasons

    def test_one_that_nobody_moved_stays_as_found(self, found: Pelvis) -> None:
        names = LANDMARK_BONES.keys() & left_of(found).landmarks.keys()
        marks = [moved(found, name, np.full(3, 0.4e-4)) for name in sorted(names)]
        result = with_read_points(found, marks)
        assert dict(left_of(result.pelvis).landmarks) == dict(left_of(found).landmarks)
        assert dict(left_of(result.pelvis).frames) == dict(left_of(found).frames)
        assert result.notes == (
            f"markups: {len(marks)} points left to the software, since nobody moved them",
        )

    @pytest.mark.parametrize("name", ["femoral_head_centre", "neck_isthmus_centre"])
    def test_the_necks_axis_follows_its_ends(self, found: Pelvis, name: str) -> None:
        got = left_of(with_read_points(found, [moved(found, name, SMALL_MM)]).pelvis)
        along = got.point("femoral_head_centre") - got.point("neck_isthmus_centre")
        direction = np.array(got.landmarks["neck_isthmus_centre"].detail["direction"])
        assert np.abs(direction - along / np.linalg.norm(along)).max() < NOISE_MM

    def test_a_head_without_a_neck_can_be_read(self, found: Pelvis) -> None:
        mark = moved(found, "femoral_head_centre", SMALL_MM)
        lacking = replace(found, left=without(left_of(found), "neck_isthmus_centre"))
        assert "neck_isthmus_centre" not in left_of(with_read_points(lacking, [mark]).pelvis).landmarks

    def test_one_in_the_midline(self, found: Pelvis) -> None:
        surface = left_of(found).hip_bone
        assert surface is not None  # the joined pelvis holds the sacrum
        mark = MarkedPoint("sacral_promontory", None, surface.vertices_mm[0], "anna")
        got = with_read_points(replace(found, reasons={"sacral_promontory": "no sacrum"}), [mark])
        assert got.pelvis.landmarks["sacral_promontory"].method == "reader:anna"
        assert dict(got.pelvis.reasons) == {}
        assert got.notes == ("markups: midline sacral_promontory read by anna",)

    def test_one_on_a_sacrum_of_its_own(self) -> None:
        whole = phantoms.pelvis()
        plate = left_of(whole).hip_bone
        assert plate is not None
        sacrum = Bone("sacrum", None, plate.vertices_mm, plate.faces, plate.frame, plate.edge_mm, "phantom")
        mark = MarkedPoint("sacral_centre", None, plate.vertices_mm[0], "anna")
        got = with_read_points(replace(whole, sacrum=sacrum), [mark])
        assert list(got.pelvis.landmarks) == ["sacral_centre"]

    def test_it_may_be_read_again(self, found: Pelvis) -> None:
        once = with_read_points(found, [moved(found, "femoral_head_centre", SMALL_MM)]).pelvis
        mark = moved(once, "femoral_head_centre", SMALL_MM, reader="bert")
        got = left_of(with_read_points(once, [mark]).pelvis).landmarks["femoral_head_centre"]
        assert got.method == "reader:bert"
        assert got.detail["replaces"]["method"] == "reader:anna"
        assert got.detail["radius_method"] == "sphere_fit@1"


class TestWhatFollows:
    def test_the_head_moves_its_frames_and_keeps_its_radius(self, found: Pelvis) -> None:
        before = left_of(found)
        got = left_of(with_read_points(found, [moved(found, "femoral_head_centre", SMALL_MM)]).pelvis)
        head = got.landmarks["femoral_head_centre"]
        assert head.detail["radius_mm"] == before.landmarks["femoral_head_centre"].detail["radius_mm"]
        for zero in ("tea", "pca"):
            frame = got.frames[f"femur_{zero}_from_patient"]
            assert np.abs(frame.apply(head.point_mm)).max() < NOISE_MM
            along = frame.apply(got.point("knee_centre"))
            assert np.abs(along[[0, 2]]).max() < NOISE_MM
        assert len(got.poses) == len(before.poses) == 2
        assert got.poses[0] != before.poses[0]
        assert got.frames["pelvis_isb_from_patient"] is before.frames["pelvis_isb_from_patient"]

    def test_an_epicondyle_moves_the_knee(self, found: Pelvis) -> None:
        before = left_of(found)
        got = left_of(with_read_points(found, [moved(found, "epicondyle_lateral", 2 * SMALL_MM)]).pelvis)
        assert np.abs(got.point("knee_centre") - before.point("knee_centre") - SMALL_MM).max() < NOISE_MM
        assert got.landmarks["knee_centre"].method == before.landmarks["knee_centre"].method

    def test_a_read_knee_stays(self, found: Pelvis) -> None:
        marks = [moved(found, name, SMALL_MM) for name in ("epicondyle_lateral", "knee_centre")]
        got = left_of(with_read_points(found, marks).pelvis)
        assert got.landmarks["knee_centre"].method == "reader:anna"
        again = with_read_points(replace(found, left=got), [moved(found, "epicondyle_medial", SMALL_MM)])
        assert left_of(again.pelvis).landmarks["knee_centre"] is got.landmarks["knee_centre"]

    def test_read_epicondyles_give_a_femur_its_missing_frames(self, found: Pelvis) -> None:
        ends = ("epicondyle_lateral", "epicondyle_medial")
        frames = {key: one for key, one in left_of(found).frames.items() if not key.startswith("femur")}
        lacking = without(left_of(found), *ends, "knee_centre", frames=frames, poses=())
        marks = [moved(found, name, np.zeros(3)) for name in ends]
        one_end = left_of(with_read_points(replace(found, left=lacking), marks[:1]).pelvis)
        assert one_end.reasons["femur_tea_from_patient"] == "epicondyle medial is missing: cut"
        assert one_end.reasons["femur_pca_from_patient"] == "knee centre is missing: cut"
        got = left_of(with_read_points(replace(found, left=lacking), marks).pelvis)
        assert got.poses == left_of(found).poses
        assert {"knee_centre", "femur_tea_from_patient"} & got.reasons.keys() == set()

    def test_a_spine_turns_the_pelvis_of_both_hips(self, found: Pelvis) -> None:
        result = with_read_points(found, [moved(found, "asis", SMALL_MM)]).pelvis
        for key in ("pelvis_isb_from_patient", "pelvis_app_from_patient"):
            turned = [hip.frames[key].matrix[:3, :3] for hip in result.hips]
            assert np.array_equal(*turned)
            assert np.abs(turned[0] - left_of(found).frames[key].matrix[:3, :3]).max() > 1e-3  # 0.06 degrees
            for hip in result.hips:
                assert np.abs(hip.frames[key].apply(hip.point("acetabular_centre"))).max() < NOISE_MM
        assert left_of(result).poses != left_of(found).poses

    def test_the_same_points_give_the_same_frames(self, found: Pelvis) -> None:
        """Frames that are built again from points as they were found are those that were found."""
        names = ("asis", "femoral_head_centre", "acetabular_centre")
        lacking = replace(found, left=without(left_of(found), *names))
        got = left_of(with_read_points(lacking, [moved(found, name, np.zeros(3)) for name in names]).pelvis)
        for key, frame in left_of(found).frames.items():
            assert np.abs(got.frames[key].matrix - frame.matrix).max() < NOISE_MM
        assert got.poses == left_of(found).poses

    def test_a_socket_moves_its_frames_alone(self, found: Pelvis) -> None:
        result = with_read_points(found, [moved(found, "acetabular_centre", SMALL_MM)]).pelvis
        got, before = left_of(result), left_of(found)
        frame = got.frames["pelvis_isb_from_patient"]
        assert np.abs(frame.apply(got.point("acetabular_centre"))).max() < NOISE_MM
        assert np.array_equal(frame.matrix[:3, :3], before.frames["pelvis_isb_from_patient"].matrix[:3, :3])
        assert got.poses == before.poses
        assert result.right is found.right

    def test_a_socket_that_was_not_fitted_keeps_the_origin(self, found: Pelvis) -> None:
        lacking = replace(found, left=without(left_of(found), "acetabular_centre"))
        got = left_of(with_read_points(lacking, [moved(found, "asis", SMALL_MM)]).pelvis)
        origin = got.frames["pelvis_isb_from_patient"].apply(left_of(found).point("acetabular_centre"))
        assert np.abs(origin).max() < NOISE_MM

    def test_without_any_origin_there_is_a_reason(self, found: Pelvis) -> None:
        lacking = replace(found, left=without(left_of(found), "acetabular_centre", frames={}))
        result = with_read_points(lacking, [moved(found, "asis", SMALL_MM)]).pelvis
        assert left_of(result).reasons["pelvis_isb_from_patient"] == (
            "the acetabular centre is missing; read it, too"
        )
        assert "pelvis_isb_from_patient" in right_of(result).frames

    def test_one_side_of_a_joined_pelvis(self, found: Pelvis) -> None:
        result = with_read_points(replace(found, right=None), [moved(found, "asis", SMALL_MM)]).pelvis
        reason = "a point of it was read, but the other side was not asked for"
        for reasons in (result.reasons, left_of(result).reasons):
            assert reasons["pelvis_app_from_patient"] == reason
        assert left_of(result).poses == ()
        kept = with_read_points(replace(found, right=None), [moved(found, "aiis", SMALL_MM)]).pelvis
        assert left_of(kept).poses == left_of(found).poses

    def test_a_tip_leaves_the_region_and_the_measure_says_so(self, found: Pelvis) -> None:
        result = with_read_points(found, [moved(found, "lesser_trochanter_tip", SMALL_MM)]).pelvis
        gap = next(one for one in REGISTRY if one.name == "ischiofemoral_space_3d")
        before, after = (take(gap, left_of(one), Side.LEFT) for one in (found, result))
        assert after.value == before.value
        assert "lesser_trochanter" not in before.detail
        assert after.detail["lesser_trochanter"] == "region as found; its tip alone was read (reader:anna)"
        assert left_of(result).poses is left_of(found).poses


class TestWarnings:
    def test_far_from_where_it_was_found(self, found: Pelvis) -> None:
        surface = left_of(found).hip_bone
        assert surface is not None
        asis = left_of(found).point("asis")
        away = np.linalg.norm(surface.vertices_mm - asis, axis=1)
        far = surface.vertices_mm[np.argmin(np.abs(away - 30))]  # on the bone, and 30 mm from the spine
        result = with_read_points(found, [MarkedPoint("asis", Side.LEFT, far, "anna")])
        assert len([text for text in result.warnings if text.startswith("left asis: read ")]) == 1
        assert left_of(result.pelvis).landmarks["asis"].method == "reader:anna"

    def test_a_head_outside_its_socket_is_judged_again(self) -> None:
        whole = phantoms.pelvis()
        off = with_read_points(whole, [moved(whole, "femoral_head_centre", 4 * SMALL_MM)], warnings=("old",))
        assert off.warnings[0] == "old"
        assert "head centre and acetabular centre are 6.0 mm apart" in off.warnings[1]
        hip = left_of(off.pelvis)
        back = MarkedPoint("femoral_head_centre", Side.LEFT, hip.point("acetabular_centre"), "anna")
        again = with_read_points(off.pelvis, [back], warnings=off.warnings[:2])
        assert again.warnings == ("old",)


class TestRefusals:
    def test_off_its_bone(self, found: Pelvis) -> None:
        mark = moved(found, "lesser_trochanter_tip", np.array([0.0, 60.0, 0.0]))
        with pytest.raises(
            AnatomyError, match=r"left lesser trochanter tip: got a point .* left femur"
        ) as caught:
            with_read_points(found, [mark])
        assert f"at most {MAX_OFF_BONE_MM:g} mm" in str(caught.value)

    def test_as_far_as_that_is_allowed(self) -> None:
        whole = phantoms.pelvis()
        plate = left_of(whole).hip_bone
        assert plate is not None
        corner = plate.vertices_mm[np.argmax(plate.vertices_mm @ [1.0, 0, 0])]
        for away, is_refused in ((MAX_OFF_BONE_MM - 0.01, False), (MAX_OFF_BONE_MM + 0.01, True)):
            mark = MarkedPoint("piis", Side.LEFT, corner + [away, 0, 0], "anna")
            if is_refused:
                with pytest.raises(AnatomyError, match="left piis: got a point 15 mm from the surface"):
                    with_read_points(whole, [mark])
            else:
                assert "piis" in left_of(with_read_points(whole, [mark]).pelvis).landmarks

    def test_centres_may_lie_off_it(self, found: Pelvis) -> None:
        mark = moved(found, "femoral_head_centre", np.zeros(3))
        lacking = replace(found, left=without(left_of(found), "femoral_head_centre"))
        assert "femoral_head_centre" in left_of(with_read_points(lacking, [mark]).pelvis).landmarks

    def test_on_the_other_side(self, found: Pelvis) -> None:
        mark = MarkedPoint("asis", Side.LEFT, right_of(found).point("asis") + SMALL_MM, "anna")
        with pytest.raises(AnatomyError, match=r"left asis: got a point .* mm from the right one"):
            with_read_points(found, [mark])

    @pytest.mark.parametrize(
        ("name", "side", "words"),
        [
            ("lesser_trochanter_tip", Side.RIGHT, "right lesser trochanter tip: got no femur of that side"),
            ("sacral_centre", None, "sacral centre: got no sacrum"),
        ],
    )
    def test_without_its_bone(self, name: str, side: Side | None, words: str) -> None:
        whole = phantoms.pelvis(right_gap_mm=None)
        with pytest.raises(AnatomyError, match=words):
            with_read_points(whole, [MarkedPoint(name, side, np.zeros(3), "anna")])


def test_a_landmark_without_a_radius_gets_none(found: Pelvis) -> None:
    got = with_read_points(found, [moved(found, "knee_centre", SMALL_MM)]).pelvis
    knee: Landmark = left_of(got).landmarks["knee_centre"]
    assert "radius_mm" not in knee.detail
