"""A socket laid with its head in sight and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio.atlas.model import BoneModel
from ischio.bones.segment.fit import Laid, before_valleys
from ischio.types import Frame, Volume

CUBE_MM = 2.0
CORTEX_HU, MARROW_HU, SPACE_HU = 700.0, 220.0, 80.0
FALL_MM = 30.0  # where the grid shows the socket to end
NEAR_MM = 1e-6


def sheet(z_mm: float) -> Laid:
    """A flat surface that looks up, 40 mm wide."""
    n = 21
    x, y = np.meshgrid(np.arange(n) * 2.0, np.arange(n) * 2.0, indexing="ij")
    points = np.stack([x.ravel(), y.ravel(), np.full(n * n, z_mm)], axis=1)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + n, corner + 1], axis=1),
            np.stack([corner + 1, corner + n, corner + n + 1], axis=1),
        ]
    )
    model = BoneModel("hip_bone", points, np.zeros((0, n * n, 3)), faces)
    return Laid(model, points, 1.0, np.ones(n * n, dtype=bool), 1.0, 1.0, 0.0)


def joint(space_mm: float) -> Volume:
    """Cortex up to a height, then a joint space, then the cortex and the marrow of a head."""
    z = np.arange(40)[None, None, :] * CUBE_MM + np.zeros((24, 24, 40))
    away = z - FALL_MM
    hu = np.where(away <= 0, CORTEX_HU, np.where(away <= space_mm, SPACE_HU, MARROW_HU))
    if space_mm:
        hu = np.where((away > space_mm) & (away <= space_mm + 2.0), CORTEX_HU, hu)
    affine = np.diag([CUBE_MM, CUBE_MM, CUBE_MM, 1.0])
    affine[:2, 3] = -4.0
    return Volume(hu.astype(np.float32), affine, Frame("patient", "made"), "CT", "HU", "made")


@pytest.mark.parametrize(("space_mm", "follows"), [(4.0, True), (0.0, False)])
def test_the_edge_before_a_joint_space_counts_and_that_of_a_band_does_not(
    space_mm: float, follows: bool
) -> None:
    hidden, shown = sheet(FALL_MM - 3.0), sheet(FALL_MM)
    found = before_valleys(hidden, shown, joint(space_mm)).vertices_mm
    wanted = shown if follows else hidden
    assert np.abs(found - wanted.vertices_mm).max() < NEAR_MM


def test_what_is_not_in_view_stays() -> None:
    hidden, shown = sheet(FALL_MM - 3.0), sheet(FALL_MM)
    grid = joint(4.0)
    unseen = replace(grid, values=np.full(grid.values.shape, np.nan, dtype=np.float32))
    assert np.abs(before_valleys(hidden, shown, unseen).vertices_mm - hidden.vertices_mm).max() < NEAR_MM
