"""Angle between neck and lesser trochanter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ischio import phantoms
from ischio.measures._femur import AXES, angle_to_condyles, given, vector_of
from ischio.measures._given import Given, direction, propagated
from ischio.measures._registry import Reading, measure
from ischio.measures.lesser_trochanter_version import _centre, lesser_trochanter_version
from ischio.types import Hip, Side, Sketch, Stroke


def _example(side: Side) -> tuple[Hip, float]:
    """A neck of 11 degrees over a trochanter of -25 degrees."""
    return phantoms.anatomy(side, version_deg=11.0, trochanter_version_deg=-25.0), 36.0


@measure(
    unit="deg",
    needs=(*AXES, "neck_isthmus_centre", "lesser_trochanter_tip", "shaft_axis_proximal"),
    reference="Schroder et al. 2015, J Hip Preserv Surg 2:410-416; Waisbrod et al. 2017, J Hip Preserv Surg "
    "4:153-158",
    evidence="Abstracts of the references read. The neck's line is that of femoral_version_isthmus_3d; the "
    "papers draw it on slices. Exact on phantoms.",
    example=_example,
)
def neck_lesser_trochanter_angle(hip: Hip) -> Reading:
    """Angle between neck and lesser trochanter.

    Femoral version (isthmus, 3-D) minus version of the lesser trochanter: how far the trochanter lies
    behind the neck, seen along the mechanical axis.

    Notes
    -----
    The line behind the condyles cancels, so its errors do not count.
    """
    sign = hip.side.sign
    shaft = hip.landmarks["shaft_axis_proximal"]
    known = given(hip, *AXES, "neck_isthmus_centre", "lesser_trochanter_tip", "shaft_axis_proximal")
    known["shaft_direction"] = direction(vector_of(shaft), float(shaft.detail.get("sigma_deg", 0.0)))
    out = propagated(
        lambda at: (
            angle_to_condyles(at, sign, at["femoral_head_centre"] - at["neck_isthmus_centre"])
            - angle_to_condyles(at, sign, at["lesser_trochanter_tip"] - _centre(at))
        ),
        known,
    )
    still = {name: one.value for name, one in known.items()}
    below = lesser_trochanter_version(hip)
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([still["femoral_head_centre"], still["neck_isthmus_centre"], below.points_mm[1]])
        if below.points_mm is not None
        else None,
        detail={
            "version_method": "isthmus, 3-D",
            "femoral_version_deg": out.value + below.value,
            "lesser_trochanter_version_deg": below.value,
            **out.detail,
        },
        sketch=_with_neck(below.sketch, known, out.value),
    )


def _with_neck(sketch: Sketch | None, known: Mapping[str, Given], value: float) -> Sketch | None:
    """The trochanter's drawing with the neck's line in place of the condyles': between them is the angle."""
    if sketch is None:
        return None
    head, isthmus = known["femoral_head_centre"].value, known["neck_isthmus_centre"].value
    trochanter = replace(sketch.strokes[0], words="")
    neck = Stroke(isthmus + np.outer([1.6, -1.0], head - isthmus), f"{value:.1f}°")
    ends = [Stroke(point[None]) for point in (head, isthmus)]
    return replace(sketch, strokes=(trochanter, neck, *sketch.strokes[2:], *ends))
