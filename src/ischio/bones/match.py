"""How well a second scan agrees with the first near a bone's surface, and the climb to where it does best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.bones.refine import sampled
from ischio.geometry.sampling import face_normals
from ischio.types import Bone, Volume

# Blur of the second scan, points on the surface, and reach and step of samples along a normal, in mm.
_LEVELS = ((4.0, 400, 12.0, 2.0), (2.0, 500, 8.0, 1.0), (0.0, 900, 7.0, 1.0))
_ZONES_MM = (-5.0, -2.5, -0.75, 0.75, 2.5, 5.0)  # depths that are classes of their own
_N_VALUES = 8  # classes of value in each zone
_LEAST_INSIDE = 0.3  # of the samples
_LEVER_MM = 40.0  # makes turns as large as shifts
_N_STEPS, _LONGEST_MM, _SHORTEST_MM = 25, 6.0, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Blurred:
    """A scan with its gradient, to be asked at points.

    Parameters
    ----------
    values : array of shape (I, J, K)
    slopes : array of shape (3, I, J, K), per mm in patient axes
    voxel_from_patient : array of shape (4, 4)
    """

    values: NDArray[np.float32]
    slopes: NDArray[np.float32]
    voxel_from_patient: Array

    def inside(self, points_mm: Array) -> NDArray[np.bool_]:
        """Whether points lie in the scan."""
        voxels = moved_by(points_mm, self.voxel_from_patient)
        size = np.array(self.values.shape)
        found: NDArray[np.bool_] = np.all((voxels >= -0.5) & (voxels <= size - 0.5), axis=1)
        return found

    def at(self, points_mm: Array) -> Array:
        """Values at points, taken on beyond the scan."""
        return _asked(self.values, moved_by(points_mm, self.voxel_from_patient))

    def slope_at(self, points_mm: Array) -> Array:
        """Gradients at points, of shape (N, 3)."""
        voxels = moved_by(points_mm, self.voxel_from_patient)
        return np.stack([_asked(one, voxels) for one in self.slopes], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class MatchLevel:
    """One scale of the search: samples along the normals, their classes, and the second scan.

    Parameters
    ----------
    scan : Blurred
        The second scan.
    points_mm, normals : arrays of shape (P, 3)
        On the surface, in the first scan.
    depths_mm : array of shape (D,)
        Of the samples, outwards.
    at_mm : array of shape (M, 3)
        Samples that lie in the first scan.
    point, depth : int arrays of shape (M,)
        Rows of ``points_mm`` and ``depths_mm``.
    kind : int array of shape (M,)
        Class by depth and value in the first scan.
    """

    scan: Blurred
    points_mm: Array
    normals: Array
    depths_mm: Array
    at_mm: Array
    point: NDArray[np.int64]
    depth: NDArray[np.int64]
    kind: NDArray[np.int64]

    @property
    def centre_mm(self) -> Array:
        """The middle of the surface."""
        middle: Array = self.points_mm.mean(axis=0)
        return middle

    @property
    def long_axis(self) -> Array:
        """Direction in which the surface is longest."""
        axis: Array = np.linalg.svd(self.points_mm - self.centre_mm, full_matrices=False)[2][0]
        out: Array = axis * np.sign(axis[np.argmax(np.abs(axis))])
        return out

    def move(self, turn_deg: Array, shift_mm: Array) -> Array:
        """Matrix of a turn by a rotation vector about the middle, then a shift."""
        return _matrix(np.deg2rad(turn_deg), np.asarray(shift_mm, dtype=np.float64), self.centre_mm)

    def halves(self) -> Iterator[MatchLevel]:
        """The samples of every other point, and the rest."""
        for odd in (0, 1):
            rows = self.point % 2 == odd
            yield replace(
                self,
                at_mm=self.at_mm[rows],
                point=self.point[rows],
                depth=self.depth[rows],
                kind=self.kind[rows],
            )


def levels(bone: Bone, first: Volume, second: Volume) -> list[MatchLevel]:
    """Scales from blurred to sharp.

    Parameters
    ----------
    bone : Bone
        In the first scan's frame.
    first, second : Volume

    Returns
    -------
    list of MatchLevel
    """
    out = []
    for blur, n_points, reach, step in _LEVELS:
        points, normals = surface_points(bone, n_points)
        depths = np.arange(-reach, reach + step / 2, step)
        at = points[:, None, :] + depths[None, :, None] * normals[:, None, :]
        values = sampled(first, at, order=1)
        point, depth = np.nonzero(np.isfinite(values))
        kind = _classes(values[point, depth], np.digitize(depths, _ZONES_MM)[depth])
        scan = _blurred(second, blur)
        out.append(MatchLevel(scan, points, normals, depths, at[point, depth], point, depth, kind))
    return out


def surface_points(bone: Bone, n: int) -> tuple[Array, Array]:
    """Points spread evenly over a surface, with their normals; the same in every run.

    Parameters
    ----------
    bone : Bone
    n : int

    Returns
    -------
    points_mm, normals : arrays of shape (n, 3)
    """
    normals, areas = face_normals(bone.triangles_mm)
    order = np.random.default_rng(0).permutation(len(areas))  # a mesh's own order may run along its axis
    share = np.cumsum(areas[order]) / areas.sum()
    rows = order[np.minimum(np.searchsorted(share, (np.arange(n) + 0.5) / n), len(order) - 1)]
    return bone.triangles_mm[rows].mean(axis=1), normals[rows]


def moved_by(points_mm: Array, matrix: Array) -> Array:
    """Points after a move.

    Parameters
    ----------
    points_mm : array of shape (N, 3)
    matrix : array of shape (4, 4)
    """
    out: Array = np.einsum("ij,kj->ik", points_mm, matrix[:3, :3]) + matrix[:3, 3]
    return out


def rms(level: MatchLevel, one: Array, other: Array) -> float:
    """How far apart two moves put the surface, root of the mean square in mm.

    Parameters
    ----------
    level : MatchLevel
    one, other : arrays of shape (4, 4)
    """
    apart = moved_by(level.points_mm, one) - moved_by(level.points_mm, other)
    return float(np.sqrt((apart**2).sum(axis=1).mean()))


def explained(level: MatchLevel, second_from_first: Array) -> float:
    """Share of the second scan's variance that the classes explain; -1 where too little is in view.

    Parameters
    ----------
    level : MatchLevel
    second_from_first : array of shape (4, 4)
    """
    return _seen(level, second_from_first)[0]


def climbed(level: MatchLevel, second_from_first: Array) -> Array:
    """Climb to the nearest place where the classes explain most, by damped Gauss-Newton steps.

    Parameters
    ----------
    level : MatchLevel
    second_from_first : array of shape (4, 4)
        The start.

    Returns
    -------
    array of shape (4, 4)
    """
    move = second_from_first
    value, rest, weight, spread, points = _seen(level, move)
    damping = 1e-3
    if value < 0:
        return move
    for _ in range(_N_STEPS):
        middle = moved_by(level.centre_mm[None], move)[0]
        slopes = level.scan.slope_at(points)
        lever = np.cross((points - middle) / _LEVER_MM, slopes)
        change = np.concatenate([lever, slopes], axis=1) / spread
        change = _about_means(change, level.kind, weight) * weight[:, None]
        curves, axes = np.linalg.eigh(np.einsum("ij,ik->jk", change, change))
        push = -np.einsum("ji,kj,k->i", axes, change, rest, optimize=True)
        for _ in range(6):
            step = axes @ (push / (np.maximum(curves, 1e-12) * (1 + damping) + damping * curves.mean()))
            step *= min(1.0, _LONGEST_MM / max(float(np.linalg.norm(step)), 1e-12))
            tried = _matrix(step[:3] / _LEVER_MM, step[3:], middle) @ move
            found = _seen(level, tried)
            if found[0] > value:
                break
            damping *= 8
        else:
            return move
        move, (value, rest, weight, spread, points) = tried, found
        damping = max(damping / 48, 1e-5)
        if np.linalg.norm(step) < _SHORTEST_MM:
            break
    return move


def _seen(level: MatchLevel, move: Array) -> tuple[float, Array, Array, float, Array]:
    """What is explained, what is not of each sample, weights, the spread of values, and places."""
    points = moved_by(level.at_mm, move)
    weight = level.scan.inside(points).astype(np.float64)
    total = float(weight.sum())
    values = level.scan.at(points)
    if total < _LEAST_INSIDE * len(weight):
        return -1.0, np.zeros(len(weight)), weight, 1.0, points
    middle = float(weight @ values) / total
    spread = float(np.sqrt(weight @ (values - middle) ** 2 / total)) + 1e-9
    rest = _about_means(((values - middle) / spread)[:, None], level.kind, weight)[:, 0] * weight
    return 1.0 - float(rest @ rest) / total, rest, weight, spread, points


def class_means(values: Array, kind: NDArray[np.int64], weight: Array) -> Array:
    """Mean of each class, of shape (C,); 0 for a class without weight.

    Parameters
    ----------
    values : array of shape (M,)
    kind : int array of shape (M,)
    weight : array of shape (M,)
    """
    n = int(kind.max()) + 1
    size = np.bincount(kind, weights=weight, minlength=n)
    out: Array = np.bincount(kind, weights=weight * values, minlength=n) / np.maximum(size, 1e-9)
    return out


def _about_means(columns: Array, kind: NDArray[np.int64], weight: Array) -> Array:
    """Columns less the mean of each sample's class."""
    return np.stack([one - class_means(one, kind, weight)[kind] for one in columns.T], axis=1)


