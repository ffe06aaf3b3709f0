"""Lay a bone's shape model on the edges of bone in a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import BoneModel, vertex_areas, vertex_normals
from ischio.bones.refine import sampled
from ischio.bones.segment.find import Placed
from ischio.geometry.solid import solid
from ischio.types import Volume

CUBE_MM = 2.0
LOW_HU, HIGH_HU = -100.0, 700.0  # of the grid that models are laid on: metal counts as bone
MUSCLE_HU = 55.0
_MIN_FALL_HU = 80.0  # across an edge of bone; cartilage and contrast in muscle fall by less
_FULL_FALL_HU = 250.0  # edges that fall by more count alike
_HALF_MM = 1.5  # half the width over which a fall is taken
_STEP_MM = 0.75
_ROUNDS = (  # how far an edge is looked for, modes let free, repeats
    (18.0, 0, 4),
    (14.0, 2, 4),
    (10.0, 6, 4),
    (8.0, 10, 4),
    (6.0, 16, 5),
    (5.0, 25, 6),
)
_INDEPENDENT = 300.0  # neighbouring points err alike: all count as this many
_NOISE_MM = 1.5  # how far a bone strays from the model's best shape
_SCALE_SIGMA = 0.1  # of adults
_STRAY_MM = 4.0  # from where modes laid it a loosened surface goes no further
_NEAR_MM = 3.0  # an edge this near to the laid model is where the model says


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A model laid on a scan.

    Parameters
    ----------
    model : BoneModel
    vertices_mm : array of shape (V, 3), mm, patient LPS
    scale : float
        Against the mean of adults.
    seen : bool array of shape (V,)
        Vertices inside the scan.
    seen_fraction : float
        Share of the surface inside the scan.
    edge_fraction : float
        Share of the seen surface that has an edge of bone within 3 mm.
    strength : float
        Mean normalised deviation of the modes; 1 for the model's own people.
    """

    model: BoneModel
    vertices_mm: Array
    scale: float
    seen: NDArray[np.bool_]
    seen_fraction: float
    edge_fraction: float
    strength: float


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A place of the model that is known: ``point`` of the model's mean lies at ``place_mm``."""

    point: Array
    place_mm: Array
    sigma_mm: float
    scale: float
    scale_sigma: float


