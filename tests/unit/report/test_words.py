"""How values and names are written."""

from __future__ import annotations

import pytest

from ischio.report import words


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (7.0, "mm", "7.0 mm"),
        (-0.04, "mm", "0.0 mm"),
        (11.96, "deg", "12.0°"),
        (3.14159, "1", "3.14"),
        (1234.5, "mm3", "1234 mm³"),
    ],
)
def test_numbers_have_units_and_no_negative_zero(value: float, unit: str, text: str) -> None:
    assert words.number(value, unit) == text


@pytest.mark.parametrize(
    ("sigma", "unit", "text"),
    [
        (None, "mm", "unknown"),
        (0.0, "mm", "0.0 mm"),
        (0.034, "mm", "0.03 mm"),
        (0.02, "deg", "0.02°"),
        (1.26, "deg", "1.3°"),
    ],
)
def test_a_small_sigma_is_not_rounded_away(sigma: float | None, unit: str, text: str) -> None:
    assert words.spread(sigma, unit) == text


def test_pose_carries_its_zeros() -> None:
    pose = {
        "flexion_deg": -3.0,
        "adduction_deg": 0.0,
        "internal_rotation_deg": 12.25,
        "pelvic_zero": "app",
        "rotation_zero": "pca",
    }
    *angles, pelvis, rotation = words.pose_row(pose)
    assert angles == ["-3.0°", "0.0°", "12.2°"]
    assert pelvis.startswith("APP")
    assert rotation.startswith("PCA")


def test_unknown_names_are_still_words() -> None:
    assert words.posture_words("lying_prone") == "lying prone"
    assert words.heading("femoral_head_radius") == "Femoral head radius"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        ([], "none"),
        (False, "no"),
        (3, "3"),
        (0.123456, "0.1235"),
        (("a", 1), "a, 1"),
        ({"k_1": None}, "k 1: none"),
        ({"tilt_deg": 2.5, "edge_mm": None}, "tilt: 2.5°; edge mm: none"),
    ],
)
def test_settings_are_shown_whatever_they_hold(value: object, text: str) -> None:
    assert words.shown(value) == text
