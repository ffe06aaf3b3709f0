"""Every contradiction between bones and their names, axes, units and each other is said; nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ischio._check import AnatomyError
from ischio.landmarks import plausible
from ischio.landmarks.findings import Findings
from ischio.types import Bone, Side

Both = dict[Side, Findings]
LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0])


def turn(axis: int, angle_deg: float) -> np.ndarray:
    """Rotation about an axis of the patient."""
    first, second = [k for k in range(3) if k != axis]
    out = np.eye(3)
    angle = np.radians(angle_deg)
    out[[first, second], [first, second]] = np.cos(angle)
    out[first, second], out[second, first] = -np.sin(angle), np.sin(angle)
    return out


def turned(found: Findings, rotation: np.ndarray) -> Findings:
    """What is found on the same bone after a turn."""
    assert found.fit is not None
    return replace(found, fit=replace(found.fit, rotation=rotation @ found.fit.rotation))


def shifted(found: Findings, *shift_mm: float) -> Findings:
    return replace(found, centre_mm=found.centre_mm + shift_mm)


def message(refused: pytest.ExceptionInfo[AnatomyError]) -> str:
    text = str(refused.value)
    assert ": got " in text
    assert "; expected " in text
    assert text.endswith(".")
    return text


class TestSize:
    @pytest.mark.parametrize(
        ("factor", "unit"), [(0.001, "metres"), (0.1, "centimetres"), (1000.0, "micrometres")]
    )
    @pytest.mark.parametrize("which", [0, 1], ids=["femur", "pelvis"])
    def test_another_unit_is_named_and_not_guessed(
        self, person: tuple[Bone, ...], which: int, factor: float, unit: str
    ) -> None:
        bone = replace(person[which], vertices_mm=person[which].vertices_mm * factor)
        with pytest.raises(AnatomyError, match=rf"\(it would fit if the file were in {unit}\)") as refused:
            plausible.check_size(bone)
        assert "Export the surface in millimetres." in message(refused)
        assert message(refused).startswith(f"{bone.label} ({bone.source}): got a size of ")

    @pytest.mark.parametrize("factor", [0.01, 3.0])
    def test_a_size_of_no_unit_is_refused_without_a_guess(
        self, person: tuple[Bone, ...], factor: float
    ) -> None:
        with pytest.raises(AnatomyError, match="corner to corner; expected 60 to 1000 mm"):
            plausible.check_size(replace(person[0], vertices_mm=person[0].vertices_mm * factor))

    def test_whole_small_and_cut_bones_pass(
        self, person: tuple[Bone, ...], cut: Callable[[Bone, np.ndarray], Bone]
    ) -> None:
        femur, pelvis = person
        plausible.check_size(femur)
        plausible.check_size(pelvis)
        plausible.check_size(replace(femur, vertices_mm=femur.vertices_mm * 0.4))  # a child's
        height = femur.triangles_mm.mean(axis=1)[:, 2]
        plausible.check_size(cut(femur, height > height.max() - 90))


class TestSide:
    def test_the_right_name_passes(self, femora: Both) -> None:
        warnings: list[str] = []
        for found in femora.values():
            plausible.check_side(found, warnings)
        assert warnings == []

    @pytest.mark.parametrize("side", Side, ids=lambda side: side.value)
    def test_the_wrong_name_is_refused(self, femora: Both, side: Side) -> None:
        """Sides swapped by name and a mirrored file look the same: both are offered."""
        found = femora[side]
        other = replace(found, bone=replace(found.bone, side=side.other))
        with pytest.raises(
            AnatomyError, match=f"got the shape of a {side.value} femur; expected a {side.other.value} one"
        ) as refused:
            plausible.check_side(other, [])
        assert "swapped by name, or the file is mirrored" in message(refused)

    @pytest.mark.parametrize("named", Side, ids=lambda side: side.value)
    def test_a_shape_that_hardly_tells_is_a_warning(self, femora: Both, named: Side) -> None:
        found = femora[Side.LEFT]
        vague = replace(found, bone=replace(found.bone, side=named), other_side_ratio=1.05)
        warnings: list[str] = []
        plausible.check_side(vague, warnings)
        (warning,) = warnings
        assert warning.startswith(f"{named.value} femur: its shape fits a left and a right bone almost alike")
        assert warning.endswith("(ratio 1.05); the side is the file's word.")

    def test_a_shape_that_says_nothing_is_a_warning(self, femora: Both) -> None:
        warnings: list[str] = []
        plausible.check_side(replace(femora[Side.LEFT], fit=None), warnings)
        assert warnings == [
            "left femur: its shape tells neither side nor directions; both are the file's word."
        ]

    def test_a_pelvis_has_no_side_to_contradict(self, hip_bones: Both) -> None:
        warnings: list[str] = []
        for found in hip_bones.values():
            plausible.check_side(found, warnings)
        assert warnings == []


class TestAxes:
    @pytest.mark.parametrize("axes", ["LPS", "RAS", "unknown"])
    def test_bones_in_their_axes_pass(self, femora: Both, hip_bones: Both, axes: str) -> None:
        """A reader turns RAS to LPS, so what arrives here is LPS either way."""
        for found in (*femora.values(), *hip_bones.values()):
            plausible.check_axes(found, axes)

    @pytest.mark.parametrize("axis", range(3))
    @pytest.mark.parametrize("angle_deg", [-40, 40])
    def test_a_bent_hip_and_a_tilted_pelvis_pass(
        self, femora: Both, hip_bones: Both, axis: int, angle_deg: float
    ) -> None:
        for found in (*femora.values(), *hip_bones.values()):
            plausible.check_axes(turned(found, turn(axis, angle_deg)), "LPS")

    def test_ras_given_as_lps_is_named(self, femora: Both, hip_bones: Both) -> None:
        for found in (femora[Side.LEFT], hip_bones[Side.RIGHT]):
            with pytest.raises(AnatomyError, match=r"left along -x, back along -y, up along \+z") as refused:
                plausible.check_axes(turned(found, LPS_FROM_RAS), "LPS")
            assert "looks like RAS: use --axes RAS." in message(refused)

    def test_lps_given_as_ras_is_named_in_the_axes_of_the_file(self, femora: Both) -> None:
        """The reader has turned it, so the file's own axes are what the user has to hear."""
        with pytest.raises(AnatomyError, match=r"left along \+x, back along \+y, up along \+z") as refused:
            plausible.check_axes(turned(femora[Side.LEFT], LPS_FROM_RAS), "RAS")
        text = message(refused)
        assert "expected left, back, up along -x, -y, +z" in text
        assert "looks like LPS: use --axes LPS." in text

    @pytest.mark.parametrize(
        ("rotation", "words"),
        [
            (turn(0, 180), "left along +x, back along -y, up along -z"),
            (turn(1, 180), "left along -x, back along +y, up along -z"),
            (turn(0, 90), "left along +x, back along +z, up along -y"),
            (np.roll(np.eye(3), 1, axis=0), "left along +y, back along +z, up along +x"),
        ],
        ids=["head down, prone", "head down", "y up", "axes in turn"],
    )
    def test_other_directions_are_told_without_a_guess(
        self, femora: Both, rotation: np.ndarray, words: str
    ) -> None:
        with pytest.raises(AnatomyError) as refused:
            plausible.check_axes(turned(femora[Side.RIGHT], rotation), "LPS")
        assert words in message(refused)
        assert "Use --axes unknown" in message(refused)

    def test_unknown_axes_are_never_wrong(self, femora: Both) -> None:
        for rotation in (LPS_FROM_RAS, turn(0, 180), turn(1, 77)):
            plausible.check_axes(turned(femora[Side.LEFT], rotation), "unknown")

    def test_a_shape_without_directions_contradicts_none(self, femora: Both) -> None:
        plausible.check_axes(replace(femora[Side.LEFT], fit=None), "LPS")


