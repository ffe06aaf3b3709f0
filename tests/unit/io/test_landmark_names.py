"""Labels of marked points, as people write them."""

from __future__ import annotations

import pytest

from ischio.io.landmark_names import LANDMARK_BONES, label_of, read_label, side_of
from ischio.landmarks.femur import POINT_RULES as FEMUR_RULES
from ischio.landmarks.hip_bone import POINT_RULES as HIP_BONE_RULES
from ischio.landmarks.hip_regions import TUBEROSITY_POINTS
from ischio.types import Side


@pytest.mark.parametrize("name", LANDMARK_BONES)
@pytest.mark.parametrize("side", Side)
def test_our_own_labels_are_understood(name: str, side: Side) -> None:
    assert read_label(label_of(name, side)) == (name, side)
    assert read_label(label_of(name, None)) == (name, None)


@pytest.mark.parametrize(
    "label",
    [
        "left_lesser_trochanter_tip",
        "lesser_trochanter_tip_left",
        "L lesser trochanter tip",
        "Lesser Trochanter Tip (L)",
        "LEFT-LESSER-TROCHANTER-TIP",
    ],
)
def test_case_order_and_separators_do_not_matter(label: str) -> None:
    assert read_label(label) == ("lesser_trochanter_tip", Side.LEFT)


def test_both_spellings_of_a_centre() -> None:
    assert read_label("right femoral head center") == ("femoral_head_centre", Side.RIGHT)


@pytest.mark.parametrize(
    "label", ["F-1", "", "left", "asis_left_right", "left asis 2", "lesser trochanter", "α"]
)
def test_anything_else_is_no_landmark(label: str) -> None:
    assert read_label(label) == (None, None)


@pytest.mark.parametrize(
    ("text", "side"),
    [("Left landmarks", Side.LEFT), ("R", Side.RIGHT), ("F", None), ("left and right", None)],
)
def test_the_side_of_a_list(text: str, side: Side | None) -> None:
    assert side_of(text) is side


def test_every_landmark_that_is_found_can_be_read() -> None:
    found = {
        *FEMUR_RULES,
        *HIP_BONE_RULES,
        *TUBEROSITY_POINTS,
        "femoral_head_centre",
        "acetabular_centre",
        "knee_centre",
    }
    assert found - LANDMARK_BONES.keys() == set()
