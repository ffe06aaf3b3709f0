"""Parts of bones: what stands in for a frame is named, less certain, and used by nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ischio._check import Array, FrameMismatch
from ischio.landmarks import find_pelvis, joint_frames
from ischio.landmarks.findings import Findings
from ischio.landmarks.substitutes import half_pelvis, proximal_femur
from ischio.study import Settings, to_dict
from ischio.types import Bone, Hip, Pelvis, Side, Study, Transform

Cut = Callable[[Bone, np.ndarray], Bone]
KNEE_FREE_MM = 200.0  # femur kept below its highest point
FAR_SIGMAS = 2.0


def turn_deg(one: Array, other: Array) -> float:
    return float(np.degrees(np.arccos((np.trace(one[:3, :3] @ other[:3, :3].T) - 1) / 2)))


@pytest.fixture(scope="module")
def partial(person: tuple[Bone, ...], halves: dict[Side, Bone], cut: Cut) -> Pelvis:
    """The left half of a pelvis and a left femur without its knee."""
    femur = person[0]
    height = femur.triangles_mm.mean(axis=1)[:, 2]
    femur = cut(femur, height > height.max() - KNEE_FREE_MM)
    pelvis, _ = find_pelvis(
        (femur, halves[Side.LEFT]),
        axes="LPS",
        sides=tuple(Side),
        posture="model",
        progress=lambda _words, _share: None,
    )
    return pelvis


@pytest.fixture(scope="module")
def hip(partial: Pelvis) -> Hip:
    assert partial.left is not None
    return partial.left


@pytest.fixture(scope="module")
def whole(femora: dict[Side, Findings], hip_bones: dict[Side, Findings]) -> dict[str, Transform]:
    """The frames that the whole bones give."""
    found, _ = joint_frames.pelvic_frames({s: (f.landmarks, f.reasons) for s, f in hip_bones.items()})
    femur = femora[Side.LEFT]
    return found | joint_frames.femur_frames(Side.LEFT, femur.landmarks, femur.reasons)[0]


SUBSTITUTES = {
    "pelvis_isb_symmetric": "pelvis_isb_from_patient",
    "pelvis_app_symmetric": "pelvis_app_from_patient",
    "femur_shaft_neck": "femur_tea_from_patient",
}


def test_each_is_named_for_what_it_stands_in_for_and_why(hip: Hip) -> None:
    assert {name: one.instead_of for name, one in hip.substitutes.items()} == SUBSTITUTES
    for one in hip.substitutes.values():
        assert one.reason == hip.reasons[one.instead_of]
        assert "@" in one.method


@pytest.mark.parametrize("name", SUBSTITUTES)
def test_it_lies_within_its_sigma_of_the_frame(hip: Hip, whole: dict[str, Transform], name: str) -> None:
    one = hip.substitutes[name]
    assert turn_deg(one.frame.matrix, whole[one.instead_of].matrix) < FAR_SIGMAS * one.sigma_deg


def test_nothing_uses_it(hip: Hip) -> None:
    assert not set(hip.frames) & {*SUBSTITUTES, *SUBSTITUTES.values(), "femur_pca_from_patient"}
    assert hip.poses == ()


@pytest.mark.parametrize("name", SUBSTITUTES)
def test_it_cannot_be_taken_for_the_frame(hip: Hip, whole: dict[str, Transform], name: str) -> None:
    one = hip.substitutes[name]
    real = whole[one.instead_of]
    with pytest.raises(FrameMismatch):
        _ = real.inverse() @ one.frame


def test_the_study_holds_it_apart_from_the_frames(partial: Pelvis) -> None:
    settings = Settings()
    study = Study("case", partial, (), (), {"axes": settings.axes})
    (plain,) = to_dict(study)["hips"]
    assert {name: one["instead_of"] for name, one in plain["substitutes"].items()} == SUBSTITUTES
    for key in (*SUBSTITUTES.values(), "femur_pca_from_patient"):
        assert plain["frames"][key] is None
        assert plain["reasons"][key]


@pytest.mark.parametrize("side", Side)
def test_both_halves_alike(hip_bones: dict[Side, Findings], whole: dict[str, Transform], side: Side) -> None:
    made = half_pelvis(hip_bones[side], {"pelvis_isb_from_patient": "the other half is missing"})
    assert set(made) == {"pelvis_isb_symmetric"}  # only what is missing is made
    one = made["pelvis_isb_symmetric"]
    assert turn_deg(one.frame.matrix, whole[one.instead_of].matrix) < FAR_SIGMAS * one.sigma_deg
    assert one.frame.apply(hip_bones[side].centre_mm) == pytest.approx(np.zeros(3), abs=1e-9)


WHY = {"pelvis_isb_from_patient": "why", "pelvis_app_from_patient": "why"}


def test_what_is_not_there_is_not_made_up(hip_bones: dict[Side, Findings]) -> None:
    found = hip_bones[Side.LEFT]
    roofless = {name: mark for name, mark in found.landmarks.items() if name not in ("asis", "psis")}
    assert half_pelvis(replace(found, landmarks=roofless), WHY) == {}
    cut_at_ramus = {name: mark for name, mark in found.landmarks.items() if name != "pubic_tubercle"}
    assert set(half_pelvis(replace(found, landmarks=cut_at_ramus), WHY)) == {"pelvis_isb_symmetric"}
    assert half_pelvis(replace(found, fit=None), WHY) == {}


def test_a_whole_femur_needs_none(femora: dict[Side, Findings]) -> None:
    marks = femora[Side.LEFT].landmarks
    missing = {"femur_tea_from_patient": "why", "femur_pca_from_patient": "why"}
    assert proximal_femur(Side.LEFT, marks, {}) == {}
    assert proximal_femur(Side.LEFT, marks, {"femur_pca_from_patient": "why"}) == {}
    assert set(proximal_femur(Side.LEFT, marks, missing)) == {"femur_shaft_neck"}
    neckless = {name: mark for name, mark in marks.items() if name != "neck_isthmus_centre"}
    assert proximal_femur(Side.LEFT, neckless, missing) == {}
