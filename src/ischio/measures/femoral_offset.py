"""Femoral offset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._femur import given, unit, vector_of
from ischio.measures._given import direction, propagated
from ischio.measures._registry import Reading, measure
from ischio.types import Hip, Side, Sketch, Stroke


def _example(side: Side) -> tuple[Hip, float]:
    """A shaft 2.1 head radii of 22 mm from the head's centre."""
    return phantoms.anatomy(side, head_radius_mm=22.0), 2.1 * 22.0


@measure(
    unit="mm",
    needs=("femoral_head_centre", "shaft_axis_proximal"),
    reference="Noble et al. 1988, Clin Orthop 235:148-165 (head's centre to the shaft's axis)",
    evidence="Definition from established knowledge, unverified against the paper; on films it shrinks "
    "when the "
    "leg is turned, in 3-D it does not. Exact on phantoms.",
    example=_example,
)
def femoral_offset(hip: Hip) -> Reading:
    """Femoral offset.

    Shortest distance in 3-D from the centre of the head to the axis of the upper shaft.
    """
    shaft = hip.landmarks["shaft_axis_proximal"]
    known = given(hip, "femoral_head_centre", "shaft_axis_proximal")
    known["shaft_direction"] = direction(vector_of(shaft), float(shaft.detail.get("sigma_deg", 0.0)))

    def distance(at: Mapping[str, Array]) -> float:
        away = at["femoral_head_centre"] - at["shaft_axis_proximal"]
        return float(np.linalg.norm(away - (away @ at["shaft_direction"]) * at["shaft_direction"]))

    out = propagated(distance, known)
    up, head = vector_of(shaft), hip.point("femoral_head_centre")
    foot = shaft.point_mm + ((head - shaft.point_mm) @ up) * up
    medial = unit(head - foot)
    along = foot + np.outer([25.0, -90.0], up)
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([head, foot]),
        detail={"plane": "3-D", **out.detail},
        sketch=Sketch(
            "Square to head and shaft",
            hip.side.sign * medial,
            up,
            (Stroke(np.stack([head, foot]), f"{out.value:.1f} mm"), Stroke(along, "shaft", dashed=True)),
            shadows=("femur",),
        ),
    )