def lay(
    model: BoneModel,
    start: Placed,
    grid: Volume,
    *,
    rounds: tuple[tuple[float, int, int], ...] = _ROUNDS,
    held: Held | None = None,
    n_points: int = 1500,
) -> Laid:
    """Move and shape a model until its surface lies on edges of bone.

    Parameters
    ----------
    model : BoneModel
    start : Placed
    grid : Volume
        In HU, cut to ``LOW_HU`` and ``HIGH_HU``; any grid.
    rounds : tuple of (reach_mm, n_modes, n_repeats)
    held : Held, optional
        What is known of the bone's place and size.
    n_points : int
        Vertices that are looked from.

    Returns
    -------
    Laid

    Notes
    -----
    Each round looks along the normals for falls of attenuation, the near and steep ones first, and solves
    for position, direction, size and modes together, of which the modes are held by their spread among
    the model's people. Edges far from what most agree on count less.
    """
    scale, rotation, offset = start.scale, start.rotation, start.offset
    shape = np.zeros(len(model.modes_mm))
    some = slice(None, None, max(1, len(model.mean_mm) // n_points))
    areas = vertex_areas(model.mean_mm, model.faces)[some]
    local = model.mean_mm
    for reach, n_modes, repeats in rounds:
        for _ in range(repeats):
            points = scale * local[some] @ rotation.T + offset
            normals = vertex_normals(local, model.faces)[some] @ rotation.T
            away, fall, _ = _edges(points, normals, grid, reach)
            known = np.isfinite(away)
            if known.sum() < 60:
                break
            weights = np.where(known, areas * np.minimum(np.nan_to_num(fall), _FULL_FALL_HU), 0.0)
            far = np.nan_to_num(away) / (0.35 * reach)
            weights = weights / (1.0 + far**2)
            middle = np.average(points, axis=0, weights=weights)
            arm = points - middle
            columns = [normals, np.cross(arm, normals), np.einsum("ij,ij->i", arm, normals)[:, None]]
            if n_modes:
                modes = scale * model.modes_mm[:n_modes, some] @ rotation.T
                columns.append(np.einsum("kvj,vj->vk", modes, normals))
            system = np.hstack(columns)
            root = np.sqrt(weights / weights.sum() * _INDEPENDENT)[:, None] / _NOISE_MM
            prior, wanted = np.zeros(system.shape[1]), np.zeros(system.shape[1])
            usual, spread = (1.0, _SCALE_SIGMA) if held is None else (held.scale, held.scale_sigma)
            prior[6], wanted[6] = 1 / spread, np.log(usual / scale) / spread
            prior[7:], wanted[7:] = 1.0, -shape[:n_modes]
            rows, aims = [system * root, np.diag(prior)], [np.nan_to_num(away) * root[:, 0], wanted]
            if held is not None:
                place = scale * rotation @ held.point + offset
                arm = place - middle
                row = np.zeros((3, system.shape[1]))
                row[:, :3], row[:, 3:6], row[:, 6] = np.eye(3), -_cross(arm), arm
                rows.append(row / held.sigma_mm)
                aims.append((held.place_mm - place) / held.sigma_mm)
            whole, aim = np.vstack(rows), np.concatenate(aims)
            # Few unknowns, most of them held: the normal equations are exact enough, and ten times as fast.
            step = np.linalg.lstsq(whole.T @ whole, whole.T @ aim, rcond=None)[0]
            shape[:n_modes] += step[7:]
            turn = _rotation(step[3:6])
            growth = float(np.exp(np.clip(step[6], -0.1, 0.1)))
            offset = middle + step[:3] + growth * turn @ (offset - middle)
            rotation, scale = turn @ rotation, scale * growth
            local = model.shape(shape)
    points = scale * local @ rotation.T + offset
    return judged(model, points, scale, grid, float(np.sqrt((shape**2).mean())))


def judged(model: BoneModel, points: Array, scale: float, grid: Volume, strength: float = 0.0) -> Laid:
    """A placed model with what of it is seen, and what of that lies on edges of bone.

    Parameters
    ----------
    model : BoneModel
    points : array of shape (V, 3), mm, patient LPS
    scale : float
    grid : Volume
    strength : float

    Returns
    -------
    Laid
    """
    normals = vertex_normals(points, model.faces)
    areas = vertex_areas(points, model.faces)
    away, _, seen = _edges(points, normals, grid, 2 * _NEAR_MM)
    near = np.isfinite(away) & (np.abs(np.nan_to_num(away)) < _NEAR_MM)
    total = float(areas[seen].sum())
    return Laid(
        model,
        points,
        scale,
        seen,
        total / float(areas.sum()),
        float(areas[near & seen].sum()) / max(total, 1e-9),
        strength,
    )


def _edges(
    points: Array, normals: Array, grid: Volume, reach: float
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Way along each normal to the best edge (NaN: none), the fall there, and whether the point is seen."""
    half = max(round(_HALF_MM / _STEP_MM), 1)
    n = int(np.ceil(reach / _STEP_MM))
    at = np.arange(-n, n + 1) * _STEP_MM
    wide = np.arange(-n - half, n + half + 1) * _STEP_MM
    hu = sampled(grid, points[:, None, :] + wide[None, :, None] * normals[:, None, :], order=1)
    fall = hu[:, : -2 * half] - hu[:, 2 * half :]
    score = np.where(fall > _MIN_FALL_HU, np.minimum(fall, _FULL_FALL_HU), 0.0)
    score = np.nan_to_num(score) * np.exp(-0.5 * (at / (0.5 * reach)) ** 2)
    best = np.argmax(score, axis=1)
    rows = np.arange(len(points))
    found = score[rows, best] > 0
    seen: NDArray[np.bool_] = np.isfinite(hu[:, n + half])
    return np.where(found & seen, at[best], np.nan), np.where(found, fall[rows, best], 0.0), seen


def _cross(vector: Array) -> Array:
    """Matrix of the cross product with a vector from the left."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def without(grid: Volume, others: Sequence[Laid], value_hu: float = MUSCLE_HU) -> Volume:
    """A grid from which bones that are laid already are taken, so that their edges mislead none.

    Parameters
    ----------
    grid : Volume
    others : sequence of Laid
    value_hu : float
        What stands in their place. NaN is unknown: there is no edge where it begins, either.
    """
    values = grid.values.copy()
    for one in others:
        values[solid(one.vertices_mm, one.model.faces, grid.patient_from_voxel, values.shape)] = value_hu
    return replace(grid, values=values)


def _rotation(vector: Array) -> Array:
    """Rotation about a vector by its length in radians."""
    from scipy.spatial.transform import Rotation

    out: Array = Rotation.from_rotvec(vector).as_matrix()
    return out


def loosen(laid: Laid, grid: Volume) -> Laid:
    """Let a laid model's surface go to the edges beyond what its modes can do, neighbours together.

    Parameters
    ----------
    laid : Laid
    grid : Volume

    Returns
    -------
    Laid
    """
    points, faces = laid.vertices_mm, laid.model.faces
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = np.concatenate([ends, ends[:, ::-1]])
    n = len(points)
    areas = vertex_areas(points, faces)
    for reach, smoothing in ((6.0, 8), (5.0, 5), (4.0, 3), (3.0, 2)):
        normals = vertex_normals(points, faces)
        away, fall, _ = _edges(points, normals, grid, reach)
        known = np.isfinite(away)
        weight = np.where(known, np.minimum(fall, _FULL_FALL_HU), 0.02 * _FULL_FALL_HU) * areas
        total = weight * np.nan_to_num(away)
        for _ in range(smoothing):
            total, weight = (
                x + np.bincount(ends[:, 0], x[ends[:, 1]], minlength=n) / 2 for x in (total, weight)
            )
        points = points + (total / weight)[:, None] * normals
        moved = points - laid.vertices_mm
        length = np.linalg.norm(moved, axis=1, keepdims=True)
        points = laid.vertices_mm + moved * np.minimum(1.0, _STRAY_MM / np.maximum(length, 1e-9))
    return judged(laid.model, points, laid.scale, grid, laid.strength)