class TestPlaces:
    @pytest.fixture
    def seated(self, femora: Both, hip_bones: Both) -> tuple[Both, Both]:
        """Both hips with their heads in the middle of their sockets."""
        return {
            side: replace(found, centre_mm=hip_bones[side].centre_mm) for side, found in femora.items()
        }, hip_bones

    @pytest.mark.parametrize("axes", ["LPS", "RAS", "unknown"])
    def test_bones_in_their_places_pass_in_silence(self, seated: tuple[Both, Both], axes: str) -> None:
        thighs, seats = seated
        assert plausible.check_places(thighs, seats, axes) == []
        assert plausible.check_places({Side.LEFT: thighs[Side.LEFT]}, {}, axes) == []
        assert plausible.check_places({}, seats, axes) == []
        assert (
            plausible.check_places({Side.LEFT: thighs[Side.LEFT]}, {Side.RIGHT: seats[Side.RIGHT]}, axes)
            == []
        )

    @pytest.mark.parametrize("side", Side, ids=lambda side: side.value)
    def test_a_head_off_its_socket_is_a_warning(self, seated: tuple[Both, Both], side: Side) -> None:
        thighs, seats = seated
        assert plausible.check_places(thighs | {side: shifted(thighs[side], 0, 2.9, 0)}, seats, "LPS") == []
        (warning,) = plausible.check_places(thighs | {side: shifted(thighs[side], 0, 3.2, 0)}, seats, "LPS")
        assert warning.startswith(f"{side.value} hip: head centre and acetabular centre are 3.2 mm apart")
        assert "The gap holds for the bones as they lie." in warning

    def test_without_a_socket_of_its_own_nothing_is_said(self, seated: tuple[Both, Both]) -> None:
        """The laid model's socket is a place to look, not one to measure from."""
        thighs, seats = seated
        bare = {side: replace(found, landmarks={}) for side, found in seats.items()}
        away = {side: shifted(found, 0, 9.0, 0) for side, found in thighs.items()}
        assert plausible.check_places(away, bare, "LPS") == []

    @pytest.mark.parametrize("side", Side, ids=lambda side: side.value)
    def test_bones_of_two_people_are_refused(self, seated: tuple[Both, Both], side: Side) -> None:
        thighs, seats = seated
        away = thighs | {side: shifted(thighs[side], 0, 0, 120.0)}
        with pytest.raises(
            AnatomyError, match=f"{side.value} hip: got a femoral head 120 mm from its socket"
        ) as refused:
            plausible.check_places(away, seats, "unknown")
        assert "of one person and in one coordinate system" in message(refused)

    @pytest.mark.parametrize("which", ["femora", "hip bones"])
    def test_hips_far_from_each_other_are_refused(self, seated: tuple[Both, Both], which: str) -> None:
        bones = seated[0] if which == "femora" else seated[1]
        apart = bones | {Side.LEFT: shifted(bones[Side.LEFT], 400.0, 0, 0)}
        pairs = (apart, {}) if which == "femora" else ({}, apart)
        with pytest.raises(
            AnatomyError, match=r"both hips: got hip centres \d{3} mm apart; expected at most 350"
        ):
            plausible.check_places(*pairs, "unknown")

    @pytest.mark.parametrize("which", ["femora", "hip bones"])
    def test_right_on_the_left_is_refused_where_left_is_known(
        self, seated: tuple[Both, Both], which: str
    ) -> None:
        bones = seated[0] if which == "femora" else seated[1]
        swapped = {
            side: replace(found, centre_mm=bones[side.other].centre_mm) for side, found in bones.items()
        }
        pairs = (swapped, {}) if which == "femora" else ({}, swapped)
        for axes in ("LPS", "RAS"):
            with pytest.raises(AnatomyError, match="got the right bone on the patient's left") as refused:
                plausible.check_places(*pairs, axes)
            assert "in each other's place" in message(refused)
        assert plausible.check_places(*pairs, "unknown") == []
