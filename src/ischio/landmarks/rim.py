"""The acetabular rim: the edge of the socket on this bone's own surface, as a closed curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ischio._check import Array, CannotMeasure
from ischio.geometry.sampling import sample_surface
from ischio.landmarks.findings import SurfaceIndex
from ischio.landmarks.grain import centre_grain_mm, grain_mm
from ischio.landmarks.points import cut_edges
from ischio.types import Bone, Curve, Landmark, Side

METHOD = "socket_edge@2"
SPACING_MM = 1.0
_N_SAMPLES = 24000
_REACH_MM = 6.0  # how far the edge may lie from where it is looked for
_SLICE_MM = 2.5  # half the thickness of the slice that a point of the edge is looked for in
_MIN_IN_SLICE = 8
_SOFT_MM = 0.3  # the edge is the middle of what comes within about this of the farthest point
_ROUNDS = 3
_MEDIAN_MM = 4  # either side of a point
_LOOSE_MM = 2.5  # a point that its neighbours leave by more is bridged: notch, hole or osteophyte
_SMOOTH_MM = 1.5
_EDGE_SIGMA_MM = 1.5  # where on a rounded edge the edge is
_CUT_MARGIN_MM = 4.0
_MAX_MISSING = 0.02  # of the rim's length: a rim with less is whole
_CENTRE_SIGMA_MM = 1.0  # rough and bridged parts move the middle by less than the edge itself


def find_rim(bone: Bone, start_mm: Array) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the edge of the socket near a rough rim.

    Parameters
    ----------
    bone : Bone
    start_mm : array of shape (N, 3), mm
        Closed polygon within about 5 mm of the rim; one on a flat roof may lie twice as far inside.

    Returns
    -------
    points_mm : array of shape (M, 3), mm
        Closed curve of points about a millimetre apart; on the surface unless they are missing.
    bridged, missing : bool arrays of shape (M,)
        Where the curve follows what lies beside it, and where the bone is cut.

    Notes
    -----
    Across the rim the surface turns from facing the joint to facing away. In a thin slice across the
    rim, the edge is the point that lies farthest along the mean normal of the surface near it, which
    halves the angle of the turn.
    """
    triangles = bone.triangles_mm
    curve = smoothed(resampled(start_mm, SPACING_MM), 2 * _SMOOTH_MM / SPACING_MM)
    near = within_reach(bone, curve, _ROUNDS * _REACH_MM)
    if not near.any():
        nowhere = np.ones(len(curve), dtype=bool)
        return curve, nowhere, nowhere
    points, normals, _ = sample_surface(triangles[near], _N_SAMPLES)
    tree = cKDTree(points)
    bridged = np.zeros(len(curve), dtype=bool)
    for _ in range(_ROUNDS):
        curve = resampled(curve, SPACING_MM)
        along = np.roll(curve, -3, axis=0) - np.roll(curve, 3, axis=0)
        along /= np.linalg.norm(along, axis=1)[:, None]
        moves, found = np.zeros_like(curve), np.zeros(len(curve), dtype=bool)
        for k, rows in enumerate(tree.query_ball_point(curve, _REACH_MM, return_sorted=True)):
            away = points[rows] - curve[k]
            here = np.abs(away @ along[k]) < _SLICE_MM
            if here.sum() >= _MIN_IN_SLICE:
                moves[k], found[k] = _towards_edge(away[here], normals[rows][here], along[k]), True
        steady = _running_median(moves)
        bridged = ~found | (np.linalg.norm(moves - steady, axis=1) > _LOOSE_MM)
        curve = smoothed(curve + np.where(bridged[:, None], steady, moves), _SMOOTH_MM / SPACING_MM)
    surface = SurfaceIndex(triangles)
    cuts = cut_edges(bone)
    missing = np.zeros(len(curve), dtype=bool)
    if len(cuts):
        missing = cKDTree(cuts).query(curve)[0] < _CUT_MARGIN_MM
    for k, point in enumerate(curve):
        foot = surface.nearest(point, _REACH_MM)
        missing[k] |= foot is None
        curve[k] = point if foot is None else foot
    apart = (curve != np.roll(curve, 1, axis=0)).any(axis=1)  # in a fold two points may have the same foot
    return curve[apart], bridged[apart], missing[apart]


