"""Canal and foramina of a sacrum: told from marrow where marrow is denser, left alone where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter

from ischio.atlas.parts import part_model
from ischio.bones.segment.canals import sacral_canals
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.territory import distance_field
from ischio.geometry.solid import solid
from ischio.types import Frame, Volume

RADIUS_MM = 7.0
BEHIND_MM = 2.0  # of the middle: there the made canal runs upwards through the bone
SOFT_HU, CORTEX_HU, NOISE_HU = 45.0, 700.0, 15.0
MIN_FOUND = 0.8  # what lies beside the canal's wall is the wall's, blurred
MAX_ASTRAY = 0.01


def made(marrow_hu: float) -> tuple[Volume, np.ndarray, Laid, np.ndarray, np.ndarray]:
    """The mean sacrum with a cortex and a canal, its distances, the laid model, the canal and the bone."""
    model = part_model("sacrum", None)
    points = model.mean_mm
    low = points.min(axis=0) - 10.0
    i, j, k = (int(n) for n in np.ptp(points, axis=0) + 20.0)
    affine = np.eye(4)
    affine[:3, 3] = low
    frame = Frame("patient", "made")
    bone = solid(points, model.faces, affine, (i, j, k))
    middle = points.mean(axis=0) - low
    x, y = np.ogrid[:i, :j]
    tube = (x - middle[0]) ** 2 + (y - middle[1] - BEHIND_MM) ** 2 < RADIUS_MM**2
    canal = bone & tube[:, :, None]
    rest = bone & ~canal
    hu = np.where(rest, np.where(binary_erosion(rest, iterations=2), marrow_hu, CORTEX_HU), SOFT_HU)
    noise = gaussian_filter(np.random.default_rng(3).normal(size=hu.shape), 0.6)
    hu = gaussian_filter(hu, 0.6) + noise * (NOISE_HU / noise.std())
    scan = Volume(hu.astype(np.float32), affine, frame, "CT", "HU", "made")
    field = distance_field(points, model.faces, scan)
    laid = Laid(model, points, 1.0, np.ones(len(points), dtype=bool), 1.0, 1.0, 0.0)
    return scan, field, laid, canal, rest


@pytest.mark.parametrize("marrow_hu", [250.0, 110.0])
def test_the_canal_is_open(marrow_hu: float) -> None:
    scan, field, laid, canal, rest = made(marrow_hu)
    found = sacral_canals(scan, scan.values, field, laid, np.zeros_like(canal))
    assert (found & canal).sum() > MIN_FOUND * canal.sum()
    assert (found & rest).sum() < MAX_ASTRAY * rest.sum()


def test_where_marrow_is_no_denser_than_soft_tissue_nothing_is_taken_out_of_the_wings() -> None:
    scan, field, laid, canal, rest = made(-20.0)
    found = sacral_canals(scan, scan.values, field, laid, np.zeros_like(canal))
    assert (found & rest).sum() < MAX_ASTRAY * rest.sum()
