"""Where an MR shows the surface of a bone: between marrow and cortex, or between bone and what lies on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.parts import part_model
from ischio.atlas.template import femur_template
from ischio.bones.refine import sampled
from ischio.types import Side, Volume

STEP_MM = 0.5  # of samples along a normal
_HALF_MM = 1.5  # half the width over which a rise is taken
FULL_WEIGHT = 0.3  # of an edge that is clear
_LEAST_RISE, _FULL_RISE = 0.08, FULL_WEIGHT  # of the scan's range of values
_DEPTHS_MM = np.arange(1.0, 12.5, 1.0)
_DEEP_MM = 5.0  # below the surface there is marrow, whatever the cortex
_N_DEEP = 15  # places whose middle value is the marrow's near a vertex
_BRIGHT = 0.25  # of the scan's range: marrow that can be told from cortex
_LEVEL_MM = (4.0, 1.0)  # inside of a fall: there the signal is that of marrow nearby
_LEAST_LEVEL = 0.45  # of the marrow's signal
_LEAST_FALL, _FULL_FALL = 0.25, 0.5
_LEAST_RISEN = 0.1
_BLURRED = 0.2  # of the marrow's signal
_CORTEX_MM = 1.2  # from where the marrow ends to the bone's surface, where no more is known
_FLAT_CORTEX_MM, _SHAFT_CORTEX_MM = 2.5, 8.0  # thicker dark bands are tendon or capsule, too
_SHAFT_BEGINS_MM, _SHAFT_FULL_MM = -30.0, 5.0  # below the lesser trochanter's tip
_KNEE_BEGINS_MM, _KNEE_FULL_MM = 110.0, 60.0  # above the condyles' lower end: no shaft any more
_THIN_MM = 3.5  # a cortex that may be thicker is only told where its outer side is seen
_UNSURE = 0.5  # weight of an edge that does not show how thick the cortex is


@dataclass(frozen=True, slots=True, eq=False)
class Depths:
    """What a bone's model says of each of its vertices.

    Parameters
    ----------
    inward_mm : array of shape (V,), mm
        Depth of the bone's middle below the vertex, at most 12.
    cortex_mm : array of shape (V,), mm
        The thickest cortex there.
    deep : int array of shape (V, 15)
        Nearest vertices below which there is marrow.
    """

    inward_mm: Array
    cortex_mm: Array
    deep: NDArray[np.int64]


@cache
def depths(name: str, side: Side) -> Depths:
    """Depth of marrow and thickness of cortex, as the shape model's mean lets expect.

    Parameters
    ----------
    name : str
        "femur" or "hip_bone".
    side : Side

    Returns
    -------
    Depths
    """
    from scipy.spatial import cKDTree

    from ischio.atlas.model import vertex_normals

    model = part_model(name, side)
    points = model.mean_mm
    normals = vertex_normals(points, model.faces)
    tree = cKDTree(points)
    inward, goes_on = np.zeros(len(points)), np.ones(len(points), dtype=bool)
    for mm in _DEPTHS_MM:
        away = tree.query(points - mm * normals)[0]
        goes_on &= away > 0.85 * mm
        inward[goes_on] = mm
    cortex = np.full(len(points), _FLAT_CORTEX_MM)
    if name == "femur":
        tip = points[femur_template().points["lesser_trochanter_tip"], 2]
        share = (tip - _SHAFT_BEGINS_MM - points[:, 2]) / (_SHAFT_FULL_MM - _SHAFT_BEGINS_MM)
        above = (points[:, 2] - points[:, 2].min() - _KNEE_FULL_MM) / (_KNEE_BEGINS_MM - _KNEE_FULL_MM)
        cortex += (_SHAFT_CORTEX_MM - cortex) * np.clip(share, 0, 1) * np.clip(above, 0, 1)
    below = np.flatnonzero(inward >= _DEEP_MM)
    deep = below[cKDTree(points[below]).query(points, _N_DEEP)[1]]
    return Depths(inward, cortex, deep)


def marrow_of(points: Array, normals: Array, known: Depths, view: Volume, scale: float) -> Array | None:
    """Signal of the marrow near each vertex; None where it cannot be told from cortex.

    Parameters
    ----------
    points, normals : arrays of shape (V, 3)
        Of the laid model.
    known : Depths
    view : Volume
        With values from 0 to about 1.
    scale : float
        Of the model.

    Returns
    -------
    array of shape (V,) or None
        NaN where the scan does not reach.
    """
    at = points - (scale * known.inward_mm)[:, None] * normals
    value = sampled(view, at, order=1)
    marrow = _middle(value[known.deep])
    seen = np.isfinite(marrow)
    return marrow if seen.any() and float(np.median(marrow[seen])) > _BRIGHT else None


def _middle(values: Array) -> Array:
    """Median of each row's finite values; NaN where there are few."""
    count = np.isfinite(values).sum(axis=1)
    out = np.full(len(values), np.nan)
    enough = count >= 3
    out[enough] = np.nanmedian(values[enough], axis=1)
    return out


