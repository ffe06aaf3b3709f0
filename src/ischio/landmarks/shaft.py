"""Axes of the femoral shaft: straight lines through the middles of sections across it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import outline_area_and_centroid, section
from ischio.landmarks.grain import centre_grain_mm
from ischio.types import Bone, Landmark, Side

METHOD = "line_through_sections@1"
SHAFT_AXES = ("shaft_axis_proximal", "shaft_axis")
START_MM = 20.0  # below the lesser trochanter's tip: its bulge ends there
PROXIMAL_MM = 80.0  # below the tip: where the proximal part ends
STEP_MM = 5.0
_ROUNDS = 3
_MIN_SPAN_MM = 30.0  # a line through less of the shaft has no direction to speak of
_MAX_OFF_AXIS_MM = 25.0  # a section whose middle is farther from the line is not of the shaft
_ROUND = 0.6  # of the disc of its outline's reach: a section with less is cut or broken
_INDEPENDENT_MM = 20.0  # middles of sections closer together err alike
_ROUNDING_MM = 1e-6  # faces that only touch a plane must not be lost to it
_LEAST_SIGMA_DEG = 0.2  # what the choice of levels alone changes on a straight shaft


def shaft_axes(
    bone: Bone, side: Side, landmarks: Mapping[str, Landmark], shaft: tuple[Array, Array]
) -> tuple[dict[str, Landmark], dict[str, str]]:
    """Find the axis of the shaft's proximal part and of all of it.

    Parameters
    ----------
    bone : Bone
    side : Side
    landmarks : mapping of str to Landmark
        The lesser trochanter's tip, and epicondyles and distal condyles where they are there.
    shaft : (point on the axis in mm, unit vector up along it)
        Rough.

    Returns
    -------
    landmarks : dict of str to Landmark
        By ``SHAFT_AXES``. The point is the middle of the line's part that was seen; detail holds
        ``direction``, the unit vector up along the line, ``sigma_deg``, ``rms_mm`` of the middles about the
        line, and ``levels_mm``, the first and last distance below the tip along it.
    reasons : dict of str to str

    Notes
    -----
    Sections across the line every 5 mm; the line is that of least squares through the centroids of
    their outlines, and the sections follow the line until both stand still. The proximal axis takes 20 to
    80 mm below the tip. The whole one ends above the knee by the width of the epicondyles, where the
    shaft widens (rule of squares). Where the bone ends before, the line takes what is there, if that is
    30 mm for the proximal axis and two thirds of the way for the whole one.

    References
    ----------
    .. [1] Mueller et al. 1990, The comprehensive classification of fractures of long bones (squares).
    """
    tip = landmarks["lesser_trochanter_tip"].point_mm
    out: dict[str, Landmark] = {}
    reasons: dict[str, str] = {}
    ends = {"shaft_axis_proximal": PROXIMAL_MM, "shaft_axis": _shaft_end_mm(landmarks, tip, shaft[1])}
    least = {"shaft_axis_proximal": _MIN_SPAN_MM, "shaft_axis": 2 / 3 * (ends["shaft_axis"] or 0) - START_MM}
    for name, end in ends.items():
        if end is None:
            reasons[name] = "the knee is missing: where the shaft ends is not known"
            continue
        try:
            out[name] = _axis(bone, side, name, tip, shaft, end, least[name])
        except CannotMeasure as missing:
            reasons[name] = str(missing)
    return out, reasons


def _shaft_end_mm(landmarks: Mapping[str, Landmark], tip: Array, up: Array) -> float | None:
    """How far below the tip the shaft ends, or None without a knee."""
    names = ("epicondyle_lateral", "epicondyle_medial", "distal_condyle_lateral", "distal_condyle_medial")
    if not all(name in landmarks for name in names):
        return None
    lateral, medial, *lowest = (landmarks[name].point_mm for name in names)
    width = float(np.linalg.norm(lateral - medial))
    end = min(float((tip - low) @ up) for low in lowest) - width
    return end if end > PROXIMAL_MM else None


def _axis(
    bone: Bone, side: Side, name: str, tip: Array, shaft: tuple[Array, Array], end: float, least_mm: float
) -> Landmark:
    """One line with its uncertainty."""
    on_axis, up = shaft
    wanted = -np.arange(START_MM, end + STEP_MM / 2, STEP_MM)
    for _ in range(_ROUNDS):
        start = on_axis + ((tip - on_axis) @ up) * up
        levels, middles = _middles(bone, start, up, wanted)
        if len(levels) < 3 or np.ptp(levels) < least_mm:
            seen = float(np.ptp(levels)) if len(levels) else 0.0
            raise CannotMeasure(
                f"only {seen:.0f} mm of the shaft's length is there, and {least_mm:.0f} mm are needed"
            )
        on_axis = middles.mean(axis=0)
        along = np.linalg.svd(middles - on_axis)[2][0]
        up = along * np.sign(along @ up)
    off = middles - on_axis - np.outer((middles - on_axis) @ up, up)
    rms = float(np.sqrt((off**2).sum(axis=1).mean()))
    span = float(np.ptp(levels))
    independent = max(span / _INDEPENDENT_MM, 2.0)
    noise = float(np.hypot(rms, centre_grain_mm(bone) / 2))
    # Slope of a line through points spread evenly over the span, in each of two directions.
    slope = noise * np.sqrt(12 / independent) / span
    sigma_deg = float(np.hypot(np.degrees(slope), _LEAST_SIGMA_DEG))
    sigma_mm = float(np.hypot(rms / np.sqrt(independent), centre_grain_mm(bone)))
    detail = {
        "direction": up.tolist(),
        "sigma_deg": sigma_deg,
        "rms_mm": rms,
        "levels_mm": [float(-levels.max()), float(-levels.min())],
        "n_sections": len(levels),
    }
    return Landmark(name, side, on_axis, bone.frame, sigma_mm, METHOD, detail)


def _middles(bone: Bone, start: Array, up: Array, wanted: Array) -> tuple[Array, Array]:
    """Levels of the sections that show a whole shaft, and the centroids of their outlines."""
    levels, middles = [], []
    reach = ((bone.vertices_mm - start) @ up)[bone.faces]
    low, high = reach.min(axis=1), reach.max(axis=1)
    rising = np.argsort(low)  # faces that a level crosses begin within the largest face's height below it
    bounds = wanted[:, None] + np.array([-float((high - low).max()) - _ROUNDING_MM, _ROUNDING_MM])
    ranks = np.searchsorted(low[rising], bounds)
    for level, (first, last) in zip(wanted, ranks, strict=True):
        begun = rising[first:last]
        crossed = bone.faces[np.sort(begun[high[begun] >= level - _ROUNDING_MM])]
        origin = start + level * up
        used, local = np.unique(crossed, return_inverse=True)
        segments, group = section(bone.vertices_mm[used], local.reshape(-1, 3), origin, up)
        best: tuple[float, Array] | None = None
        for k in np.unique(group):
            outline = segments[group == k]
            area, middle = outline_area_and_centroid(outline, up)
            radius = float(np.linalg.norm(outline[:, 0] - middle, axis=1).max())
            if np.linalg.norm(middle - origin) > _MAX_OFF_AXIS_MM or area < _ROUND * np.pi * radius**2:
                continue
            if best is None or area > best[0]:  # the outer outline holds that of the marrow
                best = area, middle
        if best is not None:
            levels.append(float(level))
            middles.append(best[1])
    return np.array(levels), np.array(middles).reshape(-1, 3)
