"""Canal and foramina of a sacrum: told from marrow by its density, or by the wall between them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, distance_transform_edt, gaussian_filter
from scipy.spatial import cKDTree

from ischio.atlas.model import vertex_normals
from ischio.atlas.parts import part_model
from ischio.bones.segment.canals import _MOST_SHARE, sacral_canals
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.territory import distance_field
from ischio.geometry.solid import solid
from ischio.types import Frame, Volume

RADIUS_MM = 6.0
BELOW_MM, ASIDE_MM = 11.0, 4.0  # under the back of the bone, near its middle plane, the made canal runs
THICK_MM, OPEN_MM = 24.0, 20  # it ends in the bone where that is thinner, and is open above
SOFT_HU, CORTEX_HU, NOISE_HU = 45.0, 700.0, 15.0
MIN_FOUND = 0.8  # what lies beside the canal's wall is the wall's, blurred
MAX_ASTRAY = 0.01
LEAST_OF_NARROW = 0.5  # the rest is brighter than bone's least


def made(
    marrow_hu: float,
    *,
    has_canal: bool = True,
    cortex_hu: float = CORTEX_HU,
    radius_mm: float = RADIUS_MM,
    blur_mm: float = 0.6,
) -> tuple[Volume, np.ndarray, Laid, np.ndarray, np.ndarray]:
    """The mean sacrum with a cortex and a canal, its distances, the laid model, the canal and the bone."""
    model = part_model("sacrum", None)
    points = model.mean_mm
    low = points.min(axis=0) - 10.0
    i, j, k = (int(n) for n in np.ptp(points, axis=0) + 20.0)
    affine = np.eye(4)
    affine[:3, 3] = low
    frame = Frame("patient", "made")
    bone = solid(points, model.faces, affine, (i, j, k))
    normals = vertex_normals(points, model.faces)
    aside = np.abs(points[:, 0] - (points[:, 0].min() + points[:, 0].max()) / 2)
    is_back = (aside < ASIDE_MM) & (normals[:, 1] > 0.0)
    front = cKDTree(points[normals[:, 1] < -0.3]).query(points)[0]
    line = points[is_back & (front > THICK_MM)] - BELOW_MM * normals[is_back & (front > THICK_MM)]
    centre = np.zeros(bone.shape, dtype=bool)
    above = np.arange(OPEN_MM)[:, None] * [0.0, 0.0, 1.0] + line[np.argmax(line[:, 2])]
    centre[tuple(np.round(np.concatenate([line, above]) - low).astype(int).T)] = True
    canal = bone & (distance_transform_edt(~centre) < radius_mm)
    rest = bone & ~canal
    solid_part = rest if has_canal else bone
    inner = binary_erosion(solid_part, iterations=2)
    hu = np.where(solid_part, np.where(inner, marrow_hu, cortex_hu), SOFT_HU)
    noise = gaussian_filter(np.random.default_rng(3).normal(size=hu.shape), 0.6)
    hu = gaussian_filter(hu, (0.6, 0.6, blur_mm)) + noise * (NOISE_HU / noise.std())
    scan = Volume(hu.astype(np.float32), affine, frame, "CT", "HU", "made")
    field = distance_field(points, model.faces, scan)
    laid = Laid(model, points, 1.0, np.ones(len(points), dtype=bool), 1.0, 1.0, 0.0)
    return scan, field, laid, canal, rest


@pytest.mark.parametrize("marrow_hu", [250.0, 110.0, 30.0, -20.0])
def test_the_canal_is_open(marrow_hu: float) -> None:
    """Marrow of old people is no denser than what fills the canal: a wall of bone is between them."""
    scan, field, laid, canal, rest = made(marrow_hu)
    found = sacral_canals(scan, scan.values, field, laid, np.zeros_like(canal))
    assert (found & canal).sum() > MIN_FOUND * canal.sum()
    assert (found & rest).sum() < MAX_ASTRAY * rest.sum()


def test_a_narrow_canal_in_thick_slices_is_open() -> None:
    """Blur brightens it, so that hardly any of it is as dark as soft tissue."""
    scan, field, laid, canal, rest = made(200.0, radius_mm=3.5, blur_mm=1.5)
    found = sacral_canals(scan, scan.values, field, laid, np.zeros_like(canal))
    assert (found & canal).sum() > LEAST_OF_NARROW * canal.sum()
    assert (found & rest).sum() < MAX_ASTRAY * rest.sum()


@pytest.mark.parametrize("marrow_hu", [250.0, -20.0])
def test_a_solid_sacrum_keeps_its_marrow(marrow_hu: float) -> None:
    scan, field, laid, canal, rest = made(marrow_hu, has_canal=False)
    found = sacral_canals(scan, scan.values, field, laid, np.zeros_like(canal))
    assert (found & (canal | rest)).sum() < MAX_ASTRAY * rest.sum()


def test_where_no_wall_is_seen_no_more_is_taken_out_than_canals_are() -> None:
    """Walls are blurred away, and marrow is no denser than soft tissue."""
    scan, field, laid, canal, _ = made(-20.0, cortex_hu=60.0)
    found = sacral_canals(scan, scan.values, field, laid, np.zeros_like(canal))
    inside = field < -1.5
    assert (found & inside).sum() < _MOST_SHARE * inside.sum()
