"""Where an MR shows a bone's surface: flat bones of known place, among tendon, fat and muscle."""

from __future__ import annotations

import numpy as np
import pytest

from ischio.bones.mr_edges import Depths, depths, edges, marrow_of
from ischio.types import Frame, Side, Volume

SPACING_MM = 0.5
SURFACE_MM = 20.3  # of the flat bone along the first axis
NEAR_MM = 0.5  # a sample's step
N = 40


def slab(layers: list[tuple[float, float]]) -> Volume:
    """Layers along the first axis: each ends at a place and has a signal."""
    x = np.arange(160) * SPACING_MM
    values = np.full(160, layers[-1][1])
    for end, signal in reversed(layers):
        values[x < end] = signal
    smooth = np.convolve(np.pad(values, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    volume = np.repeat(smooth[:, None, None], 12, axis=1).repeat(12, axis=2).astype(np.float32)
    return Volume(volume, np.diag([SPACING_MM] * 3 + [1.0]), Frame("patient", "made"), "MR", "1", "made")


def looked(view: Volume, at_mm: float, cortex_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Ways and weights found from a flat outline at some place."""
    points = np.full((N, 3), 3.0)
    points[:, 0] = at_mm
    normals = np.tile([1.0, 0.0, 0.0], (N, 1))
    known = Depths(np.full(N, 10.0), np.full(N, cortex_mm), np.tile(np.arange(15), (N, 1)))
    return edges(points, normals, view, 6.0, known, marrow_of(points, normals, known, view, 1.0))


@pytest.mark.parametrize("outside", [0.35, 1.0])
@pytest.mark.parametrize(("cortex_mm", "most_mm"), [(1.5, 2.5), (5.0, 8.0)])
@pytest.mark.parametrize("off_mm", [-4.0, 0.0, 3.0])
def test_the_outer_side_of_the_cortex_is_found(
    outside: float, cortex_mm: float, most_mm: float, off_mm: float
) -> None:
    view = slab([(SURFACE_MM - cortex_mm, 0.9), (SURFACE_MM, 0.03), (1e3, outside)])
    away, weight = looked(view, SURFACE_MM + off_mm, most_mm)
    np.testing.assert_allclose(away, -off_mm, atol=NEAR_MM)
    assert (weight > 0.2).all()


def test_tendon_is_no_cortex() -> None:
    view = slab([(SURFACE_MM - 1.2, 0.9), (SURFACE_MM + 6.0, 0.04), (1e3, 0.35)])
    away, weight = looked(view, SURFACE_MM, 2.5)
    np.testing.assert_allclose(away, 0.0, atol=NEAR_MM)
    sure = looked(slab([(SURFACE_MM - 1.2, 0.9), (SURFACE_MM, 0.04), (1e3, 0.35)]), SURFACE_MM, 2.5)[1]
    assert (weight < sure).all()
    # Where a cortex may be thick, nothing is told.
    assert np.isnan(looked(view, SURFACE_MM, 5.0)[0]).all()


def test_a_water_image_shows_the_outside_alone() -> None:
    away, weight = looked(slab([(SURFACE_MM, 0.02), (1e3, 0.9)]), SURFACE_MM + 2.0, 2.5)
    np.testing.assert_allclose(away, -2.0, atol=NEAR_MM)
    assert (weight > 0.2).all()
    assert np.isnan(looked(slab([(1e3, 0.02)]), SURFACE_MM, 2.5)[0]).all()  # fat on bone, both dark


def test_what_is_not_a_number_is_no_edge() -> None:
    view = slab([(SURFACE_MM - 1.5, 0.9), (SURFACE_MM, 0.03), (1e3, 0.35)])
    values = np.array(view.values)
    values[int((SURFACE_MM - 4) / SPACING_MM) :] = np.nan
    away, weight = looked(
        Volume(values, view.patient_from_voxel, view.frame, "MR", "1", "made"), SURFACE_MM, 2.5
    )
    assert np.isnan(away).all()
    assert (weight == 0).all()


def test_depths_of_both_bones() -> None:
    femur, hip = (depths(name, Side.LEFT) for name in ("femur", "hip_bone"))
    assert femur.inward_mm.max() == 12  # in the head
    assert hip.inward_mm.min() < 4  # of the wing
    assert femur.cortex_mm.max() > 2 * femur.cortex_mm.min()  # the shaft's
    assert (femur.inward_mm[femur.deep] >= 5).all()
    right = depths("femur", Side.RIGHT)
    np.testing.assert_allclose(right.inward_mm, femur.inward_mm)
