"""Part two laid models along the dark sheet between their bones: a joint that both models reach over."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import vertex_normals
from ischio.bones.exclude import marked_at
from ischio.bones.refine import sampled
from ischio.bones.segment.fit import Laid
from ischio.types import Volume

_FACING = -0.5  # cosine between normals: what faces less is a joint's rim
_WIDEST_MM = 8.0  # between two laid models, or as deep as one lies in the other
_OPPOSITE_MM = 9.0  # beside a vertex of the other model it ends: these are 4 to 7 mm apart
_FEWEST = 10  # vertices that make a joint
_REACH_MM, _STEP_MM = 12.0, 0.5  # of profiles across the joint
_WALL_MM = (1.0, 4.0)  # from a sheet's middle there are both cortices
_RANGE_HU = (-50.0, 1500.0)  # gas in a joint and metal say no more than this
_FULL_HU = 150.0  # sheets darker than both cortices by more count alike
_ROUNDS = (  # how far a sheet is looked for, over how many neighbours profiles and places are averaged
    (8.0, 6, 6),
    (6.0, 4, 4),
    (4.0, 3, 3),
    (3.0, 2, 2),
    (2.0, 1, 1),
)
_EDGE_MM = 4.0  # from the sheet's middle each bone's own edge is looked for
_MIN_FALL_HU = 40.0  # across an edge, over neighbours: noise of their mean is half of it
_LEAST_MM = 0.5  # from the sheet's middle both surfaces stay, where no edge is seen
_HALF_MM = 1.0  # half the width over which a fall is taken
_BESIDE_MM = 4.0  # a vertex that lies further beside the sheet is none of the joint
_MOST_MM = 6.0  # no vertex is moved by more
_HELD = 0.1  # what a vertex outside of the joint weighs, which stays


class Sheet(NamedTuple):
    """The dark sheet between two bones, at the places of vertices of the first that face the other.

    Parameters
    ----------
    middle_mm : array of shape (N, 3), mm, patient LPS
    across : array of shape (N, 3)
        Unit vectors from the first bone to the other.
    first_mm, other_mm : array of shape (N,), mm
        Where each bone's edge lies, along ``across`` from the middle; the first ones are not positive.
    """

    middle_mm: Array
    across: Array
    first_mm: Array
    other_mm: Array


def parted(first: Laid, other: Laid, scan: Volume, exclude: Volume | None = None) -> tuple[Laid, Laid]:
    """Two laid models, each with its joint surface on its own side of the dark sheet between both bones.

    Parameters
    ----------
    first, other : Laid
        The one with more vertices first.
    scan : Volume
        In HU.
    exclude : Volume, optional
        Not 0 where voxels are not to be used.

    Returns
    -------
    (Laid, Laid)
        As they were where no vertices face each other.

    Notes
    -----
    A model that is laid by itself may lie on the other bone's cortex, whose inner edge is often the
    steepest one. Between two bones the sheet of cartilage is what is darker than a cortex on each side of it.
    """
    found = dark_sheet(first, other, scan, exclude)
    if found is None:
        return first, other
    return _moved(first, found, found.first_mm, -1.0), _moved(other, found, found.other_mm, 1.0)


def dark_sheet(first: Laid, other: Laid, scan: Volume, exclude: Volume | None = None) -> Sheet | None:
    """The dark sheet between two bones, or None where their models do not face each other.

    Parameters
    ----------
    first, other : Laid
    scan : Volume
        In HU.
    exclude : Volume, optional
        Not 0 where voxels are not to be used.

    Returns
    -------
    Sheet or None

    Notes
    -----
    It is looked for on lines across the middle between both models, the near and dark places first;
    neighbours agree. Where none is seen it lies where its neighbours have it.
    """
    index, middle, across, gap = _facing(first, other)
    if len(index) < _FEWEST:
        return None
    number = np.full(len(first.vertices_mm), -1)
    number[index] = np.arange(len(index))
    ends = _ends(number[first.model.faces])
    ends = ends[(ends >= 0).all(axis=1)]
    at = np.arange(-_REACH_MM, _REACH_MM + _STEP_MM / 2, _STEP_MM)
    rows, even = np.arange(len(index)), np.ones(len(index))
    shift = np.zeros(len(index))
    for reach, n_profiles, n_places in _ROUNDS:
        hu = _profiles(scan, exclude, middle + shift[:, None] * across, across, at)
        depth = _averaged(np.maximum(np.nan_to_num(valley_hu(hu)), 0.0), even, ends, n_profiles)
        score = depth * np.exp(-0.5 * (at / (0.5 * reach)) ** 2)
        best = np.argmax(score, axis=1)
        weight = np.minimum(score[rows, best], _FULL_HU) + 1.0
        step = np.where(score[rows, best] > 0.0, at[best], 0.0)
        shift = _averaged((shift + step)[:, None], weight, ends, n_places)[:, 0]
    middle = middle + shift[:, None] * across
    hu = _averaged(_profiles(scan, exclude, middle, across, at), even, ends, 1)
    half = round(_HALF_MM / _STEP_MM)
    rise = np.pad(np.nan_to_num(hu[:, 2 * half :] - hu[:, : -2 * half]), [(0, 0), (half, half)])
    near = np.exp(-0.5 * (at / (0.75 * _EDGE_MM)) ** 2) * (np.abs(at) < _EDGE_MM)
    first_mm = np.minimum(-0.5 * gap - shift, -_LEAST_MM)
    other_mm = np.maximum(0.5 * gap - shift, _LEAST_MM)
    for steep, out in ((-rise * (at < 0.0), first_mm), (rise * (at > 0.0), other_mm)):
        best = np.argmax(steep * near, axis=1)
        is_seen = steep[rows, best] > _MIN_FALL_HU
        out[is_seen] = at[best][is_seen]
    return Sheet(middle, across, first_mm, other_mm)


def valley_hu(hu: Array) -> Array:
    """How much darker each sample of profiles is than what is brightest 1 to 4 mm to both sides of it.

    Parameters
    ----------
    hu : array of shape (N, M)
        In steps of 0.5 mm; NaN is no wall.

    Returns
    -------
    array of shape (N, M)

    Examples
    --------
    >>> profile = np.array([[100.0] * 8 + [500, 500, 50, 50, 300, 300] + [100.0] * 8])
    >>> valley_hu(profile)[0, 7:15].tolist()
    [0.0, -400.0, -400.0, 250.0, 250.0, -200.0, -200.0, 0.0]
    """
    low, high = (round(mm / _STEP_MM) for mm in _WALL_MM)
    n = hu.shape[1]
    wide = np.pad(np.nan_to_num(hu, nan=_RANGE_HU[0]), [(0, 0), (high, high)], mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(wide, high - low + 1, axis=1).max(axis=2)
    out: Array = np.minimum(highest[:, :n], highest[:, high + low : high + low + n]) - hu
    return out


def _facing(first: Laid, other: Laid) -> tuple[NDArray[np.int64], Array, Array, Array]:
    """Vertices that face the other model, the middles between both, unit vectors across, and the gaps."""
    from scipy.spatial import cKDTree

    away, nearest = cKDTree(other.vertices_mm).query(first.vertices_mm)
    normals = vertex_normals(first.vertices_mm, first.model.faces)
    theirs = vertex_normals(other.vertices_mm, other.model.faces)[nearest]
    gap = np.einsum("ij,ij->i", first.vertices_mm - other.vertices_mm[nearest], theirs)
    faces = np.einsum("ij,ij->i", normals, theirs) < _FACING
    lateral = np.sqrt(np.maximum(away**2 - gap**2, 0.0))
    index = np.flatnonzero(faces & (np.abs(gap) < _WIDEST_MM) & (lateral < _OPPOSITE_MM))
    across = (normals - theirs)[index]
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return index, first.vertices_mm[index] + 0.5 * gap[index, None] * across, across, gap[index]


def _profiles(scan: Volume, exclude: Volume | None, middle: Array, across: Array, at: Array) -> Array:
    """Attenuation along lines; NaN outside of the scan and where it is not to be used."""
    places = middle[:, None] + at[None, :, None] * across[:, None]
    hu = np.clip(sampled(scan, places, order=1), *_RANGE_HU)
    return hu if exclude is None else np.where(marked_at(exclude, places), np.nan, hu)


def _moved(laid: Laid, sheet: Sheet, edge_mm: Array, sign: float) -> Laid:
    """A model whose joint surface was moved to its bone's edge at the sheet; the rest follows a little."""
    from scipy.spatial import cKDTree

    points = laid.vertices_mm
    near = cKDTree(sheet.middle_mm).query(points, k=4)[1]
    across = sheet.across[near].mean(axis=1)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    beside = points - sheet.middle_mm[near].mean(axis=1)
    along = np.einsum("ij,ij->i", beside, across)
    lateral = np.linalg.norm(beside - along[:, None] * across, axis=1)
    normals = vertex_normals(points, laid.model.faces)
    is_joint = (lateral < _BESIDE_MM) & (np.abs(along) < _WIDEST_MM)
    is_joint &= sign * np.einsum("ij,ij->i", normals, across) < _FACING
    way = np.clip(np.median(edge_mm[near], axis=1) - along, -_MOST_MM, _MOST_MM)
    move = np.where(is_joint, way, 0.0)[:, None] * across
    weight = np.where(is_joint, 1.0, _HELD)
    return replace(laid, vertices_mm=points + _averaged(move, weight, _ends(laid.model.faces), 2))


def _ends(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Both ends of every edge, each way."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return np.concatenate([ends, ends[:, ::-1]])


def _averaged(values: Array, weight: Array, ends: NDArray[np.int64], n_rounds: int) -> Array:
    """Weighted means over neighbours, and theirs, shape (N, M)."""
    from scipy.sparse import coo_matrix, identity

    n = len(values)
    spread = identity(n) + coo_matrix((np.full(len(ends), 0.5), ends.T), shape=(n, n))
    total = values * weight[:, None]
    for _ in range(n_rounds):
        total, weight = spread @ total, spread @ weight
    out: Array = total / weight[:, None]
    return out
