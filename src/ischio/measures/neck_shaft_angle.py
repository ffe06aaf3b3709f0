"""Neck-shaft angle, also called caput-collum-diaphyseal angle."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio.measures._femur import given, unit, vector_of
from ischio.measures._given import direction, propagated
from ischio.measures._registry import Reading, measure
from ischio.types import Hip, Side, Sketch, Stroke


def _example(side: Side) -> tuple[Hip, float]:
    """A neck at 131 degrees to the shaft."""
    return phantoms.anatomy(side, neck_shaft_deg=131.0), 131.0


@measure(
    unit="deg",
    needs=("femoral_head_centre", "neck_isthmus_centre", "shaft_axis_proximal"),
    reference="Hartel et al. 2016, PLoS One 11:e0152284 (neck and shaft axes in 3-D)",
    evidence="Abstract of the reference read. Exact on phantoms. Films and photographs read several degrees "
    "more than 3-D does.",
    example=_example,
)
def neck_shaft_angle(hip: Hip) -> Reading:
    """Neck-shaft angle, also called caput-collum-diaphyseal angle.

    Angle in 3-D between the axis of the neck, from the centre of its isthmus to the centre of the head,
    and the axis of the upper shaft downwards. Larger is more valgus.

    Notes
    -----
    In 3-D it depends neither on rotation nor on a projection.
    """
    shaft = hip.landmarks["shaft_axis_proximal"]
    up = vector_of(shaft)
    known = given(hip, "femoral_head_centre", "neck_isthmus_centre")
    known["shaft_direction"] = direction(up, float(shaft.detail.get("sigma_deg", 0.0)))
    out = propagated(
        lambda at: float(
            np.degrees(
                np.arccos(
                    np.clip(
                        -unit(at["femoral_head_centre"] - at["neck_isthmus_centre"]) @ at["shaft_direction"],
                        -1,
                        1,
                    )
                )
            )
        ),
        known,
    )
    head, isthmus = hip.point("femoral_head_centre"), hip.point("neck_isthmus_centre")
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([head, isthmus, shaft.point_mm]),
        detail={"plane": "3-D", **out.detail},
        sketch=_sketch(hip, out.value),
    )


def _sketch(hip: Hip, value: float) -> Sketch:
    """The plane of neck and shaft, seen square."""
    head, isthmus = hip.point("femoral_head_centre"), hip.point("neck_isthmus_centre")
    shaft = hip.landmarks["shaft_axis_proximal"]
    up = vector_of(shaft)
    medial = head - isthmus
    medial = unit(medial - (medial @ up) * up)
    foot = isthmus + np.outer([-1.6, 2.2], head - isthmus)
    along = shaft.point_mm + np.outer([(isthmus - shaft.point_mm) @ up + 20, -60.0], up)
    strokes = (
        Stroke(foot, f"{value:.1f}°"),
        Stroke(along, "shaft"),
        Stroke(head[None]),
        Stroke(isthmus[None]),
    )
    left = hip.side.sign * medial
    return Sketch("Square to neck and shaft", left, up, strokes, shadows=("femur",))
