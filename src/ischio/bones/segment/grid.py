"""Grids to work on: a coarse one along the patient's axes, and a fine one along the scan's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.geometry.interpolate import divided
from ischio.types import Volume

FINEST_MM = 0.6  # voxels below are joined: bone's edge is found on the scan itself, later
_STEP_DIGITS, _AT_DIGITS = 6, 3  # mm: of a voxel's sides, which add up, and of the first voxel's place
COARSEST_MM = 1.3  # voxels above are divided: at 3 mm a joint space is narrower than a voxel


def upright(scan: Volume) -> Volume:
    """The same voxels with their axes in the order and direction nearest to left, back and up; a view.

    Their places are rounded to a micrometre: headers in float32 and in decimals differ by less, and the same
    scan from a file of either kind shall have the same bones.
    """
    affine = scan.patient_from_voxel.copy()
    affine[:3, :3] = np.round(affine[:3, :3], _STEP_DIGITS)
    affine[:3, 3] = np.round(affine[:3, 3], _AT_DIGITS)
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    order = _nearest_axes(np.abs(directions))
    values, matrix = scan.values.transpose(order), affine[:, [*order, 3]].copy()
    for k in range(3):
        if matrix[k, k] < 0:
            values = np.flip(values, axis=k)
            matrix[:3, 3] += matrix[:3, k] * (values.shape[k] - 1)
            matrix[:3, k] *= -1
    return replace(scan, values=values, patient_from_voxel=matrix)


def _nearest_axes(size: Array) -> list[int]:
    """For each patient axis the voxel axis that runs most along it, all different."""
    from itertools import permutations

    best = max(permutations(range(3)), key=lambda order: sum(size[k, order[k]] for k in range(3)))
    return list(best)


def spacing_mm(volume: Volume) -> Array:
    """Distance of neighbouring voxels along each axis, shape (3,), mm."""
    out: Array = np.linalg.norm(volume.patient_from_voxel[:3, :3], axis=0)
    return out


def coarse(scan: Volume, size_mm: float, low: float, high: float) -> Volume:
    """Values cut to a range and averaged, on a grid of cubes along the patient's axes.

    Parameters
    ----------
    scan : Volume
        Upright.
    size_mm : float
    low, high : float

    Returns
    -------
    Volume
        float32; outside the scan its outermost values go on.
    """
    from scipy.ndimage import affine_transform

    steps = np.maximum(1, np.floor(size_mm / spacing_mm(scan) + 0.25)).astype(int)
    mean, matrix = _joined(scan.values, scan.patient_from_voxel, steps, low, high)
    corners = np.array(np.meshgrid(*[[-0.5, n - 0.5] for n in mean.shape], indexing="ij")).reshape(3, -1).T
    corners = corners @ matrix[:3, :3].T + matrix[:3, 3]
    start = corners.min(axis=0)
    shape = np.ceil((corners.max(axis=0) - start) / size_mm).astype(int) + 1
    grid = np.eye(4)
    grid[:3, :3] *= size_mm
    grid[:3, 3] = start
    voxel_from_cube = np.linalg.inv(matrix) @ grid
    values = affine_transform(
        mean,
        voxel_from_cube[:3, :3],
        voxel_from_cube[:3, 3],
        output_shape=tuple(int(n) for n in shape),
        order=1,
        mode="nearest",  # where the scan ends is no edge of a bone
    )
    return replace(scan, values=values, patient_from_voxel=grid)


def within_scan(grid: Volume, scan: Volume) -> Volume:
    """A grid on which what lies outside of a scan shows nothing, as beside a scan that is turned against it.

    Parameters
    ----------
    grid : Volume
        Of floating-point values, as ``coarse`` makes it.
    scan : Volume

    Returns
    -------
    Volume
        NaN further outside than a voxel of the grid: nearer the scan's outermost values go on.
    """
    voxel_from_grid = np.linalg.inv(scan.patient_from_voxel) @ grid.patient_from_voxel
    index = np.ogrid[tuple(slice(n) for n in grid.values.shape)]
    most = spacing_mm(grid).max() / spacing_mm(scan) + 0.5
    is_in = np.ones((), dtype=bool)
    for row, reach, size in zip(voxel_from_grid[:3], most, scan.values.shape, strict=True):
        at = sum(step * n for step, n in zip(row[:3], index, strict=True)) + row[3]
        is_in = is_in & (at >= -reach) & (at <= size - 1 + reach)
    return replace(grid, values=np.where(is_in, grid.values, np.float32(np.nan)))


def _joined(
    values: NDArray[np.generic], affine: Array, steps: NDArray[np.int64], low: float, high: float
) -> tuple[NDArray[np.float32], Array]:
    """Means of blocks of voxels, slab by slab, and their affine."""
    a, b, c = (int(n) for n in steps)
    shape = [max(1, n // step) for n, step in zip(values.shape, (a, b, c), strict=True)]
    out = np.empty(shape, dtype=np.float32)
    for k in range(shape[2]):
        slab = values[:, :, k * c : (k + 1) * c].mean(axis=2, dtype=np.float32) if c > 1 else values[:, :, k]
        slab = np.clip(slab, low, high)[: shape[0] * a, : shape[1] * b]
        out[:, :, k] = slab.reshape(shape[0], -1, shape[1], slab.shape[1] // shape[1]).mean(axis=(1, 3))
    matrix = affine.copy()
    matrix[:3, 3] += affine[:3, :3] @ ((np.array([a, b, c]) - 1) / 2)
    matrix[:3, :3] *= [a, b, c]
    return out, matrix


def fine(scan: Volume, low_mm: Array, high_mm: Array) -> Volume:
    """The part of a scan around a box, in voxels of about a millimetre.

    Parameters
    ----------
    scan : Volume
        Upright.
    low_mm, high_mm : arrays of shape (3,), mm, patient LPS
        Ends of the box.

    Returns
    -------
    Volume
        float32. Voxels are the scan's own, whole numbers of them joined, or divided by interpolation.
    """
    box, matrix = crop_box(scan, low_mm, high_mm)
    values = scan.values[box]
    size = spacing_mm(scan)
    joined = np.maximum(1, np.floor(FINEST_MM * 1.34 / size)).astype(int)
    joined = np.minimum(joined, values.shape)
    if (joined > 1).any():
        values, matrix = _joined(values, matrix, joined, -1024.0, 3071.0)
        size = size * joined
    parts = np.maximum(1, np.ceil(size / COARSEST_MM)).astype(int)
    out: NDArray[np.float32] = np.asarray(values, dtype=np.float32)
    if (parts > 1).any():
        out = divided(out, parts)
        matrix = matrix.copy()
        matrix[:3, :3] /= parts
    return replace(scan, values=out, patient_from_voxel=matrix)


def crop_box(scan: Volume, low_mm: Array, high_mm: Array) -> tuple[tuple[slice, slice, slice], Array]:
    """Slices around a box in patient coordinates, cut to the scan, and the affine of that part."""
    corners = np.array(
        [
            [x, y, z]
            for x in (low_mm[0], high_mm[0])
            for y in (low_mm[1], high_mm[1])
            for z in (low_mm[2], high_mm[2])
        ]
    )
    back = np.linalg.inv(scan.patient_from_voxel)
    voxels = corners @ back[:3, :3].T + back[:3, 3]
    size = np.array(scan.values.shape)
    start = np.clip(np.floor(voxels.min(axis=0)), 0, size - 2).astype(int)
    stop = np.clip(np.ceil(voxels.max(axis=0)) + 1, start + 2, size).astype(int)
    matrix = scan.patient_from_voxel.copy()
    matrix[:3, 3] += matrix[:3, :3] @ start
    i, j, k = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return (i, j, k), matrix
