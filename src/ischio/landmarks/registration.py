"""Lay the shape model over a bone of unknown position, side and completeness.

A sphere (the femoral head, the socket) anchors bone and model; every direction is tried; the
best few are refined by iterative closest points, and then the shape is let free. Distances are
taken from the bone to the model only, so a part of a bone fits as well as a whole one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas.model import BoneModel, similarity, vertex_normals
from ischio.atlas.template import Template

_NORMAL_WEIGHT_MM = (
    20.0  # a normal turned by 60 degrees counts like 20 mm: keeps inner and outer cortex apart
)
_N_ROTATIONS = 700  # about 25 degrees from any direction to the nearest one tried
_N_COARSE, _N_MEDIUM, _N_FINE = 100, 400, 2000
_COARSE_CAP_MM = 30.0
_N_REFINED = 14  # of the directions tried, so many are refined
_WORTH_TRYING = 1.5  # a second placement within this ratio of the best cost is let free too
_SAME_TRACE = 2.9  # of the rotation between two placements: 18 degrees
_MAX_GROWTH = 0.15  # per step
_MODES_FIRST = (0, 3, 3, 6, 6)  # enough to tell left from right
_MODES_THEN = (10, 10, 15, 15, 20, 20, 20, 20)
# Position and normal together; parts of the model farther than this from the bone are where it is cut.
_BEYOND_MM = 25.0
_KEPT = 0.9  # share of the closest points that steer a step: cut edges, osteophytes and holes do not
_SURFACE_NOISE_MM = 1.0  # how far a real bone strays from the model's best shape
_INDEPENDENT_POINTS = 300.0  # neighbouring points err alike: they count as this many


class Placement(NamedTuple):
    """Where a model lies: ``bone = scale * model @ rotation.T + offset``."""

    cost_mm: float
    scale: float
    rotation: Array
    offset: Array


@dataclass(frozen=True, slots=True, eq=False)
class ModelFit:
    """The model laid over a bone.

    Parameters
    ----------
    model : BoneModel
        Mirrored already where the bone is a right one.
    vertices_mm : array of shape (V, 3), mm
        The model's vertices in the bone's frame.
    scale, rotation, offset
        ``vertices_mm = scale * shape @ rotation.T + offset``; the model's axes are LPS, so the
        columns of ``rotation`` are left, back and up as seen in the bone's frame.
    coefficients : array of shape (K,)
        Mode coefficients, standard deviations.
    rms_mm : float
        Root mean square distance of the bone's points from the model, the far tenth left out.
    """

    model: BoneModel
    vertices_mm: Array
    scale: float
    rotation: Array
    offset: Array
    coefficients: Array
    rms_mm: float


def rotations_over_sphere(count: int) -> Array:
    """Rotations spread evenly over all directions and turns, shape (count, 3, 3).

    References
    ----------
    .. [1] Alexa 2022, Super-Fibonacci spirals, CVPR.

    Examples
    --------
    >>> rotations_over_sphere(10).shape
    (10, 3, 3)
    """
    k = np.arange(count) + 0.5
    inner, outer = np.sqrt(k / count), np.sqrt(1 - k / count)
    first, second = 2 * np.pi * k / np.sqrt(2.0), 2 * np.pi * k / 1.533751168755204288118041
    x, y, z, w = inner * np.sin(first), inner * np.cos(first), outer * np.sin(second), outer * np.cos(second)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(rows).transpose(2, 0, 1)


def own_axes(points_mm: Array, anchor_mm: Array) -> Array:
    """Right-handed axes that move with the points, columns of a (3, 3) matrix.

    First towards the middle of the bone, second along its greatest spread across that; they
    make the search start the same way whatever the axes of the file.
    """
    towards = points_mm.mean(axis=0) - anchor_mm
    first = towards / np.linalg.norm(towards)
    local = points_mm - points_mm.mean(axis=0)
    across = local - np.outer(local @ first, first)
    second = np.linalg.svd(across, full_matrices=False)[2][0]
    if ((across @ second) ** 3).sum() < 0:
        second = -second
    return np.stack([first, second, np.cross(first, second)], axis=1)


class _Searcher:
    """Closest point and normal of a surface, for query points with normals."""

    def __init__(self, vertices_mm: Array, normals: Array, normal_weight_mm: float) -> None:
        self._weight = normal_weight_mm
        self._tree = cKDTree(np.hstack([vertices_mm, normal_weight_mm * normals]))

    def __call__(
        self, points_mm: Array, normals: Array, cap_mm: float = np.inf
    ) -> tuple[Array, NDArray[np.int64]]:
        distance, index = self._tree.query(
            np.hstack([points_mm, self._weight * normals]), distance_upper_bound=cap_mm
        )
        return distance, index


def place_model(
    model: BoneModel,
    model_anchor: tuple[Array, float],
    points_mm: Array,
    normals: Array,
    anchor: tuple[Array, float],
    axes: Array,
    *,
    n_kept: int = 2,
) -> list[Placement]:
    """Try all directions about the anchor and refine the best by iterative closest points.

    Parameters
    ----------
    model : BoneModel
    model_anchor, anchor : (centre of shape (3,) in mm, radius in mm)
        The same sphere on the model and on the bone.
    points_mm, normals : arrays of shape (N, 3)
        Points spread over the bone.
    axes : array of shape (3, 3)
        The bone's own axes (``own_axes``).
    n_kept : int
        How many placements to return.

    Returns
    -------
    list of Placement
        Best first.
    """
    model_normals = vertex_normals(model.mean_mm, model.faces)
    search = _Searcher(model.mean_mm, model_normals, _NORMAL_WEIGHT_MM)
    scale = anchor[1] / model_anchor[1]
    step = max(1, len(points_mm) // _N_COARSE)
    coarse, coarse_normals = points_mm[::step], normals[::step]
    local = (coarse - anchor[0]) / scale
    turns = rotations_over_sphere(_N_ROTATIONS) @ axes.T  # model axes from bone axes
    tried = np.einsum("rij,nj->rni", turns, local) + model_anchor[0]
    tried_normals = np.einsum("rij,nj->rni", turns, coarse_normals)
    distance, _ = search(tried.reshape(-1, 3), tried_normals.reshape(-1, 3), _COARSE_CAP_MM)
    cost = np.minimum(distance.reshape(len(turns), -1), _COARSE_CAP_MM).mean(axis=1)
    step = max(1, len(points_mm) // _N_MEDIUM)
    medium, medium_normals = points_mm[::step], normals[::step]
    half, half_normals = medium[::2], medium_normals[::2]
    refined = []
    for index in np.argsort(cost, kind="stable")[:_N_REFINED]:
        rotation = turns[index].T
        placement = Placement(np.inf, scale, rotation, anchor[0] - scale * rotation @ model_anchor[0])
        for _ in range(5):
            placement = _rigid_step(model.mean_mm, search, half, half_normals, placement)
        refined.append(placement)
    best: list[Placement] = []
    for placement in sorted(refined, key=lambda one: one.cost_mm):
        if all(np.trace(placement.rotation.T @ other.rotation) < _SAME_TRACE for other in best):
            best.append(placement)
    out = []
    for placement in best[:n_kept]:
        for _ in range(10):
            placement = _rigid_step(model.mean_mm, search, medium, medium_normals, placement)
        out.append(placement)
    return sorted(out, key=lambda one: one.cost_mm)


def follow(model: BoneModel, rows: NDArray[np.int64]) -> Callable[[Array, Array, Placement, int], Placement]:
    """Iterative closest points with part of a model's mean, prepared for many starts.

    Parameters
    ----------
    model : BoneModel
    rows : int array
        Its vertices that count.

    Returns
    -------
    callable
        ``refined(points_mm, normals, start, n_steps)`` gives a Placement.
    """
    part = model.mean_mm[rows]
    search = _Searcher(part, vertex_normals(model.mean_mm, model.faces)[rows], _NORMAL_WEIGHT_MM)

    def refined(points_mm: Array, normals: Array, start: Placement, n_steps: int) -> Placement:
        for _ in range(n_steps):
            start = _rigid_step(part, search, points_mm, normals, start)
        return start

    return refined


def _rigid_step(
    mean_mm: Array, search: _Searcher, points_mm: Array, normals: Array, placement: Placement
) -> Placement:
    """One iterative-closest-point step; the new placement carries the cost of the old one."""
    _, scale, rotation, offset = placement
    distance, index = search((points_mm - offset) @ rotation / scale, normals @ rotation)
    limit = np.quantile(distance, _KEPT)
    keep = distance <= limit
    cost = float(np.minimum(distance, limit).mean() * scale)
    found, points = mean_mm[index[keep]], points_mm[keep]
    grown, turned, moved = similarity(found, points, np.ones(len(points)))
    # One sphere and a fragment say little of size: stay near where it started.
    bounded = float(np.clip(grown, (1 - _MAX_GROWTH) * scale, (1 + _MAX_GROWTH) * scale))
    if bounded != grown:
        moved = points.mean(axis=0) - bounded * turned @ found.mean(axis=0)
    return Placement(cost, bounded, turned, moved)


def fit_shape(
    start: ModelFit,
    points_mm: Array,
    normals: Array,
    cover: NDArray[np.int64],
    n_modes: tuple[int, ...],
    *,
    size_sigma: float = np.inf,
) -> ModelFit:
    """Let shape, size and position go free, more modes step by step.

    Parameters
    ----------
    start : ModelFit
        Where to begin.
    points_mm, normals : arrays of shape (N, 3)
        Points spread over the bone.
    cover : int array
        Vertices of the model that this kind of bone has, unless it is cut.
    n_modes : tuple of int
        Modes used at each step.
    size_sigma : float
        Spread of sizes about the mean person's; a piece without its ball tells little of its own.

    Returns
    -------
    ModelFit

    Notes
    -----
    Each step minimises the distances along the bone's normals (and a tenth of the full
    distances) together with the squared mode coefficients, that is, the most probable shape
    given the points.
    """
    step = max(1, len(points_mm) // _N_FINE)
    points_mm, normals = points_mm[::step], normals[::step]
    model, scale, rotation, offset = start.model, start.scale, start.rotation, start.offset
    coefficients = np.zeros(max(*n_modes, len(start.coefficients)))
    coefficients[: len(start.coefficients)] = start.coefficients
    shape = model.shape(coefficients)
    bone = _Searcher(points_mm, normals, _NORMAL_WEIGHT_MM)
    cover = cover[:: max(1, len(cover) // _N_FINE)]
    for count in n_modes:
        local = (points_mm - offset) @ rotation / scale
        along = normals @ rotation
        shape_normals = vertex_normals(shape, model.faces)
        # Once in place, normals matter less than distance: a third of the weight.
        distance, index = _Searcher(shape, shape_normals, _NORMAL_WEIGHT_MM / 3)(local, along)
        keep = distance <= np.quantile(distance, _KEPT)
        # The other way round, along normals alone: a model may reach past a cut, not past a condyle.
        back, nearest = bone(scale * shape[cover] @ rotation.T + offset, shape_normals[cover] @ rotation.T)
        close = back < _BEYOND_MM
        solution = _shape_step(
            model,
            shape,
            coefficients[:count],
            (index[keep], local[keep], along[keep]),
            (cover[close], local[nearest[close]], along[nearest[close]]),
            scale,
            size_sigma,
        )
        coefficients[:count] += solution[7:]
        shape = model.shape(coefficients)
        # The placement takes up the rigid part: turn, shift and growth in the model's axes.
        offset = offset + scale * rotation @ solution[3:6]
        rotation = rotation @ _rotation_about(solution[:3])
        scale = scale * float(1 + solution[6])
    distance = cKDTree(shape).query((points_mm - offset) @ rotation / scale)[0]
    kept = np.sort(distance)[: int(_KEPT * len(distance))] * scale
    rms = float(np.sqrt((kept**2).mean()))
    return ModelFit(model, scale * shape @ rotation.T + offset, scale, rotation, offset, coefficients, rms)


def _shape_step(
    model: BoneModel,
    shape: Array,
    coefficients: Array,
    pairs: tuple[NDArray[np.int64], Array, Array],
    back_pairs: tuple[NDArray[np.int64], Array, Array],
    scale: float,
    size_sigma: float,
) -> Array:
    """Solve one linearised step: turn (3), shift (3), growth (1) and change of the modes in use.

    Pairs are (vertex of the shape, point of the bone, its normal), in the model's axes.
    """
    count = len(coefficients)
    weight = float(np.sqrt(_INDEPENDENT_POINTS / len(pairs[0])) / (_SURFACE_NOISE_MM / scale))
    normal = 1e-9 * np.eye(7 + count)
    right = np.zeros(7 + count)
    for (index, points, along), pointwise_share in ((pairs, 0.1), (back_pairs, 0.0)):
        at = shape[index]
        residual = points - at
        blocks = [
            np.stack([np.cross(axis, at) for axis in np.eye(3)], axis=2),
            np.broadcast_to(np.eye(3), (len(at), 3, 3)),
            at[:, :, None],
        ]
        if count:
            blocks.append(model.modes_mm[:count, index].transpose(1, 2, 0))
        jacobian = np.concatenate(blocks, axis=2)
        flat = np.einsum("ni,nij->nj", along, jacobian)
        normal += weight**2 * flat.T @ flat
        right += weight**2 * flat.T @ np.einsum("ni,ni->n", along, residual)
        if pointwise_share:
            full = jacobian.reshape(-1, 7 + count)
            normal += pointwise_share * weight**2 * full.T @ full
            right += pointwise_share * weight**2 * full.T @ residual.ravel()
    normal[range(7, 7 + count), range(7, 7 + count)] += 1.0  # the prior: coefficients of variance 1
    right[7:] -= coefficients
    normal[6, 6] += 1.0 / (scale * size_sigma) ** 2  # growth is relative: scale becomes scale * (1 + growth)
    right[6] += (1.0 - scale) / scale / (scale * size_sigma) ** 2
    return np.asarray(np.linalg.solve(normal, right), dtype=np.float64)


def lay_model(
    model: BoneModel,
    template: Template,
    points_mm: Array,
    normals: Array,
    anchors: list[tuple[Array, float]],
) -> ModelFit:
    """Place the model by each anchor, let the best two placements go free, keep the better fit.

    Parameters
    ----------
    model : BoneModel
    template : Template
        Names the model's own ball.
    points_mm, normals : arrays of shape (N, 3)
        Points spread over the bone.
    anchors : list of (centre of shape (3,) in mm, radius in mm)
        Spheres of the bone that may be the model's ball.

    Returns
    -------
    ModelFit
        With the first few modes: enough to choose between sides. ``finish`` goes on.
    """
    ball = template.ball_of(model.mean_mm)
    placements = [
        placement
        for anchor in anchors
        for placement in place_model(model, ball, points_mm, normals, anchor, own_axes(points_mm, anchor[0]))
    ]
    placements.sort(key=lambda one: one.cost_mm)
    fits: list[ModelFit] = []
    for placement in placements[:2]:
        if placement.cost_mm < _WORTH_TRYING * placements[0].cost_mm or not fits:
            _, scale, rotation, offset = placement
            start = ModelFit(model, model.mean_mm, scale, rotation, offset, np.zeros(0), np.inf)
            fits.append(fit_shape(start, points_mm, normals, template.cover, _MODES_FIRST))
    return min(fits, key=lambda fit: fit.rms_mm)


def finish(fit: ModelFit, points_mm: Array, normals: Array, cover: NDArray[np.int64]) -> ModelFit:
    """Let all modes in use go free.

    Parameters
    ----------
    fit : ModelFit
        From ``lay_model``.
    points_mm, normals : arrays of shape (N, 3)
        The same points.
    cover : int array
        Vertices of the model that this kind of bone has.

    Returns
    -------
    ModelFit
    """
    return fit_shape(fit, points_mm, normals, cover, _MODES_THEN)


def _rotation_about(turn_rad: Array) -> Array:
    """Rotation by a vector's length about its direction (Rodrigues)."""
    angle_rad = float(np.linalg.norm(turn_rad))
    if angle_rad < 1e-15:
        return np.eye(3)
    x, y, z = turn_rad / angle_rad
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    out: Array = np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross
    return out
