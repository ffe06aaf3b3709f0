"""Bony points: least sigmas, and flat tops on which the model leads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio.landmarks.femur import POINT_RULES as FEMUR_RULES
from ischio.landmarks.findings import Findings, SurfaceIndex
from ischio.landmarks.hip_bone import POINT_RULES as HIP_RULES
from ischio.landmarks.points import LEAN, PlacedPoint, Rule, landmark_of, summit
from ischio.landmarks.relief import Relief
from ischio.types import Side

UP = np.array([0.0, 0.0, 1.0])
FLAT = Rule(1.0, 1.0, 1.0, reach_mm=20.0, towards=(0.0, 0.0, 1.0))
LEANING = replace(FLAT, lean_per_mm=LEAN)
ROUNDING_MM = 1e-9
LEAST_MM = 4.0
SAMPLED_MM = 0.7  # the mesh's spacing and half the samples' together
# Parts that come on top of the least: a coarse mesh and a cut don't tell of bumps.
ON_TOP = ("mesh", "cut")


def ridge(bump_at_mm: float, bump_mm: float) -> SurfaceIndex:
    """A ridge along x, level but for one Gaussian bump on it, 5 mm wide."""
    x, y = np.meshgrid(np.linspace(-25, 25, 101), np.linspace(-25, 25, 101), indexing="ij")
    bump = bump_mm * np.exp(-0.5 * ((x - bump_at_mm) ** 2 + y**2) / 5.0**2)
    points = np.stack([x, y, bump - 0.5 * np.abs(y)], axis=-1)
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    quads = np.concatenate([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)])
    return SurfaceIndex(quads.reshape(-1, 3, 3))


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_low_bump_far_along_a_ridge_is_not_its_top(side: float) -> None:
    surface = ridge(side * 14.0, 1.5)  # where leaning counts 2.4 mm lower
    assert side * summit(surface, np.zeros(3), UP, FLAT)[0] > 10.0
    assert abs(summit(surface, np.zeros(3), UP, LEANING)[0]) < 5.0


def test_leaning_leaves_a_pointed_top_where_it_is() -> None:
    surface = ridge(6.0, 5.0)  # 0.4 mm lower by leaning
    assert summit(surface, np.zeros(3), UP, LEANING)[0] == pytest.approx(6.0, abs=2 * SAMPLED_MM)


def test_two_sigmas_reach_as_far_as_what_goes_unseen(
    femora: dict[Side, Findings], hip_bones: dict[Side, Findings]
) -> None:
    found = {**femora[Side.LEFT].landmarks, **hip_bones[Side.LEFT].landmarks}
    for name, rule in {**FEMUR_RULES, **HIP_RULES}.items():
        parts = found[name].detail["sigma_parts_mm"]
        told = np.linalg.norm([value for key, value in parts.items() if key not in ON_TOP])
        assert told >= rule.least_mm - ROUNDING_MM, name
        assert found[name].sigma_mm == pytest.approx(np.linalg.norm(list(parts.values())))


def test_what_is_seen_hides_nothing_more(femora: dict[Side, Findings]) -> None:
    """Far from where the model expects it, a point's sigma says so itself: nothing is added."""
    femur = femora[Side.LEFT]
    assert femur.fit is not None
    fit = replace(femur.fit, rms_mm=0.0)
    rule = Rule(1.0, 1.0, 1.0, least_mm=LEAST_MM)
    at = femur.landmarks["epicondyle_medial"].point_mm
    even = Relief(at[None], np.zeros(1), 0.7, 0.0)

    def parts(away_mm: float) -> dict[str, float]:
        place = PlacedPoint(at, at + [away_mm, 0, 0], at, even)
        mark = landmark_of(femur.bone, Side.LEFT, "epicondyle_medial", place, rule, fit)
        assert mark.sigma_mm > LEAST_MM  # the mesh's part comes on top
        return dict(mark.detail["sigma_parts_mm"])

    assert parts(0.0)["unseen"] == pytest.approx(np.sqrt(LEAST_MM**2 - 2.0))
    assert parts(3.0)["unseen"] == pytest.approx(np.sqrt(LEAST_MM**2 - 2.0 - 2.0**2))
    assert parts(10.0)["unseen"] == 0.0
