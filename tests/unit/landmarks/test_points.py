"""A point on a wide top is less certain than one on a pointed top."""

from __future__ import annotations

import numpy as np
import pytest

from ischio._check import Array
from ischio.geometry.sampling import sample_surface
from ischio.landmarks.findings import SurfaceIndex
from ischio.landmarks.points import Rule, placed
from ischio.landmarks.relief import Relief

UP = np.array([0.0, 0.0, 1.0])
RULE = Rule(1.0, 1.0, 1.0, reach_mm=10.0, towards=(0.0, 0.0, 1.0))
SAMPLED_MM = 0.7  # the mesh's spacing and half the samples' together


def roof(slope: float, half_length_mm: float) -> SurfaceIndex:
    """A ridge along x that is level for a length and falls off all round."""
    x, y = np.meshgrid(np.linspace(-20, 20, 81), np.linspace(-20, 20, 81), indexing="ij")
    away = np.hypot(np.maximum(np.abs(x) - half_length_mm, 0.0), y)
    points = np.stack([x, y, -slope * away], axis=-1)
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    quads = np.concatenate([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)])
    return SurfaceIndex(quads.reshape(-1, 3, 3))


def even(surface: SurfaceIndex) -> Relief:
    """A surface that nowhere stands out."""
    points: Array = sample_surface(surface.triangles_mm, 4000)[0]
    return Relief(points, np.zeros(len(points)), 0.7, 0.0)


@pytest.mark.parametrize("half_length", [0.0, 3.0, 6.0])
def test_a_top_that_is_wider_than_the_models(half_length: float) -> None:
    bone, model, start = roof(2.0, half_length), roof(2.0, 0.0), np.zeros(3)
    place = placed((bone, start), (model, start), UP, RULE, even(bone))
    # From the middle of the ridge to its end; what lies 3 mm lower reaches as far beyond on both.
    assert place.wider_mm == pytest.approx(half_length, abs=SAMPLED_MM)


def test_a_top_that_is_narrower_takes_nothing_off() -> None:
    bone, model, start = roof(2.0, 0.0), roof(2.0, 6.0), np.zeros(3)
    assert placed((bone, start), (model, start), UP, RULE, even(bone)).wider_mm == 0.0


def test_two_sigmas_hold_what_a_point_may_spread_over_its_top() -> None:
    top_mm = 12.0
    sigma = np.hypot(RULE.sigma_mm, RULE.unseen_mm(top_mm))
    assert 2 * sigma == pytest.approx(top_mm / np.sqrt(3))  # evenly from its middle to its end
    assert RULE.unseen_mm(0.0) == RULE.unseen_mm(1.0)  # a pointed top: the least
