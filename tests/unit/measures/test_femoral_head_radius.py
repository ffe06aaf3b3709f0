"""Radius of the femoral head."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.measures._surface import SURFACE_MM
from ischio.measures.femoral_head_radius import femoral_head_radius
from ischio.types import Hip, Side


def hip_with(detail: dict[str, Any]) -> Hip:
    hip = phantoms.hip(Side.LEFT)
    head = replace(hip.landmarks["femoral_head_centre"], detail=detail)
    return replace(hip, landmarks={**hip.landmarks, "femoral_head_centre": head})


def test_sigma_holds_another_segmentation_and_the_head_that_is_not_round() -> None:
    got = femoral_head_radius(
        hip_with({"radius_mm": 22.0, "radius_sigma_mm": 0.4, "rms_mm": 0.9, "coverage_fraction": 0.7})
    )
    assert (got.value, got.sigma) == (22.0, np.hypot(SURFACE_MM, 0.4))
    assert got.detail == {
        "rms_mm": 0.9,
        "coverage_fraction": 0.7,
        "sigma_parts": {"surface": SURFACE_MM, "roundness": 0.4},
    }
    assert got.posture is None  # a head is as large in any posture


def test_sigma_is_unknown_where_nobody_said_how_round_the_head_is() -> None:
    got = femoral_head_radius(hip_with({"radius_mm": 22.0}))
    assert got.sigma is None
    assert got.detail == {"sigma_parts": {"surface": SURFACE_MM, "roundness": None}}


def test_a_centre_that_is_only_a_point_has_no_radius() -> None:
    with pytest.raises(CannotMeasure, match=r"left femoral head centre \(phantom@1\) came as a point"):
        femoral_head_radius(hip_with({}))
