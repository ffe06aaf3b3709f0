"""Radius of the femoral head."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.measures.femoral_head_radius import femoral_head_radius
from ischio.types import Hip, Side


def hip_with(detail: dict[str, Any]) -> Hip:
    hip = phantoms.hip(Side.LEFT)
    head = replace(hip.landmarks["femoral_head_centre"], detail=detail)
    return replace(hip, landmarks={**hip.landmarks, "femoral_head_centre": head})


def test_sigma_is_the_misfit_of_the_sphere() -> None:
    got = femoral_head_radius(hip_with({"radius_mm": 22.0, "rms_mm": 0.4, "coverage_fraction": 0.7}))
    assert (got.value, got.sigma) == (22.0, 0.4)
    assert got.detail == {"rms_mm": 0.4, "coverage_fraction": 0.7}
    assert got.posture is None  # a head is as large in any posture


def test_without_a_misfit_sigma_is_unknown() -> None:
    got = femoral_head_radius(hip_with({"radius_mm": 22.0}))
    assert got.sigma is None
    assert got.detail == {}


def test_a_centre_that_is_only_a_point_has_no_radius() -> None:
    with pytest.raises(CannotMeasure, match=r"left femoral head centre \(phantom@1\) came as a point"):
        femoral_head_radius(hip_with({}))