def rim_findings(
    bone: Bone,
    side: Side,
    rim: tuple[Array, NDArray[np.bool_], NDArray[np.bool_]],
    opening: Array,
) -> tuple[Curve, Landmark]:
    """The rim as a curve, and its middle with the plane through it.

    Parameters
    ----------
    bone : Bone
    side : Side
    rim : (points, bridged, missing)
        From ``find_rim``.
    opening : array of shape (3,)
        Roughly out of the socket.

    Returns
    -------
    curve : Curve
        ``acetabular_rim``; its detail holds ``bridged_fraction``.
    centre : Landmark
        ``acetabular_rim_centre``, the mean of the curve; its detail holds ``normal``, the unit normal of
        the plane of least squares through all of the curve, out of the socket, and ``rms_mm`` from it.

    Raises
    ------
    CannotMeasure
        If part of the rim is cut away.
    """
    points, bridged, missing = rim
    if missing.mean() > _MAX_MISSING:
        raise CannotMeasure(f"{100 * missing.mean():.0f} % of the acetabular rim is cut away")
    detail = {"bridged_fraction": float(bridged.mean())}
    sigma = float(np.hypot(_EDGE_SIGMA_MM, grain_mm(bone)))
    curve = Curve("acetabular_rim", side, points, True, bone.frame, sigma, METHOD, detail)
    centre = points.mean(axis=0)
    normal = np.linalg.svd(points - centre)[2][2]
    normal = normal * np.sign(normal @ opening)
    rms = float(np.sqrt((((points - centre) @ normal) ** 2).mean()))
    sigma = float(np.hypot(_CENTRE_SIGMA_MM, centre_grain_mm(bone)))
    plane = {"normal": normal.tolist(), "rms_mm": rms}
    return curve, Landmark("acetabular_rim_centre", side, centre, bone.frame, sigma, METHOD, plane)


def within_reach(bone: Bone, curve_mm: Array, reach_mm: float) -> NDArray[np.bool_]:
    """Which faces a search from a closed curve may come to, bool array of shape (F,).

    Parameters
    ----------
    bone : Bone
    curve_mm : array of shape (N, 3), mm
    reach_mm : float
        How far the search goes.

    Returns
    -------
    bool array of shape (F,)
        All within the ball about the curve that is larger by that.
    """
    centre = curve_mm.mean(axis=0)
    radius = float(np.linalg.norm(curve_mm - centre, axis=1).max()) + reach_mm
    return np.asarray(np.linalg.norm(bone.middles_mm - centre, axis=1) < radius)


def resampled(points_mm: Array, spacing_mm: float) -> Array:
    """Points evenly along a closed polygon, about ``spacing_mm`` apart, shape (M, 3), mm.

    Examples
    --------
    >>> square = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]])
    >>> resampled(square, 1.0)[:3].tolist()
    [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]
    """
    closed = np.concatenate([points_mm, points_mm[:1]])
    reach = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    count = max(round(reach[-1] / spacing_mm), 3)
    at = np.linspace(0, reach[-1], count, endpoint=False)
    return np.stack([np.interp(at, reach, closed[:, k]) for k in range(3)], axis=1)


def smoothed(points: Array, sigma: float) -> Array:
    """Closed row of points after a Gaussian of ``sigma`` steps, shape unchanged."""
    reach = int(np.ceil(3 * sigma))
    steps = np.arange(-reach, reach + 1)
    weight = np.exp(-0.5 * (steps / sigma) ** 2)
    total = sum(w * np.roll(points, k, axis=0) for w, k in zip(weight, steps, strict=True))
    return np.asarray(total / weight.sum(), dtype=np.float64)


def _towards_edge(away: Array, normals: Array, along: Array) -> Array:
    """Move within the slice to the farthest surface along the mean normal."""
    outwards = normals.mean(axis=0)
    outwards = outwards - (outwards @ along) * along
    height = away @ outwards / max(float(np.linalg.norm(outwards)), 1e-9)
    weight = np.exp((height - height.max()) / _SOFT_MM)
    move = weight @ away / weight.sum()
    return np.asarray(move - (move @ along) * along, dtype=np.float64)


def _running_median(moves: Array) -> Array:
    """Median of the moves round each point."""
    reach = round(_MEDIAN_MM / SPACING_MM)
    stack = [np.roll(moves, k, axis=0) for k in range(-reach, reach + 1)]
    return np.asarray(np.median(stack, axis=0), dtype=np.float64)