def edges(
    points: Array, normals: Array, view: Volume, reach: float, known: Depths, marrow: Array | None
) -> tuple[Array, Array]:
    """Way along each normal to where the scan shows the surface (NaN: nowhere), and how clearly it does.

    Parameters
    ----------
    points, normals : arrays of shape (V, 3)
    view : Volume
        With values from 0 to about 1; NaN where it is not to be used.
    reach : float
        Farthest way, mm.
    known : Depths
    marrow : array of shape (V,) or None
        From ``marrow_of``.

    Returns
    -------
    away_mm : array of shape (V,)
    weight : array of shape (V,)
        0 to 0.3.

    Notes
    -----
    With bright marrow the surface lies beyond where the marrow ends by as much as the dark band is wide, if
    that is no more than a cortex can be; a wider band holds tendon or capsule, and the surface is 1.2 mm on.
    With marrow as dark as cortex, as in water images, it is the nearest clear rise to the outside.
    """
    if marrow is None:
        return _rises(points, normals, view, reach)
    lowest = -np.ceil(reach + _LEVEL_MM[0])
    n_in, n_out = (round(mm / STEP_MM) for mm in (-lowest, np.ceil(reach + _SHAFT_CORTEX_MM + 2.0)))
    at = np.arange(-n_in, n_out + 1) * STEP_MM
    values = sampled(view, points[:, None, :] + at[None, :, None] * normals[:, None, :], order=1)
    with np.errstate(all="ignore"):
        part = np.clip(values / marrow[:, None], 0.0, 3.0)
    rows = np.arange(len(points))
    first, found = _first_fall(part, at, -known.inward_mm, reach)
    slope = np.full_like(part, -np.inf)
    slope[:, 1:-1] = part[:, :-2] - part[:, 2:]  # NaN where the scan is not seen
    inner_at = _steepest(slope, at, first - 1.0, first + 2.5)
    found &= inner_at >= 0
    inner = at[np.maximum(inner_at, 0)]
    # And on, over the dark band, to where the signal rises.
    ahead = (at[None] >= inner[:, None]) & (at[None] <= inner[:, None] + 3.0) & np.isfinite(part)
    band = np.where(ahead, part, np.inf)
    darkest = np.argmin(band, axis=1)
    found &= np.isfinite(band[rows, darkest])
    dark = np.where(found, part[rows, darkest], 0.0)
    beyond = (at[None] > at[darkest][:, None]) & (part > dark[:, None] + _LEAST_RISEN)
    has_rise = beyond.any(axis=1)
    begins = at[np.argmax(beyond, axis=1)]
    outer_at = _steepest(-slope, at, np.maximum(begins - 1.0, at[darkest]), begins + 1.0)
    has_rise &= outer_at >= 0
    width = np.where(has_rise, at[np.maximum(outer_at, 0)] - inner, np.inf)
    is_cortex = width <= known.cortex_mm
    away = inner + np.where(is_cortex, width, _CORTEX_MM)
    is_thin = (known.cortex_mm < _THIN_MM) | (dark > _BLURRED)  # a thick one would be dark
    found &= (np.abs(away) <= reach) & (is_cortex | is_thin)
    fall = np.clip((1.0 - dark) / _FULL_FALL, 0.0, 1.0) * FULL_WEIGHT
    weight = fall * np.where(is_cortex, 1.0, _UNSURE)
    return np.where(found, away, np.nan), np.where(found, weight, 0.0)


