"""Where a femoral head ends and its socket begins, also where they touch and no valley parts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.parts import ball_of, ball_vertices
from ischio.bones.refine import sampled
from ischio.bones.segment.fit import MUSCLE_HU, Laid
from ischio.bones.segment.grid import spacing_mm
from ischio.bones.segment.territory import FAR_MM
from ischio.types import Side, Volume

_STEP_MM = 0.25
_STRAY_MM = 5.0  # a joint's middle lies no further from the middle between the laid bones
_REACH_MM = 5.0  # to both sides of it: two cortices with what is between them
_WIDE_MM = 6.0  # wider apart than this they do not touch
_DEEP_MM = 3.0  # laid bones overlap by less
_N_PATCH = 9  # rays looked at together: 4 to 5 mm of a head
_N_EVEN = 12  # the middle is the median of so many
_ROUNDS = 6
_VALLEY = 0.25  # of the plates' height: so deep a valley alone tells; of a shallower one the sheet tells, too
_VALLEY_HU = 20.0  # noise makes valleys of half of it
_NEAR_MM = 2.0  # a valley this far off the middle of the laid bones counts 0.6
_PLATE = (0.25, 0.5)  # of a sheet is the head's: its plate is no thicker than the socket's, nor vanishes
_FEWEST = 30  # directions with a valley that tell how thick a head's plate is
_LEAST_SHARE = 0.15  # of a sheet's height that is no sheet yet


class JointCut(NamedTuple):
    """A surface between head and socket: how far out it lies in directions from the head's centre.

    Parameters
    ----------
    centre_mm : array of shape (3,), mm
    directions : array of shape (N, 3)
    radii_mm : array of shape (N,), mm
    is_joint : bool array of shape (N,)
        Directions in which head and socket lie against each other; in others it cuts nothing.
    """

    centre_mm: Array
    directions: Array
    radii_mm: Array
    is_joint: NDArray[np.bool_]


def joint_cut(
    volume: Volume, hip_bone: NDArray[np.float32], centre_mm: Array, radius_mm: float, directions: Array
) -> JointCut:
    """Look from a head's centre for the middle of the joint.

    Parameters
    ----------
    volume : Volume
        HU.
    hip_bone : array of shape (I, J, K), mm
        Distance from the laid hip bone, negative inside.
    centre_mm : array of shape (3,), mm
    radius_mm : float
        Of the laid head.
    directions : array of shape (N, 3)

    Returns
    -------
    JointCut

    Notes
    -----
    Along each direction the joint lies in the darkest place between two bright plates of bone. Where these
    touch and the scan blurs them into one sheet, the head's part of it is what its plate has where a valley
    shows it alone: in people the socket's is often thicker. Neighbouring directions are averaged, each
    shifted by its own middle, so that thick slices and noise do not tear the surface.
    """
    from scipy.spatial import cKDTree

    out = np.arange(-_STRAY_MM - 2 * _REACH_MM, _STRAY_MM + 2 * _REACH_MM + _STEP_MM / 2, _STEP_MM)
    points = centre_mm + (radius_mm + out)[None, :, None] * directions[:, None]
    values = np.nan_to_num(sampled(volume, points, order=1), nan=MUSCLE_HU)
    # Unknown far from the laid hip bone, and outside of the scan.
    away = np.nan_to_num(sampled(replace(volume, values=hip_bone), points, order=1), nan=FAR_MM)
    is_inside = (away < 0.0) & (out > -_DEEP_MM) & (out < _WIDE_MM)
    is_joint = np.asarray(is_inside.any(axis=1))
    begins = out[np.argmax(is_inside, axis=1)]
    usual = np.where(is_joint, np.maximum(begins, 0.0) / 2, 0.0)
    tree = cKDTree(directions)
    patches, wide = (tree.query(directions, min(n, len(directions)))[1] for n in (_N_PATCH, _N_EVEN))
    middle = usual.copy()
    for last in (False,) * _ROUNDS + (True,):
        profiles = _shifted(values, middle)[patches].mean(axis=1)
        step = _middles(profiles, middle - usual, is_joint if last else None)
        middle = np.clip(middle + step, usual - _STRAY_MM, usual + _STRAY_MM)
        middle = np.median(middle[wide], axis=1)
    return JointCut(centre_mm, directions, radius_mm + middle, is_joint)


def _shifted(values: Array, middle: Array) -> Array:
    """Values within the reach of each ray's middle, shape (N, 2 * reach / step + 1)."""
    n = round(_REACH_MM / _STEP_MM)
    centre = (values.shape[1] - 1) / 2 + middle / _STEP_MM
    at = centre[:, None] + np.arange(-n, n + 1)
    low = np.floor(at).astype(int)
    low = np.clip(low, 0, values.shape[1] - 2)
    share, rows = at - low, np.arange(len(values))[:, None]
    out: Array = (1 - share) * values[rows, low] + share * values[rows, low + 1]
    return out


