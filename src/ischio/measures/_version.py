"""What all constructions of femoral version share: a line through the neck against the condyles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import section
from ischio.measures._femur import AXES, Middle, UpperFemur, angle_to_condyles, directions, given
from ischio.measures._given import Given, propagated
from ischio.measures._registry import Reading
from ischio.types import Hip, Side, Sketch, Stroke

SLICED = (
    "femur",
    *AXES,
    "neck_isthmus_centre",
    "greater_trochanter_superior",
    "lesser_trochanter_tip",
)
"""What a construction on slices of the femur needs."""

PLANE = "across the mechanical axis"


@lru_cache(maxsize=4)
def upper_femur(hip: Hip) -> UpperFemur:
    """The upper femur of a hip, prepared once for all constructions."""
    return UpperFemur(hip)


def example(side: Side) -> tuple[Hip, float]:
    """A neck turned forwards by 17 degrees on a shaft that lies on another line."""
    return phantoms.anatomy(side, version_deg=17.0, base_version_deg=26.0), 17.0


def from_head(
    hip: Hip,
    middle: Callable[[float], Middle],
    level_mm: float,
    detail: Mapping[str, Any],
    by_isthmus: tuple[tuple[Array, Array], ...] = (),
) -> Reading:
    """Version of the line from a middle found in one slice to the head's centre.

    Parameters
    ----------
    hip : Hip
    middle : callable
        Gives the middle in the slice at a level over the head's centre.
    level_mm : float
        Level of the slice.
    detail : mapping
        What else is said of the value.
    by_isthmus : tuple of (array, array)
        What the isthmus's error does to the middle.

    Returns
    -------
    Reading
    """
    upper = upper_femur(hip)
    centre = middle(level_mm)
    beside = []
    for step in (upper.slice_step_mm, -upper.slice_step_mm):
        try:
            beside.append(middle(level_mm + step).point_mm)
        except CannotMeasure:  # the slice beside may lie off the neck: the slice itself does not
            beside.append(centre.point_mm)
    neck = upper.given(centre, (beside[0], beside[1]), *by_isthmus)
    return from_line(hip, neck, None, {"level_mm": level_mm, **detail})


def from_line(hip: Hip, lateral: Given, medial: Given | None, detail: Mapping[str, Any]) -> Reading:
    """Version of the line from a lateral point to a medial one; to the head's centre where it is None."""
    sign = hip.side.sign
    known = given(hip, *AXES) | {"neck": lateral} | ({} if medial is None else {"neck_end": medial})
    end = "femoral_head_centre" if medial is None else "neck_end"
    out = propagated(lambda at: angle_to_condyles(at, sign, at[end] - at["neck"]), known)
    points = np.stack([known[end].value, lateral.value])
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=points,
        detail={"distal_reference": "posterior condyles", "plane": PLANE, **detail, **out.detail},
        sketch=_sketch(hip, points, out.value),
    )


def outline(hip: Hip, up: Array, through: Array) -> Array:
    """Outlines of the femur in the plane across ``up`` through a point, shape (N, 2, 3), mm."""
    assert hip.femur is not None  # its landmarks exist
    return section(hip.femur.vertices_mm, hip.femur.faces, through, up)[0]


@lru_cache(maxsize=4)
def outlines_of(hip: Hip) -> Mapping[str, Array]:
    """Slices across the mechanical axis through head and condyles, which all constructions show."""
    at = {name: hip.point(name) for name in AXES}
    up, _, _ = directions(at, hip.side.sign)
    back = (at["posterior_condyle_lateral"] + at["posterior_condyle_medial"]) / 2
    return {"head": outline(hip, up, at["femoral_head_centre"]), "condyles": outline(hip, up, back)}


def _sketch(hip: Hip, points: Array, value: float) -> Sketch:
    """The slices through head, neck and condyles laid over each other, as seen from below."""
    at = {name: hip.point(name) for name in AXES}
    up, forward, medial = directions(at, hip.side.sign)
    left = hip.side.sign * medial  # the patient's left lies on the right of an axial image
    outlines = {**outlines_of(hip), "neck": outline(hip, up, points[1])}
    line = points[1] + np.outer([-0.6, 1.6], points[0] - points[1])
    condyles = np.stack([at["posterior_condyle_lateral"], at["posterior_condyle_medial"]])
    strokes = (
        Stroke(line, f"{value:.1f}°"),
        Stroke(condyles + np.outer([0.4, -0.4], condyles[0] - condyles[1]), "condyles", dashed=True),
        Stroke(points[:1]),
        Stroke(points[1:]),
    )
    return Sketch("Slices across the mechanical axis, from below", left, forward, strokes, outlines)
