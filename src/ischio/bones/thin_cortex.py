"""How far blur pushes the edge of a thin cortex outwards, told from how much of its height is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.bones.refine import normals_of, sampled
from ischio.bones.topology import Indices, find_edges
from ischio.types import Volume

_INWARD_MM, _OUTWARD_MM = 5.0, 3.0
_STEP_MM = 0.25
_N_AVERAGED = 4  # rounds in which profiles of neighbours are averaged: noise would look like height
_DENSE_SHARE = 0.98  # of all profiles: the highest are of cortex thicker than the blur, in a shaft
_DENSE_HU = (900.0, 1000.0)  # above its surroundings; a shaft of 1,600 says too much of a pelvis
_BLUR_SHARE = 0.75  # of the profiles: thick edges, which show the blur itself
_BLUR_MM = (0.4, 1.5)
_N_SMOOTH = 4
_MOST_SIGMAS = 0.8  # no edge of a shell is pushed further
_MOST_IN_PLANE_MM = 0.2  # in plane the edge is seen: what is taken off there is no more than what is sure,
# as thin cortex of 500 and of 1,200 HU look alike
_COARSE_MM = 2.0  # in voxels wider in plane, a height tells no thickness: nothing is taken off


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """What a surface's normals show, one row a vertex.

    Parameters
    ----------
    outside_hu, peak_hu, inside_hu : arrays of shape (V,)
        Beside the bone, the highest of its cortex, the lowest below it.
    steepness : array of shape (V,), HU/mm
    normals : array of shape (V, 3)
    """

    outside_hu: Array
    peak_hu: Array
    inside_hu: Array
    steepness: Array
    normals: Array


def profiles(vertices_mm: Array, faces: Indices, scan: Volume) -> Profiles:
    """Attenuation along the normals of a surface that lies on the steepest edges.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
    scan : Volume
        CT in HU.

    Returns
    -------
    Profiles
    """
    normals = normals_of(vertices_mm, faces)
    at = np.arange(-_INWARD_MM, _OUTWARD_MM + _STEP_MM / 2, _STEP_MM)
    hu = np.empty((len(vertices_mm), len(at)))
    for block in range(0, len(vertices_mm), 20_000):
        rows = slice(block, block + 20_000)
        hu[rows] = sampled(scan, vertices_mm[rows, None] + at[None, :, None] * normals[rows, None], order=1)
    hu = _averaged(np.nan_to_num(hu), faces)
    zero = int(np.argmin(np.abs(at)))
    near = slice(zero - round(2.5 / _STEP_MM), zero + round(0.5 / _STEP_MM))
    top = near.start + np.argmax(hu[:, near], axis=1)
    rows_ = np.arange(len(hu))
    low = np.minimum.accumulate(hu[:, ::-1], axis=1)[:, ::-1]
    deeper = np.where(np.arange(len(at))[None, :] < top[:, None], hu, np.inf).min(axis=1)
    slope = (hu[:, :-2] - hu[:, 2:]) / (2 * _STEP_MM)  # its column k is of hu's k + 1
    steepest = slope[:, zero - 4 : zero + 3].max(axis=1)
    outside = np.take_along_axis(low, np.full((len(hu), 1), zero), axis=1)[:, 0]
    return Profiles(outside, hu[rows_, top], deeper, steepest, normals)


def _averaged(values: Array, faces: Indices) -> Array:
    """Values averaged over neighbouring vertices."""
    from scipy.sparse import coo_matrix, diags

    n = len(values)
    ends = find_edges(faces).ends
    link = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n)).tocsr()
    link = link + link.T
    mean = diags(1.0 / np.maximum(np.asarray(link.sum(axis=1)).ravel(), 1.0)) @ link
    for _ in range(_N_AVERAGED):
        values = 0.5 * (values + mean @ values)
    return values


def outward_shifts(seen: Sequence[Profiles], faces: Sequence[Indices], scan: Volume) -> list[Array]:
    """How far each vertex lies outside of its cortex's true edge.

    Parameters
    ----------
    seen : sequence of Profiles
        Of all bones of one scan: density and blur are one for all.
    faces : sequence of int arrays of shape (F, 3)
    scan : Volume

    Returns
    -------
    list of arrays of shape (V,), mm

    Notes
    -----
    A cortex as thick as the blur or thinner shows a part of its height only, and its steepest edge lies
    outside of its true one. With one density of cortex for all bones, that part tells how thick it is,
    and so how far its edge was pushed. The blur in plane is taken from thick cortex; across slices it is
    their distance's. Thin cortex may be less dense than a shaft's, and then was pushed less: in plane, where
    the steepest edge is seen well, at most 0.2 mm are taken off; nothing where voxels are wider than 2 mm.

    References
    ----------
    .. [1] Treece et al. 2010, Med Image Anal 14:276 (thickness of cortex below the blur).
    """
    outside = np.concatenate([one.outside_hu for one in seen])
    height = np.concatenate([one.peak_hu for one in seen]) - outside
    steepness = np.concatenate([one.steepness for one in seen])
    normals = np.concatenate([one.normals for one in seen])
    dense = float(np.clip(np.quantile(height, _DENSE_SHARE), *_DENSE_HU))
    along, spacing = _slice_axis(scan)
    in_plane = np.abs(normals @ along) < 0.5
    thick = in_plane & (height > 0.8 * dense)
    width = height[thick] / np.maximum(np.sqrt(2 * np.pi) * steepness[thick], 1e-9)
    flat = float(np.clip(np.quantile(width, _BLUR_SHARE) if thick.sum() > 50 else 0.7, *_BLUR_MM))
    across = max(flat, spacing / 2.0)  # a slice's box and the line between two: 1/12 and 1/6 of the square
    pixel = float(np.sort(np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0))[0])
    if pixel > _COARSE_MM:
        return [np.zeros(len(one.outside_hu)) for one in seen]
    out = []
    for one, corners in zip(seen, faces, strict=True):
        share = (one.normals @ along) ** 2
        most = _MOST_IN_PLANE_MM + share**2 * max(_MOST_SIGMAS * across - _MOST_IN_PLANE_MM, 0.0)
        blur = np.sqrt((1 - share) * flat**2 + share * across**2)
        part = np.clip((one.peak_hu - one.outside_hu) / dense, 0.0, 1.2)
        filling = np.clip((one.inside_hu - one.outside_hu) / dense, 0.0, 0.9)
        pushed = np.minimum(blur * _pushed(part, filling), most)
        out.append(_averaged(pushed[:, None], corners)[:, 0])
    return out


def _slice_axis(scan: Volume) -> tuple[Array, float]:
    """Direction and distance of the voxels that are furthest apart."""
    sizes = np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0)
    axis = int(np.argmax(sizes))
    along: Array = scan.patient_from_voxel[:3, axis] / sizes[axis]
    return along, float(sizes[axis])


def _pushed(part: Array, filling: Array) -> Array:
    """Shift in standard deviations of the blur, by what is left of the height, and what fills the bone."""
    parts, fillings, table = _table()
    row = np.interp(filling, fillings, np.arange(len(fillings)))
    low = np.minimum(row.astype(int), len(fillings) - 2)
    weight = row - low
    column = np.interp(part, parts, np.arange(len(parts)))
    left = np.minimum(column.astype(int), len(parts) - 2)
    over = column - left

    def at(rows: NDArray[np.int64]) -> Array:
        between: Array = (1 - over) * table[rows, left] + over * table[rows, left + 1]
        return between

    out: Array = np.minimum((1 - weight) * at(low) + weight * at(low + 1), _MOST_SIGMAS)
    return out


@cache
def _table() -> tuple[Array, Array, Array]:
    """Shifts on a grid of heights left and fillings, for a blur of 1 and a cortex of height 1."""
    from scipy.stats import norm

    thickness = np.geomspace(0.05, 8.0, 60)
    x = np.arange(-10.0, 4.0, 0.01)
    parts, fillings = np.linspace(0.0, 1.2, 61), np.linspace(0.0, 0.9, 19)
    table = np.zeros((len(fillings), len(parts)))
    for row, filling in enumerate(fillings):
        heights, shifts = [filling], [0.0]
        for thick in thickness:
            y = norm.cdf(-x) - (1 - filling) * norm.cdf(-(x + thick))
            heights.append(float(y.max()))
            shifts.append(float(max(x[np.argmin(np.gradient(y))], 0.0)))
        order = np.argsort(heights)
        table[row] = np.interp(parts, np.array(heights)[order], np.array(shifts)[order])
        table[row, parts <= filling] = 0.0
    return parts, fillings, table
