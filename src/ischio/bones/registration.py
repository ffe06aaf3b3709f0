"""A second scan of one person brought to the first, bone by bone: by coordinates, then by what is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint
from ischio.bones.refine import sampled
from ischio.types import Bone, Transform, Volume

_BAND_MM = (
    -6.0,
    -4.0,
    -2.5,
    -1.0,
    0.0,
    1.0,
    2.5,
    4.0,
    6.0,
)  # places of samples along the normals: cortex and what lies on it
_N_POINTS = 1500
_BINS = 24
_REACH_MM, _REACH_DEG, _GRID_MM, _N_STARTS = 20.0, 15.0, 5.0, 4
_NEARLY = 0.05  # of the mutual information
_MIN_OVERLAP = 0.5  # of the samples inside both scans
_EDGE_MM = 4.0  # the second scan's edge is sought this far from the bone's surface
_STEP_MM = 0.25
_MIN_GAIN = 0.02  # of the mutual information: less is no evidence that a move is better than none


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """How one bone lies in another scan.

    Parameters
    ----------
    bone : str
        In words.
    first_from_second : Transform
        Rigid; the identity in coordinates where the scans share a frame and no move is better.
    moved_mm : float
        How far it moves the bone's surface, root of the mean square.
    residual_mm : float or None
        Of the second scan's edges about the moved surface, as 1.48 times the median of their distances; None
        where too few edges are seen.
    edge_share : float
        Of the surface that shows an edge in the second scan.
    ambiguity_mm : float
        How far the surface lies from where other moves put it that fit nearly as well: large where the bone
        has no ends in view and may slide or turn about its shaft. Above 2 mm do not use the result.
    gain : float
        Mutual information after over before, minus one.
    shares_frame : bool
        Whether the scanner says that both scans have one frame of reference.
    """

    bone: str
    first_from_second: Transform
    moved_mm: float
    residual_mm: float | None
    edge_share: float
    ambiguity_mm: float
    gain: float
    shares_frame: bool


def register_bone(bone: Bone, first: Volume, second: Volume) -> Registration:
    """Find where a bone lies in a second scan of the same person.

    Parameters
    ----------
    bone : Bone
        Its surface in the first scan.
    first, second : Volume
        Any grids and modalities, for example CT and MR; overlaid by physical coordinates, never by index.

    Returns
    -------
    Registration

    Raises
    ------
    InputError
        If less than half of the bone's surroundings lies in both scans.

    Notes
    -----
    Maximises the mutual information of both scans at the bone's surface and up to 6 mm to either side, over
    rotations about the bone's middle and shifts, from the coordinates as they are. A start 20 mm or 15
    degrees off is the limit. Bones move in their joints between scans: register each by itself.
    """
    points, normals = _surface_points(bone)
    at = (points[:, None, :] + np.array(_BAND_MM)[None, :, None] * normals[:, None, :]).reshape(-1, 3)
    one = sampled(first, at, order=1)
    two = sampled(second, at, order=1)
    both = np.isfinite(one) & np.isfinite(two)
    if both.mean() < _MIN_OVERLAP:
        raise InputError(
            complaint(
                bone.label.replace("_", " "),
                f"{100 * both.mean():.0f} % of its surroundings in both scans",
                f"at least {100 * _MIN_OVERLAP:.0f} %",
                "Check that the scans share a frame of reference, or register them roughly first.",
            )
        )
    centre = points.mean(axis=0)
    classes, window = _classes(one), np.percentile(two[both], (1, 99))

    def information(parameters: Array) -> float:
        moved = sampled(second, _moved(at, parameters, centre), order=1)
        # Moved out of the second scan nothing is gained: fewer samples agree better by chance.
        kept = float((np.isfinite(moved) & both).sum() / both.sum())
        return min(kept, 1.0) ** 2 * _mutual_information(classes, moved, window)

    best, others = _climbed(information)
    before, after = information(np.zeros(6)), information(best)
    gain = after / before - 1 if before > 0 else 0.0
    if gain < _MIN_GAIN:
        best, others = np.zeros(6), []
    second_from_first = _matrix(best, centre)
    matrix: Array = np.linalg.inv(second_from_first).astype(np.float64)
    surface = _moved(points, best, centre)
    directions = normals @ second_from_first[:3, :3].T
    apart = _edges(second, surface, directions)
    seen = np.isfinite(apart)
    share = float(seen.mean())
    residual = float(1.4826 * np.median(np.abs(apart[seen]))) if share > 0.2 else None
    known = {first.frame.uid, second.frame.uid}
    return Registration(
        bone.label,
        Transform(first.frame, second.frame, matrix),
        _rms(surface - points),
        residual,
        share,
        max((_rms(_moved(points, one, centre) - surface) for one in others), default=0.0),
        gain,
        len(known) == 1 and "as_supplied" not in known,
    )


def _rms(moves: Array) -> float:
    """Root of the mean square of moves of shape (N, 3)."""
    return float(np.sqrt((moves**2).sum(axis=1).mean()))


def _surface_points(bone: Bone) -> tuple[Array, Array]:
    """Points spread over the surface, with their normals."""
    from ischio.geometry.sampling import face_normals

    normals, areas = face_normals(bone.triangles_mm)
    share = np.cumsum(areas) / areas.sum()
    rows = np.searchsorted(share, (np.arange(_N_POINTS) + 0.5) / _N_POINTS)
    return bone.triangles_mm[rows].mean(axis=1), normals[rows]


def _matrix(parameters: Array, centre: Array) -> Array:
    """Rotation by a vector in degrees about the bone's middle, then a shift in mm."""
    from scipy.spatial.transform import Rotation

    out = np.eye(4)
    out[:3, :3] = Rotation.from_rotvec(np.deg2rad(parameters[:3])).as_matrix()
    out[:3, 3] = centre + parameters[3:] - out[:3, :3] @ centre
    return out


