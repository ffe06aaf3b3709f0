"""The axial space against a slow twin: every slice, every point, no cleverness."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.geometry.sections import segments_at
from ischio.measures import REGISTRY, take
from ischio.measures.ischiofemoral_space_axial import _Slices
from ischio.types import Side

STEP_MM = 0.05  # between slices of the twin, and between points on their outlines
TWIN_MM = 0.06  # the twin reads high by at most about its step


def bumpy(rng: np.random.Generator, centre: np.ndarray) -> np.ndarray:
    """Triangles of an uneven ball of about 6 mm, shape (F, 3, 3)."""
    from scipy.spatial import ConvexHull

    points = rng.normal(size=(60, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    hull = ConvexHull(points)
    uneven = points * rng.uniform(4.0, 6.0, size=(60, 1))
    return (uneven @ np.diag([1.0, 0.7, 1.4]))[hull.simplices] + centre


def twin(first: np.ndarray, second: np.ndarray, up: np.ndarray) -> float:
    """Smallest distance of points on the outlines of every slice."""
    heights = [one @ up for one in (first, second)]
    low, high = max(one.min() for one in heights), min(one.max() for one in heights)
    best = np.inf
    for level in np.arange(low, high, STEP_MM):
        clouds = []
        for triangles, height in zip((first, second), heights, strict=True):
            cut = segments_at(triangles, height - level)
            share = np.linspace(0, 1, 40)[None, :, None]
            clouds.append((cut[:, :1] + share * (cut[:, 1:] - cut[:, :1])).reshape(-1, 3))
        if all(len(cloud) for cloud in clouds):
            apart = np.linalg.norm(clouds[0][:, None] - clouds[1][None, ::4], axis=2)
            if apart.min() < best + 0.5:
                near = clouds[0][np.argsort(apart.min(axis=1))[:60]]
                best = min(best, float(np.linalg.norm(near[:, None] - clouds[1][None], axis=2).min()))
    return best


@pytest.mark.parametrize("seed", range(2))
def test_it_agrees_with_the_twin_in_any_direction(seed: int) -> None:
    rng = np.random.default_rng(seed)
    up = rng.normal(size=3)
    up /= np.linalg.norm(up)
    across = np.cross(up, rng.normal(size=3))
    across /= np.linalg.norm(across)
    first = bumpy(rng, np.zeros(3))
    second = bumpy(rng, 16 * across + rng.uniform(-4, 4) * up)
    ours = _Slices(first, second, up).smallest()[1]
    slow = twin(first, second, up)
    assert slow - TWIN_MM <= ours.gap_mm <= slow + 1e-9
    assert (ours.points_mm[0] - ours.points_mm[1]) @ up == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("side", Side, ids=lambda side: side.value)
def test_it_is_never_less_than_the_shortest_in_space(side: Side) -> None:
    by_name = {one.name: one for one in REGISTRY}
    for version in (-45.0, -24.0, 0.0):
        hip = phantoms.anatomy(side, trochanter_version_deg=version)
        row = take(by_name["ischiofemoral_space_axial"], hip, side)
        shortest = take(by_name["ischiofemoral_space_3d"], hip, side)
        assert row.value is not None
        assert shortest.value is not None
        assert row.value >= shortest.value - 1e-9
        assert row.detail["shortest_3d_mm"] == pytest.approx(shortest.value)


def test_bones_that_cross_touch() -> None:
    (one,) = (one for one in REGISTRY if one.name == "ischiofemoral_space_axial")
    row = take(one, phantoms.anatomy(Side.LEFT, gap_mm=-2.0, trochanter_version_deg=0.0), Side.LEFT)
    assert row.value == pytest.approx(0.0, abs=1e-9)


def test_the_level_is_told_from_the_tip() -> None:
    (one,) = (one for one in REGISTRY if one.name == "ischiofemoral_space_axial")
    row = take(one, phantoms.anatomy(Side.RIGHT, trochanter_version_deg=0.0), Side.RIGHT)
    assert row.detail["level_above_tip_mm"] == pytest.approx(0.0, abs=1e-6)
