"""The open growth plate of a femoral head: a dark sheet between head and neck, which adults have not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio._check import Array
from ischio.atlas.parts import ball_of
from ischio.bones.refine import METAL_HU, sampled
from ischio.bones.segment.fit import Laid
from ischio.types import Side, Volume

_NECK = (1.15, 1.6)  # radii from the head's centre: there is neck
_PLACES = (-0.05, 0.5)  # radii from the head's centre towards the neck: there the plate lies
_BESIDE_MM = (2.0, 5.0)  # so far from the plate's middle there is bone on both sides of it
_TILTS_DEG = np.arange(-20.0, 21.0, 10.0)  # of the plate, about both directions across the neck
_DISC = 0.6  # radii
_N_RAYS, _STEP_MM = 60, 0.5
_RANGE_HU = (-200.0, 1000.0)
_CLEARLY_HU = 40.0  # so much darker than what is on both sides; a ray's noise is less
# Depth of the sheet in HU, times the share of rays that cross it. Heads of four adults in voxels of 1 x 1 x 3
# and 3 x 3 x 3 mm have 2 to 14, and 7 to 19 when made smaller by a third; these have 50 to 220 with a sheet
# of 3 mm drawn into them.
MOST_HU = 25.0


def open_plates(laid: Mapping[tuple[str, Side | None], Laid], scan: Volume) -> tuple[str, ...]:
    """What is to be said of growth plates that are open.

    Parameters
    ----------
    laid : mapping of (str, Side or None) to Laid
    scan : Volume
        In HU.

    Returns
    -------
    tuple of str
    """
    seen = [
        side.value
        for (name, side), one in laid.items()
        if name == "femur" and side is not None and dark_sheet_hu(one.vertices_mm, side, scan) > MOST_HU
    ]
    if not seen:
        return ()
    what = f"{' and '.join(seen)} femoral head: a dark sheet parts it from the neck, as an open growth plate"
    return (f"{what} of a child does, or a fracture: what is no bone there is measured as bone",)


def dark_sheet_hu(femur_mm: Array, side: Side, scan: Volume) -> float:
    """How clearly a dark sheet crosses a femoral head, in HU; 0 beside metal and where too little is seen.

    Parameters
    ----------
    femur_mm : array of shape (V, 3), mm
        A laid femur, with the vertices of its model.
    side : Side
    scan : Volume
        In HU.

    Returns
    -------
    float

    Notes
    -----
    Discs across the neck's axis, tilted by up to 20 degrees, are compared with what is 2 to 5 mm on both
    sides of them: by how much the median is darker, times the share of rays that are clearly darker. The scar
    of a closed plate is bright. Plates under 2 mm in slices of 3 mm are missed.
    """
    centre, radius = ball_of("femur", side, femur_mm)
    away = np.linalg.norm(femur_mm - centre, axis=1) / radius
    axis = (femur_mm[(away > _NECK[0]) & (away < _NECK[1])] - centre).mean(axis=0)
    axis /= np.linalg.norm(axis)
    first, second = _across(axis)
    low, high = (round(mm / _STEP_MM) for mm in _BESIDE_MM)
    start, stop = (int(np.ceil(place * radius / _STEP_MM)) for place in _PLACES)
    at = np.arange(start - high, stop + high + 1) * _STEP_MM
    spiral = np.arange(_N_RAYS)
    out = _DISC * radius * np.sqrt((spiral + 0.5) / _N_RAYS)
    turn = np.pi * (3.0 - np.sqrt(5.0)) * spiral
    best = 0.0
    for tilts in np.tan(np.deg2rad([(a, b) for a in _TILTS_DEG for b in _TILTS_DEG])):
        normal = axis + tilts[0] * first + tilts[1] * second
        normal /= np.linalg.norm(normal)
        u, v = _across(normal)
        disc = (out * np.cos(turn))[:, None] * u + (out * np.sin(turn))[:, None] * v
        hu = sampled(scan, centre + at[:, None, None] * normal + disc, order=1)
        if np.isnan(hu).any():
            continue
        if hu.max() > METAL_HU:
            return 0.0
        hu = np.clip(hu, *_RANGE_HU)
        middle = np.median(hu, axis=1)
        for k in range(high, len(at) - high):
            before, after = slice(k - high, k - low + 1), slice(k + low, k + high + 1)
            depth = min(middle[before].max(), middle[after].max()) - middle[k]
            beside = np.minimum(hu[before].max(axis=0), hu[after].max(axis=0))
            best = max(best, float(depth * (hu[k] < beside - _CLEARLY_HU).mean()))
    return best


def _across(normal: Array) -> tuple[Array, Array]:
    """Two unit vectors across a third, and across each other."""
    first = np.cross(normal, [1.0, 0.0, 0.0] if abs(normal[0]) < 0.9 else [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    return first, np.cross(normal, first)
