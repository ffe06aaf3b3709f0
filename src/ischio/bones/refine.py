"""A coarse label's surface laid on the edge of the bone in the CT, with an accuracy below a voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint
from ischio.bones.segment.grid import crop_box
from ischio.bones.stairs import smooth_steps
from ischio.bones.topology import Indices, find_edges
from ischio.geometry.interpolate import values_at
from ischio.geometry.sampling import face_normals
from ischio.types import Volume

# Of the surface, over all bones. Right labels reach 0.8, beside metal too; 10 mm off they reach 0.4.
MIN_SHARE = 0.5
METAL_HU = 2500.0  # dense cortex stays below 2,200
_STEP_SHARE = 0.25  # of the scan's finest spacing: distance of samples along a normal
_SHORT_MM = 2.5  # a label may be off by more where a hollow of the bone was closed, or its blur filled it
REACH_VOXELS = 1.5  # of the label map's widest voxel: as far as its surface may be off
_MIN_FALL_HU = 80.0  # across the edge: bone against cartilage or muscle falls by 150 and more
_CLEAR, _MOST_MIN_FALL_HU = 3.0, 160.0  # times what soft tissue differs by over such a width, by noise
_BESIDE_MM, _N_BESIDE = (3.0, 5.0), 5_000  # so far outside, at so many vertices, that is seen
_FALL_MM = 2.0  # the width over which the fall is taken
_N_ROUNDS = 2
_N_SMOOTH = 4  # rounds in which moves of neighbours are averaged
_N_NORMALS = 3  # rounds in which normals of neighbours are averaged
_AROUND_MM = 12.0  # a spline's coefficients depend on what is a few voxels away
_RANGE_HU = (-1024.0, 3071.0)
_OUTLIER_MM = 1.0  # from the middle of the neighbours' moves


@dataclass(frozen=True, slots=True)
class Refined:
    """What was done to a surface.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm, patient LPS
    share : float
        Of the vertices away from metal for which the scan shows an edge; the others follow their neighbours.
    moved_mm : float
        Mean distance along the normal.
    """

    vertices_mm: Array
    share: float
    moved_mm: float


def refine(
    vertices_mm: Array,
    faces: Indices,
    scan: Volume,
    labels: Volume,
    label: int,
    *,
    reach_voxels: float = REACH_VOXELS,
) -> Refined:
    """Move every vertex along its normal to where the CT falls off most steeply.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm, patient LPS
    faces : int array of shape (F, 3)
        Outward.
    scan : Volume
        The CT, in HU, in the same patient frame; any grid.
    labels : Volume
        The label map. No vertex is moved into a voxel of another named bone.
    label : int
    reach_voxels : float
        Of the label map's widest voxel: as far from its surface edges are looked for.

    Returns
    -------
    Refined

    Notes
    -----
    The steepest point of an edge is where the edge is, whatever blurs it evenly; bone thinner than the blur
    (under 1 mm) reads up to 0.3 mm too thick. Beside metal the vertices follow their neighbours. Between
    voxels the last round reads a cubic spline: a line between two voxels is equally steep all along. Before
    it the surface is smoothed, or steps and noise of the label would stay beside the moves, which are
    averaged: made CT had an rms error of 0.11 mm with them beside trochanter and ischium, and has 0.09.
    """
    reach = reach_voxels * float(np.linalg.norm(labels.patient_from_voxel[:3, :3], axis=0).max())
    step = _STEP_SHARE * float(np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0).min())
    edges = find_edges(faces)
    ends = np.concatenate([edges.ends, edges.ends[:, ::-1]])
    points, share, total = vertices_mm, 0.0, np.zeros(len(vertices_mm))
    shown, order = scan, 1
    least = _MIN_FALL_HU
    for turn in range(_N_ROUNDS):
        if turn:  # what stays of a label's steps and of noise would make the least distance too small
            points = smooth_steps(points, edges)
        normals = normals_of(points, faces)
        near = reach if turn == 0 else reach / 2
        if turn == _N_ROUNDS - 1:
            shown, order = cubic_part(scan, points), 3
        if turn == 0:
            least = _least_fall(points, normals, scan)
        look = (shown, order), labels, label, near, step, least
        found, is_metal, deeper = _edge_distance(points, normals, *look)
        if turn == 0:
            share = float(np.isfinite(found).sum() / max(int((~is_metal).sum()), 1))
        if turn == 0 and near < _SHORT_MM:
            inner = points[deeper] - near * normals[deeper]
            found[deeper] = np.nan_to_num(_edge_distance(inner, normals[deeper], *look)[0]) - near
        is_known = np.isfinite(found)
        move = _spread(found, is_known, ends)
        points = points + move[:, None] * normals
        total += move
    return Refined(points, share, float(np.abs(total).mean()))


def check_lies_on_bone(laid: Sequence[Refined], where: str) -> None:
    """Refuse labels that do not lie on bone in the scan, seen over all bones together.

    Parameters
    ----------
    laid : sequence of Refined
    where : str
        The label map, for messages.

    Raises
    ------
    InputError
    """
    sizes = [len(one.vertices_mm) for one in laid]
    share = sum(one.share * size for one, size in zip(laid, sizes, strict=True)) / max(sum(sizes), 1)
    if share < MIN_SHARE:
        raise InputError(
            complaint(
                where,
                f"bones of whose surface {100 * share:.0f} % lies on edges of bone in the scan",
                f"at least {100 * MIN_SHARE:.0f} %",
                "Check that scan and labels are of one person in one frame of reference.",
            )
        )


def _least_fall(points: Array, normals: Array, scan: Volume) -> float:
    """What a fall must have to be an edge and not noise, HU."""
    some = slice(None, None, -(-len(points) // _N_BESIDE))
    one, other = (sampled(scan, points[some] + mm * normals[some], order=1) for mm in _BESIDE_MM)
    differ = np.abs(one - other)
    noise = 1.48 * float(np.median(differ[np.isfinite(differ)])) if np.isfinite(differ).any() else 0.0
    return float(np.clip(_CLEAR * noise, _MIN_FALL_HU, _MOST_MIN_FALL_HU))


def _edge_distance(
    points: Array,
    normals: Array,
    shown: tuple[Volume, int],
    labels: Volume,
    label: int,
    reach: float,
    step: float,
    least_hu: float,
) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Signed distance along each normal to the steepest fall of the scan, NaN where there is none.

    With it where metal is, and where the fall still grows at the inner end: an edge lies deeper.
    """
    at = np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1) * step
    half = max(round(_FALL_MM / 2 / step), 1)
    wide = np.concatenate([at[0] + step * np.arange(-half, 0), at, at[-1] + step * np.arange(1, half + 1)])
    out = np.full(len(points), np.nan)
    metal, deeper = np.zeros(len(points), dtype=bool), np.zeros(len(points), dtype=bool)
    for block in range(0, len(points), 20_000):  # bounds the memory of the samples
        rows = slice(block, block + 20_000)
        places = points[rows, None, :] + wide[None, :, None] * normals[rows, None, :]
        hu = sampled(shown[0], places, order=shown[1])
        other = _is_other(labels, places[:, half:-half], label) | np.isnan(hu[:, half:-half])
        slope = (hu[:, half + 1 : -half + 1 or None] - hu[:, half - 1 : -half - 1]) / (2 * step)
        fall = hu[:, : -2 * half] - hu[:, 2 * half :]
        blocked = np.maximum.accumulate(other & (at > 0), axis=1)
        weight = np.exp(-0.5 * (at / (0.7 * reach)) ** 2)
        steepness = np.where((fall > least_hu) & ~blocked, -slope, 0.0)
        steepness[~np.isfinite(steepness)] = 0.0
        rows_ = np.arange(len(steepness))
        best = _top(steepness, np.argmax(steepness * weight, axis=1))
        is_peak = (steepness[rows_, best] > 0) & (best > 0) & (best < len(at) - 1)
        metal[rows] = np.nanmax(hu, axis=1, initial=-np.inf) > METAL_HU
        is_peak &= ~metal[rows]
        a, b, c = (steepness[rows_, np.clip(best + k, 0, len(at) - 1)] for k in (-1, 0, 1))
        bend = a - 2 * b + c
        shift = np.where(np.abs(bend) > 1e-9, 0.5 * (a - c) / np.where(bend == 0, 1, bend), 0.0)
        touching = blocked[:, at <= reach / 2].any(axis=1)  # towards another bone, or the end of the scan
        found = np.where(is_peak, at[best] + step * np.clip(shift, -0.5, 0.5), np.nan)
        deeper[rows] = (steepness[rows_, best] > 0) & (best == 0) & ~metal[rows]
        out[rows] = np.where(touching, np.minimum(np.nan_to_num(found), 0.0), found)
    return out, metal, deeper


