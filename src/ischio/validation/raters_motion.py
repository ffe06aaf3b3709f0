"""The gap in motion with frames from raters' landmarks beside that with our own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio._check import Array
from ischio.io.markups import MarkedPoint
from ischio.landmarks import with_read_points
from ischio.motion import clearance, pose_grid
from ischio.types import Clearance, Pelvis, Side
from ischio.validation.rows import Row, compared

RMS_MM = 1.0
_HEAD = "femoral_head_centre"
_ISB_POINTS = {
    "ASIS": "asis",
    "PSIS": "psis",
    "Lateral Epicondyle (LEC)": "epicondyle_lateral",
    "Medial Epicondyle (MEC)": "epicondyle_medial",
}
_FLEXION, _ADDUCTION, _ROTATION = (-20.0, 40.0, 10.0), (-20.0, 10.0, 10.0), (-40.0, 40.0, 20.0)


def rated(pelvis: Pelvis, readings: Mapping[str, Array], head_centre_mm: Array) -> Pelvis:
    """The pelvis with the raters' mean points in the place of those that its ISB frames stand on.

    Parameters
    ----------
    pelvis : Pelvis
    readings : mapping of str to array of shape (N, 3), mm
        All readings, by the raters' names: of the left femur and of both hip bones.
    head_centre_mm : array of shape (3,), mm
        Of the left femur.

    Returns
    -------
    Pelvis
        Regions stay where they were found.
    """
    points = [MarkedPoint(_HEAD, Side.LEFT, head_centre_mm, "raters")]
    for theirs, ours in _ISB_POINTS.items():
        if theirs in readings:
            points.append(MarkedPoint(ours, Side.LEFT, readings[theirs].mean(axis=0), "raters"))
            continue
        for side in Side:
            point = readings[f"{side.value.capitalize()} {theirs}"].mean(axis=0)
            points.append(MarkedPoint(ours, side, point, "raters"))
    return with_read_points(pelvis, points).pelvis


def left_gaps(pelvis: Pelvis, other: Pelvis) -> tuple[Clearance, Clearance]:
    """Gaps of two left hips over one grid of ISB poses."""
    grid = pose_grid(_FLEXION, _ADDUCTION, _ROTATION)
    assert pelvis.left is not None  # both have left hips
    assert other.left is not None
    return clearance(pelvis.left, grid), clearance(other.left, grid)


def motion_rows(
    pelvis: Pelvis, readings: Mapping[str, Array], head_centre_mm: Array, person: str, source: str
) -> list[Row]:
    """How much the gap at ISB poses changes with the raters' frames.

    Parameters
    ----------
    pelvis : Pelvis
    readings, head_centre_mm
        As for ``rated``.
    person, source : str
        Words for the row.

    Returns
    -------
    list of Row
        One. Poses in which either hip touches are left out: a depth is no gap.
    """
    ours, theirs = left_gaps(pelvis, rated(pelvis, readings, head_centre_mm))
    free = (ours.gap_mm > 0) & (theirs.gap_mm > 0)
    change = (ours.gap_mm - theirs.gap_mm)[free]
    rms = float(np.sqrt((change**2).mean())) if free.any() else np.inf
    words = f"{int(free.sum())} of {len(free)} poses, the others touch; largest {np.abs(change).max():.2f} mm"
    return [
        compared(
            f"{person}: gaps at ISB poses, left, raters' mean frames against our own, rms",
            *(0.0, rms, RMS_MM, "mm", source, words),
        )
    ]