def _classes(values: Array, zones: NDArray[np.int64]) -> NDArray[np.int64]:
    """Class of each sample: classes of equal size by value in each zone of depth."""
    out = np.zeros(len(values), dtype=np.int64)
    for zone in np.unique(zones):
        rows = zones == zone
        borders = np.quantile(values[rows], np.linspace(0, 1, _N_VALUES + 1)[1:-1])
        out[rows] = zone * _N_VALUES + np.searchsorted(borders, values[rows])
    return out


def _blurred(volume: Volume, blur_mm: float) -> Blurred:
    """A scan blurred evenly in mm, with its gradient."""
    from scipy.ndimage import gaussian_filter

    spacing = np.linalg.norm(volume.patient_from_voxel[:3, :3], axis=0)
    values: Any = volume.values.astype(np.float32)
    if blur_mm:
        values = gaussian_filter(values, blur_mm / spacing, mode="nearest")
    back: Array = np.linalg.inv(volume.patient_from_voxel).astype(np.float64)
    steps = np.stack(np.gradient(values))
    slopes = np.einsum("ij,iabc->jabc", back[:3, :3].astype(np.float32), steps)
    return Blurred(values, slopes, back)


def _asked(values: Any, voxels: Array) -> Array:
    """Linear interpolation."""
    from scipy.ndimage import map_coordinates

    found: Array = map_coordinates(values, voxels.T, order=1, mode="nearest", output=np.float64)
    return found


def _matrix(turn_rad: Array, shift_mm: Array, centre_mm: Array) -> Array:
    """A turn by a rotation vector about a point, then a shift."""
    from scipy.spatial.transform import Rotation

    out = np.eye(4)
    out[:3, :3] = Rotation.from_rotvec(turn_rad).as_matrix()
    out[:3, 3] = centre_mm + shift_mm - out[:3, :3] @ centre_mm
    return out