def _top(values: Array, start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Column of the peak that each row's start lies on: the nearest edge is chosen, and then its own top."""
    rows, last, at = np.arange(len(values)), values.shape[1] - 1, start
    for _ in range(last):
        ahead, behind = np.minimum(at + 1, last), np.maximum(at - 1, 0)
        here, up, down = values[rows, at], values[rows, ahead], values[rows, behind]
        moved = np.where((up > here) & (up >= down), ahead, np.where(down > here, behind, at))
        if np.array_equal(moved, at):
            break
        at = moved
    return at


def sampled(volume: Volume, points_mm: Array, *, order: int) -> NDArray[np.float64]:
    """Values of a volume at points; NaN outside of it.

    Parameters
    ----------
    volume : Volume
    points_mm : array of shape (..., 3), mm, in the volume's patient frame
    order : int
        0 the nearest voxel, 1 linear, 3 cubic: then the values are those of ``cubic_part``.

    Returns
    -------
    array of shape (...)
    """
    return values_at(volume.values, volume.patient_from_voxel, points_mm, order=order)


def cubic_part(scan: Volume, points_mm: Array) -> Volume:
    """The coefficients of a cubic spline through the part of a scan around points.

    Parameters
    ----------
    scan : Volume
    points_mm : array of shape (N, 3), mm, patient LPS

    Returns
    -------
    Volume
        For ``sampled`` with order 3, up to 10 mm around the points. Metal is cut to what a scanner of 12 bits
        shows, as splines ring beside a large step.
    """
    from scipy.ndimage import spline_filter

    box, matrix = crop_box(scan, points_mm.min(axis=0) - _AROUND_MM, points_mm.max(axis=0) + _AROUND_MM)
    values = np.clip(scan.values[box], *_RANGE_HU).astype(np.float32)
    coefficients = spline_filter(values, 3, output=np.float32, mode="nearest")
    return replace(scan, values=coefficients, patient_from_voxel=matrix)


def _is_other(labels: Volume, places: Array, label: int) -> NDArray[np.bool_]:
    """Whether places lie in another named bone."""
    table = np.zeros(int(labels.values.max()) + 2, dtype=bool)
    for other in labels.names:
        if other != label and other < len(table):
            table[other] = True
    found = np.nan_to_num(sampled(labels, places, order=0)).astype(np.int64)
    out: NDArray[np.bool_] = table[found]
    return out


def _spread(found: Array, is_known: NDArray[np.bool_], ends: Indices) -> Array:
    """Moves for all vertices: outliers dropped, gaps filled from the neighbours, then averaged."""
    n = len(found)
    move = np.where(is_known, found, 0.0)
    weight = is_known.astype(np.float64)

    def mean(values: Array, weights: Array) -> tuple[Array, Array]:
        total = np.bincount(ends[:, 0], weights=(values * weights)[ends[:, 1]], minlength=n)
        size: Array = np.bincount(ends[:, 0], weights=weights[ends[:, 1]], minlength=n).astype(np.float64)
        return np.where(size > 0, total / np.where(size > 0, size, 1), 0.0), size

    wide, around = mean(move, weight)
    for _ in range(2):
        wide, around = mean(wide, (around > 0).astype(np.float64))
    weight[is_known & (around > 0) & (np.abs(move - wide) > _OUTLIER_MM)] = 0.0
    move = np.where(weight > 0, move, 0.0)
    has = weight > 0
    for _ in range(50):  # outwards from what is known
        if has.all():
            break
        filled, size = mean(move, has.astype(np.float64))
        new = ~has & (size > 0)
        if not new.any():
            break
        move[new], has[new] = filled[new], True
    for _ in range(_N_SMOOTH):
        near, size = mean(move, np.ones(n))
        move = np.where(size > 0, 0.5 * (move + near), move)
    return move


def normals_of(vertices: Array, faces: Indices) -> Array:
    """Mean outward direction of the faces around each vertex, averaged once more over the neighbours.

    Parameters
    ----------
    vertices : array of shape (V, 3), mm
    faces : int array of shape (F, 3)

    Returns
    -------
    array of shape (V, 3)
    """
    each, _ = face_normals(vertices[faces])
    corners = faces.reshape(-1)
    total = np.zeros_like(vertices)
    for _ in range(_N_NORMALS):
        rows = np.repeat(each, 3, axis=0)
        sums = [np.bincount(corners, weights=rows[:, k], minlength=len(vertices)) for k in range(3)]
        total = np.stack(sums, axis=1)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        total = total / np.where(length > 0, length, 1.0)
        each = total[faces].sum(axis=1)
    return total