def _first_fall(part: Array, at: Array, start: Array, reach: float) -> tuple[Array, NDArray[np.bool_]]:
    """Where the marrow's signal first falls, outwards and within reach, and whether it does."""
    n_far, n_near, n_on = (round(mm / STEP_MM) for mm in (*_LEVEL_MM, _HALF_MM))
    total = np.cumsum(np.nan_to_num(part), axis=1)
    level = np.full_like(part, np.nan)
    level[:, n_far:] = (total[:, n_far - n_near :][:, : part.shape[1] - n_far] - _before(total, n_far)) / (
        n_far - n_near + 1
    )
    after = np.full_like(part, np.nan)
    after[:, :-n_on] = part[:, n_on:]
    with np.errstate(all="ignore"):
        falls = (after < (1.0 - _LEAST_FALL) * level) & (level > _LEAST_LEVEL)
    falls &= (np.abs(at)[None] <= reach) & (at[None] > start[:, None])
    return at[np.argmax(falls, axis=1)], np.asarray(falls.any(axis=1))


def _before(total: Array, n: int) -> Array:
    """Cumulative sums up to n samples before each, from the n-th on."""
    out = np.zeros((len(total), total.shape[1] - n))
    out[:, 1:] = total[:, : total.shape[1] - n - 1]
    return out


def _steepest(slope: Array, at: Array, low: Array, high: Array) -> NDArray[np.int64]:
    """Column of the largest slope between two places of each row; -1 where there is none."""
    among = np.where((at[None] >= low[:, None]) & (at[None] <= high[:, None]), slope, -np.inf)
    among = np.where(np.isfinite(among), among, -np.inf)
    best = np.argmax(among, axis=1)
    out: NDArray[np.int64] = np.where(among[np.arange(len(slope)), best] > 0, best, -1)
    return out


def _rises(points: Array, normals: Array, view: Volume, reach: float) -> tuple[Array, Array]:
    """The nearest clear rise of the signal to the outside, and the rise there."""
    half = max(round(_HALF_MM / STEP_MM), 1)
    n = int(np.ceil(reach / STEP_MM))
    at: Array = (np.arange(-n, n + 1) * STEP_MM).astype(np.float64)
    wide = np.arange(-n - half, n + half + 1) * STEP_MM
    values = sampled(view, points[:, None, :] + wide[None, :, None] * normals[:, None, :], order=1)
    rise = values[:, 2 * half :] - values[:, : -2 * half]
    score = np.where(rise > _LEAST_RISE, np.minimum(rise, _FULL_RISE), 0.0)
    score = np.nan_to_num(score) * np.exp(-0.5 * (at / (0.5 * reach)) ** 2)
    best = np.argmax(score, axis=1)
    rows = np.arange(len(points))
    found: NDArray[np.bool_] = score[rows, best] > 0
    # Taken over 3 mm a rise is as clear a millimetre beside its place: that is where it is steepest.
    slope = np.full(score.shape, -np.inf)
    slope[:, 1:-1] = (values[:, 2:] - values[:, :-2])[:, half : len(wide) - 2 - half]
    place = _steepest(slope, at, at[best] - _HALF_MM, at[best] + _HALF_MM)
    best = np.where(place >= 0, place, best)
    weight = np.where(found, np.clip(np.nan_to_num(rise[rows, best]), 0.0, _FULL_RISE), 0.0)
    return np.where(found, at[best], np.nan), weight