def _moved(points: Array, parameters: Array, centre: Array) -> Array:
    """Points after a move."""
    matrix = _matrix(parameters, centre)
    out: Array = np.einsum("ij,kj->ik", points, matrix[:3, :3]) + matrix[:3, 3]
    return out


def _classes(values: Array) -> NDArray[np.int64]:
    """Values as classes of equal size; -1 where there is no scan."""
    edges = np.nanquantile(values, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.where(np.isfinite(values), np.searchsorted(edges, np.nan_to_num(values)), -1)


def _mutual_information(classes: NDArray[np.int64], values: Array, window: Array) -> float:
    """Of classes and values, in nats, with soft bins so that it changes smoothly."""
    use = np.isfinite(values) & (classes >= 0)
    if not use.any():
        return 0.0
    low, high = window
    place = np.clip((values[use] - low) / max(high - low, 1e-9), 0, 1) * (_BINS - 1)
    lower = np.minimum(place.astype(np.int64), _BINS - 2)
    part = place - lower
    joint = np.bincount(classes[use] * _BINS + lower, weights=1 - part, minlength=_BINS * _BINS)
    joint += np.bincount(classes[use] * _BINS + lower + 1, weights=part, minlength=_BINS * _BINS)
    p = joint.reshape(_BINS, _BINS) / joint.sum()
    outer = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    is_used = p > 0
    return float((p[is_used] * np.log(p[is_used] / outer[is_used])).sum())


def _climbed(information: Callable[[Array], float]) -> tuple[Array, list[Array]]:
    """The best move, and others that are nearly as good.

    Shifts on a grid are ranked; the best that lie apart are refined with rotations (Powell).
    """
    from scipy.optimize import minimize

    steps = np.arange(-_REACH_MM, _REACH_MM + 1, _GRID_MM)
    shifts = [np.array([x, y, z]) for x in steps for y in steps for z in steps]
    ranked = sorted(shifts, key=lambda shift: -information(np.concatenate([np.zeros(3), shift])))
    starts = [np.zeros(3)]
    for shift in ranked:
        if len(starts) < _N_STARTS and all(np.linalg.norm(shift - one) > 1.5 * _GRID_MM for one in starts):
            starts.append(shift)
    bounds = [(-_REACH_DEG, _REACH_DEG)] * 3 + [(-_REACH_MM - _GRID_MM, _REACH_MM + _GRID_MM)] * 3
    found = []
    for start in starts:
        one = minimize(
            lambda parameters: -information(parameters),
            np.concatenate([np.zeros(3), start]),
            method="Powell",
            bounds=bounds,
            options={"xtol": 0.02, "ftol": 1e-5, "maxfev": 900},
        )
        found.append((-float(one.fun), np.asarray(one.x, dtype=np.float64)))
    most, best = max(found, key=lambda pair: pair[0])
    return best, [move for value, move in found if value > (1 - _NEARLY) * most]


def _edges(scan: Volume, points: Array, normals: Array) -> Array:
    """Signed distance along each normal to the scan's strongest edge; NaN where there is none.

    Only edges that rise, or only those that fall: whichever most of the surface shows where it lies. So the
    inner side of the cortex is not taken for the outer one.
    """
    at = np.arange(-_EDGE_MM, _EDGE_MM + _STEP_MM / 2, _STEP_MM)
    values = sampled(scan, points[:, None, :] + at[None, :, None] * normals[:, None, :], order=1)
    slope = np.gradient(values, _STEP_MM, axis=1)
    slope = np.where(np.isfinite(slope), slope, 0.0)
    rises = float(np.median(slope[:, np.abs(at) <= 1.0].mean(axis=1))) > 0
    slope = slope if rises else -slope
    best = np.argmax(slope, axis=1)
    peak = slope[np.arange(len(best)), best]
    is_edge = (peak > max(float(np.percentile(np.abs(slope), 75)), 1e-9)) & (best > 0) & (best < len(at) - 1)
    return np.where(is_edge, at[best], np.nan)
