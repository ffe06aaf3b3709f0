"""The push of blur on thin cortex, against plates whose edge is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio.bones.thin_cortex import outward_shifts, profiles
from ischio.types import Frame, Volume

SPACING_MM = 0.5
BLUR_MM = 0.8
DENSE_HU, MUSCLE_HU, FILLING_HU = 1200.0, 50.0, 200.0
# Of the blur: sampling, interpolation and the averaging of neighbours move an edge by less.
EDGE_NOISE_MM = 0.1
STAYS_MM = 0.05  # half of it; by its height alone it would be moved by all that may be taken off, 0.2


def plate(cortex_mm: float, dense_hu: float = DENSE_HU) -> tuple[Volume, np.ndarray, np.ndarray]:
    """A blurred slab with its face at x = 0 under a cortex, and a sheet where the fall is steepest."""
    from scipy.ndimage import gaussian_filter1d

    fine_mm = 0.05
    x = np.arange(-20.0, 12.0, fine_mm)
    hu = np.where(x > 0, MUSCLE_HU, np.where(x > -cortex_mm, dense_hu, FILLING_HU))
    blurred = gaussian_filter1d(hu, BLUR_MM / fine_mm, mode="nearest")
    steepest = float(x[np.argmin(np.gradient(blurred))])
    line = blurred[:: round(SPACING_MM / fine_mm)]
    values = np.broadcast_to(line[:, None, None], (len(line), 40, 40)).astype(np.float32)
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    affine[:3, 3] = [x[0], -10.0, -10.0]
    scan = Volume(values, affine, Frame("patient", "made"), "CT", "HU", "plate")
    ticks = np.arange(-6.0, 6.1, 1.0)
    y, z = (grid.ravel() for grid in np.meshgrid(ticks, ticks, indexing="ij"))
    vertices = np.stack([np.full(len(y), steepest), y, z], axis=1)
    n = len(ticks)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + n, corner + n + 1], axis=1),
            np.stack([corner, corner + n + 1, corner + 1], axis=1),
        ]
    )
    return scan, vertices, faces


@pytest.mark.parametrize("cortex_mm", [0.6, 0.9, 1.2])
def test_the_true_edge_of_a_thin_cortex_is_found(cortex_mm: float) -> None:
    scan, vertices, faces = plate(cortex_mm)
    thick, thick_vertices, _ = plate(6.0)
    seen = [profiles(vertices, faces, scan)]
    # thick cortex elsewhere in the scan shows density and blur
    seen += [profiles(thick_vertices, faces, thick)] * 2
    shift = outward_shifts(seen, [faces] * 3, scan)[0]
    assert vertices[0, 0] > EDGE_NOISE_MM  # the steepest place is too far out
    assert np.abs(vertices[:, 0] - shift).max() < EDGE_NOISE_MM


def test_thick_cortex_stays_where_it_is() -> None:
    scan, vertices, faces = plate(6.0)
    shift = outward_shifts([profiles(vertices, faces, scan)], [faces], scan)[0]
    assert np.abs(shift).max() < EDGE_NOISE_MM


@pytest.mark.parametrize(("stretched", "most_mm"), [((1, 1, 2), 0.2), ((5, 5, 5), 0.0)])
def test_in_plane_little_is_taken_off(stretched: tuple[int, int, int], most_mm: float) -> None:
    """The plate's normal lies in the plane of the slices; what is left is near the steepest edge."""
    seen, zoom = [], np.diag([*stretched, 1.0])
    for cortex_mm in (0.6, 6.0):  # the thick one shows the blur
        scan, vertices, faces = plate(cortex_mm)
        scan = replace(scan, patient_from_voxel=zoom @ scan.patient_from_voxel)
        seen.append(profiles(vertices * stretched, faces, scan))
    shift = outward_shifts(seen, [faces] * 2, scan)[0]
    assert np.abs(shift).max() <= most_mm
    assert (shift > 0.5 * most_mm).all() or most_mm == 0.0


@pytest.mark.parametrize("dense_hu", [550.0, 1200.0])
def test_thick_cortex_of_any_density_stays_in_plane(dense_hu: float) -> None:
    """Its height is that of a thin and dense one, but its edge is not as steep."""
    seen = []
    for cortex_mm, hu in ((4.0, dense_hu), (6.0, 1200.0)):
        scan, vertices, faces = plate(cortex_mm, hu)
        zoom = np.diag([1.0, 1.0, 2.0, 1.0])  # slices across z: the plate's normal lies in plane
        scan = replace(scan, patient_from_voxel=zoom @ scan.patient_from_voxel)
        seen.append(profiles(vertices * [1, 1, 2], faces, scan))
    shift = outward_shifts(seen, [faces] * 2, scan)[0]
    assert shift.max() < STAYS_MM
