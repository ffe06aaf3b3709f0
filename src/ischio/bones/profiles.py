"""How far the second scan's picture of a bone lies from its surface, patch by patch along the normals."""

from __future__ import annotations

import numpy as np

from ischio._check import Array
from ischio.bones.match import MatchLevel, class_means, moved_by

REACH_MM = 4.0  # offsets that are tried
_STEP_MM = 0.25
_N_NEIGHBOURS = 12  # points of a patch
_LEAST_LIKE = 0.8  # correlation of expected and seen profile
_LEAST_SEEN = 30  # patches


def profile_offsets(level: MatchLevel, second_from_first: Array) -> tuple[float | None, float | None, float]:
    """Compare, in patches of the surface, what the second scan shows with what the first lets expect.

    Parameters
    ----------
    level : MatchLevel
    second_from_first : array of shape (4, 4)

    Returns
    -------
    residual_mm, bias_mm : float or None
        1.48 times the median distance of the offsets from their middle, and their middle; None where fewer
        than 30 patches are seen.
    seen : float
        Share of the patches inside the second scan in which a profile is found, at most 4 mm off.

    Notes
    -----
    The expected profile of a point is the mean of the second scan in the class of each sample, so that
    cortex of its own thickness, fat and muscle lie where the first scan has them, and neither the inner nor
    the outer side of the cortex is taken for the other. A patch is a point and its 11 neighbours, which
    share one offset. One whose best offset is the farthest that was tried is not seen.
    """
    from scipy.spatial import cKDTree

    points = moved_by(level.at_mm, second_from_first)
    inside = level.scan.inside(points).astype(np.float64)
    means = class_means(level.scan.at(points), level.kind, inside)
    shape = len(level.points_mm), len(level.depths_mm)
    expected = np.full(shape, np.nan)
    expected[level.point, level.depth] = means[level.kind]
    offsets = np.arange(-REACH_MM, REACH_MM + _STEP_MM / 2, _STEP_MM)
    along = level.normals @ second_from_first[:3, :3].T
    start = moved_by(level.points_mm, second_from_first)
    patches = cKDTree(level.points_mm).query(level.points_mm, _N_NEIGHBOURS)[1]
    same_way = np.einsum("pk,pnk->pn", level.normals, level.normals[patches]) > 0.7
    like = np.stack([_likeness(level, expected, start, along, one, patches, same_way) for one in offsets])
    in_view = np.isfinite(like).all(axis=0)
    best = np.argmax(np.where(np.isfinite(like), like, -1.0), axis=0)
    found = in_view & (like[best, np.arange(shape[0])] > _LEAST_LIKE) & (best > 0) & (best < len(offsets) - 1)
    seen = float(found.sum() / max(int(in_view.sum()), 1))
    if found.sum() < _LEAST_SEEN:
        return None, None, seen
    off = offsets[best[found]]
    bias = float(np.median(off))
    return float(1.4826 * np.median(np.abs(off - bias))), bias, seen


def _likeness(
    level: MatchLevel,
    expected: Array,
    start: Array,
    along: Array,
    offset: float,
    patches: Array,
    same_way: Array,
) -> Array:
    """Correlation of expected and seen profiles of every patch at one offset; NaN outside of the scan."""
    at = (start[:, None] + (level.depths_mm + offset)[None, :, None] * along[:, None]).reshape(-1, 3)
    values = np.where(level.scan.inside(at), level.scan.at(at), np.nan).reshape(expected.shape)
    use = np.isfinite(values) & np.isfinite(expected)
    a, b, n = np.where(use, expected, 0.0), np.where(use, values, 0.0), use.astype(np.float64)
    each = np.stack([n.sum(1), a.sum(1), b.sum(1), (a * a).sum(1), (b * b).sum(1), (a * b).sum(1)], axis=1)
    total = (each[patches] * same_way[..., None]).sum(axis=1)
    size, sum_a, sum_b, aa, bb, ab = total.T
    full = 0.7 * expected.shape[1] * same_way.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cross = ab - sum_a * sum_b / size
        out: Array = cross / np.sqrt((aa - sum_a**2 / size) * (bb - sum_b**2 / size))
    return np.where((size > full) & np.isfinite(out), out, np.nan)