def _middles(profiles: Array, strayed: Array, is_joint: NDArray[np.bool_] | None) -> Array:
    """Where in profiles across a joint its middle lies, against theirs, mm, shape (N,).

    A sheet is parted where the head's plate ends as it is elsewhere in the joint, and in its middle where the
    joint is not told yet.
    """
    rows, at = np.arange(len(profiles)), np.linspace(-_REACH_MM, _REACH_MM, profiles.shape[1])
    left = np.maximum.accumulate(profiles, axis=1)
    right = np.maximum.accumulate(profiles[:, ::-1], axis=1)[:, ::-1]
    nearness = np.exp(-0.5 * ((at + strayed[:, None]) / _NEAR_MM) ** 2)
    depth = (np.minimum(left, right) - profiles) * nearness
    valley = np.argmax(depth, axis=1)
    ends = np.linspace(profiles[:, 0], profiles[:, -1], len(at), axis=1)
    over = profiles - ends
    trust = np.clip(depth[rows, valley] / np.maximum(_VALLEY * over.max(axis=1), _VALLEY_HU), 0.0, 1.0)
    sheet = np.clip(over - _LEAST_SHARE * over.max(axis=1, keepdims=True), 0.0, None)
    total = np.maximum(sheet.sum(axis=1), 1e-9)
    plate = None if is_joint is None else _head_plate(profiles, valley, is_joint & (trust == 1.0))
    share = np.clip(np.inf if plate is None else plate / total, *_PLATE)
    within = np.cumsum(sheet, axis=1) - sheet / 2
    part = at[np.argmax(within >= (share * total)[:, None], axis=1)]
    out: Array = trust * at[valley] + (1.0 - trust) * part
    return out


def _head_plate(profiles: Array, valley: NDArray[np.int64], is_told: NDArray[np.bool_]) -> float | None:
    """How much a head's plate stands out of the head, as a sum of samples, where a valley shows it alone.

    Twice its inner half, since what lies outside of it is darker than what lies inside.
    """
    if np.count_nonzero(is_told) < _FEWEST:
        return None
    profiles, valley = profiles[is_told], valley[is_told]
    n = np.arange(profiles.shape[1])
    peak = np.argmax(np.where(n < valley[:, None], profiles, -np.inf), axis=1)
    weight = np.where(n < peak[:, None], 2.0, np.where(n == peak[:, None], 1.0, 0.0))
    return float(np.median((weight * np.clip(profiles - profiles[:, :1], 0.0, None)).sum(axis=1)))


def part_heads(
    owner: NDArray[np.uint8],
    laid: Mapping[tuple[str, Side | None], Laid],
    fields: Mapping[tuple[str, Side | None], NDArray[np.float32]],
    volume: Volume,
) -> None:
    """Divide what hip bone and femur of one side hold about the head at the joint's middle, in place.

    Parameters
    ----------
    owner : uint8 array of shape (I, J, K)
        Number of the bone, from 1 in the order of ``laid``, that each voxel belongs to.
    laid : mapping of (str, Side or None) to Laid
    fields : mapping of (str, Side or None) to array of shape (I, J, K)
        Distances from the laid models, mm.
    volume : Volume
        The grid, HU.
    """
    from scipy.spatial import cKDTree

    numbers = {key: number for number, key in enumerate(laid, start=1)}
    back, size = np.linalg.inv(volume.patient_from_voxel), spacing_mm(volume)
    for (name, side), number in numbers.items():
        if name != "femur" or side is None or ("hip_bone", side) not in numbers:
            continue
        vertices = laid[name, side].vertices_mm
        centre, radius = ball_of("femur", side, vertices)
        directions = vertices[ball_vertices("femur", side)] - centre
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        reach = radius + _STRAY_MM + _WIDE_MM
        middle = back[:3, :3] @ centre + back[:3, 3]
        low = np.maximum(np.floor(middle - reach / size), 0).astype(int)
        high = np.minimum(np.ceil(middle + reach / size) + 1, volume.values.shape).astype(int)
        if (high <= low).any():
            continue
        i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        cut = joint_cut(volume, fields["hip_bone", side], centre, radius, directions)
        part = owner[i, j, k]
        index = np.argwhere((part == number) | (part == numbers["hip_bone", side]))
        away = (index + low) @ volume.patient_from_voxel[:3, :3].T + volume.patient_from_voxel[:3, 3] - centre
        far = np.linalg.norm(away, axis=1)
        # Inside of the whole cut all is the head, outside of it the socket: most voxels are given rightly.
        is_femur = part[tuple(index.T)] == number
        nearest, farthest = np.min(cut.radii_mm), np.max(cut.radii_mm)
        near = np.where(is_femur, far > nearest, far < farthest) & (far > 1e-9) & (far < reach)
        index, away, far = index[near], away[near], far[near]
        distance, rays = cKDTree(cut.directions).query(away / far[:, None], 3, workers=2)
        weight = 1.0 / np.maximum(distance, 1e-6)
        ends = (cut.radii_mm[rays] * weight).sum(axis=1) / weight.sum(axis=1)
        is_joint = cut.is_joint[rays].all(axis=1)
        index, is_head = index[is_joint], (far < ends)[is_joint]
        part[tuple(index.T)] = np.where(is_head, number, numbers["hip_bone", side])
