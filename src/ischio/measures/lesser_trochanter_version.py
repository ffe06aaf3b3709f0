"""Version of the lesser trochanter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._femur import AXES, angle_to_condyles, directions, given, vector_of
from ischio.measures._given import direction, propagated
from ischio.measures._registry import Reading, measure
from ischio.measures._version import outline, outlines_of
from ischio.types import Hip, Side, Sketch, Stroke


def _example(side: Side) -> tuple[Hip, float]:
    """A trochanter 29 degrees behind the line of the condyles."""
    return phantoms.anatomy(side, trochanter_version_deg=-29.0), -29.0


def _centre(at: Mapping[str, Array]) -> Array:
    """Where the shaft's axis passes the level of the trochanter's tip."""
    up, along = at["femoral_head_centre"] - at["knee_centre"], at["shaft_direction"]
    reach = (at["lesser_trochanter_tip"] - at["shaft_axis_proximal"]) @ up / (along @ up)
    return at["shaft_axis_proximal"] + reach * along


@measure(
    unit="deg",
    needs=(*AXES, "lesser_trochanter_tip", "shaft_axis_proximal"),
    reference="Schroder et al. 2015, J Hip Preserv Surg 2:410-416",
    evidence="Abstract of the reference read; that the line starts at the shaft's centre is unverified. "
    "Exact "
    "on phantoms.",
    example=_example,
)
def lesser_trochanter_version(hip: Hip) -> Reading:
    """Version of the lesser trochanter.

    Angle of the line from the centre of the shaft to the tip of the lesser trochanter against the line
    behind both condyles, seen along the mechanical axis, at the level of the tip. Negative when the tip
    lies behind the condyles' line (retroversion).

    Notes
    -----
    The centre of the shaft is where the axis of its upper part passes the level of the tip.
    """
    sign = hip.side.sign
    shaft = hip.landmarks["shaft_axis_proximal"]
    known = given(hip, *AXES, "lesser_trochanter_tip", "shaft_axis_proximal")
    known["shaft_direction"] = direction(vector_of(shaft), float(shaft.detail.get("sigma_deg", 0.0)))
    out = propagated(lambda at: angle_to_condyles(at, sign, at["lesser_trochanter_tip"] - _centre(at)), known)
    still = {name: one.value for name, one in known.items()}
    centre, tip = _centre(still), still["lesser_trochanter_tip"]
    up, forward, medial = directions(still, sign)
    condyles = np.stack([still["posterior_condyle_lateral"], still["posterior_condyle_medial"]])
    outlines: dict[str, Array] = {}
    if hip.femur is not None:
        outlines = {"lesser trochanter": outline(hip, up, tip), "condyles": outlines_of(hip)["condyles"]}
    strokes = (
        Stroke(centre + np.outer([-0.5, 1.4], tip - centre), f"{out.value:.1f}°"),
        Stroke(condyles, "condyles", dashed=True),
        Stroke(centre[None]),
        Stroke(tip[None]),
    )
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([centre, tip]),
        detail={
            "distal_reference": "posterior condyles",
            "plane": "across the mechanical axis",
            **out.detail,
        },
        sketch=Sketch(
            "Slices across the mechanical axis, from below", sign * medial, forward, strokes, outlines
        ),
    )
