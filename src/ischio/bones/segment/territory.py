"""Tell touching bones apart: whose each voxel is, cut along the dark valley between two bones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.bones.segment.flood import flooded
from ischio.bones.segment.grid import spacing_mm
from ischio.geometry.interpolate import divided
from ischio.geometry.solid import solid
from ischio.types import Volume

FAR_MM = 12.0  # distances are not told beyond
_CONTESTED_MM = 6.0  # as near as this to two bones a voxel may be either's
_SURE_MM = 4.0  # so much nearer to one bone: its
_RIDGE_HU, _RIDGE_MM = 150.0, 1.5  # what the middle between two models is worth against a valley
_LOW_HU, _HIGH_HU = -50.0, 700.0


def distance_field(
    vertices_mm: Array, faces: NDArray[np.int64], grid: Volume, step_mm: float = 2.0
) -> NDArray[np.float32]:
    """Distance of each voxel from a closed surface, negative inside, cut at 12 mm; float32.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
    grid : Volume
    step_mm : float
        Of the grid the distances are computed on; they are interpolated from there.
    """
    from scipy.ndimage import distance_transform_edt

    size = spacing_mm(grid)
    steps = np.maximum(1, np.round(step_mm / size)).astype(int)
    shape = tuple(int(-(-n // s)) + 1 for n, s in zip(grid.values.shape, steps, strict=True))
    matrix = grid.patient_from_voxel.copy()
    matrix[:3, :3] *= steps
    out = np.full(grid.values.shape, FAR_MM, dtype=np.float32)
    back = np.linalg.inv(matrix)
    cells = vertices_mm @ back[:3, :3].T + back[:3, 3]
    room = np.ceil(FAR_MM / (size * steps)).astype(int) + 1
    low = np.clip(np.floor(cells.min(axis=0)).astype(int) - room, 0, np.array(shape) - 2)
    high = np.clip(np.ceil(cells.max(axis=0)).astype(int) + room + 1, low + 2, shape)
    part = matrix.copy()
    part[:3, 3] += matrix[:3, :3] @ low
    a, b, c = (int(n) for n in high - low)
    inside = solid(vertices_mm, faces, part, (a, b, c))
    far = distance_transform_edt(~inside, sampling=size * steps) - 0.5 * float((size * steps).mean())
    deep = distance_transform_edt(inside, sampling=size * steps) - 0.5 * float((size * steps).mean())
    field = np.where(inside, -deep, far).astype(np.float32)
    start, stop = low * steps, np.minimum((high - 1) * steps + 1, grid.values.shape)
    finer = divided(field, steps)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    finer = finer[tuple(slice(int(b - a)) for a, b in zip(start, stop, strict=True))]
    out[i, j, k] = np.clip(finer, -FAR_MM, FAR_MM)
    return out


def territories(
    values: NDArray[np.float32], fields: list[NDArray[np.float32]], spacing: Array
) -> NDArray[np.uint8]:
    """Number (from 1) of the bone that each voxel belongs to, if it is bone at all; 0 far from all.

    Parameters
    ----------
    values : array of shape (I, J, K)
        HU.
    fields : list of arrays of shape (I, J, K)
        Distances from each bone's model.
    spacing : array of shape (3,), mm

    Returns
    -------
    uint8 array of shape (I, J, K)

    Notes
    -----
    Most voxels go to the nearest model. Where two are near, water rises from what is surely either's over
    a height of minus the attenuation: it meets in the darkest valley, held near the middle of
    both models by a ridge there.
    """
    from scipy.ndimage import find_objects, gaussian_filter

    nearest = np.full(values.shape, FAR_MM, dtype=np.float32)
    second = np.full(values.shape, FAR_MM, dtype=np.float32)
    owner = np.zeros(values.shape, dtype=np.uint8)
    for number, field in enumerate(fields, start=1):
        is_nearer = field < nearest
        second = np.where(is_nearer, nearest, np.minimum(second, field))
        owner[is_nearer] = number
        nearest = np.minimum(nearest, field)
    contested = (second < _CONTESTED_MM) & (nearest < _CONTESTED_MM)
    if not contested.any():
        return owner
    box = find_objects(contested.astype(np.uint8))[0]
    zone = contested[box]
    height = -gaussian_filter(np.clip(values[box], _LOW_HU, _HIGH_HU), 0.5 / spacing)
    height += _RIDGE_HU * np.exp(-0.5 * ((second[box] - nearest[box]) / _RIDGE_MM) ** 2)
    sure = (second[box] - nearest[box] > _SURE_MM) | (nearest[box] < -3.0)
    seeds = np.where(zone & sure, owner[box], 0).astype(np.int32)
    found = flooded(height, seeds, zone)
    owner[box] = np.where(zone & (found > 0), found, owner[box])
    return owner
